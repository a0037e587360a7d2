"""What the judge found in a pair, as fields and in words for people."""

from collections.abc import Iterator
from itertools import islice

from voicewright.contracts.check import Finding, FindingKind
from voicewright.judge.contradictions import Rule
from voicewright.judge.facts import FactComparison
from voicewright.judge.model.reading import Reading
from voicewright.judge.verdict import Judgement, ReviewReason

_MOST_VALUES = 4
_MOST_WORDS = 4
_MOST = 2
_CLEARLY_MISSING = 0.6
"""A word whose nearest counterpart is less alike than this was not said; a nearer one may be misheard."""
_SWAPS = (Rule.INCOMPATIBLE, Rule.DIRECTION, Rule.TENSE, Rule.NAME, Rule.DATE, Rule.ROLE)
"""Rules whose findings people read as one word in the place of another."""
_TEXTS = {
    FindingKind.OTHER_VALUE: "{of}: expected {expected}, heard {heard}",
    FindingKind.VALUE_MISSING: "{of}: expected {expected}, not heard",
    FindingKind.VALUE_ADDED: "{of}: heard {heard}, not expected",
    FindingKind.DENIED: "denied in only one of the two: {expected}",
    FindingKind.NEGATED: "only one of the two has a negation",
    FindingKind.REPEATED: "said twice: {heard} ...",
    FindingKind.OPPOSITE: "opposite: expected {expected}, heard {heard}",
    FindingKind.IN_ITS_PLACE: "other word: expected {expected!r}, heard {heard!r}",
    FindingKind.MISCOUNTED: "{of}: expected {expected}, heard {heard}",
    FindingKind.STRANGER: "name: heard {heard}, not expected",
    FindingKind.REPORTED: "only one of the two says that it was done",
    FindingKind.CONFIRMED: "only one of the two asks for a confirmation",
    FindingKind.ALL_FOR_SOME: "one speaks of all, the other tells them apart",
    FindingKind.WORDS_MISSING: "not heard: {expected}",
    FindingKind.WORDS_ADDED: "also heard: {heard}",
    FindingKind.SAME_WORDS: "said word for word",
    FindingKind.NOTHING_SAID: "nothing was said",
}

_REASON_TEXTS = {
    ReviewReason.NO_WORDS: "there are no words to judge",
    ReviewReason.TOO_LONG: "the answer is too long for the judge",
    ReviewReason.FEW_LABELS: "too few labelled answers to decide",
    ReviewReason.OUT_OF_DISTRIBUTION: "out of distribution: unlike the dialogues that the judge was fitted on",
    ReviewReason.CONTRADICTED: "likely the same, but something contradicts it or was added",
    ReviewReason.UNSURE: "not sure enough either way",
    ReviewReason.DOUBTFUL_VALUE: "the recogniser was unsure of the value that contradicts",
    ReviewReason.SOUNDS_ALIKE: "the values that differ sound alike",
    ReviewReason.EXAMPLE: "the expected answer holds an example, which need not be said",
    ReviewReason.OTHER_WORDS: "only one has a negation, but other words may make both say the same",
    ReviewReason.RULE_UNSURE: "these words do not decide a rule",
}


def reason_text(judgement: Judgement) -> str:
    """Why a person is asked, for people; empty for an automatic verdict."""
    if judgement.reason is None:
        return ""
    text = _REASON_TEXTS[judgement.reason]
    return f"{text} ({judgement.bucket})" if judgement.reason is ReviewReason.FEW_LABELS else text


def findings_of(reading: Reading) -> tuple[Finding, ...]:
    """What a person can check in a pair, the most serious first."""
    return tuple(_findings(reading))


def evidence_lines(judgement: Judgement) -> list[str]:
    """A judgement's findings, one line each, and its probability, for people."""
    lines = [_TEXTS[one.kind].format(of=one.of, expected=one.expected, heard=one.heard) for one in judgement.findings]
    without_model = {FindingKind.SAME_WORDS, FindingKind.NOTHING_SAID}
    if not any(one.kind in without_model for one in judgement.findings):
        lines.append(f"probability of the same meaning {judgement.p_pass:.3f}")
    return lines


def _findings(reading: Reading) -> Iterator[Finding]:
    yield from islice(_values(reading.facts), _MOST_VALUES)
    yield from _by_rules(reading, FindingKind.DENIED, Rule.DENIED)
    yield from _by_rules(reading, FindingKind.REPEATED, Rule.REPEATED)
    if not reading.by_rule(Rule.DENIED):
        yield from _by_rules(reading, FindingKind.NEGATED, Rule.NEGATION)
    yield from _by_rules(reading, FindingKind.OPPOSITE, Rule.OPPOSITE)
    yield from _by_rules(reading, FindingKind.IN_ITS_PLACE, *_SWAPS)
    yield from _by_rules(reading, FindingKind.MISCOUNTED, Rule.MISCOUNT)
    yield from _by_rules(reading, FindingKind.STRANGER, Rule.STRANGER)
    yield from _by_rules(reading, FindingKind.REPORTED, Rule.REPORT)
    yield from _by_rules(reading, FindingKind.CONFIRMED, Rule.CONFIRMATION)
    yield from _by_rules(reading, FindingKind.ALL_FOR_SOME, Rule.ALL_FOR_SOME)
    if lost := [word for word, near in reading.missing.missing if near < _CLEARLY_MISSING]:
        yield Finding(kind=FindingKind.WORDS_MISSING, expected=", ".join(lost[:_MOST_WORDS]))
    if added := [word for word, near in reading.extra.missing if near < _CLEARLY_MISSING]:
        yield Finding(kind=FindingKind.WORDS_ADDED, heard=", ".join(added[:_MOST_WORDS]))


def _by_rules(reading: Reading, kind: FindingKind, *rules: Rule) -> Iterator[Finding]:
    for found in reading.by_rule(*rules)[:_MOST]:
        of = found.of if kind is FindingKind.MISCOUNTED else ""
        yield Finding(kind=kind, of=of, expected=found.expected, heard=found.heard)


def _values(facts: FactComparison) -> Iterator[Finding]:
    replaced = {fact for expected, instead in facts.conflicts for fact in (expected, *instead)}
    for fact, instead in facts.conflicts:
        heard = ", ".join(other.said for other in instead)
        yield Finding(kind=FindingKind.OTHER_VALUE, of=fact.kind, expected=fact.said, heard=heard)
    for fact in facts.missing:
        if fact not in replaced:
            yield Finding(kind=FindingKind.VALUE_MISSING, of=fact.kind, expected=fact.said)
    for fact in facts.extra:
        if fact not in replaced:
            yield Finding(kind=FindingKind.VALUE_ADDED, of=fact.kind, heard=fact.said)
