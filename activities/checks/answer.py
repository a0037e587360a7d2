"""Checks on what the agent answered in one turn: words, patterns, facts, meaning."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from activities.ports.judging import MeaningJudge
from voicewright.contracts.check import Check, CheckKind, CheckOutcome
from voicewright.judge import (
    Condition,
    MeaningVerdict,
    Pair,
    RuleResult,
    check_facts,
    check_phrases,
    evidence_lines,
    reason_text,
    rule_text,
)
from voicewright.suite import Judge, SpokenExpectation

CUT = " ..."
"""Ends a quotation that is not whole."""
_QUOTED = 300
"""Characters of an answer that a check quotes."""

_OUTCOMES = {
    MeaningVerdict.PASS: CheckOutcome.PASSED,
    MeaningVerdict.FAIL: CheckOutcome.FAILED,
    MeaningVerdict.REVIEW: CheckOutcome.UNSURE,
}
_OUTCOMES_OF_RULES: dict[bool | None, tuple[CheckOutcome, float]] = {
    True: (CheckOutcome.PASSED, 1.0),
    False: (CheckOutcome.FAILED, 0.0),
    None: (CheckOutcome.UNSURE, 0.5),
}
"""The outcome for the result of a rule, and its confidence."""


@dataclass(frozen=True)
class Answer:
    """What the agent said in one turn, and the question that it answers."""

    text: str
    turn: int
    language: str
    question: str = ""
    confidence: tuple[float, ...] = ()
    """The recogniser's, for each word of `text`."""
    today: date | None = None
    """The day of the call."""
    written: bool = False
    """Whether it came in writing."""

    @property
    def quoted(self) -> str:
        """The words, cut to what a check keeps of them."""
        return self.text if len(self.text) <= _QUOTED else self.text[:_QUOTED] + CUT


def answer_checks(expect: SpokenExpectation, said: Answer, *, judge: MeaningJudge, limits: Judge) -> Iterator[Check]:
    """Check the words of an answer against every expectation of its turn."""
    language = said.language
    rules = check_phrases(
        said.text,
        language,
        contain=expect.contains,
        lack=expect.absent,
        match=expect.matches,
    )
    for result in (*rules, *check_facts(expect.entities, said.text, language, said.today)):
        yield _rule(result, said)
    if expect.meaning is not None:
        yield _meaning(expect.meaning, said, judge=judge, limits=limits)


def _rule(result: RuleResult, said: Answer) -> Check:
    outcome, confidence = _OUTCOMES_OF_RULES[result.holds]
    return Check(
        kind=result.kind,
        turn=said.turn,
        outcome=outcome,
        hard=True,
        expected=result.expected,
        actual=said.quoted,
        heard=result.heard,
        evidence=rule_text(result),
        confidence=confidence,
    )


def _meaning(expected: str, said: Answer, *, judge: MeaningJudge, limits: Judge) -> Check:
    pair = Pair(
        expected,
        said.text,
        said.question,
        said.language,
        Condition.WRITTEN if said.written else Condition.RECOGNISED,
        confidence=said.confidence,
        today=said.today,
    )
    [judged] = judge.judge([pair], limits.risk)
    outcome = _OUTCOMES[judged.verdict]
    why = reason_text(judged)
    # A suite may be stricter than the risk demands, never looser.
    if outcome is CheckOutcome.PASSED and limits.pass_at is not None and judged.p_pass < limits.pass_at:
        outcome, why = CheckOutcome.UNSURE, f"the suite wants at least {limits.pass_at:g}"
    if outcome is CheckOutcome.FAILED and limits.review_at is not None and judged.p_pass >= limits.review_at:
        outcome, why = CheckOutcome.UNSURE, f"the suite wants a person from {limits.review_at:g}"
    return Check(
        kind=CheckKind.MEANING,
        turn=said.turn,
        outcome=outcome,
        hard=False,
        expected=expected,
        actual=said.quoted,
        findings=judged.findings,
        evidence="; ".join([*evidence_lines(judged), *([f"a person decides: {why}"] if why else [])]),
        confidence=judged.p_pass,
    )
