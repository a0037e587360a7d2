"""How checks become a verdict."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from activities.checks.answer import Answer, answer_checks
from activities.checks.decide import decide
from activities.checks.doubt import MIN_WORD_CONFIDENCE, doubt_words
from activities.checks.meaning import InstalledJudge
from activities.errors import InstallationError
from voicewright.contracts.call import Side
from voicewright.contracts.check import Check, CheckKind, CheckOutcome, DoubtKind, FindingKind
from voicewright.contracts.transcript import SideTranscript, Word
from voicewright.contracts.verdict import Decision
from voicewright.judge.judge import MeaningJudge
from voicewright.judge.pair import Pair
from voicewright.judge.verdict import Judgement, MeaningVerdict, ReviewReason
from voicewright.suite import Entities, Judge
from voicewright.suite.format.spoken import SpokenExpectation


class FixedMeaning:
    """A judge of meaning that says what it is told to: here the rules are tested, not the models."""

    name = "fixed"

    def __init__(self, verdict: MeaningVerdict, p_pass: float = 0.5) -> None:
        reason = ReviewReason.UNSURE if verdict is MeaningVerdict.REVIEW else None
        self.found = Judgement(p_pass, verdict, reason=reason)

    def judge(self, pairs: Sequence[Pair], risk: float | None = None) -> list[Judgement]:
        return [self.found for _ in pairs]


YES, NO, DOUBT = (
    FixedMeaning(MeaningVerdict.PASS, 0.99),
    FixedMeaning(MeaningVerdict.FAIL, 0.01),
    FixedMeaning(MeaningVerdict.REVIEW),
)


def judge(
    meaning: FixedMeaning,
    answer: str = "words",
    confidence: float | Sequence[float] = 0.9,
    language: str = "en",
    limits: Judge | None = None,
    **expect: object,
) -> Decision:
    expectation = SpokenExpectation.model_validate({"meaning": "words", **expect})
    said = Answer(answer, 0, language)
    checks = list(answer_checks(expectation, said, judge=meaning, limits=limits or Judge()))
    words = answer.split()
    sure = [confidence] * len(words) if isinstance(confidence, float) else confidence
    spoken = tuple(
        Word(text=word, start_ms=0, end_ms=1, confidence=one, turn=0) for word, one in zip(words, sure, strict=True)
    )
    side = SideTranscript(side=Side.AGENT, language=language, words=spoken)
    return decide(doubt_words(checks, side), "test").decision


def test_the_judge_of_meaning_decides_where_nothing_else_is_asked() -> None:
    assert judge(YES) is Decision.PASS
    assert judge(NO) is Decision.FAIL
    assert judge(DOUBT) is Decision.REVIEW


def test_a_suite_can_be_stricter_than_the_risk() -> None:
    assert judge(YES, limits=Judge(pass_at=0.995)) is Decision.REVIEW
    assert judge(NO, limits=Judge(review_at=0.005)) is Decision.REVIEW


def test_a_hard_check_that_fails_is_a_fail_whatever_the_meaning() -> None:
    assert judge(YES, "at nine twenty", entities={"times": ["9:30"]}) is Decision.FAIL
    assert judge(YES, "so sorry", absent=["sorry"]) is Decision.FAIL
    assert judge(YES, "yes", contains=["no"]) is Decision.FAIL
    assert judge(YES, "yes", matches=["^no"]) is Decision.FAIL
    assert judge(YES, "that is fifteen dollars", entities={"amounts": ["$14"]}) is Decision.FAIL


@pytest.mark.parametrize(
    ("said", "entities"),
    [
        ("at nine thirteen", {"times": ["9:30"]}),
        ("that is forty dollars", {"amounts": ["$14"]}),
        ("room eighteen", {"numbers": [80]}),
        ("on June 13th", {"dates": ["June 30"]}),
    ],
)
def test_a_hard_check_knows_teens_and_tens_by_ear(said: str, entities: dict[str, list[Any]]) -> None:
    assert judge(YES, said, entities=entities) is Decision.REVIEW


def test_words_that_the_recogniser_doubts_decide_nothing() -> None:
    low = MIN_WORD_CONFIDENCE - 0.05
    assert judge(YES, "at nine twenty", low, entities={"times": ["9:30"]}) is Decision.REVIEW
    assert judge(NO, "mumble", low) is Decision.REVIEW
    assert judge(YES, "fine", low) is Decision.REVIEW


def test_what_was_not_heard_may_hide_in_a_word_that_was_hardly_heard() -> None:
    garbled, sure = "we open a date in the morning", [0.9, 0.9, 0.26, 0.6, 0.9, 0.9, 0.9]
    for expect in ({"entities": {"times": ["8:00"]}}, {"contains": ["eight"]}, {"matches": ["eight"]}):
        assert judge(YES, garbled, sure, **expect) is Decision.REVIEW
        assert judge(YES, garbled, [max(one, 0.4) for one in sure], **expect) is Decision.FAIL


def test_a_word_that_was_hardly_heard_hides_no_more_than_it_can() -> None:
    filler, sure = "um at nine twenty in the morning", [0.2, 0.95, 0.95, 0.95, 0.95, 0.95, 0.95]
    assert judge(YES, filler, sure, entities={"times": ["9:30"]}) is Decision.FAIL
    named = "See Doctor Brown at ten thirty", [0.9, 0.05, 0.9, 0.9, 0.9, 0.9]
    assert judge(YES, *named, entities={"times": ["9:30"]}) is Decision.FAIL
    phrase = ["bring your insurance card"]
    assert judge(YES, "see Doctor Brown on Monday", [0.9, 0.1, 0.9, 0.9, 0.9], contains=phrase) is Decision.FAIL
    assert judge(YES, "brim your in Sir ants cart", [0.2, 0.6, 0.5, 0.6, 0.6, 0.9], contains=phrase) is Decision.REVIEW


def test_a_forbidden_phrase_that_was_hardly_heard_fails_nobody() -> None:
    answer, clear = "we are so sorry today", [0.9, 0.9, 0.9, 0.9, 0.9]
    assert judge(YES, answer, clear, absent=["sorry"]) is Decision.FAIL
    assert judge(YES, answer, [0.9, 0.9, 0.9, 0.3, 0.9], absent=["sorry"]) is Decision.REVIEW


def test_doubt_is_a_field_and_not_a_sentence_to_be_parsed() -> None:
    said = Answer("we are so sorry today", 0, "en")
    checks = answer_checks(SpokenExpectation(absent=["sorry"]), said, judge=YES, limits=Judge())
    sure = (0.9, 0.9, 0.9, 0.3, 0.9)
    words = tuple(
        Word(text=word, start_ms=0, end_ms=1, confidence=one, turn=0)
        for word, one in zip(said.text.split(), sure, strict=True)
    )
    [check] = doubt_words(list(checks), SideTranscript(side=Side.AGENT, language="en", words=words))
    assert check.doubt is not None
    assert (check.doubt.kind, check.doubt.words, check.doubt.confidence) == (DoubtKind.DOUBTFUL_VALUE, "sorry", 0.3)


def test_speech_without_words_goes_to_a_human() -> None:
    assert judge(NO, "") is Decision.REVIEW


def test_a_fact_not_found_in_another_language_is_unsure() -> None:
    expectation = SpokenExpectation(entities=Entities(times=["9:30"]))
    checks = list(answer_checks(expectation, Answer("irgendwann", 0, "de"), judge=YES, limits=Judge()))
    assert [check.outcome for check in checks] == [CheckOutcome.UNSURE]


def test_the_day_of_the_call_reaches_the_dates() -> None:
    expectation = SpokenExpectation(entities=Entities(dates=["tomorrow"]))
    for day, outcome in ((date(2026, 6, 3), CheckOutcome.PASSED), (date(2026, 6, 4), CheckOutcome.FAILED)):
        answer = Answer("You are booked for June 4th.", 0, "en", today=day)
        [check] = answer_checks(expectation, answer, judge=YES, limits=Judge())
        assert check.outcome is outcome


def test_evidence_names_things_in_full() -> None:
    [judged] = MeaningJudge().judge(
        [Pair("The wait is 10 minutes for 3 buses.", "The wait is 20 minutes for 4 buses.")]
    )
    assert [one.of for one in judged.findings if one.kind is FindingKind.MISCOUNTED] == ["minutes", "buses"]


def test_evidence_names_expected_and_heard() -> None:
    expectation = SpokenExpectation(entities=Entities(times=["9:30"]))
    [check] = answer_checks(expectation, Answer("at 9.20", 1, "en"), judge=YES, limits=Judge())
    assert check.evidence == "time: expected 9:30, heard 9:20"
    assert decide([check], "test").reason == "turn 2: time: expected 9:30, heard 9:20"


def test_confidence_is_that_of_the_weakest_check() -> None:
    def check(confidence: float) -> Check:
        return Check(
            kind=CheckKind.MEANING,
            turn=0,
            outcome=CheckOutcome.PASSED,
            hard=False,
            expected="",
            actual="",
            evidence="",
            confidence=confidence,
        )

    assert decide([check(0.9), check(0.8), check(0.95)], "test").confidence == 0.8


@pytest.mark.parametrize(
    ("language", "heard", "forbidden"),
    [
        ("es", ["hablo", "de", "clinica"], "clínica"),
        ("es", ["hablo", "de", "clínica"], "clinica"),
        ("pt-BR", ["volte", "amanhã"], "amanha"),
        ("en-GB", ["near", "the", "creche"], "crèche"),
        ("en-US", ["at", "the", "café", "now"], "the cafe"),
        ("zh", ["九点", "开门"], "点开"),
        ("ja", list("申し訳ございませんでしたです"), "申し訳ございませんでした"),
        ("ja", ["明日", "の", "午前"], "日の午"),
    ],
)
def test_a_forbidden_phrase_that_was_hardly_heard_is_for_people_however_it_is_spelt(
    language: str, heard: list[str], forbidden: str
) -> None:
    words = tuple(Word(text=word, start_ms=0, end_ms=1, confidence=0.1, turn=0) for word in heard)
    sure = tuple(Word(text="bien", start_ms=0, end_ms=1, confidence=0.99, turn=0) for _ in range(60))
    text = ("" if language in {"zh", "ja"} else " ").join(heard)
    checks = list(
        answer_checks(SpokenExpectation(absent=[forbidden]), Answer(text, 0, language), judge=YES, limits=Judge())
    )
    assert [check.outcome for check in checks] == [CheckOutcome.FAILED]
    side = SideTranscript(side=Side.AGENT, language=language, words=(*words, *sure))
    [check] = doubt_words(checks, side)
    assert check.outcome is CheckOutcome.UNSURE
    assert check.doubt is not None
    assert check.doubt.kind is DoubtKind.DOUBTFUL_VALUE


def test_a_missing_model_is_a_fault_of_the_installation() -> None:
    judge = InstalledJudge(MeaningJudge(embedding_model="/nowhere/model"))
    with pytest.raises(InstallationError, match="VOICEWRIGHT_EMBEDDING_MODEL"):
        judge.judge([Pair(expected="我们九点开门", actual="九点开门", language="zh")], 0.1)
