"""The caller: holds a scripted conversation on a live line, in real time, whatever the channel.

One tick is one frame of 20 ms: wait until it is due, send the caller's frame, take the agent's, remember both. Because
both sides are remembered at every tick, the two channels of the recording share one clock, and a stretch of n frames in
it is n times 20 ms, whatever the event loop did meanwhile.
"""

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Awaitable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from activities.audio import Samples
from activities.ports import FRAME_MS, Line, LineEvent, LineEventKind, LiveEars, MediaStats
from activities.telephony.backdrop import SILENT, Backdrop
from activities.telephony.dtmf import GAP_MS, PRESS_MS, tones
from activities.telephony.script import Awaits, Planned, PlannedBranch, PlannedTurn
from activities.telephony.voice_activity import Span, VoiceActivity
from voicewright.call import CallEnd
from voicewright.suite import Limits
from voicewright.turn import Said

_TAIL_MS = 400
"""Heard after a last word that expects no answer, so that nothing is cut."""
_PERCENTILES = (50, 99, 100)
_GOLDEN = (5**0.5 - 1) / 2
_WINDOW_MS = 40
_PHRASE_MS = 300
"""So much quiet ends a phrase that a waiting caller understands."""
_LONG_PHRASE_MS = 4000
"""A phrase without a pause is listened to after so long."""
_calls = itertools.count()
_JUDGING = ThreadPoolExecutor(1, "voice-activity")
"""One thread for all calls of a process: more would only be in each other's way, and in that of the frames."""

_ENDS = {Awaits.HANGUP, Awaits.TRANSFER}

T = TypeVar("T")


@dataclass
class HeldTurn:
    """A turn that was held, in samples from the start of the recording."""

    index: int
    began: int
    caller: Span | None = None
    interrupts: bool = False
    """Whether the agent was really speaking when the caller talked into it."""
    delay: int = 0
    """How much later than it was due the caller's sound began to leave."""
    delay_at_end: int = 0


