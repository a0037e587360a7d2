"""A fact: a value that a text states; and the page on which facts are found and struck out."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """Kinds of facts."""

    CODE = "code"
    AMOUNT = "amount"
    PERCENTAGE = "percentage"
    TIME = "time"
    DATE = "date"
    DURATION = "duration"
    ORDINAL = "ordinal"
    NUMBER = "number"


@dataclass(frozen=True)
class Fact:
    """One fact. Two facts of a kind are the same if they share a reading: `9:30` reads as 09:30 and 21:30.

    Only facts of the same `form` can contradict each other: a weekday does not contradict a day of a month.
    """

    kind: Kind
    said: str
    readings: frozenset[str]
    form: str = ""
    maybe: frozenset[str] = field(default=frozenset(), compare=False)
    """Readings that the words allow but that nobody would count on: 1/2 as the first of February in America."""

    def same(self, other: "Fact") -> bool:
        """Whether both can mean one value."""
        return self.kind is other.kind and bool(self.readings & other.readings)

    def comparable(self, other: "Fact") -> bool:
        """Whether one can contradict the other."""
        return self.kind is other.kind and self.form == other.form


@dataclass(frozen=True)
class Match:
    """Whether a text states an expected fact. `heard` are the facts of its kind that it states, for people.

    `unsure` means that the text does not decide it. `wanted` and `facts` are the expected fact and those of its kind
    that were heard, where both were read as facts.
    """

    found: bool
    heard: tuple[str, ...]
    unsure: bool = False
    wanted: tuple[Fact, ...] = ()
    facts: tuple[Fact, ...] = ()


CONTEXT = 60
"""Characters."""

Put = Callable[[re.Match[str]], str | None]
"""What to write in the place of a match; None leaves it as it is."""


class Page:
    """A text from which found facts are struck out, so that no finder reads them again.

    `text` is what is left of it; `whole` is as long and keeps what was struck out. Facts quote the text as it was given,
    also where `put` wrote something else in its place.
    """

    def __init__(self, text: str) -> None:
        self.text = self.whole = self._given = text
        self._spans = [(at, at + 1) for at in range(len(text))]

    def strike(self, start: int, end: int) -> str:
        """Replace a span by a sign that no pattern matches. Returns what it held."""
        said = self._given[self._spans[start][0] : self._spans[end - 1][1]].strip() if end > start else ""
        self.text = self.text[:start] + "|" * (end - start) + self.text[end:]
        return said

    def before(self, at: int) -> str:
        """What is left of the text directly before a position; so much as can belong to what stands there."""
        return self.text[max(0, at - CONTEXT) : at]

    def put(self, pattern: re.Pattern[str], write: str | Put) -> None:
        """Write something else for each match of a pattern in what is left; facts still quote what was given."""
        parts: list[tuple[str, str, list[tuple[int, int]]]] = []
        done = 0
        for match in pattern.finditer(self.text):
            put = match.expand(write) if isinstance(write, str) else write(match)
            start, end = match.span()
            if put is None or end == start or put == match[0]:
                continue
            parts.append((self.text[done:start], self.whole[done:start], self._spans[done:start]))
            parts.append((put, put, [(self._spans[start][0], self._spans[end - 1][1])] * len(put)))
            done = end
        if done:
            parts.append((self.text[done:], self.whole[done:], self._spans[done:]))
            self.text = "".join(part[0] for part in parts)
            self.whole = "".join(part[1] for part in parts)
            self._spans = [span for part in parts for span in part[2]]
