"""Real speech through real engines and the real object store."""

import asyncio
import multiprocessing
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faster_whisper import WhisperModel
from local_stack import LocalStack
from numpy.typing import NDArray

from activities.audio import g711
from activities.audio.pcm import Audio, read_wav, rms_dbfs
from activities.checks.heard.error_rate import error_rate
from activities.errors import BadInputError, InstallationError
from activities.speech import models
from activities.speech.level import TARGET_LUFS, normalise_loudness, trim_silence
from activities.speech.recognition.whisper import WhisperRecogniser
from activities.speech.voices.choice import ChosenVoice, Voices
from activities.speech.voices.espeak import EspeakEngine
from activities.speech.voices.piper import PiperEngine
from activities.steps.synthesize import SynthesizeStep
from activities.suites import SuiteLibrary
from voicewright.settings import Settings
from voicewright.store.errors import ObjectMissingError, StoreError
from voicewright.store.s3 import S3Store
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


@pytest.mark.parametrize(
    ("said", "name", "respelled", "may_be"),
    [
        # What sounds the same is the same by ear; and told nothing, the recogniser finds it far likelier.
        ("One margherita, please.", "margherita", True, False),
        ("Take Tramadol with food.", "Tramadol", True, False),
        # The right one, but heard so badly that only the hint brings it: a person listens.
        ("Your appointment is with Doctor Okonkwo on Tuesday.", "Okonkwo", False, True),
        ("Your prescription for Lipitor is ready.", "lipitor", False, True),
        # Another one, which the hint makes into the expected: a person listens, and nothing passes.
        ("Please take Zantac twice a day.", "Xanax", False, True),
        ("Your prescription for Klonopin is ready.", "Clonidine", False, True),
        ("You are booked with Doctor Pedersen at nine.", "Petersen", False, True),
        ("Your flight goes to Charlestown.", "Charleston", False, True),
        # Another one that even the hint does not change.
        ("Your appointment is with Doctor Brennan on Tuesday.", "Okonkwo", False, False),
    ],
)
def test_a_hint_alone_brings_no_name(
    piper: PiperEngine, whisper: WhisperRecogniser, said: str, name: str, respelled: bool, may_be: bool
) -> None:
    spoken = over_the_telephone(piper.speak(said, "en", None, 1.0)).as_float()
    phone = np.concatenate([spoken, np.zeros(6_400, np.float32)])
    told = whisper.recognise(phone, "en", names=[name])
    heard = {word.text.strip(".,") for word in told}
    assert (name in heard) is respelled
    assert any(name in (word.may_be or "") for word in told) is may_be
    if not respelled:
        assert [word.text for word in told] == [word.text for word in whisper.recognise(phone, "en")]


def test_a_recording_is_encoded_once_and_heard_to_its_end(piper: PiperEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[int] = []
    encode = WhisperModel.encode

    def counted(model: WhisperModel, features: NDArray[np.float32]) -> Any:
        encoded.append(features.shape[-1])
        return encode(model, features)

    monkeypatch.setattr(WhisperModel, "encode", counted)
    whisper = WhisperRecogniser("base", SETTINGS.models_dir, 1)
    pause = np.zeros(12_000, np.float32)

    def phone(text: str) -> NDArray[np.float32]:
        return np.concatenate([over_the_telephone(piper.speak(text, "en", None, 1.0)).as_float(), pause])

    for careful in (True, False):
        heard = whisper.recognise(phone(TEXT), "en", careful=careful)
        assert error_rate(TEXT, " ".join(word.text for word in heard), "en") <= 0.15
    assert len(encoded) == 1
    assert encoded[0] == 1_000  # hundredths of a second: not the 30 s that Whisper pads to
    heard = whisper.recognise(np.concatenate([phone(TEXT), pause, phone("Goodbye.")]), "en")
    assert heard[-1].text.strip(".").lower() == "goodbye"


@pytest.mark.parametrize("language", ["de", "fr", "es", "zh", "hi"])
def test_espeak_speaks_other_languages(language: str) -> None:
    audio = EspeakEngine().speak("Hallo 1 2 3", language, None, 1.0)
    assert audio.duration_ms > 500
    assert rms_dbfs(audio.samples) > -40


TURNS = """
from activities.speech.voices.espeak import EspeakEngine
from examples.desk.speech.espeak import espeak

for _ in range(2):
    assert len(espeak().say("Hola, buenos días", "es")) > 10_000
    assert EspeakEngine().speak("Hallo 1 2 3", "de", None, 1.0).duration_ms > 500
"""


def test_two_users_of_espeak_in_one_process_take_turns() -> None:
    """Each in a process of its own is the rule, but a program may hold the agent and the tester."""
    done = subprocess.run([sys.executable, "-c", TURNS], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr


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
