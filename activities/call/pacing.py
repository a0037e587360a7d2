"""Where a call is paced.

One tick is one frame of 20 ms: wait until it is due, send the caller's frame, take the agent's, remember both. Because
both sides are remembered at every tick, the two channels of the recording share one clock, and a stretch of n frames in
it is n times 20 ms, whatever the event loop did meanwhile.
"""

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from activities.audio.pcm import FRAME_MS, Samples
from activities.audio.voice_activity import VoiceActivity
from activities.call.backdrop import Backdrop
from activities.call.host.headroom import Headroom
from activities.call.outbound import Outbound
from activities.ports.line import Line, LineEvent
from voicewright.contracts.call import CallEnd
from voicewright.runtime.priority import step_back

_PERCENTILES = (50, 99, 100)
_GOLDEN = (5**0.5 - 1) / 2
_calls = itertools.count()
_BESIDE = ThreadPoolExecutor(1, "voice-activity", initializer=step_back)
"""One thread for all calls of a process: more would only be in each other's way, and in that of the frames."""

T = TypeVar("T")


class CallOverError(Exception):
    """Leaves the script from wherever it is."""

    def __init__(self, end: CallEnd, detail: str) -> None:
        self.end = end
        self.detail = detail


class Pacer:
    """The clock of one call, and both sides of its recording.

    Args:
        line: an established call.
        outbound: the caller's way to it.
        activity: hears when the agent speaks, at the line's rate.
        backdrop: what is heard of the caller while they say nothing, and behind their words.
        limit_s: how long the call may last.
        on_event: told of whatever comes over the line besides audio.
        headroom: told of each frame, how late it was sent.
    """

    def __init__(
        self,
        line: Line,
        outbound: Outbound,
        activity: VoiceActivity,
        backdrop: Backdrop,
        limit_s: int,
        on_event: Callable[[LineEvent], None],
        headroom: Headroom | None = None,
    ) -> None:
        self.rate_hz = line.rate_hz
        self.frame = self.rate_hz * FRAME_MS // 1000
        """Samples of one frame."""
        self.began_s = 0.0
        """When the first frame was due, on the monotonic clock."""
        self._line = line
        self._outbound = outbound
        self._activity = activity
        self._backdrop = backdrop
        self._limit_s = limit_s
        self._on_event = on_event
        self._headroom = headroom
        self._silence: Samples = np.zeros(self.frame, np.int16)
        self._caller: list[Samples] = []
        self._agent: list[Samples] = []
        self._numbers: list[int] = []
        self._given = 0
        self._late_s: list[float] = []
        self._talking = False

    @property
    def now(self) -> int:
        """The recording's length so far, in samples."""
        return len(self._caller) * self.frame

    @property
    def frames(self) -> int:
        """How many frames were sent."""
        return len(self._caller)

    @property
    def frames_due(self) -> int:
        """How many frames should have been sent by now."""
        return int((time.monotonic() - self.began_s) * 1000 / FRAME_MS)

    @property
    def delay(self) -> int:
        """How much later than it is due sound leaves, in samples."""
        return max(0, round(self._outbound.delay_s * self.rate_hz))

    def number_of(self, at: int) -> int:
        """The frame of the line's in which the caller's sample `at` was sent, counted as they were given to it."""
        return self._numbers[min(at // self.frame, len(self._numbers) - 1)]

    def late_by(self, at: int, left_s: float) -> int:
        """How much later than it was due the frame of sample `at` left, in samples; negative where it was earlier."""
        due_s = self.began_s + at // self.frame * FRAME_MS / 1000
        return round((left_s - due_s) * self.rate_hz)

    @property
    def caller(self) -> Samples:
        """The caller's side so far."""
        return np.concatenate(self._caller or [self._silence])

    @property
    def agent(self) -> Samples:
        """The agent's side so far, as it was heard live."""
        return np.concatenate(self._agent or [self._silence])

    @property
    def lateness_ms(self) -> tuple[float, float, float]:
        """Of our frames: median, 99th percentile and worst."""
        late = np.array(self._late_s or [0.0]) * 1000
        p50, p99, worst = (float(value) for value in np.percentile(late, _PERCENTILES))
        return p50, p99, worst

    def samples(self, ms: int) -> int:
        """A length in samples."""
        return self.rate_hz * ms // 1000

    def at(self, monotonic_s: float) -> int:
        """Where in the recording a time on the monotonic clock lies."""
        return min(self.now, max(0, round((monotonic_s - self.began_s) * self.rate_hz)))

    def begin(self) -> None:
        """The call begins now; see `_next_beat`."""
        self.began_s = _next_beat(time.monotonic())

    async def tick(self, frame: Samples | None = None) -> None:
        """One frame of the call; silence where the caller says nothing.

        Raises:
            CallOverError: the call is over.
            LineDiedError: the connection broke.
        """
        await self._due()
        self._remember(await self._give(self._silence if frame is None else frame))

    async def rest(self, ms: int) -> None:
        """Silence for a time. See `tick`."""
        for _ in range(ms // FRAME_MS):
            await self.tick()

    async def ticking(self, work: Awaitable[T]) -> T:
        """The result of `work`; meanwhile the call goes on, silently. See `tick`."""
        task = asyncio.ensure_future(work)
        try:
            await asyncio.sleep(0)
            while not task.done():
                await self.tick()
            return task.result()
        finally:
            task.cancel()

    async def speak(self, speech: Samples, spoken: Callable[[int], None], stop: Callable[[], bool]) -> bool:
        """Say `speech`, frame by frame; `spoken` is told how many samples of it have left after each.

        On a line that keeps time itself some frames go early, so that none is late when we are. See `tick`.

        Returns:
            Whether it was said to its end; not so where `stop` asked for that.
        """
        self._talking = True
        padding = np.zeros(-len(speech) % self.frame, np.int16)
        frames = np.concatenate([speech, padding]).reshape(-1, self.frame)
        given: deque[tuple[int, Samples]] = deque()
        for number in range(len(frames)):
            await self._due()
            if stop():
                return False
            if number == 0:
                spoken(0)
            for frame in frames[number + len(given) : number + 1 + self._outbound.early_frames]:
                given.append(await self._give(frame, early=bool(given)))
            self._remember(given.popleft())
            spoken(min((number + 1) * self.frame, len(speech)))
        return True

    async def hear_again(self) -> None:
        """Judge what the agent did while the caller talked, beside the call: who talks decides nothing by it.

        See `tick`.
        """
        if self._talking:
            await self.ticking(beside_calls(self._activity.catch_up))
            self._talking = False
            self._activity.catch_up()

    async def _due(self) -> None:
        """Wait until the next frame is."""
        due_s = self.began_s + len(self._caller) * FRAME_MS / 1000
        wait_s = due_s - time.monotonic()
        # Even a late frame yields once: the socket must be read while we catch up.
        await asyncio.sleep(max(0.0, wait_s))
        if (reason := self._line.hung_up) is not None:
            self._take_events()
            raise CallOverError(CallEnd.AGENT_HUNG_UP, reason)
        if len(self._caller) * FRAME_MS >= self._limit_s * 1000:
            raise CallOverError(CallEnd.TOO_LONG, f"the call reached its limit of {self._limit_s} s")
        self._late_s.append(max(0.0, time.monotonic() - due_s))
        if self._headroom is not None:
            self._headroom.sent(self._late_s[-1])

    async def _give(self, frame: Samples, *, early: bool = False) -> tuple[int, Samples]:
        """Its number on the line, and what the codec leaves of it."""
        number, self._given = self._given, self._given + 1
        return number, await self._outbound.send(self._backdrop.behind(frame), early=early)

    def _remember(self, sent: tuple[int, Samples]) -> None:
        """Both sides of a frame that was due."""
        self._numbers.append(sent[0])
        self._caller.append(sent[1])
        heard = self._line.receive()
        self._agent.append(heard)
        self._activity.hear(heard, later=self._talking)
        self._take_events()

    def _take_events(self) -> None:
        for event in self._line.events():
            self._on_event(event)


async def beside_calls(work: Callable[[], T]) -> T:
    """The result of `work`, done in a thread while the frames of all calls go on."""
    return await asyncio.get_running_loop().run_in_executor(_BESIDE, work)


def _next_beat(now_s: float) -> float:
    """When a call that is ready now begins, at most one frame later.

    Calls of one process tick out of step: multiples of the golden ratio spread over the 20 ms of a frame however many
    there are, so that frames do not queue up behind those of the other calls.
    """
    period = FRAME_MS / 1000
    phase = next(_calls) * _GOLDEN % 1 * period
    return now_s + (phase - now_s) % period
