"""How checks become a verdict."""

from collections.abc import Sequence

from activities.checks.answer import Answer, answer_checks
from activities.checks.judge import MIN_WORD_CONFIDENCE, decide, doubt_words
from activities.checks.meaning.pair import Pair
from activities.checks.meaning.sentence import Judgement, Sentence
from voicewright.call import Side
from voicewright.suite import Entities, Expectation, Judge
from voicewright.transcript import SideTranscript, Word
from voicewright.verdict import Check, CheckOutcome, Decision


class FixedMeaning:
    """A judge of meaning that says what it is told to: here the rules are tested, not the models."""

    name = "fixed"

    def __init__(self, sentence: Sentence, p_pass: float = 0.5) -> None:
        self.found = Judgement(p_pass, sentence, ("as told",), "" if sentence is not Sentence.REVIEW else "unsure")

    def judge(self, pairs: Sequence[Pair], risk: float | None = None) -> list[Judgement]:
        return [self.found for _ in pairs]


YES, NO, DOUBT = (FixedMeaning(Sentence.PASS, 0.99), FixedMeaning(Sentence.FAIL, 0.01), FixedMeaning(Sentence.REVIEW))


def judge(
    meaning: FixedMeaning,
    answer: str = "words",
    confidence: float | Sequence[float] = 0.9,
    language: str = "en",
    limits: Judge | None = None,
    **expect: object,
) -> Decision:
    expectation = Expectation.model_validate({"meaning": "words", **expect})
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
    assert judge(YES, "at nine thirteen", entities={"times": ["9:30"]}) is Decision.FAIL
    assert judge(YES, "so sorry", absent=["sorry"]) is Decision.FAIL
    assert judge(YES, "yes", contains=["no"]) is Decision.FAIL
    assert judge(YES, "yes", matches=["^no"]) is Decision.FAIL


def test_words_that_the_recogniser_doubts_decide_nothing() -> None:
    low = MIN_WORD_CONFIDENCE - 0.05
    assert judge(YES, "at nine thirteen", low, entities={"times": ["9:30"]}) is Decision.REVIEW
    assert judge(NO, "mumble", low) is Decision.REVIEW
    assert judge(YES, "fine", low) is Decision.REVIEW


def test_what_was_not_heard_may_hide_in_a_word_that_was_hardly_heard() -> None:
    garbled, sure = "we open a date in the morning", [0.9, 0.9, 0.26, 0.6, 0.9, 0.9, 0.9]
    for expect in ({"entities": {"times": ["8:00"]}}, {"contains": ["eight"]}, {"matches": ["eight"]}):
        assert judge(YES, garbled, sure, **expect) is Decision.REVIEW
        assert judge(YES, garbled, [max(one, 0.4) for one in sure], **expect) is Decision.FAIL


def test_a_word_that_was_hardly_heard_hides_no_more_than_it_can() -> None:
    filler, sure = "um at nine thirteen in the morning", [0.2, 0.95, 0.95, 0.95, 0.95, 0.95, 0.95]
    assert judge(YES, filler, sure, entities={"times": ["9:30"]}) is Decision.FAIL
    named = "See Doctor Brown at ten thirty", [0.9, 0.05, 0.9, 0.9, 0.9, 0.9]
    assert judge(YES, *named, entities={"times": ["9:30"]}) is Decision.FAIL
    phrase = {"contains": ["bring your insurance card"]}
    assert judge(YES, "see Doctor Brown on Monday", [0.9, 0.1, 0.9, 0.9, 0.9], **phrase) is Decision.FAIL
    assert judge(YES, "brim your in Sir ants cart", [0.2, 0.6, 0.5, 0.6, 0.6, 0.9], **phrase) is Decision.REVIEW


def test_speech_without_words_goes_to_a_human() -> None:
    assert judge(NO, "") is Decision.REVIEW


def test_a_fact_not_found_in_another_language_is_unsure() -> None:
    expectation = Expectation(entities=Entities(times=["9:30"]))
    checks = list(answer_checks(expectation, Answer("irgendwann", 0, "de"), judge=YES, limits=Judge()))
    assert [check.outcome for check in checks] == [CheckOutcome.UNSURE]


def test_evidence_names_expected_and_heard() -> None:
    expectation = Expectation(entities=Entities(times=["9:30"]))
    [check] = answer_checks(expectation, Answer("at 9.13", 1, "en"), judge=YES, limits=Judge())
    assert check.evidence == "time: expected 9:30, heard 9:13"
    assert decide([check], "test").reason == "turn 2: time: expected 9:30, heard 9:13"


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

    assert decide([check(0.9), check(0.8), check(0.95)], "test").confidence == 0.8
