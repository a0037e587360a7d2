"""Caller speech as a call needs it: no silence at its ends, and always equally loud."""

import numpy as np
import pyloudnorm

from activities.audio.pcm import Audio, rms_dbfs, to_int16
from activities.errors import BadInputError

TARGET_LUFS = -20.0
"""Loudness by ITU-R BS.1770-4: well above a telephone line's noise, well below clipping."""
PEAK = 10 ** (-1 / 20)
"""-1 dBFS: the normaliser never drives a peak beyond it."""
_FRAME_MS = 10
_SILENT_BELOW_PEAK_DB = 40.0
_LOUDNESS_BLOCK_S = 0.4


def trim_silence(audio: Audio) -> Audio:
    """Cut what lies more than 40 dB below the loudest 10 ms frame off both ends.

    Raises:
        BadInputError: there is nothing but silence.
    """
    size = audio.rate_hz * _FRAME_MS // 1000
    levels = [rms_dbfs(audio.samples[at : at + size]) for at in range(0, len(audio.samples), size)]
    loudest = max(levels, default=float("-inf"))
    if loudest == float("-inf"):
        raise BadInputError("the voice engine returned silence: check the text and the voice")
    loud = [index for index, level in enumerate(levels) if level > loudest - _SILENT_BELOW_PEAK_DB]
    return Audio(audio.samples[loud[0] * size : (loud[-1] + 1) * size], audio.rate_hz)


def normalise_loudness(audio: Audio) -> Audio:
    """Bring speech to `TARGET_LUFS`; a very short word is measured by repeating it."""
    samples = audio.as_float().astype(np.float64)
    needed = round(_LOUDNESS_BLOCK_S * audio.rate_hz) + 1
    measured = np.tile(samples, -(-needed // len(samples)))
    loudness = float(pyloudnorm.Meter(audio.rate_hz).integrated_loudness(measured))
    if not np.isfinite(loudness):
        return audio
    gain = min(10 ** ((TARGET_LUFS - loudness) / 20), PEAK / float(np.max(np.abs(samples))))
    return Audio(to_int16(samples * gain * 32768), audio.rate_hz)