@dataclass
class HeldEvent:
    """Something besides audio, in samples from the start of the recording."""

    kind: str
    value: str
    at: int
    turn: int | None
    data: dict[str, object] | None = None


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
    events: list[HeldEvent] = field(default_factory=list)
    stats: MediaStats | None = None


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
        ears: understands what it says, where the script depends on that.
        backdrop: what is heard of the caller while they say nothing, and behind their words.
    """

    line: Line
    limits: Limits
    activity: VoiceActivity
    ears: LiveEars | None = None
    backdrop: Backdrop = SILENT
    turns: list[HeldTurn] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._rate = self.line.rate_hz
        self._frame = self._rate * FRAME_MS // 1000
        self._silence: Samples = np.zeros(self._frame, np.int16)
        self._caller: list[Samples] = []
        self._agent: list[Samples] = []
        self._late_s: list[float] = []
        self._events: list[HeldEvent] = []
        self._began_s = 0.0
        self._answered_at: int | None = None
        self._handed_on: str | None = None
        self._talking = False

    @property
    def progress(self) -> str:
        """For heartbeats: where the call is."""
        seconds = len(self._caller) * FRAME_MS / 1000
        return f"turn {self.turns[-1].index if self.turns else 0}, {seconds:.0f} s"

    async def hold(self, script: Sequence[Planned]) -> Held:
        """Hold every turn, then hang up.

        Raises:
            LineDiedError: the connection broke; nothing can be said about the agent.
        """
        self._began_s = _next_beat(time.monotonic())
        end, detail = CallEnd.COMPLETED, ""
        try:
            await self._follow(script, last=True)
        except _CallOverError as over:
            end, detail = over.end, over.detail
        finally:
            due = int((time.monotonic() - self._began_s) * 1000 / FRAME_MS)
            await self.line.hang_up()
        await self._judge_what_waits()
        return await asyncio.get_running_loop().run_in_executor(_JUDGING, self._left_behind, end, detail, due)

    def _left_behind(self, end: CallEnd, detail: str, due: int) -> Held:
        """What is kept of a call that is over; beside the calls that are not."""
        late = np.array(self._late_s or [0.0]) * 1000
        p50, p99, worst = (float(value) for value in np.percentile(late, _PERCENTILES))
        agent = np.concatenate(self._agent or [self._silence])
        arrived = self.line.heard(self._began_s, len(agent))
        return Held(
            rate_hz=self._rate,
            caller=self._as_it_left(np.concatenate(self._caller or [self._silence])),
            agent=agent if arrived is None else arrived,
            turns=self.turns,
            agent_spans=self.activity.spans,
            end=end,
            end_detail=detail,
            lateness_ms=(p50, p99, worst),
            frames=len(self._caller),
            frames_lost=max(0, due - len(self._caller)),
            events=self._events,
            stats=self.line.stats(),
        )

    def _as_it_left(self, caller: Samples) -> Samples:
        """The caller's side with the delay that the line adds before a frame leaves, in sound and in times."""
        if not any(turn.delay or turn.delay_at_end for turn in self.turns):
            return caller
        moved = np.zeros_like(caller)
        for number, turn in enumerate(self.turns):
            until = self.turns[number + 1].began if number + 1 < len(self.turns) else len(caller)
            said = caller[turn.began if number else 0 : until]
            at = (turn.began if number else 0) + turn.delay
            room = moved[at : at + len(said)]
            room[:] = said[: len(room)]
            if turn.caller is not None:
                turn.caller.start += turn.delay
                turn.caller.end += turn.delay_at_end
        return moved

    async def _follow(self, script: Sequence[Planned], *, last: bool) -> None:
        for number, step in enumerate(script):
            final = last and number == len(script) - 1
            after = script[number + 1] if number + 1 < len(script) else None
            if isinstance(step, PlannedBranch):
                await self._follow(await self._choose(step), last=final)
            else:
                await self._hold_turn(step, after, last=final)

    async def _choose(self, branch: PlannedBranch) -> tuple[Planned, ...]:
        """The first way whose condition holds for what the agent said last."""
        since = self.turns[-1].began if self.turns else 0
        text = await self._understand(since)
        for said, then in branch.ways:
            if await self._ticking(self._require_ears().holds(said, text)):
                return then
        return branch.otherwise

    async def _hold_turn(self, turn: PlannedTurn, after: Planned | None, *, last: bool) -> None:
        if turn.wait_for is not None:
            await self._wait_for(turn.wait_for, turn.wait_ms)
        held = HeldTurn(turn.index, began=self._now)
        if turn.acts and not self.turns and turn.wait_for is None:
            await self._wait_for_quiet()  # nobody talks into a greeting
        held.began = self._now
        self._answered_at = None
        held.interrupts = turn.interrupt_ms is not None and self.activity.speaking
        self.turns.append(held)
        if turn.speech is not None or turn.text is not None:
            await self._ticking(self.line.turn_begins(turn.text))
        if turn.speech is not None and not self.line.takes_text:
            await self._speak(turn.speech, held)
        for key in turn.keys:
            await self._press(key, held, as_tone=turn.tones or not self.line.sends_keys)
        await self._ticking(self.line.turn_over())
        if turn.hangs_up:
            await self._rest(_TAIL_MS)
            raise _CallOverError(CallEnd.COMPLETED, "")
        if turn.awaits is Awaits.NOTHING or (last and not turn.judged and turn.silence_ms is None):
            await self._rest(_TAIL_MS)
        else:
            interrupt_ms = after.interrupt_ms if isinstance(after, PlannedTurn) else None
            await self._listen(held, turn, interrupt_ms)

    async def _speak(self, speech: Samples, held: HeldTurn) -> None:
        """Frame by frame; on a line that keeps time itself some frames early, so that none is late when we are."""
        began = self._now
        held.caller = Span(began, began)
        self._talking = True
        padding = np.zeros(-len(speech) % self._frame, np.int16)
        frames = np.concatenate([speech, padding]).reshape(-1, self._frame)
        given: deque[Samples] = deque()
        for number in range(len(frames)):
            await self._due()
            if number == 0:
                held.delay = self._delay
            for frame in frames[number + len(given) : number + 1 + self.line.early_frames]:
                send = self.line.send_early if given else self.line.send
                given.append(await send(self.backdrop.behind(frame)))
            self._remember(given.popleft())
            held.caller.end = began + min((number + 1) * self._frame, len(speech))
        held.delay_at_end = self._delay

    async def _hear_again(self) -> None:
        """Who talks decides nothing by what the other side does: that is judged afterwards, beside the call."""
        if self._talking:
            await self._ticking(self._judge_what_waits())
            self._talking = False
            self.activity.catch_up()

    async def _judge_what_waits(self) -> None:
        await asyncio.get_running_loop().run_in_executor(_JUDGING, self.activity.catch_up)

    async def _press(self, key: str, held: HeldTurn, *, as_tone: bool) -> None:
        if held.caller is None:
            held.caller, held.delay = Span(self._now, self._now), self._delay
        self._events.append(HeldEvent("pressed", key, self._now, held.index))
        sound = tones(key, self._rate) if as_tone else np.zeros(self._rate * PRESS_MS // 1000, np.int16)
        pressing = asyncio.ensure_future(self.line.press(key)) if not as_tone else None
        for at in range(0, len(sound), self._frame):
            await self._tick(sound[at : at + self._frame])
        held.caller.end, held.delay_at_end = self._now, self._delay
        if pressing is not None:
            await self._ticking(pressing)
        await self._rest(GAP_MS)

    async def _listen(self, held: HeldTurn, turn: PlannedTurn, interrupt_ms: int | None) -> None:
        """Until the agent has answered and is quiet again, or has done what the turn waits for."""
        asked = held.caller.end if held.caller is not None else held.began
        await self._hear_again()
        while True:
            await self._tick(self._silence)
            if self._handed_on is not None:
                raise _CallOverError(CallEnd.TRANSFERRED, f"the agent transferred the call to {self._handed_on}")
            if self._has_answered(held, asked):
                if self._may_go_on(turn, asked, interrupt_ms):
                    return
            elif self._nothing_came(held, turn, asked):
                return

    def _has_answered(self, held: HeldTurn, asked: int) -> bool:
        spans = self.activity.spans
        # The detector's windows begin up to one of them before the sound does.
        began = held.began - self._samples(_WINDOW_MS) if held.caller is not None else 0
        spoke = bool(spans) and spans[-1].end > asked and spans[-1].start >= began
        return spoke or self._answered_at is not None

    def _may_go_on(self, turn: PlannedTurn, asked: int, interrupt_ms: int | None) -> bool:
        """Whether an agent that has answered leaves the word to the caller; or the caller takes it."""
        if self.activity.speaking:
            if interrupt_ms is None:
                return False
            onset = next(span.start for span in self.activity.spans if span.end > asked)
            spoken = self._now - max(onset, asked)
            return spoken >= self._samples(interrupt_ms)
        # An agent that said something, but did not end or transfer the call, gets the time for an answer to do so.
        wait_ms = self.limits.answer_ms if turn.awaits in _ENDS else self.limits.end_of_turn_ms
        quiet = self.activity.quiet_for()
        if self._answered_at is not None:
            quiet = min(quiet, self._now - self._answered_at)  # its sound, if there is any, is about to come
        return quiet >= self._samples(wait_ms)

    def _nothing_came(self, held: HeldTurn, turn: PlannedTurn, asked: int) -> bool:
        """Whether a caller who is silent on purpose has been so for long enough."""
        patience_ms = turn.silence_ms if turn.silence_ms is not None else self.limits.answer_ms
        if self._now - asked < self._samples(patience_ms):
            return False
        if turn.awaits is Awaits.KEYS or (turn.silence_ms is not None and not turn.judged):
            return True  # keys may come as sound, which is no speech: the verdict looks for them
        raise _CallOverError(CallEnd.AGENT_SILENT, f"no speech within {patience_ms} ms of turn {held.index}")

    async def _wait_for(self, wanted: Said, limit_ms: int) -> None:
        """Until the agent has said something that fits: since the caller's last word, or from now on."""
        ears = self._require_ears()
        began = self._now
        last = self.turns[-1] if self.turns else None
        since = 0 if last is None else last.began if last.caller is None else last.caller.end
        heard_until, written = since, 0
        while self._now - began < self._samples(limit_ms):
            await self._tick(self._silence)
            spans = [span for span in self.activity.spans if span.end > heard_until]
            pause = not self.activity.speaking and self.activity.quiet_for() >= self._samples(_PHRASE_MS)
            phrase = bool(spans) and (pause or spans[-1].end - heard_until >= self._samples(_LONG_PHRASE_MS))
            answers = sum(event.kind == LineEventKind.ANSWER for event in self._events)
            if phrase or answers > written:
                heard_until, written = spans[-1].end if spans else heard_until, answers
                if await self._ticking(ears.holds(wanted, await self._understand(since))):
                    return
        raise _CallOverError(CallEnd.WAITED_IN_VAIN, f"the agent did not say what was waited for within {limit_ms} ms")

    async def _understand(self, since: int) -> str:
        """What the agent has said since a time, as far as it came."""
        words = [event.value for event in self._events if event.kind == LineEventKind.ANSWER and event.at >= since]
        if words:
            return " ".join(words)
        sound = np.concatenate(self._agent or [self._silence])[max(0, since) :]
        return await self._ticking(self._require_ears().understand(sound, self._rate))

    async def _ticking(self, work: Awaitable[T]) -> T:
        """The result of `work`; meanwhile the call goes on, silently."""
        task = asyncio.ensure_future(work)
        try:
            await asyncio.sleep(0)
            while not task.done():
                await self._tick(self._silence)
            return task.result()
        finally:
            task.cancel()

    def _require_ears(self) -> LiveEars:
        assert self.ears is not None, "a script that depends on words needs ears"
        return self.ears

    async def _wait_for_quiet(self) -> None:
        end_of_turn = self._samples(self.limits.end_of_turn_ms)
        while self.activity.speaking or self.activity.quiet_for() < end_of_turn:
            await self._tick(self._silence)

    async def _rest(self, ms: int) -> None:
        for _ in range(ms // FRAME_MS):
            await self._tick(self._silence)

    async def _tick(self, frame: Samples) -> None:
        await self._due()
        self._remember(await self.line.send(self.backdrop.behind(frame)))

    async def _due(self) -> None:
        """Wait until the next frame is.

        Raises:
            _CallOverError: the call is over.
        """
        due_s = self._began_s + len(self._caller) * FRAME_MS / 1000
        wait_s = due_s - time.monotonic()
        # Even a late frame yields once: the socket must be read while we catch up.
        await asyncio.sleep(max(0.0, wait_s))
        if (reason := self.line.hung_up) is not None:
            self._take_events()
            over = CallEnd.AGENT_HUNG_UP if self._handed_on is None else CallEnd.TRANSFERRED
            raise _CallOverError(over, reason)
        if len(self._caller) * FRAME_MS >= self.limits.call_s * 1000:
            raise _CallOverError(CallEnd.TOO_LONG, f"the call reached its limit of {self.limits.call_s} s")
        self._late_s.append(max(0.0, time.monotonic() - due_s))

    def _remember(self, sent: Samples) -> None:
        """Both sides of a frame that was due."""
        self._caller.append(sent)
        heard = self.line.receive()
        self._agent.append(heard)
        self.activity.hear(heard, later=self._talking)
        self._take_events()

    def _take_events(self) -> None:
        for event in self.line.events():
            self._note(event)

    def _note(self, event: LineEvent) -> None:
        at = min(self._now, max(0, round((event.at_s - self._began_s) * self._rate)))
        turn = self.turns[-1].index if self.turns else None
        self._events.append(HeldEvent(str(event.kind), event.value, at, turn, event.data))
        if event.kind in {LineEventKind.ANSWER, LineEventKind.KEY} or (event.data and "intent" in event.data):
            self._answered_at = self._now
        elif event.kind is LineEventKind.TRANSFER:
            self._handed_on = event.value

    @property
    def _delay(self) -> int:
        """How much later than it is due sound leaves, in samples."""
        return max(0, round(self.line.sending_delay_s * self._rate))

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
