"""All rules, and the one function that runs them."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from voicewright.judge.contradictions.additions import invented_facts, repetition, strangers
from voicewright.judge.contradictions.contradiction import Contradiction, Rule
from voicewright.judge.contradictions.counts import miscounts
from voicewright.judge.contradictions.denials import denied_words, odd_negation
from voicewright.judge.contradictions.incompatible import incompatible_words
from voicewright.judge.contradictions.names import other_names
from voicewright.judge.contradictions.one_sided import (
    all_for_some,
    one_sided_confirmations,
    one_sided_reports,
    unanswered,
)
from voicewright.judge.contradictions.opposites import opposite_words
from voicewright.judge.contradictions.relations import (
    directions,
    exchanged_doers,
    exchanged_roles,
    exchanged_values,
    tenses,
)
from voicewright.judge.contradictions.texts import ComparedTexts
from voicewright.judge.facts import Kind


def _uncompared_dates(texts: ComparedTexts) -> Iterator[Contradiction]:
    """A date in another form, which only the day of the call would let one compare: `tomorrow` for `March 4th`."""
    lost = [fact for fact in texts.facts.missing if fact.kind is Kind.DATE]
    added = [fact for fact in texts.facts.extra if fact.kind is Kind.DATE]
    if lost and added and not texts.facts.conflicts:
        yield Contradiction(Rule.DATE, lost[0].said, added[0].said, Kind.DATE)


def _exchanges(texts: ComparedTexts) -> Iterator[Contradiction]:
    if texts.is_long:
        return
    yield from exchanged_roles(texts)
    yield from exchanged_values(texts)
    yield from exchanged_doers(texts)


ENGLISH_RULES: Mapping[Rule, Callable[[ComparedTexts], Iterable[Contradiction]]] = {
    Rule.DENIED: denied_words,
    Rule.NEGATION: odd_negation,
    Rule.OPPOSITE: opposite_words,
    Rule.INCOMPATIBLE: incompatible_words,
    Rule.DIRECTION: directions,
    Rule.TENSE: tenses,
    Rule.MISCOUNT: miscounts,
    Rule.STRANGER: strangers,
    Rule.NAME: other_names,
    Rule.DATE: _uncompared_dates,
    Rule.REPORT: one_sided_reports,
    Rule.UNANSWERED: unanswered,
    Rule.ROLE: _exchanges,
    Rule.CONFIRMATION: one_sided_confirmations,
    Rule.ALL_FOR_SOME: all_for_some,
}
"""Rules that read English words."""


def _other_values(texts: ComparedTexts) -> Iterable[Contradiction]:
    for fact, others in texts.facts.conflicts:
        yield Contradiction(Rule.VALUE, fact.said, ", ".join(other.said for other in others), fact.kind)


RULES: Mapping[Rule, Callable[[ComparedTexts], Iterable[Contradiction]]] = {
    Rule.VALUE: _other_values,
    Rule.INVENTED_FACT: invented_facts,
    Rule.REPEATED: repetition,
}
"""Rules that hold in every language."""


def find_contradictions(texts: ComparedTexts) -> tuple[Contradiction, ...]:
    """Everything that the rules find in two texts, rule by rule."""
    rules = (*RULES.values(), *(ENGLISH_RULES.values() if texts.english else ()))
    return tuple(found for rule in rules for found in rule(texts))
