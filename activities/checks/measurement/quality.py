"""DNSMOS P.835: how good the agent's speech sounds, on the scale of listeners' opinions, 1 to 5.

Reddy, Gopal, Cutler: "DNSMOS P.835: a non-intrusive perceptual objective speech quality metric", 2022. The model and
its scale are those of Microsoft's package `speechmos`. A telephone line alone costs 0.6: compare within one channel.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from activities.audio.pcm import Audio
from activities.errors import InstallationError

_RATE_HZ = 16_000
_LENGTH = int(9.01 * _RATE_HZ)
_OVERALL = (-0.06766283, 1.11546468, 0.04602535)
_MOST = 6
"""Stretches of 9 s that are judged of a long call, spread over it."""


@cache
def _model() -> Any:  # noqa: ANN401 - onnxruntime has no types
    found = find_spec("speechmos")
    if found is None or found.origin is None:
        raise InstallationError("speech quality needs the package speechmos: pip install speechmos")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    path = Path(found.origin).parent / "dnsmos_models" / "sig_bak_ovr.onnx"
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def speech_quality(speech: Audio) -> float | None:
    """Overall quality of speech without its pauses; None where there is less than a second of it.

    Raises:
        InstallationError: the model's package is missing.
    """
    samples = speech.at_rate(_RATE_HZ).as_float()
    if len(samples) < _RATE_HZ:
        return None
    if len(samples) < _LENGTH:
        samples = np.tile(samples, -(-_LENGTH // len(samples)))
    starts = np.linspace(0, len(samples) - _LENGTH, min(_MOST, 1 + (len(samples) - _LENGTH) // _RATE_HZ)).astype(int)
    windows: NDArray[np.float32] = np.stack([samples[start : start + _LENGTH] for start in starts])
    raw = [_model().run(None, {"input_1": window[None]})[0][0][2] for window in windows]
    return round(float(np.mean([np.polyval(_OVERALL, value) for value in raw])), 2)
