"""How checks become a verdict."""

import pytest

from activities.checks.answer import answer_checks
from activities.checks.judge import MIN_WORD_CONFIDENCE, decide, doubt_words
from voicewright.call import Side
from voicewright.suite import Entities, Expectation, Judge
from voicewright.transcript import SideTranscript, Word
from voicewright.verdict import Check, CheckOutcome, Decision


class FixedMeaning:
    """A meaning model that says what it is told to: here the rules are tested, not the model."""

    name = "fixed"

    def __init__(self, cosine: float, *, languages: tuple[str, ...] = ("en",)) -> None:
        self.cosine = cosine
        self.languages = languages

    def speaks(self, language: str) -> bool:
        return language in self.languages

    def similarity(self, expected: str, actual: str) -> float:
        return self.cosine


def judge(
    cosine: float, answer: str = "words", confidence: float = 0.9, language: str = "en", **expect: object
) -> Decision:
    expectation = Expectation.model_validate({"meaning": "words", **expect})
    model = FixedMeaning(cosine)
    checks = list(answer_checks(expectation, answer, turn=0, language=language, model=model, judge=Judge()))
    spoken = tuple(Word(text=w, start_ms=0, end_ms=1, confidence=confidence, turn=0) for w in answer.split())
    side = SideTranscript(side=Side.AGENT, language=language, words=spoken)
    return decide(doubt_words(checks, side), Judge(), "test").decision


@pytest.mark.parametrize(
    ("cosine", "decision"),
    [
        (0.75, Decision.PASS),
        (0.749, Decision.REVIEW),
        (0.40, Decision.REVIEW),
        (0.399, Decision.FAIL),
        (-0.2, Decision.FAIL),
    ],
)
def test_thresholds(cosine: float, decision: Decision) -> None:
    assert judge(cosine) is decision


def test_a_hard_check_that_fails_is_a_fail_whatever_the_meaning() -> None:
    assert judge(0.99, "at nine thirteen", entities={"times": ["9:30"]}) is Decision.FAIL
    assert judge(0.99, "so sorry", absent=["sorry"]) is Decision.FAIL
    assert judge(0.99, "yes", contains=["no"]) is Decision.FAIL
    assert judge(0.99, "yes", matches=["^no"]) is Decision.FAIL


def test_words_that_the_recogniser_doubts_decide_nothing() -> None:
    low = MIN_WORD_CONFIDENCE - 0.05
    assert judge(0.99, "at nine thirteen", low, entities={"times": ["9:30"]}) is Decision.REVIEW
    assert judge(0.1, "mumble", low) is Decision.REVIEW
    assert judge(0.99, "fine", low) is Decision.REVIEW


def test_speech_without_words_goes_to_a_human() -> None:
    assert judge(0.0, "") is Decision.REVIEW


def test_a_language_that_the_model_does_not_speak_goes_to_a_human() -> None:
    assert judge(0.99, "ja", language="de") is Decision.REVIEW
    assert judge(0.01, "ja", language="de") is Decision.REVIEW


def test_a_fact_not_found_in_another_language_is_unsure() -> None:
    expectation = Expectation(entities=Entities(times=["9:30"]))
    model = FixedMeaning(1.0, languages=("de",))
    checks = list(answer_checks(expectation, "um halb zehn", turn=0, language="de", model=model, judge=Judge()))
    assert [check.outcome for check in checks] == [CheckOutcome.UNSURE]


def test_evidence_names_expected_and_heard() -> None:
    expectation = Expectation(entities=Entities(times=["9:30"]))
    [check] = answer_checks(expectation, "at 9.13", turn=1, language="en", model=FixedMeaning(1), judge=Judge())
    assert check.evidence == "time: expected 9:30, heard 9:13"
    assert decide([check], Judge(), "test").reason == "turn 2: time: expected 9:30, heard 9:13"


def test_confidence_is_that_of_the_weakest_check() -> None:
    def check(confidence: float) -> Check:
        return Check(
            kind="meaning",
            turn=0,
            outcome=CheckOutcome.PASSED,
            hard=False,
            expected="",
            actual="",
            evidence="",
            confidence=confidence,
        )

    assert decide([check(0.9), check(0.8), check(0.95)], Judge(), "test").confidence == 0.8
