"""Piper: neural voices that run offline, faster than real time on one core."""

from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from threading import Lock

import numpy as np

from activities.audio.pcm import Audio
from activities.errors import BadInputError, InstallationError
from activities.speech.models import piper_joe
from activities.speech.voices.text_for_speech import aloud
from voicewright.languages import base_language

PACKAGED = "en_US-joe-medium"


class PiperEngine:
    """Voices are the packaged one by name, or any Piper voice by the path of its .onnx file."""

    def __init__(self, default_voice: str, models_dir: Path) -> None:
        self._default = default_voice
        self._models_dir = models_dir
        self._loaded: dict[str, _Voice] = {}
        self._lock = Lock()

    def identity(self, language: str, voice: str | None) -> str:
        """See `SpeechEngine`."""
        return f"piper {version('piper-tts')} {voice or self._default} {base_language(language)} aloud"

    def speak(self, text: str, language: str, voice: str | None, speed: float) -> Audio:
        """See `SpeechEngine`."""
        name = voice or self._default
        with self._lock:
            loaded = self._loaded.setdefault(name, _Voice(self._path(name)))
            if not loaded.speaks(language):
                raise BadInputError(
                    f"the piper voice {name} speaks {loaded.language}, not {language}: name another voice in the "
                    "suite, or another engine in VOICEWRIGHT_TTS_OTHER"
                )
            return loaded.speak(aloud(text) if base_language(language) == "en" else text, speed)

    def _path(self, name: str) -> Path:
        if name == PACKAGED:
            return piper_joe(self._models_dir)
        path = Path(name).expanduser()
        if path.suffix != ".onnx" or not path.is_file():
            raise BadInputError(f"no piper voice {name!r}: give {PACKAGED} or the path of an .onnx file")
        return path


class _Voice:
    """One loaded model; not thread-safe."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @cached_property
    def _voice(self):  # type: ignore[no-untyped-def]  # noqa: ANN202 - piper is imported where it is used
        try:
            from piper import PiperVoice  # noqa: PLC0415 - heavy: only speech workers that use it load it
        except ImportError:
            raise InstallationError("piper is not installed: pip install 'voicewright[worker]'") from None
        return PiperVoice.load(self._path)

    @property
    def language(self) -> str:
        return str(self._voice.config.espeak_voice)

    def speaks(self, language: str) -> bool:
        return base_language(self.language) == base_language(language)

    def speak(self, text: str, speed: float) -> Audio:
        from piper import SynthesisConfig  # noqa: PLC0415

        # Without noise the same text is the same sound on every machine: a case that passed once is said alike again.
        chunks = self._voice.synthesize(
            text, SynthesisConfig(length_scale=1 / speed, noise_scale=0.0, noise_w_scale=0.0)
        )
        samples = [chunk.audio_int16_array for chunk in chunks]
        if not samples:
            raise BadInputError(f"nothing to say in {text!r}: give the caller words")
        return Audio(np.concatenate(samples), self._voice.config.sample_rate)
