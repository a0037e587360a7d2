"""All rules, and the one function that runs them."""

from collections.abc import Callable, Iterable, Mapping

from voicewright.judge.contradictions.additions import invented_facts, strangers
from voicewright.judge.contradictions.contradiction import Contradiction, Rule
from voicewright.judge.contradictions.counts import miscounts
from voicewright.judge.contradictions.denials import denied_words, odd_negation
from voicewright.judge.contradictions.incompatible import incompatible_words
from voicewright.judge.contradictions.opposites import opposite_words
from voicewright.judge.contradictions.relations import directions, tenses
from voicewright.judge.contradictions.repetition import repetition
from voicewright.judge.contradictions.texts import ComparedTexts

ENGLISH_RULES: Mapping[Rule, Callable[[ComparedTexts], Iterable[Contradiction]]] = {
    Rule.DENIED: denied_words,
    Rule.NEGATION: odd_negation,
    Rule.OPPOSITE: opposite_words,
    Rule.INCOMPATIBLE: incompatible_words,
    Rule.DIRECTION: directions,
    Rule.TENSE: tenses,
    Rule.MISCOUNT: miscounts,
    Rule.STRANGER: strangers,
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
