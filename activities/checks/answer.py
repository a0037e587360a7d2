"""Checks on what the agent answered in one turn: words, patterns, facts, meaning."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from activities.checks.facts import Match, match_amount, match_date, match_name, match_number, match_time, spell
from activities.checks.hard import hard
from activities.checks.meaning.pair import Condition, Pair
from activities.checks.meaning.sentence import Sentence
from activities.checks.spoken import contains
from activities.ports import MeaningJudge
from voicewright.languages import base_language
from voicewright.pattern import compile_pattern
from voicewright.suite import Entities, Expectation, Judge, in_language
from voicewright.verdict import Check, CheckOutcome

CUT = " ..."
"""Ends a quotation that is not whole."""
_SHOWN = 300
"""Characters of an answer that an evidence line quotes."""

_OUTCOMES = {
    Sentence.PASS: CheckOutcome.PASSED,
    Sentence.FAIL: CheckOutcome.FAILED,
    Sentence.REVIEW: CheckOutcome.UNSURE,
}
_FACTS: dict[str, tuple[str, Callable[[str, str, str], Match]]] = {
    "times": ("time", match_time),
    "dates": ("date", match_date),
    "amounts": ("amount", match_amount),
    "names": ("name", match_name),
}


@dataclass(frozen=True)
class Answer:
    """What the agent said in one turn, and the question that it answers."""

    text: str
    turn: int
    language: str
    question: str = ""
    confidence: tuple[float, ...] = ()
    """The recogniser's, for each word of `text`."""


def answer_checks(expect: Expectation, said: Answer, *, judge: MeaningJudge | None, limits: Judge) -> Iterator[Check]:
    """Every expectation of a turn held against the words of the answer."""
    answer, turn, language = said.text, said.turn, said.language
    quoted = answer if len(answer) <= _SHOWN else answer[:_SHOWN] + CUT
    for phrase in in_language(expect.contains, language) or []:
        heard = contains(answer, phrase, language)
        how = "was" if heard else "was not"
        yield hard("contains", turn, expected=phrase, actual=quoted, passed=heard, evidence=f"{phrase!r} {how} heard")
    for phrase in in_language(expect.absent, language) or []:
        heard = contains(answer, phrase, language)
        how = "was heard and must not be" if heard else "was not heard"
        yield hard("absent", turn, expected=phrase, actual=quoted, passed=not heard, evidence=f"{phrase!r} {how}")
    for pattern in in_language(expect.matches, language) or []:
        found = compile_pattern(pattern)(answer)
        how = f"matches {answer[found[0] : found[1]]!r}" if found else "matches nothing that was heard"
        yield hard(
            "matches", turn, expected=pattern, actual=quoted, passed=found is not None, evidence=f"{pattern!r} {how}"
        )
    yield from _fact_checks(expect.entities, answer, quoted, turn=turn, language=language)
    meaning = in_language(expect.meaning, language)
    if meaning is not None and judge is not None:
        yield _meaning(meaning, quoted, said, judge=judge, limits=limits)


def _fact_checks(entities: Entities, answer: str, quoted: str, *, turn: int, language: str) -> Iterator[Check]:
    for field, (kind, match) in _FACTS.items():
        for expected in getattr(entities, field):
            yield _fact(kind, str(expected), match(expected, answer, language), quoted, turn=turn, language=language)
    for number in entities.numbers:
        found = match_number(number, answer, language)
        yield _fact("number", str(number), found, quoted, turn=turn, language=language)


def _fact(kind: str, expected: str, match: Match, quoted: str, *, turn: int, language: str) -> Check:
    if match.found:
        outcome, confidence = CheckOutcome.PASSED, 1.0
    elif match.unsure or base_language(language) != "en":
        # A misspelt name, or a language whose spoken facts we do not read well enough to call an answer wrong.
        outcome, confidence = CheckOutcome.UNSURE, 0.5
    else:
        outcome, confidence = CheckOutcome.FAILED, 0.0
    evidence = f"{kind}: expected {expected}, heard {spell(match.heard) if not match.found else expected}"
    return Check(
        kind=kind,
        turn=turn,
        outcome=outcome,
        hard=True,
        expected=expected,
        actual=quoted,
        evidence=evidence,
        confidence=confidence,
    )


def _meaning(expected: str, quoted: str, answer: Answer, *, judge: MeaningJudge, limits: Judge) -> Check:
    pair = Pair(
        expected, answer.text, answer.question, answer.language, Condition.RECOGNISED, confidence=answer.confidence
    )
    [found] = judge.judge([pair], limits.risk)
    outcome, because = _OUTCOMES[found.sentence], found.because
    # A suite may be stricter than the risk demands, never looser.
    if outcome is CheckOutcome.PASSED and limits.pass_at is not None and found.p_pass < limits.pass_at:
        outcome, because = CheckOutcome.UNSURE, f"the suite wants at least {limits.pass_at:g}"
    if outcome is CheckOutcome.FAILED and limits.review_at is not None and found.p_pass >= limits.review_at:
        outcome, because = CheckOutcome.UNSURE, f"the suite wants a person from {limits.review_at:g}"
    return Check(
        kind="meaning",
        turn=answer.turn,
        outcome=outcome,
        hard=False,
        expected=expected,
        actual=quoted,
        evidence="; ".join([*found.evidence, *([f"a person decides: {because}"] if because else [])]),
        confidence=found.p_pass,
    )
