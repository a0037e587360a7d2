"""espeak-ng: a robotic voice for some hundred languages, offline; a stopgap where no neural voice is at hand.

The library comes with the package `espeakng-loader`; its C interface is documented in espeak-ng's `speak_lib.h`.
"""

import ctypes
from collections.abc import Iterator
from functools import lru_cache
from importlib.metadata import version
from threading import Lock

import numpy as np

from activities.audio.pcm import Audio, Samples
from activities.errors import BadInputError, InstallationError
from activities.speech.voices.language_tags import spelled

_SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS: samples go to the callback, before `espeak_Synth` returns
_UTF8 = 1
_RATE = 1  # espeakRATE, in words per minute
_WORDS_PER_MINUTE = 165
_IPA = 0x02  # phoneme mode of espeak_TextToPhonemes
_TIED = 0x80  # with a sign between the letters of one sound; it stands in bits 8 to 23
_LOCK = Lock()
_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)

_PREFERRED = {"en": "en-us", "pt": "pt-br"}
"""Who speaks a language of several voices when no region is named."""
_MAX_VOICES = 2000


class EspeakEngine:
    """One synthesizer per process: the library keeps global state, so all engines share it and a lock guards it."""

    def identity(self, language: str, voice: str | None) -> str:
        """See `SpeechEngine`."""
        return f"espeak {version('espeakng-loader')} {voice or _PREFERRED.get(language.lower(), language.lower())}"

    def speak(self, text: str, language: str, voice: str | None, speed: float) -> Audio:
        """See `SpeechEngine`."""
        with _LOCK:
            library = _library()
            name = voice or library.voice_for(language)
            if library.c.espeak_SetVoiceByName(name.encode()) != 0:
                raise BadInputError(f"espeak-ng has no voice {name!r} for {language}: name a voice in the suite")
            library.c.espeak_SetParameter(_RATE, round(_WORDS_PER_MINUTE * speed), 0)
            library.chunks.clear()
            library.c.espeak_SetSynthCallback(library.callback)  # whoever else uses the library here has set its own
            raw = text.encode()
            status = library.c.espeak_Synth(raw, len(raw) + 1, 0, 0, 0, _UTF8, None, None)
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


class _Voice(ctypes.Structure):
    """`espeak_VOICE` of speak_lib.h, as far as it is read."""

    _fields_ = (("name", ctypes.c_char_p), ("languages", ctypes.c_void_p), ("identifier", ctypes.c_char_p))


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
        self.rate_hz: int = self.c.espeak_Initialize(_SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), 0)
        if self.rate_hz <= 0:
            raise InstallationError("espeak-ng did not start: reinstall espeakng-loader")
        self.callback = _Callback(self._collect)
        self.c.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self._voices = dict(sorted(self._listed(), reverse=True))  # of two for a language, the one that comes first

    def voice_for(self, language: str) -> str:
        """The voice that speaks a language tag; the tag itself where none does."""
        known = _PREFERRED.get(language.lower()) or spelled(language, self._voices)
        return self._voices[known] if known is not None else language

    def _listed(self) -> Iterator[tuple[str, str]]:
        """Languages with their voices: each voice has a list, a byte of priority before each language, ended by a 0."""
        self.c.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        voices = self.c.espeak_ListVoices(None)
        for number in range(_MAX_VOICES):
            if not voices[number]:
                return
            voice = voices[number].contents
            at = voice.languages
            while ctypes.string_at(at, 1) != b"\0":
                language = ctypes.string_at(at + 1)
                yield language.decode(), voice.identifier.decode().rpartition("/")[2]
                at += len(language) + 2

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


def voice_name(language: str) -> str:
    """espeak-ng's own name for a language tag.

    Raises:
        InstallationError: espeak-ng is not installed.
    """
    with _LOCK:
        return _library().voice_for(language)
