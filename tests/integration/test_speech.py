"""Real speech through real engines and the real object store."""

import asyncio
import multiprocessing
from pathlib import Path

import numpy as np
import pytest
from faster_whisper import WhisperModel
from local_stack import LocalStack
from numpy.typing import NDArray

from activities.audio import Audio, read_wav, rms_dbfs
from activities.checks.error_rate import error_rate
from activities.errors import BadInputError, InstallationError
from activities.speech import models
from activities.speech.espeak import EspeakEngine
from activities.speech.level import TARGET_LUFS, normalise_loudness, trim_silence
from activities.speech.piper import PiperEngine
from activities.speech.voices import ChosenVoice, Voices
from activities.speech.whisper import WhisperRecogniser
from activities.suites import SuiteLibrary
from activities.synthesize import SynthesizeStep
from activities.telephony import g711
from voicewright.s3 import ObjectMissingError, S3Store, StoreError
from voicewright.settings import Settings
from voicewright.suite import Voice

SETTINGS = Settings()
TEXT = "I would like to book an appointment on Tuesday at nine thirty."


@pytest.fixture(scope="session")
def piper() -> PiperEngine:
    return PiperEngine(SETTINGS.piper_voice, SETTINGS.models_dir)


@pytest.fixture(scope="session")
def whisper() -> WhisperRecogniser:
    return WhisperRecogniser("base", SETTINGS.models_dir, 2)


def over_the_telephone(audio: Audio) -> Audio:
    return Audio(g711.decode(g711.encode(audio.at_rate(8000).samples)), 8000).at_rate(16_000)


def test_what_piper_says_whisper_hears_even_over_a_telephone(piper: PiperEngine, whisper: WhisperRecogniser) -> None:
    spoken = normalise_loudness(trim_silence(piper.speak(TEXT, "en", None, 1.0).at_rate(16_000)))
    phone = over_the_telephone(spoken)
    heard = whisper.recognise(phone.as_float(), "en")
    assert error_rate(TEXT, " ".join(word.text for word in heard), "en") <= 0.15
    assert all(0 <= word.start_s <= word.end_s <= len(phone.samples) / 16_000 + 0.5 for word in heard)
    assert np.mean([word.confidence for word in heard]) > 0.7


def test_whisper_hears_a_name_that_it_is_told_but_not_where_another_is_said(
    piper: PiperEngine, whisper: WhisperRecogniser
) -> None:
    names = ["Doctor Okonkwo", "Willowmere House"]

    def heard(text: str, names: list[str]) -> str:
        phone = over_the_telephone(piper.speak(text, "en", None, 1.0))
        found = whisper.recognise(phone.as_float(), "en", names=names)
        return " ".join(word.text for word in found)

    said = "Your appointment is with Doctor Okonkwo at Willowmere House on Tuesday."
    assert "Okonkwo" not in heard(said, [])
    assert {"Okonkwo", "Willowmere"} <= set(heard(said, names).split())
    other = "Your appointment is with Doctor Brennan at Harlow House on Tuesday."
    assert heard(other, names) == heard(other, [])


