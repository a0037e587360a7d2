"""What pages show of the records."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from voicewright.contracts.case import CaseKey, Outcome
from voicewright.contracts.records import RunRecord


class PlaceError(ValueError):
    """A place in a list that nobody was given."""


@dataclass(frozen=True)
class Cursor:
    """Where a page of runs ended: at the run of this id that started then."""

    started_at: datetime
    run_id: str

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(f"{self.started_at.isoformat()} {self.run_id}".encode()).decode()

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """The opposite of `str`.

        Raises:
            PlaceError: it never was one.
        """
        try:
            at, _, run_id = base64.urlsafe_b64decode(text.encode()).decode().partition(" ")
            moment = datetime.fromisoformat(at)
        except (ValueError, binascii.Error):
            raise PlaceError("`before` is no place in this list: start from its first page") from None
        if moment.tzinfo is None or not run_id or "\0" in run_id:
            raise PlaceError("`before` is no place in this list: start from its first page")
        return cls(moment.astimezone(UTC), run_id)


@dataclass(frozen=True)
class RunLine:
    """A run in a list. `waiting` counts the cases that wait for a person."""

    run: RunRecord
    counts: dict[Outcome, int]
    waiting: int

    @property
    def took(self) -> timedelta | None:
        """From its start to its report; None while it goes on."""
        return self.run.ended_at - self.run.started_at if self.run.ended_at is not None else None


@dataclass(frozen=True)
class RunPage:
    """A page of runs, and where the next one begins; None on the last."""

    lines: list[RunLine]
    further: Cursor | None


@dataclass(frozen=True)
class CaseCell:
    """How a case ended in the run at `place`; without an outcome it waits for a person."""

    place: int
    workflow_id: str
    key: CaseKey
    outcome: Outcome | None


@dataclass(frozen=True)
class Square:
    """A case in one run, all its repeats together: how the worst of them ended, and how many ended so."""

    worst: CaseCell
    like_it: int
    of: int


@dataclass
class CaseHistory:
    """A case through the runs of a history, the oldest first; None where it was not held."""

    name: str
    squares: list[Square | None]
    flakiness: float | None = None
    """Of any two judged results that follow each other, the share that differ; None below two results."""


@dataclass(frozen=True)
class History:
    """The cases of a suite through its last runs, the oldest first."""

    runs: list[RunRecord] = field(default_factory=list)
    cases: list[CaseHistory] = field(default_factory=list)


_WORST = (Outcome.FAILED, Outcome.ERRORED, None, Outcome.UNREVIEWED, Outcome.PASSED)
_JUDGED = {Outcome.PASSED, Outcome.FAILED}


def history_of(runs: list[RunRecord], cells: Sequence[CaseCell]) -> History:
    """A history from how each case ended in each run; cases in the order of their names."""
    grouped: dict[str, list[list[CaseCell]]] = {}
    for cell in cells:
        places = grouped.setdefault(f"{cell.key.case} {cell.key.cell}", [[] for _ in runs])
        places[cell.place].append(cell)
    cases = []
    for name, places in sorted(grouped.items()):
        repeats = [sorted(some, key=lambda cell: cell.key.repeat) for some in places]
        judged = [cell.outcome for some in repeats for cell in some if cell.outcome in _JUDGED]
        cases.append(CaseHistory(name, [_square(some) for some in repeats], flakiness(judged)))
    return History(runs, cases)


def flakiness(judged: Sequence[Outcome | None]) -> float | None:
    """Of any two results that follow each other, the share that differ: 0 never changes, 1 changes every time."""
    pairs = list(pairwise(judged))
    return sum(first is not second for first, second in pairs) / len(pairs) if pairs else None


def _square(repeats: list[CaseCell]) -> Square | None:
    if not repeats:
        return None
    worst = min(repeats, key=lambda cell: _WORST.index(cell.outcome))
    return Square(worst, sum(cell.outcome is worst.outcome for cell in repeats), len(repeats))
