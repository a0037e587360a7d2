"""espeak-ng, from the package `espeakng-loader`: what a text sounds like, as phonemes or as speech.

Its C interface is documented in espeak-ng's `speak_lib.h`.
"""

import ctypes
from functools import lru_cache
from threading import Lock

import espeakng_loader
import numpy as np
from numpy.typing import NDArray

_SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS: samples go to the callback, before `espeak_Synth` returns
_UTF8 = 1
_IPA = 2
_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class Espeak:
    """The library keeps its state in global variables: there is one of it per process, and callers take turns."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._chunks: list[NDArray[np.int16]] = []
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        self.rate_hz: int = self._library.espeak_Initialize(_SYNCHRONOUS, 0, data, 0)
        self._library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self._callback = _Callback(self._collect)  # held here because C calls it whenever it has samples

    def say(self, text: str, voice: str) -> NDArray[np.float64]:
        """Samples between -1 and 1, shape (n,), at `rate_hz`. Blocking."""
        with self._lock:
            self._chunks.clear()
            self._library.espeak_SetSynthCallback(self._callback)
            self._library.espeak_SetVoiceByName(voice.encode())
            raw = text.encode()
            self._library.espeak_Synth(raw, len(raw) + 1, 0, 0, 0, _UTF8, None, None)
            return np.concatenate(self._chunks).astype(np.float64) / 32768

    def phonemes(self, text: str, voice: str) -> str:
        """The text in IPA with stress marks. Punctuation is dropped."""
        with self._lock:
            self._library.espeak_SetVoiceByName(voice.encode())
            rest, clauses = ctypes.c_char_p(text.encode()), []
            while rest.value is not None:  # each call reads one clause and moves the pointer on, to null at the end
                clause = self._library.espeak_TextToPhonemes(ctypes.byref(rest), _UTF8, _IPA)
                clauses.append((clause or b"").decode())
            return " ".join(clauses)

    def _collect(self, wave: "ctypes._Pointer[ctypes.c_short]", count: int, _events: int) -> int:
        if count > 0:
            self._chunks.append(np.ctypeslib.as_array(wave, (count,)).astype(np.int16))
        return 0


@lru_cache(maxsize=1)
def espeak() -> Espeak:
    """The one of this process, loaded when it is first needed."""
    return Espeak()
