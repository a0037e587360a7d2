"""The caller: holds a scripted conversation on a live line, in real time, whatever the channel.

One tick is one frame of 20 ms: wait until it is due, send the caller's frame, take the agent's, remember both. Because
both sides are remembered at every tick, the two channels of the recording share one clock, and a stretch of n frames in
it is n times 20 ms, whatever the event loop did meanwhile.
"""

import asyncio
import itertools
import time
from dataclasses import dataclass, field

import numpy as np

from activities.audio import Samples
from activities.ports import FRAME_MS, Line
from activities.telephony.voice_activity import Span, VoiceActivity
from voicewright.call import CallEnd
from voicewright.suite import Limits

_TAIL_MS = 400
"""Heard after a last word that expects no answer, so that nothing is cut."""
_PERCENTILES = (50, 99, 100)
_GOLDEN = (5**0.5 - 1) / 2
_calls = itertools.count()


@dataclass(frozen=True)
class PlannedTurn:
    """A turn of the suite, ready to be held. `speech` is at the line's rate; None where the agent speaks first."""

    index: int
    speech: Samples | None
    judged: bool
    """Whether the answer is expected to be anything; if not, the last turn does not wait for one."""


@dataclass
class HeldTurn:
    """A turn that was held, in samples from the start of the recording."""

    index: int
    began: int
    caller: Span | None = None


@dataclass
class Held:
    """What a conversation left behind. Both channels have the same length."""

    rate_hz: int
    caller: Samples
    agent: Samples
    turns: list[HeldTurn]
    agent_spans: list[Span]
    end: CallEnd
    end_detail: str
    lateness_ms: tuple[float, float, float]
    frames: int
    frames_lost: int


class _CallOverError(Exception):
    """Leaves the script from wherever it is."""

    def __init__(self, end: CallEnd, detail: str) -> None:
        self.end = end
        self.detail = detail


@dataclass
class Conversation:
    """One call. Use once.

    Args:
        line: an established call.
        limits: the suite's bounds.
        activity: hears when the agent speaks, at the line's rate.
    """

    line: Line
    limits: Limits
    activity: VoiceActivity
    turns: list[HeldTurn] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._rate = self.line.rate_hz
        self._frame = self._rate * FRAME_MS // 1000
        self._silence: Samples = np.zeros(self._frame, np.int16)
        self._caller: list[Samples] = []
        self._agent: list[Samples] = []
        self._late_s: list[float] = []
        self._began_s = 0.0

    @property
    def progress(self) -> str:
        """For heartbeats: where the call is."""
        seconds = len(self._caller) * FRAME_MS / 1000
        return f"turn {self.turns[-1].index if self.turns else 0}, {seconds:.0f} s"

    async def hold(self, plan: list[PlannedTurn]) -> Held:
        """Hold every turn, then hang up.

        Raises:
            LineDiedError: the connection broke; nothing can be said about the agent.
        """
        self._began_s = _next_beat(time.monotonic())
        end, detail = CallEnd.COMPLETED, ""
        try:
            for number, turn in enumerate(plan):
                await self._hold_turn(turn, last=number == len(plan) - 1)
        except _CallOverError as over:
            end, detail = over.end, over.detail
        finally:
            due = int((time.monotonic() - self._began_s) * 1000 / FRAME_MS)
            await self.line.hang_up()
        late = np.array(self._late_s or [0.0]) * 1000
        p50, p99, worst = (float(value) for value in np.percentile(late, _PERCENTILES))
        return Held(
            rate_hz=self._rate,
            caller=np.concatenate(self._caller or [self._silence]),
            agent=np.concatenate(self._agent or [self._silence]),
            turns=self.turns,
            agent_spans=self.activity.spans,
            end=end,
            end_detail=detail,
            lateness_ms=(p50, p99, worst),
            frames=len(self._caller),
            frames_lost=max(0, due - len(self._caller)),
        )

    async def _hold_turn(self, turn: PlannedTurn, *, last: bool) -> None:
        held = HeldTurn(turn.index, began=self._now)
        if turn.speech is not None:
            if not self.turns:
                await self._wait_for_quiet()  # nobody talks into a greeting
            held.began = self._now
            self.turns.append(held)
            await self._speak(turn.speech, held)
        else:
            self.turns.append(held)
        if turn.judged or not last:
            await self._listen(held)
        else:
            await self._rest(_TAIL_MS)

    async def _speak(self, speech: Samples, held: HeldTurn) -> None:
        held.caller = Span(self._now, self._now)
        for at in range(0, len(speech), self._frame):
            frame = speech[at : at + self._frame]
            if len(frame) < self._frame:
                frame = np.concatenate([frame, self._silence[len(frame) :]])
            await self._tick(frame)
            held.caller.end = held.caller.start + min(at + self._frame, len(speech))

    async def _listen(self, held: HeldTurn) -> None:
        """Until the agent has answered and is quiet again."""
        asked = held.caller.end if held.caller is not None else held.began
        patience = self._samples(self.limits.answer_ms)
        end_of_turn = self._samples(self.limits.end_of_turn_ms)
        while True:
            await self._tick(self._silence)
            spans = self.activity.spans
            answered = bool(spans) and spans[-1].end > asked
            if answered and not self.activity.speaking and self.activity.quiet_for() >= end_of_turn:
                return
            if not answered and self._now - asked >= patience:
                raise _CallOverError(
                    CallEnd.AGENT_SILENT, f"no speech within {self.limits.answer_ms} ms of turn {held.index}"
                )

    async def _wait_for_quiet(self) -> None:
        end_of_turn = self._samples(self.limits.end_of_turn_ms)
        while self.activity.speaking or self.activity.quiet_for() < end_of_turn:
            await self._tick(self._silence)

    async def _rest(self, ms: int) -> None:
        for _ in range(ms // FRAME_MS):
            await self._tick(self._silence)

    async def _tick(self, frame: Samples) -> None:
        due_s = self._began_s + len(self._caller) * FRAME_MS / 1000
        wait_s = due_s - time.monotonic()
        # Even a late frame yields once: the socket must be read while we catch up.
        await asyncio.sleep(max(0.0, wait_s))
        if (reason := self.line.hung_up) is not None:
            raise _CallOverError(CallEnd.AGENT_HUNG_UP, reason)
        if len(self._caller) * FRAME_MS >= self.limits.call_s * 1000:
            raise _CallOverError(CallEnd.TOO_LONG, f"the call reached its limit of {self.limits.call_s} s")
        self._late_s.append(max(0.0, time.monotonic() - due_s))
        self._caller.append(await self.line.send(frame))
        heard = self.line.receive()
        self._agent.append(heard)
        self.activity.hear(heard)

    @property
    def _now(self) -> int:
        """The recording's length so far, in samples."""
        return len(self._caller) * self._frame

    def _samples(self, ms: int) -> int:
        return self._rate * ms // 1000


def _next_beat(now_s: float) -> float:
    """When a call that is ready now begins, at most one frame later.

    Calls of one process tick out of step: multiples of the golden ratio spread over the 20 ms of a frame however many
    there are, so that frames do not queue up behind those of the other calls.
    """
    period = FRAME_MS / 1000
    phase = next(_calls) * _GOLDEN % 1 * period
    return now_s + (phase - now_s) % period
