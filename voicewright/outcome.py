"""How a case can end, and what that means for a process that waits for a run."""

from collections.abc import Mapping
from enum import IntEnum, StrEnum


class Outcome(StrEnum):
    """`failed` blames the agent; `errored` never does."""

    PASSED = "passed"
    FAILED = "failed"
    ERRORED = "errored"
    """It could not be tested: infrastructure, carrier or our own caller."""
    UNREVIEWED = "unreviewed"
    """A human was needed and the time ran out."""


class ExitCode(IntEnum):
    """Exit status of `voicewright run` and of everything that gates on a run."""

    PASSED = 0
    FAILED = 1
    BAD_INPUT = 2
    ERRORED = 3
    REVIEW_PENDING = 4


def exit_code(counts: Mapping[Outcome, int], *, still_open: int = 0) -> ExitCode:
    """The worst news wins: a wrong agent before a broken test before an undecided one.

    Args:
        counts: cases per outcome.
        still_open: cases that have no outcome yet because they wait for a human.
    """
    if counts.get(Outcome.FAILED, 0):
        return ExitCode.FAILED
    if counts.get(Outcome.ERRORED, 0):
        return ExitCode.ERRORED
    if still_open or counts.get(Outcome.UNREVIEWED, 0):
        return ExitCode.REVIEW_PENDING
    return ExitCode.PASSED
