"""espeak-ng: a robotic voice for some hundred languages, offline; a stopgap where no neural voice is at hand.

The library comes with the package `espeakng-loader`; its C interface is documented in espeak-ng's `speak_lib.h`.
"""

import ctypes
from collections.abc import Iterator
from functools import lru_cache
from importlib.metadata import version
from threading import Lock

import numpy as np

from activities.audio import Audio, Samples
from activities.errors import BadInputError, InstallationError

_RETRIEVAL = 1  # AUDIO_OUTPUT_RETRIEVAL: samples go to the callback, not to a sound card
_UTF8 = 1
_RATE = 1  # espeakRATE, in words per minute
_WORDS_PER_MINUTE = 165
_IPA = 0x02  # phoneme mode of espeak_TextToPhonemes
_TIED = 0x80  # with a sign between the letters of one sound; it stands in bits 8 to 23
_LOCK = Lock()
_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)

# espeak-ng's names where they are not the ISO 639-1 code.
_VOICES = {"zh": "cmn", "no": "nb", "en": "en-us", "pt": "pt-br"}


class EspeakEngine:
    """One synthesizer per process: the library keeps global state, so all engines share it and a lock guards it."""

    def identity(self, language: str, voice: str | None) -> str:
        """See `SpeechEngine`."""
        return f"espeak {version('espeakng-loader')} {voice or _voice_name(language)}"

    def speak(self, text: str, language: str, voice: str | None, speed: float) -> Audio:
        """See `SpeechEngine`."""
        name = voice or _voice_name(language)
        with _LOCK:
            library = _library()
            if library.c.espeak_SetVoiceByName(name.encode()) != 0:
                raise BadInputError(f"espeak-ng has no voice {name!r} for {language}: name a voice in the suite")
            library.c.espeak_SetParameter(_RATE, round(_WORDS_PER_MINUTE * speed), 0)
            library.chunks.clear()
            raw = text.encode()
            status = library.c.espeak_Synth(raw, len(raw) + 1, 0, 0, 0, _UTF8, None, None)
            library.c.espeak_Synchronize()
            if status != 0 or not library.chunks:
                raise BadInputError(f"espeak-ng could not say {text!r}")
            return Audio(np.concatenate(library.chunks), library.rate_hz)


def ipa(text: str, voice: str, tie: str) -> str:
    """Text as IPA with stress marks by espeak-ng's `voice`; `tie` joins the letters of a diphthong or affricate.

    Raises:
        BadInputError: there is no such voice.
        InstallationError: espeak-ng is not installed.
    """
    with _LOCK:
        library = _library()
        if library.c.espeak_SetVoiceByName(voice.encode()) != 0:
            raise BadInputError(f"espeak-ng has no voice {voice!r}")
        return " ".join(library.phonemes(text, _IPA | _TIED | ord(tie) << 8))


class _Library:
    """The loaded library. The callback lives as long as it: C calls it whenever it has samples."""

    def __init__(self) -> None:
        try:
            import espeakng_loader  # noqa: PLC0415 - only speech workers that use it load it
        except ImportError:
            message = "espeak-ng is not installed: pip install 'voicewright[worker]'"
            raise InstallationError(message) from None
        self.chunks: list[Samples] = []
        self.c = ctypes.CDLL(espeakng_loader.get_library_path())
        self.rate_hz: int = self.c.espeak_Initialize(_RETRIEVAL, 0, espeakng_loader.get_data_path().encode(), 0)
        if self.rate_hz <= 0:
            raise InstallationError("espeak-ng did not start: reinstall espeakng-loader")
        self._callback = _Callback(self._collect)
        self.c.espeak_SetSynthCallback(self._callback)

        self.c.espeak_TextToPhonemes.restype = ctypes.c_char_p

    def phonemes(self, text: str, mode: int) -> Iterator[str]:
        """Clause by clause: espeak-ng moves the pointer on, and to null at the end."""
        rest = ctypes.c_char_p(text.encode())
        while rest.value is not None:
            clause = self.c.espeak_TextToPhonemes(ctypes.byref(rest), _UTF8, mode)
            yield (clause or b"").decode()

    def _collect(self, wave: "ctypes._Pointer[ctypes.c_short]", count: int, _events: int) -> int:
        if count > 0:
            self.chunks.append(np.ctypeslib.as_array(wave, (count,)).astype(np.int16))
        return 0


@lru_cache(maxsize=1)
def _library() -> _Library:
    return _Library()


def _voice_name(language: str) -> str:
    tag = language.lower()
    return _VOICES.get(tag, tag)
