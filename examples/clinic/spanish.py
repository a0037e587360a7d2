"""A Spanish voice for a receptionist who falls into the wrong language: espeak-ng, from the package `espeakng-loader`.

Its C interface is documented in espeak-ng's `speak_lib.h`. The English Piper voice reads Spanish text so badly that no
listener would call it Spanish.
"""

import ctypes
from functools import lru_cache

import espeakng_loader
import numpy as np
from numpy.typing import NDArray

_RETRIEVAL = 1  # AUDIO_OUTPUT_RETRIEVAL: samples go to the callback, not to a sound card
_UTF8 = 1
_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class SpanishVoice:
    """The library keeps global state: one per process, and callers take turns."""

    def __init__(self) -> None:
        self._chunks: list[NDArray[np.int16]] = []
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        self.rate_hz: int = self._library.espeak_Initialize(_RETRIEVAL, 0, data, 0)
        self._callback = _Callback(self._collect)  # lives as long as we do: C calls it whenever it has samples
        self._library.espeak_SetSynthCallback(self._callback)
        self._library.espeak_SetVoiceByName(b"es")

    def say(self, text: str) -> NDArray[np.float64]:
        """Samples between -1 and 1, shape (n,), at `rate_hz`. Blocking."""
        self._chunks.clear()
        raw = text.encode()
        self._library.espeak_Synth(raw, len(raw) + 1, 0, 0, 0, _UTF8, None, None)
        self._library.espeak_Synchronize()
        return np.concatenate(self._chunks).astype(np.float64) / 32768

    def _collect(self, wave: "ctypes._Pointer[ctypes.c_short]", count: int, _events: int) -> int:
        if count > 0:
            self._chunks.append(np.ctypeslib.as_array(wave, (count,)).astype(np.int16))
        return 0


@lru_cache(maxsize=1)
def spanish_voice() -> SpanishVoice:
    """The process's own, loaded when it is first needed."""
    return SpanishVoice()
