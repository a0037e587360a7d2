"""The facts of two texts held against each other."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, partial

from activities.checks.facts.amounts import (
    decimal_points,
    find_amounts,
    find_durations,
    find_numbers,
    find_ordinals,
    find_percentages,
)
from activities.checks.facts.codes import find_codes
from activities.checks.facts.dates import find_dates
from activities.checks.facts.fact import Fact, Kind, Page
from activities.checks.facts.times import find_times
from activities.checks.spoken import digits

CRITICAL = frozenset({Kind.TIME, Kind.DATE, Kind.AMOUNT, Kind.CODE, Kind.PERCENTAGE})
"""Kinds in which another value is another answer, whatever the rest says."""


def find_facts(text: str, language: str, today: date | None = None) -> list[Fact]:
    """Everything in a text that must not be wrong, besides names."""
    page = Page(decimal_points(digits(text, language), language))
    return [
        *find_dates(page, language, today),
        *find_codes(page, language),
        *find_amounts(page),
        *find_percentages(page),
        *find_times(page, language),
        *find_durations(page),
        *find_ordinals(page),
        *find_numbers(page, language),
    ]


@dataclass(frozen=True)
class Comparison:
    """What of the expected facts was said, what was not, and what was said besides; `heard` is all of it."""

    expected: tuple[Fact, ...]
    heard: tuple[Fact, ...]
    missing: tuple[Fact, ...]
    extra: tuple[Fact, ...]

    @cached_property
    def respelt(self) -> list[tuple[str, str]]:
        """How facts were said, and how the same facts were expected to be: (`1020`, `10:20`)."""
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
        """Expected facts in whose place another value was said, with those values."""
        found = []
        for fact in self.missing:
            instead = tuple(other for other in self.extra if fact.comparable(other))
            if instead:
                found.append((fact, instead))
        return found


def compare(
    expected: str, actual: str, language: str, *, expected_language: str | None = None, today: date | None = None
) -> Comparison:
    """Match facts of one kind by value, then numbers that only look like another kind (`it costs 80`, `$80`)."""
    wanted = find_facts(expected, expected_language or language, today)
    heard = find_facts(actual, language, today)
    missing, extra = _unpaired(wanted, heard)
    return Comparison(tuple(wanted), tuple(heard), missing, extra)


def _unpaired(wanted: Sequence[Fact], heard: Sequence[Fact]) -> tuple[tuple[Fact, ...], tuple[Fact, ...]]:
    """What is left of both when each fact was paired once, exact pairs first; saying a value again adds nothing.

    Once, because one number must not stand for two facts: `1 ticket` is no `March 1st`.
    """
    free = list(heard)
    left = [fact for fact in wanted if not _take(free, fact.same)]
    missing = [fact for fact in left if not any(fact.same(other) for other in heard)]
    missing = [fact for fact in missing if not _take(free, partial(_same_number, fact))]
    return tuple(missing), tuple(fact for fact in free if not any(fact.same(other) for other in wanted))


def _take(facts: list[Fact], fits: Callable[[Fact], bool]) -> bool:
    """Remove the first fact that fits; whether there was one."""
    found = next((fact for fact in facts if fits(fact)), None)
    if found is not None:
        facts.remove(found)
    return found is not None


def _same_number(fact: Fact, other: Fact) -> bool:
    """Whether two facts of different kinds can be one number, one of them being a plain number."""
    if fact.kind is other.kind or Kind.NUMBER not in {fact.kind, other.kind}:
        return False
    return bool(_plain(fact) & _plain(other))


def _plain(fact: Fact) -> set[str]:
    """The bare numbers that a fact may be heard as."""
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


def count(facts: Iterable[Fact], kind: Kind) -> int:
    """How many of a kind."""
    return sum(fact.kind is kind for fact in facts)


def explain(comparison: Comparison) -> list[str]:
    """One line for each difference, the gravest first: `time: expected 9:30, heard 9:13`."""
    told: list[str] = []
    replaced: set[Fact] = set()
    for fact, instead in comparison.conflicts:
        told.append(f"{fact.kind}: expected {fact.said}, heard {', '.join(other.said for other in instead)}")
        replaced |= {fact, *instead}
    told += [f"{fact.kind}: expected {fact.said}, not heard" for fact in comparison.missing if fact not in replaced]
    told += [f"{fact.kind}: heard {fact.said}, not expected" for fact in comparison.extra if fact not in replaced]
    return told
