"""A call that ended because the agent said nothing: was there really nothing to hear?

Voice activity detection finds no speech in a mumble, nor in much that people make out as words. Where something sounded
on the agent's side for as long as a word or two takes, a person listens before the agent is called silent.
"""

from collections.abc import Sequence

import numpy as np

from activities.audio.pcm import FRAME_MS, Audio
from activities.checks.hard import doubted
from activities.checks.recorded_call import Call
from voicewright.contracts.call import CallEnd
from voicewright.contracts.check import Check, CheckKind, CheckOutcome, Doubt, DoubtKind

_SILENT = {CallEnd.AGENT_SILENT, CallEnd.WAITED_IN_VAIN}
_LONG_MS = 600
_ABOVE_DB = 12.0
"""Over the recording's noise, which is the level that a tenth of its frames stay under."""
_FAINTEST_DBFS = -60.0


def doubt_silence(checks: Sequence[Check], call: Call) -> list[Check]:
    """The checks, with the one on the conversation left to a person where a silent agent made sounds after all."""
    if call.record.end not in _SILENT:
        return list(checks)
    since_ms = max((turn.caller_end_ms or 0 for turn in call.record.turns), default=0)
    sounding = sounding_ms(call.agent, since_ms)
    if sounding < _LONG_MS:
        return list(checks)
    because = f"the agent sounded for {sounding / 1000:.1f} s, and no speech was found in it: listen"
    doubt = Doubt(kind=DoubtKind.UNCLEAR_SOUND, because=because)
    return [doubted(check, doubt) if _says_silent(check) else check for check in checks]


def sounding_ms(side: Audio, since_ms: int) -> int:
    """For how long a side is clearly louder than its noise, from a time on."""
    size = side.rate_hz * FRAME_MS // 1000
    frames = side.samples[: len(side.samples) // size * size].reshape(-1, size).astype(np.float64) / 32768
    if not len(frames):
        return 0
    level = 10 * np.log10(np.maximum(np.mean(np.square(frames), axis=1), 1e-10))
    limit = max(float(np.percentile(level, 10)) + _ABOVE_DB, _FAINTEST_DBFS)
    return int(np.count_nonzero(level[since_ms // FRAME_MS :] > limit)) * FRAME_MS


def _says_silent(check: Check) -> bool:
    return check.kind is CheckKind.CONVERSATION and check.turn is None and check.outcome is CheckOutcome.FAILED
