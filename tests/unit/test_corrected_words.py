"""Words that a person puts right: where they go in time, what becomes of doubt, and what the judge makes of them."""

from dataclasses import replace

import pytest
from test_gate import CASE, SUITE, call

from activities.checks.recorded_call import Call
from activities.steps.validate import judge_call
from voicewright.contracts.call import Side
from voicewright.contracts.correction import MAX_WORDS, CorrectionError, TurnWords, corrected
from voicewright.contracts.transcript import HeardLanguage, SideTranscript, Transcript, Word
from voicewright.contracts.verdict import Decision, Verdict
from voicewright.judge.pair import Pair
from voicewright.suite.format.spoken import spoken


def transcript(text: str, language: str = "en", confidence: float = 0.4) -> Transcript:
    """Words of 100 ms each from 1000 ms on, in turn 1; one word of another turn before them."""
    words = [Word(text="Hello.", start_ms=0, end_ms=90, confidence=0.9, turn=0)]
    words += [
        Word(text=word, start_ms=1000 + 100 * at, end_ms=1100 + 100 * at, confidence=confidence, turn=1, may_be="x")
        for at, word in enumerate(text.split())
    ]
    languages = tuple(
        HeardLanguage(turn=turn, language="nl", probability=0.9, expected=0.1, speech_ms=900) for turn in (0, 1)
    )
    agent = SideTranscript(side=Side.AGENT, language=language, words=tuple(words), heard=languages)
    caller = SideTranscript(side=Side.CALLER, language=language, words=())
    return Transcript(recogniser="r", caller=caller, agent=agent)


def placed(text: str, better: str, language: str = "en") -> list[tuple[str, int, int]]:
    found = corrected(transcript(text, language), TurnWords(turn=1, text=better)).agent
    return [(word.text, word.start_ms, word.end_ms) for word in found.words if word.turn == 1]


def test_words_that_stay_keep_their_times_and_new_ones_share_what_they_replace() -> None:
    assert placed("you are vooked in", "you are booked in") == [
        ("you", 1000, 1100),
        ("are", 1100, 1200),
        ("booked", 1200, 1300),
        ("in", 1300, 1400),
    ]
    assert placed("at a date", "at eight") == [("at", 1000, 1100), ("eight", 1100, 1300)]
    assert placed("a tea", "at eight thirty") == [("at", 1000, 1067), ("eight", 1067, 1133), ("thirty", 1133, 1200)]


def test_words_are_added_and_left_out_where_they_belong() -> None:
    assert placed("yes", "oh yes indeed") == [("oh", 1000, 1000), ("yes", 1000, 1100), ("indeed", 1100, 1100)]
    assert placed("one two three", "one three") == [("one", 1000, 1100), ("three", 1200, 1300)]


def test_where_no_spaces_are_written_each_character_has_its_time() -> None:
    assert placed("八 点", "九点 OK", "zh") == [("九", 1000, 1100), ("点", 1100, 1200), ("OK", 1200, 1200)]


def test_whoever_corrects_a_turn_vouches_for_all_of_it_and_for_no_other() -> None:
    before = transcript("you are booked")
    after = corrected(before, TurnWords(turn=1, text="you are booked")).agent
    assert {(word.turn, word.confidence, word.may_be) for word in after.words} == {(0, 0.9, None), (1, 1.0, None)}
    assert after.heard == before.agent.heard  # the language is heard in the sound
    assert after.corrected == (1,)
    assert after.certain == {1}
    again = corrected(Transcript(recogniser="r", caller=before.caller, agent=after), TurnWords(turn=0, text="Hi."))
    assert again.agent.corrected == (0, 1)
    assert before.agent.corrected == ()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (TurnWords(turn=7, text="hi"), "nothing was recognised in turn 8"),
        (TurnWords(turn=-1, text="hi"), "nothing was recognised"),
        (TurnWords(turn=1, text="  "), "no words are given"),
        (TurnWords(turn=1, text="x" * 201), "a word has more than 200 characters"),
        (TurnWords(turn=1, text="a " * (MAX_WORDS + 1)), "2,001 words are too many"),
    ],
)
def test_what_cannot_be_placed_is_refused(words: TurnWords, says: str) -> None:
    with pytest.raises(CorrectionError, match=says):
        corrected(transcript("you are booked"), words)


class _Unasked:
    """A judge of meaning that this case does not need."""

    name = "none"

    def judge(self, pairs: list[Pair], risk: float | None = None) -> list[object]:
        raise AssertionError(pairs)


def verdict_on(held: Call) -> Verdict:
    return judge_call(SUITE, spoken(CASE, "en"), "en", held, _Unasked())  # type: ignore[arg-type]


def test_the_case_is_judged_by_what_was_really_said() -> None:
    held = call()
    vague = tuple(
        Word(text=text, start_ms=2500, end_ms=2600, confidence=0.3, turn=0) for text in ("you", "are", "cooked")
    )
    agent = held.transcript.agent.model_copy(update={"words": vague})
    heard = replace(held, transcript=held.transcript.model_copy(update={"agent": agent}))
    assert verdict_on(heard).decision is Decision.REVIEW
    for said, decision in (("you are booked", Decision.PASS), ("you are cooked", Decision.FAIL)):
        better = corrected(heard.transcript, TurnWords(turn=0, text=said))
        assert verdict_on(replace(heard, transcript=better)).decision is decision
