"""Hard rules on the words of an answer: phrases, patterns and facts that must, or must not, be there."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from voicewright.contracts.check import CheckKind
from voicewright.judge.contradictions.confusability import sound_alike
from voicewright.judge.facts import (
    Kind,
    Match,
    find_facts,
    match_amount,
    match_date,
    match_name,
    match_number,
    match_time,
)
from voicewright.judge.text.phrases import contains, may_contain
from voicewright.languages import base_language
from voicewright.pattern import compile_pattern

_FIGURES = 3
"""A number with so many figures stands for itself; a shorter one may belong to anything."""


class ExpectedFacts(Protocol):
    """Expected facts by kind, as a suite lists them."""

    @property
    def times(self) -> Sequence[str]:
        """Clock times."""

    @property
    def dates(self) -> Sequence[str]:
        """Weekdays and days of the calendar."""

    @property
    def amounts(self) -> Sequence[str]:
        """Sums of money."""

    @property
    def numbers(self) -> Sequence[float | str]:
        """Plain numbers; text if every digit counts, as in a code."""

    @property
    def names(self) -> Sequence[str]:
        """Names."""


@dataclass(frozen=True)
class RuleResult:
    """The result of one rule. `holds` is None if the words of the answer cannot decide it.

    `heard` is the phrase or the span that was found, or the values of the expected kind that were heard.
    """

    kind: CheckKind
    expected: str
    holds: bool | None
    heard: tuple[str, ...] = ()
    alike: bool = False
    """What was heard sounds like what is expected, so that a recogniser may have heard one for the other."""


def check_phrases(
    text: str,
    language: str,
    *,
    contain: Sequence[str] = (),
    lack: Sequence[str] = (),
    match: Sequence[str] = (),
    spoken: bool = True,
) -> Iterator[RuleResult]:
    """Check phrases that must be said (`contain`), that must not (`lack`), and regular expressions (RE2, `match`).

    `spoken` says that the text comes from a recogniser: words that sound like a phrase leave it open.
    A phrase of signs alone can neither be heard nor be missed.
    """
    for phrase in contain:
        said = contains(text, phrase, language) or _states(text, phrase, language)
        alike = spoken and not said and may_contain(text, phrase, language)
        holds = None if alike or _unspeakable(phrase) else said
        yield RuleResult(CheckKind.CONTAINS, phrase, holds, (phrase,) if said else (), alike)
    for phrase in lack:
        said = contains(text, phrase, language) or _states(text, phrase, language)
        holds = None if _unspeakable(phrase) else not said
        yield RuleResult(CheckKind.ABSENT, phrase, holds, (phrase,) if said else ())
    for pattern in match:
        found = compile_pattern(pattern)(text)
        yield RuleResult(CheckKind.MATCHES, pattern, found is not None, (text[found[0] : found[1]],) if found else ())


def _states(text: str, phrase: str, language: str) -> bool:
    """Whether a phrase is one value in figures, such as `$80.50` or `4471`, and the text says it in other words."""
    facts = find_facts(phrase, language)
    if len(facts) != 1 or len(facts[0].said) < len(phrase.strip(" .")) or not any(map(str.isdigit, phrase)):
        return False
    kind = facts[0].kind
    if kind is Kind.AMOUNT:
        return match_amount(phrase, text, language).found
    if kind is Kind.TIME:
        return match_time(phrase, text, language).found
    return len(phrase) >= _FIGURES and kind in {Kind.CODE, Kind.NUMBER} and match_number(phrase, text, language).found


def _unspeakable(phrase: str) -> bool:
    return not any(sign.isalnum() or sign in "%&$£€¥₹" for sign in phrase)


def check_facts(
    expected: ExpectedFacts, text: str, language: str, today: date | None = None, *, spoken: bool = True
) -> Iterator[RuleResult]:
    """Check facts that must be said, in any form. With `today`, the day of the call, `tomorrow` is a date.

    `spoken` says that the text comes from a recogniser: a value that sounds like the expected one decides nothing.
    """
    matchers: list[tuple[CheckKind, Sequence[float | str], Callable[[str], Match]]] = [
        (CheckKind.TIME, expected.times, lambda one: match_time(one, text, language)),
        (CheckKind.DATE, expected.dates, lambda one: match_date(one, text, language, today)),
        (CheckKind.AMOUNT, expected.amounts, lambda one: match_amount(one, text, language)),
        (CheckKind.NAME, expected.names, lambda one: match_name(one, text, language)),
    ]
    for kind, wanted, match in matchers:
        for one in wanted:
            yield _result_of(kind, str(one), match(str(one)), language, spoken=spoken)
    for number in expected.numbers:
        yield _result_of(CheckKind.NUMBER, str(number), match_number(number, text, language), language, spoken=spoken)


def _result_of(kind: CheckKind, expected: str, match: Match, language: str, *, spoken: bool) -> RuleResult:
    if match.found:
        return RuleResult(kind, expected, holds=True, heard=(expected,))
    alike = spoken and any(sound_alike(fact, other) for fact in match.wanted for other in match.facts)
    # A name may be misspelt; and we do not read spoken facts well enough in other languages to call an answer wrong.
    unsure = match.unsure or alike or base_language(language) != "en"
    return RuleResult(kind, expected, None if unsure else False, match.heard, alike)


def rule_text(ruled: RuleResult) -> str:
    """The result of a rule, in a sentence for people."""
    text = _text(ruled)
    return f"{text}, which sounds alike" if ruled.alike else text


def _text(ruled: RuleResult) -> str:
    heard = ", ".join(ruled.heard)
    if _unspeakable(ruled.expected) and ruled.kind in {CheckKind.CONTAINS, CheckKind.ABSENT}:
        return f"{ruled.expected!r} cannot be heard"
    if ruled.alike and ruled.kind is CheckKind.CONTAINS:
        return f"{ruled.expected!r} was not heard, but words"
    if ruled.kind is CheckKind.CONTAINS:
        return f"{ruled.expected!r} {'was' if ruled.holds else 'was not'} heard"
    if ruled.kind is CheckKind.ABSENT:
        return f"{ruled.expected!r} {'was not heard' if ruled.holds else 'was heard and must not be'}"
    if ruled.kind is CheckKind.MATCHES:
        return f"{ruled.expected!r} matches {f'{heard!r}' if ruled.heard else 'nothing that was heard'}"
    return f"{ruled.kind}: expected {ruled.expected}, heard {heard or 'nothing of the kind'}"
