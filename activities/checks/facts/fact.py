"""What a text claims and must not get wrong."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Kinds of facts, in the order in which they are looked for: `9:30` is a time before it is two numbers."""

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
    """One claim. Two facts of a kind are the same when they share a reading: `9:30` reads as 09:30 and 21:30.

    `form` names facts that can be held against each other: a weekday says nothing against a day of a month.
    """

    kind: Kind
    said: str
    readings: frozenset[str]
    form: str = ""

    def same(self, other: "Fact") -> bool:
        """Whether both can mean one value."""
        return self.kind is other.kind and bool(self.readings & other.readings)

    def comparable(self, other: "Fact") -> bool:
        """Whether one can contradict the other."""
        return self.kind is other.kind and self.form == other.form


@dataclass(frozen=True)
class Match:
    """Whether an expected fact is in a text. `heard` is what of its kind was found, for people to read."""

    found: bool
    heard: tuple[str, ...]
    unsure: bool = False


class Page:
    """A text from which found facts are struck out, so that nothing is read twice."""

    def __init__(self, text: str) -> None:
        self.text = text

    def strike(self, start: int, end: int) -> str:
        """Replace by a sign that no pattern crosses; returns what stood there."""
        said = self.text[start:end].strip()
        self.text = self.text[:start] + "|" * (end - start) + self.text[end:]
        return said
