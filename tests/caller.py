"""The caller that tests share: what it says, how it holds a conversation on any line, and how exact it can be then."""

import asyncio
import time
from collections.abc import Sequence
from functools import cache
from typing import Any, Self

import numpy as np

from activities.audio.pcm import FRAME_MS, Audio, Samples
from activities.audio.voice_activity import Detectors, VoiceActivity
from activities.call.conversation import Conversation
from activities.call.held import Held
from activities.call.script import Planned
from activities.ports.line import Line
from activities.speech.level import trim_silence
from activities.speech.voices.piper import PiperEngine
from voicewright.settings import Settings
from voicewright.suite import Limits

DETECTORS = Detectors()
PATIENT = Limits(answer_ms=6000, call_s=60)
"""A caller counts frames; on a busy machine more of them go by before an agent comes to speak."""
LOUD = 600
"""Peak above which the calibration agents take a frame for speech."""


@cache
def speak(text: str, rate_hz: int = 8000) -> Samples:
    """A packaged voice, with no silence around it."""
    settings = Settings()
    spoken = PiperEngine(settings.piper_voice, settings.models_dir).speak(text, "en", None, 1)
    return trim_silence(spoken).at_rate(rate_hz).samples


def utterance(text: str = "Good morning, anybody there?") -> Audio:
    """Whole frames at 8 kHz that end on a loud sample, so that its end is exact."""
    samples = speak(text)
    return Audio(samples[: (np.flatnonzero(np.abs(samples) > 4000)[-1] + 1) // 160 * 160], 8000)


def until_loud_ms(samples: Samples) -> int:
    """From the first frame at 8 kHz to the first that is loud enough to be heard."""
    return int(np.flatnonzero(np.abs(samples) > LOUD)[0]) // 160 * FRAME_MS


class OwnWork:
    """How long the event loop works at a stretch, in processor time: what a busy machine withholds does not count."""

    def __init__(self) -> None:
        self._spent_s = [0.0]

    @property
    def longest_ms(self) -> float:
        """The 99th percentile of what was done from one frame to the next."""
        return 1000 * float(np.percentile(self._spent_s, 99))

    async def __aenter__(self) -> Self:
        self._watching = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._watching.cancel()

    async def _watch(self) -> None:
        while True:
            before = time.thread_time()
            await asyncio.sleep(FRAME_MS / 1000)
            self._spent_s.append(time.thread_time() - before)


def off_by(measured_ms: float, due_ms: float, came_ms: float) -> float:
    """How far a time lies outside what a far end allows; 0 where it lies within.

    A far end tells its own time since the caller's frame was due, by the stamps of the caller's stream, and since it
    came. On a busy machine a frame leaves late, and a stack whose clock stood still stamps all later ones too early.
    """
    low, high = sorted((due_ms, came_ms))
    return measured_ms - min(max(measured_ms, low), high)


async def hold(line: Line, script: Sequence[Planned], limits: Limits | None = None, **more: Any) -> Held:
    """A conversation on a line that was dialled; `more` goes to `Conversation`."""
    with DETECTORS.borrow(line.rate_hz) as detector:
        activity = VoiceActivity(detector, line.rate_hz)
        return await Conversation(line, limits or PATIENT, activity, **more).hold(script)


def inexact_ms(held: Held) -> float:
    """By how much a time of this call may differ from what its far end tells.

    Two frames, one at either end, and the longest that the machine kept this caller waiting: who is not awake when an
    answer comes hears it late. The far end tells its own lateness itself.
    """
    return 2 * FRAME_MS + held.lateness_ms[2]