def test_a_recording_is_encoded_once_and_heard_to_its_end(piper: PiperEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[int] = []
    encode = WhisperModel.encode
    monkeypatch.setattr(WhisperModel, "encode", lambda *given: encoded.append(1) or encode(*given))
    whisper = WhisperRecogniser("base", SETTINGS.models_dir, 2)
    pause = np.zeros(12_000, np.float32)

    def phone(text: str) -> NDArray[np.float32]:
        return np.concatenate([over_the_telephone(piper.speak(text, "en", None, 1.0)).as_float(), pause])

    heard = whisper.recognise(phone(TEXT), "en", names=["Doctor Okonkwo"])
    assert error_rate(TEXT, " ".join(word.text for word in heard), "en") <= 0.15
    assert len(encoded) == 1
    heard = whisper.recognise(np.concatenate([phone(TEXT), pause, phone("Goodbye.")]), "en")
    assert heard[-1].text.strip(".").lower() == "goodbye"


@pytest.mark.parametrize("language", ["de", "fr", "es", "zh", "hi"])
def test_espeak_speaks_other_languages(language: str) -> None:
    audio = EspeakEngine().speak("Hallo 1 2 3", language, None, 1.0)
    assert audio.duration_ms > 500
    assert rms_dbfs(audio.samples) > -40


def test_voices_say_what_they_cannot_do(piper: PiperEngine) -> None:
    with pytest.raises(BadInputError, match="speaks en-us, not de"):
        piper.speak("Hallo", "de", None, 1.0)
    with pytest.raises(BadInputError, match=r"the path of an \.onnx file"):
        piper.speak("Hello", "en", "nobody", 1.0)
    with pytest.raises(BadInputError, match="no voice 'nobody'"):
        EspeakEngine().speak("Hello", "en", "nobody", 1.0)
    with pytest.raises(BadInputError, match="no speech engine 'sing'"):
        Voices({"piper": piper}, english="sing", other="sing").choose("en", Voice())


def test_speech_is_trimmed_and_equally_loud(piper: PiperEngine) -> None:
    import pyloudnorm  # noqa: PLC0415

    loud = piper.speak(TEXT, "en", None, 1.0).at_rate(16_000)
    quiet = Audio((loud.samples * 0.05).astype(np.int16), 16_000)
    padded = Audio(np.concatenate([np.zeros(16_000, np.int16), quiet.samples, np.zeros(16_000, np.int16)]), 16_000)
    for audio in (loud, padded):
        level = normalise_loudness(trim_silence(audio))
        assert level.duration_ms < loud.duration_ms + 50
        measured = pyloudnorm.Meter(16_000).integrated_loudness(level.as_float().astype(np.float64))
        assert abs(measured - TARGET_LUFS) < 1.5
    with pytest.raises(BadInputError, match="silence"):
        trim_silence(Audio(np.zeros(16_000, np.int16), 16_000))


def test_a_model_with_another_digest_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(models, "PIPER_JOE_SHA256", "0" * 64)
    with pytest.raises(InstallationError, match="is not the published model"):
        models.piper_joe(tmp_path)
    monkeypatch.setattr(models, "WHISPER_BASE_SHA256", "1" * 64)
    with pytest.raises(InstallationError, match="is not the published model"):
        models.whisper_base(tmp_path)
    assert not list(tmp_path.glob("*whisper*"))


def test_the_store_is_honest(stack: LocalStack) -> None:
    store = S3Store(stack.settings)
    assert store.put_if_absent("test/once", b"first", "text/plain") is not None
    assert store.put_if_absent("test/once", b"second", "text/plain") is None
    assert store.get("test/once") == b"first"
    assert store.get_if_present("test/none") is None
    with pytest.raises(ObjectMissingError):
        store.get("test/none")
    assert list(store.list_keys("test/")) == ["test/once"]
    store.delete("test/once")
    wrong = stack.settings.model_copy(update={"s3_access_key_id": "nobody"})
    with pytest.raises(StoreError, match="voicewright doctor"):
        S3Store(wrong).get("test/once")
    gone = stack.settings.model_copy(update={"s3_endpoint_url": "http://127.0.0.1:9"})
    with pytest.raises(StoreError, match="is the server up"):
        S3Store(gone).put("test/x", b"", "text/plain")


class _Counting:
    """A voice that notes in a folder how often it was asked to speak."""

    def __init__(self, folder: Path, inner: PiperEngine) -> None:
        self.folder = folder
        self.inner = inner

    def identity(self, language: str, voice: str | None) -> str:
        return f"counting {self.folder.name} {language} {voice}"

    def speak(self, text: str, language: str, voice: str | None, speed: float) -> Audio:
        (self.folder / f"{len(list(self.folder.iterdir()))}-{multiprocessing.current_process().pid}").touch()
        return self.inner.speak(text, language, voice, speed)


async def test_the_same_speech_is_made_once_ever_also_at_once(
    stack: LocalStack, tmp_path: Path, piper: PiperEngine
) -> None:
    """Two workers, each with a store connection of its own, asked four times each at the same moment."""
    chosen = ChosenVoice(_Counting(tmp_path, piper), "en", None, 1.0)
    stores = [S3Store(stack.settings) for _ in range(2)]
    steps = [SynthesizeStep(store, SuiteLibrary(store), Voices({}, "", "")) for store in stores]
    made = await asyncio.gather(*(asyncio.to_thread(step._once, chosen, TEXT) for step in steps * 4))
    assert len({ref.sha256 for ref, _ in made}) == 1
    assert len(list(tmp_path.iterdir())) == 1
    [audio] = read_wav(stores[0].get(made[0][0].key))
    assert audio.rate_hz == 16_000
    assert audio.duration_ms == made[0][1]
    await asyncio.to_thread(steps[0]._once, chosen, "Another text.")
    assert len(list(tmp_path.iterdir())) == 2
