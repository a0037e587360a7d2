"""Whisper's encoder, made to do no more than it must.

It is half of the work. Whisper pads whatever it hears to 30 s; most of what one side of a call says takes less. Here it
hears the speech and a margin of silence, and a second hearing of the same speech is given what the first one got.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MARGIN = 300
"""Frames of silence after the speech. With none, Whisper, which always saw some, loops in one short answer of seven."""
_LEAST = 1_000
"""Frames that are always heard."""
_KEPT = 32
"""Encodings that are kept: of calls of a few minutes, some 2 MB each with the packaged model."""
_EVEN = 2
"""The encoder halves the number of frames."""


def spoken_part(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Features without most of the padding, which is exactly zero: shape (mels, frames), 100 frames a second."""
    frames = features.shape[-1]
    sounding = np.flatnonzero(features.any(axis=0))
    end = int(sounding[-1]) + 1 if len(sounding) else 0
    wanted = max(_LEAST, end + _MARGIN)
    return np.ascontiguousarray(features[:, : min(frames, wanted + wanted % _EVEN)])


def economical(encode: Callable[[NDArray[np.float32]], Any]) -> Callable[[NDArray[np.float32]], Any]:
    """The encoder without padding and with a memory. Thread-safe if `encode` is."""
    kept: OrderedDict[bytes, Any] = OrderedDict()
    lock = Lock()

    def encoded(features: NDArray[np.float32]) -> Any:  # noqa: ANN401 - CTranslate2's own array
        heard = spoken_part(features)
        key = hashlib.sha256(heard.tobytes()).digest()
        with lock:
            found = kept.get(key)
        if found is None:
            found = encode(heard)
        with lock:
            kept[key] = found
            kept.move_to_end(key)
            if len(kept) > _KEPT:
                kept.popitem(last=False)
        return found

    return encoded
