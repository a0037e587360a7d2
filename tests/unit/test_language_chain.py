"""Languages that our own chain hears badly decide nothing alone; those without spaces are counted by characters."""

from pathlib import Path

import pytest
from test_gate import call

from activities.checks.doubt import doubt_words
from activities.checks.gate import invalid_because
from activities.checks.hard import hard
from activities.checks.heard import language_chain
from activities.checks.heard.error_rate import error_rate
from activities.checks.heard.language_chain import CHAIN_ERROR, MAX_CHAIN_ERROR, chain_error, weak_doubt
from activities.speech.voices.kokoro import VOICES
from examples.clinic.bugs import Bug
from examples.clinic.phrasebook import PhrasebookReceptionist, spoken_languages
from voicewright.contracts.call import Side
from voicewright.contracts.check import CheckKind, CheckOutcome, DoubtKind
from voicewright.contracts.transcript import SideTranscript, Word
from voicewright.judge.text.phrases import contains
from voicewright.judge.text.words import words
from voicewright.suite.format.spoken import SpokenCase
from voicewright.suite.reading.file import parse_suite


def test_what_was_not_measured_or_is_misheard_goes_to_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    assert weak_doubt("en") is None
    assert weak_doubt("es-MX") is None
    unmeasured = weak_doubt("et")
    assert unmeasured is not None
    assert unmeasured.kind is DoubtKind.LANGUAGE_UNMEASURED
    assert "Estonian (et) is heard was never measured" in unmeasured.because
    monkeypatch.setitem(language_chain.CHAIN_ERROR, "es", MAX_CHAIN_ERROR)
    assert weak_doubt("es") is None
    monkeypatch.setitem(language_chain.CHAIN_ERROR, "es", MAX_CHAIN_ERROR + 0.01)
    weak = weak_doubt("es-MX")
    assert weak is not None
    assert weak.kind is DoubtKind.LANGUAGE_WEAK
    assert "mishears 16% of Spanish (es-MX; at most 15%" in weak.because


@pytest.mark.parametrize(
    ("language", "outcome"),
    [
        ("en", CheckOutcome.FAILED),
        ("es", CheckOutcome.UNSURE),  # ours is heard well, people's is not
        ("es-MX", CheckOutcome.UNSURE),
        ("pt-BR", CheckOutcome.UNSURE),
        ("fr", CheckOutcome.UNSURE),
        ("ja", CheckOutcome.UNSURE),
    ],
)
def test_what_was_not_heard_fails_only_where_nearly_all_is_heard(language: str, outcome: CheckOutcome) -> None:
    heard = [Word(text=text, start_ms=0, end_ms=1, confidence=0.9, turn=0) for text in ("vous", "avez", "rendez-vous")]
    side = SideTranscript(side=Side.AGENT, language=language, words=tuple(heard))
    missing, forbidden = (
        hard(kind, 0, passed=False, expected="mardi", actual="", evidence="")
        for kind in (CheckKind.CONTAINS, CheckKind.ABSENT)
    )
    checks = doubt_words([missing, forbidden], side)
    assert [check.outcome for check in checks] == [outcome, CheckOutcome.FAILED]
    assert ("may have been said" in checks[0].evidence) is (outcome is CheckOutcome.UNSURE)


def test_every_language_that_is_spoken_was_measured() -> None:
    assert set(CHAIN_ERROR) == set(VOICES)
    assert chain_error("en") == max(CHAIN_ERROR["en-US"], CHAIN_ERROR["en-GB"])
    page = Path("docs/languages.md").read_text()
    for tag, error in CHAIN_ERROR.items():
        assert f"| {tag} | {error:.1%} |" in page


def test_a_japanese_caller_is_heard_by_characters() -> None:
    case = SpokenCase.model_validate({"id": "c", "turns": [{"say": "火曜日の九時半に予約をお願いします。"}]})
    assert invalid_because(case, "ja", call(heard="火 曜 日 の 九 時 半 に 予 約 を お 願い します")) is None
    reason = invalid_because(case, "ja", call(heard="今日はいい天気ですね"))
    assert reason is not None
    assert "character error rate" in reason


def test_error_rates_count_what_the_language_is_written_in() -> None:
    assert error_rate("你好，再见。", "你 好 再 现", "zh") == 0.25
    assert error_rate("muy buenos días", "Muy buenas días.", "es") == pytest.approx(1 / 3)
    assert words("नमस्ते, डॉक्टर हैं।", "hi") == ["नमस्ते", "डॉक्टर", "हैं"]
    assert contains("火 曜 日 の 九 時", "火曜日", "ja")
    assert not contains("火 曜 日", "金曜日", "ja")


@pytest.mark.parametrize(
    ("heard", "phrase", "language", "found"),
    [
        ("Clinica Ribera, buenos dias.", "clínica", "es", True),
        ("Clínica Ribera", "clinica", "es", True),
        ("Nous ouvrons a huit heures, c'est ferme.", "fermé", "fr", True),
        ("हम सुबह आठ बजे खुलते हैं", "खुलते", "hi", True),
        ("हम सुबह आठ बजे खुलते हैं", "खलत", "hi", False),
        ("が", "か", "ja", False),
    ],
)
def test_accents_that_recognisers_drop_are_no_other_word(heard: str, phrase: str, language: str, found: bool) -> None:
    assert contains(heard, phrase, language) is found


@pytest.mark.parametrize("tag", [tag for tag in VOICES if not tag.startswith("en")])
def test_the_clinic_answers_its_own_suite(tag: str) -> None:
    assert tag in spoken_languages()
    path = Path(f"examples/clinic/suites/{tag}.yaml")
    suite = parse_suite(path.read_bytes(), str(path))
    for case in suite.cases:
        clinic = PhrasebookReceptionist(tag)
        for turn in case.turns:
            answer = clinic.answer(str(turn.say)).text if turn.say else clinic.greet().text
            assert turn.expect is not None
            assert turn.expect.meaning in {None, answer}
            assert all(contains(answer, str(wanted), tag) for wanted in turn.expect.contains)
    booking = str(suite.case("book-half-past").turns[1].say)
    assert PhrasebookReceptionist(tag).answer(booking) != PhrasebookReceptionist(
        tag, frozenset({Bug.WRONG_TIME})
    ).answer(booking)
