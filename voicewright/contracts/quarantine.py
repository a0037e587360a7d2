"""Quarantine: cases whose failures are known. They are held and reported as ever, but gate nothing until a day."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import Field

from voicewright.contracts.base import Contract
from voicewright.contracts.case import Outcome
from voicewright.contracts.text import Name, Sentence

MOST_CASES = 200
"""Of one suite: a run carries their ids along."""
MOST_DAYS = 90


class Quarantine(Contract):
    """One case in quarantine."""

    case: Annotated[str, Field(min_length=1, max_length=200)]
    """Its id in the suite; all its languages, callers and repeats are meant."""
    owner: Name
    """Who sees to it that it leaves quarantine."""
    reason: Sentence
    until: date
    """The last day (UTC). From the next one on the case gates again."""
    by: Name = ""
    """Who put it there; empty where nobody was logged in."""
    since: datetime

    def holds(self, day: date | None = None) -> bool:
        """Whether it holds on a day; on the present one, by UTC, where none is given."""
        return (day or datetime.now(UTC).date()) <= self.until


class Quarantines(Contract):
    """Those of one suite, by case; also those whose last day is over."""

    cases: tuple[Quarantine, ...] = ()


def gating(counts: Mapping[Outcome, int], quarantined: Mapping[Outcome, int]) -> dict[Outcome, int]:
    """Cases by outcome, without those in quarantine."""
    left = {outcome: count - quarantined.get(outcome, 0) for outcome, count in counts.items()}
    return {outcome: count for outcome, count in left.items() if count > 0}
