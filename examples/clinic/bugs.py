"""Bugs that a voice agent may have, to prove that a tester finds each. All are off until named.

Each bites in one situation only, as real bugs do, so that it can be seen which test finds it.
"""

from enum import StrEnum


class Bug(StrEnum):
    """Switch on with `--bugs a,b`, or for one caller with `?bugs=a,b` in the address."""

    WRONG_TIME = "wrong_time"
    """Books half an hour past the wrong hour: ten thirty where the caller said nine thirty."""
    SLOW = "slow"
    """Takes six seconds to look up the opening hours."""
    SILENT = "silent"
    """Says nothing when asked for the address; the line stays open."""
    TALKS_OVER_CALLER = "talks_over_caller"
    """Starts to talk into an utterance of more than five seconds."""
    DROPS_CALL = "drops_call"
    """Hangs up when asked to cancel an appointment."""
    FORGETS_CONTEXT = "forgets_context"
    """Forgets the doctor when it has to ask for the day."""
    MUMBLES = "mumbles"
    """Mumbles its answer about parking."""


def parse_bugs(text: str) -> frozenset[Bug]:
    """Read a comma-separated list.

    Raises:
        ValueError: a name is no bug; the message lists those that there are.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in set(Bug)]
    if unknown:
        message = f"unknown bug {', '.join(unknown)}: there are {', '.join(Bug)}"
        raise ValueError(message)
    return frozenset(Bug(name) for name in names)
