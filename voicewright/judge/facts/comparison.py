"""Compares the facts of two texts."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, partial

from voicewright.judge.facts.fact import Fact, Kind
from voicewright.judge.facts.find import find_facts

CRITICAL = frozenset({Kind.TIME, Kind.DATE, Kind.AMOUNT, Kind.CODE, Kind.PERCENTAGE})
"""Kinds of which a different value makes a different answer, whatever the rest says."""


@dataclass(frozen=True)
class FactComparison:
    """The facts of an expected and an actual text: all of both, the missing ones and the extra ones."""

    expected: tuple[Fact, ...]
    heard: tuple[Fact, ...]
    missing: tuple[Fact, ...]
    extra: tuple[Fact, ...]

    @cached_property
    def respelt(self) -> list[tuple[str, str]]:
        """Facts that were said in another spelling: (as said, as expected), e.g. (`1020`, `10:20`); the longest first."""
        found = []
        for other in self.heard:
            fact = next((fact for fact in self.expected if fact.same(other)), None) or next(
                (
                    fact
                    for fact in self.expected
                    if _same_number(fact, other) and fact not in self.missing and not any(map(fact.same, self.heard))
                ),
                None,
            )
            if fact is not None and fact.said != other.said:
                found.append((other.said, fact.said))
        return sorted(found, key=lambda pair: -len(pair[0]))

    @cached_property
    def conflicts(self) -> list[tuple[Fact, tuple[Fact, ...]]]:
        """Missing facts in whose place another value was said, each with those values."""
        found = []
        for fact in self.missing:
            instead = tuple(other for other in self.extra if fact.comparable(other) or _less_exact(fact, other))
            if instead:
                found.append((fact, instead))
        return found


def compare_facts(
    expected: str, actual: str, language: str, *, expected_language: str | None = None, today: date | None = None
) -> FactComparison:
    """Match facts of one kind by value, then plain numbers with facts of another kind (`it costs 80`, `$80`).

    `language` is that of the actual text, and of the expected one unless `expected_language` is given.
    """
    wanted = find_facts(expected, expected_language or language, today)
    heard = find_facts(actual, language, today)
    missing, extra = _unpaired(wanted, heard)
    return FactComparison(tuple(wanted), tuple(heard), missing, extra)


def _unpaired(wanted: Sequence[Fact], heard: Sequence[Fact]) -> tuple[tuple[Fact, ...], tuple[Fact, ...]]:
    """Missing and extra facts, after each fact was paired at most once, exact pairs first.

    At most once, because one number must not stand for two facts: `1 ticket` is not `March 1st`. Repeating an expected
    value adds nothing.
    """
    free = list(heard)
    left = [fact for fact in wanted if not _take(free, fact.same)]
    missing = [fact for fact in left if not any(fact.same(other) for other in heard)]
    missing = [fact for fact in missing if not _take(free, partial(_same_number, fact))]
    return tuple(missing), tuple(fact for fact in free if not any(fact.same(other) for other in wanted))


def _take(facts: list[Fact], fits: Callable[[Fact], bool]) -> bool:
    """Remove the first fact that fits. Returns whether there was one."""
    found = next((fact for fact in facts if fits(fact)), None)
    if found is not None:
        facts.remove(found)
    return found is not None


def _same_number(fact: Fact, other: Fact) -> bool:
    """Whether one of the facts is a plain number and the other, of another kind, can be the same number."""
    if fact.kind is other.kind or Kind.NUMBER not in {fact.kind, other.kind}:
        return False
    return bool(_plain(fact) & _plain(other))


def _plain(fact: Fact) -> set[str]:
    """The plain numbers that a fact may be read as."""
    plain: set[str] = set()
    for reading in fact.readings:
        if fact.kind is Kind.TIME:
            hour, minute = int(reading[:2]), int(reading[3:])
            plain |= {str(hour * 100 + minute), f"{hour + minute / 100:g}"} | (
                set() if minute else {str(hour), str(hour % 12)}
            )
            plain |= {fact.said} if fact.said.isdigit() else set()  # 2400 is midnight, and a house
        elif fact.kind is Kind.DATE and reading.startswith("year "):
            plain.add(reading[5:])
        elif fact.kind is Kind.DATE:
            plain |= {reading[3:].lstrip("0")} if fact.form == "day of a month" and len(reading) == 5 else set()  # noqa: PLR2004
        else:
            plain.add("".join(sign for sign in reading if sign.isdigit() or sign == "."))
    return plain


def _less_exact(fact: Fact, other: Fact) -> bool:
    """Whether a date was said without its day: `in 2026` for the second of January 2026."""
    return other.form == "year" and any(f"year {reading[:4]}" in other.readings for reading in _full_dates(fact))


def _full_dates(fact: Fact) -> list[str]:
    return [reading for reading in fact.readings if fact.kind is Kind.DATE and reading[4:5] == "-"]


def count(facts: Iterable[Fact], kind: Kind) -> int:
    """How many facts are of a kind."""
    return sum(fact.kind is kind for fact in facts)
