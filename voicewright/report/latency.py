"""How soon the agent answers: the one definition that checks, reports and comparisons share."""

from collections.abc import Iterable
from typing import Protocol


class TimedTurn(Protocol):
    """A turn as it was held; times in ms from the start of the recording."""

    @property
    def turn(self) -> int:
        """Its number, from 0."""

    @property
    def caller_end_ms(self) -> int | None:
        """The caller's last sound; None where the caller did not speak."""

    @property
    def ttfa_ms(self) -> int | None:
        """Time to first audio; None where the agent did not answer."""


def answer_times(turns: Iterable[TimedTurn]) -> list[tuple[int, int]]:
    """(turn, time to first audio in ms) of every turn in which the agent answered the caller.

    A greeting answers nobody: how long an agent takes to pick up and greet is no response latency.
    """
    return [(one.turn, one.ttfa_ms) for one in turns if one.ttfa_ms is not None and one.caller_end_ms is not None]


def percentile(values: list[int], percent: int) -> int | None:
    """The value under which so many percent of the others lie, interpolated; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return round(ordered[low] + (ordered[high] - ordered[low]) * (place - low))
