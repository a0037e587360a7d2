"""The clinic's receptionist at the level of words: right without bugs; each bug bites where it should, only there."""

from pathlib import Path
from typing import Any

import pytest
from mutants import MEANT_FOR

from activities.speech.models import KOKORO_SHA256, WHISPER_BASE_SHA256
from activities.speech.voices.kokoro import VOICES as CALLERS
from activities.speech.voices.kokoro_voices import folder as voices_folder
from examples.clinic.bugs import Bug, Kind, parse_bugs
from examples.clinic.faults import FAULTS, patience_ms
from examples.clinic.phrasebook import spoken_languages
from examples.clinic.receptionist import Receptionist
from examples.clinic.tongues import KOKORO, KOKORO_VOICES, VOICES, WHISPER, Tongues
from examples.desk.speech.reading import READERS, aloud
from examples.desk.speech.voices import SpanishVoice
from voicewright.suite.reading.file import load_suite

SUITE, _ = load_suite(Path("examples/clinic/suite.yaml"))
CASES = {case.id: [str(turn.say) for turn in case.turns if turn.say is not None] for case in SUITE.cases}
TIMING = {Bug.TALKS_OVER_CALLER, Bug.INTERRUPTS}
"""Not in the words: when, not what."""


def heard(says: list[str], *bugs: Bug) -> list[tuple[Any, ...]]:
    """All that a caller hears of every answer, until the receptionist hangs up."""
    receptionist = Receptionist(frozenset(bugs))
    replies = [receptionist.greet()]
    for said in says:
        if not replies[-1].hang_up:
            replies.append(receptionist.answer(said))
    return [(r.text, r.spanish, r.after_s, r.mumbled, r.played, r.hang_up) for r in replies]


def texts(*says: str, bugs: str = "") -> list[str]:
    return [reply[0] for reply in heard(list(says), *parse_bugs(bugs))][1:]


REFERENCES = [
    (case.id, number, str(turn.expect.meaning))
    for case in SUITE.cases
    for number, turn in enumerate(case.turns)
    if turn.expect is not None and turn.expect.meaning is not None
]


@pytest.mark.parametrize(("case", "turn", "meaning"), REFERENCES)
def test_a_clean_receptionist_says_what_the_suite_refers_to(case: str, turn: int, meaning: str) -> None:
    # Word for word but for what the references leave out on purpose.
    said = heard(CASES[case])[turn][0].replace(",", "").replace("right next to the public", "next to the")
    assert said == meaning.replace(",", "")


@pytest.mark.parametrize("bug", sorted(set(Bug) - TIMING))
def test_a_bug_changes_what_is_heard_in_the_case_meant_for_it_and_in_no_other(bug: Bug) -> None:
    changed = [case for case, says in CASES.items() if heard(says, bug) != heard(says)]
    assert changed == [MEANT_FOR[bug]]


def test_there_are_bugs_of_every_kind() -> None:
    assert len(Bug) >= 25
    assert {bug.kind for bug in Bug} == set(Kind)
    assert set(FAULTS) | TIMING == set(Bug) == set(MEANT_FOR)


def test_bugs_are_read_by_name() -> None:
    assert parse_bugs(" slow, wrong_time,") == {Bug.SLOW, Bug.WRONG_TIME}
    assert parse_bugs("") == frozenset()
    with pytest.raises(ValueError, match="unknown bug quick, wrong_value: there are wrong_time"):
        parse_bugs("quick,slow,wrong_value")


def test_a_long_caller_is_talked_over_only_with_a_bug() -> None:
    assert patience_ms(frozenset(), 3) is None
    assert patience_ms({Bug.TALKS_OVER_CALLER}, 0) == 5000
    assert patience_ms({Bug.INTERRUPTS}, 0) is None
    assert patience_ms({Bug.INTERRUPTS}, 1) == 2500


def test_a_booking_that_is_corrected_twice_is_kept() -> None:
    said = texts(
        "Book Doctor Adams on Monday at nine fifteen.", "No, Tuesday.", "And Doctor Miller, please.", "Thanks, bye."
    )
    assert said[1:] == [
        "You are booked with Doctor Adams on Tuesday at nine fifteen. Is there anything else?",
        "You are booked with Doctor Miller on Tuesday at nine fifteen. Is there anything else?",
        "Thank you for calling Riverside Clinic. Goodbye.",
    ]


def test_a_receptionist_believes_what_its_bug_made_it_say() -> None:
    said = texts("Move my appointment with Doctor Brown to Friday at ten fifteen.", "Say that again?", bugs="wrong_day")
    assert said == ["Your appointment with Doctor Brown has been moved. It is now on Thursday at ten fifteen."] * 2
    asked = texts("I need to see Doctor Miller.", "On Monday.", "Doctor Miller!", bugs="forgets_context")
    assert asked[1:] == ["Which doctor would you like to see?", "And at what time on Monday?"]


def test_what_is_said_again_is_the_last_answer_even_after_a_question_in_between() -> None:
    said = texts(
        "Please cancel my appointment with Doctor Adams.", "What are your hours?", "Say it again.", "On Monday."
    )
    assert said[1] == said[2]
    assert said[3] == "Your appointment with Doctor Adams on Monday has been cancelled."


def test_an_english_receptionist_can_fall_into_spanish() -> None:
    speech, rate_hz = SpanishVoice().speak("Hasta luego.", 1.0)
    assert 0.5 < len(speech) / rate_hz < 3
    assert 0.1 < abs(speech).max() <= 1


def test_the_clinic_speaks_what_it_has_phrases_for_with_other_voices_than_its_callers() -> None:
    assert set(VOICES) == {*spoken_languages(), "en-GB"} == set(READERS)
    assert set(VOICES) == set(CALLERS) - {"en-US"}
    assert not set(VOICES.values()) & set(CALLERS.values())


def test_the_models_are_those_that_set_up_puts_together(tmp_path: Path) -> None:
    assert f"whisper-base-{WHISPER_BASE_SHA256[:8]}" == WHISPER
    assert f"kokoro-{KOKORO_SHA256[:8]}.onnx" == KOKORO
    assert tmp_path / KOKORO_VOICES == voices_folder(tmp_path)


def test_a_missing_model_is_named_with_its_cure(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=rf"{KOKORO} is missing: run `python -m workers\.models`"):
        Tongues(tmp_path).of("es")
    assert Tongues(tmp_path).of("de") is not None  # nobody here speaks German: American English needs no folder


@pytest.mark.parametrize(
    ("language", "text", "phonemes"),
    [
        ("es", "¿Qué día?", "kˈe ðˈia? "),
        ("en-GB", "A fair day, goodbye.", "ə fˈɛː dˈA, ɡʊdbˈI. "),
        ("fr", "le weekend", "lə wiːkˈɛnd"),
        ("zh", "你好，二月去中国。", "ni↗ xau↓, ɚ↘ ɥe↘ ʨʰy↘ ꭧʊ→ŋ kwo↗. "),
        ("zh", "知识，六点的水", "ꭧɨ→ ʂɨ↗, ljou↘ tjɛ↓n tɤ ʂwei↓"),
        ("ja", "今日は、きっと病院です。", "kʲoː βa, kʲiʔto bʲoːiɴ desɨ. "),
    ],
)
def test_how_the_clinic_reads_aloud(language: str, text: str, phonemes: str) -> None:
    assert aloud(text, READERS[language]) == phonemes
