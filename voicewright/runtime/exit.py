"""The one way out of every process of ours.

With temporalio loaded, CPython's own shutdown can crash after all work is done (sdk-python issue 300), and a crash
replaces the exit status that CI lives by. So every entry point finishes in order, flushes, and leaves from here.
"""

import logging
import os
import sys
from collections.abc import Mapping
from enum import IntEnum
from typing import NoReturn

from voicewright.contracts.case import Outcome


def leave(code: int) -> NoReturn:
    """Flush what was printed and logged, then end the process with `code`, skipping interpreter shutdown."""
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            continue  # the reader is gone (a closed pipe): nobody is left to tell
    os._exit(code)


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
