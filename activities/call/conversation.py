"""The caller: holds a scripted conversation on a live line, in real time, whatever the channel.

The script is followed here, turn by turn; `pacing` keeps the time, `agent_words` understands the agent.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from activities.audio.dtmf import GAP_MS, PRESS_MS, tones
from activities.audio.pcm import FRAME_MS, Samples
from activities.audio.voice_activity import Span, VoiceActivity
from activities.call.agent_words import AgentWords
from activities.call.backdrop import SILENT, Backdrop
from activities.call.held import Held, HeldEvent, HeldTurn, as_it_left
from activities.call.host.headroom import Headroom
from activities.call.outbound import Direct, Outbound
from activities.call.pacing import CallOverError, Pacer, beside_calls
from activities.call.script import Awaits, Planned, PlannedBranch, PlannedTurn
from activities.errors import LineDiedError
from activities.ports.line import Abilities, Line, LineEvent, LiveEars
from voicewright.contracts.call import CallEnd, CallEventKind
from voicewright.suite import Limits

_TAIL_MS = 400
"""Heard after a last word that expects no answer, so that nothing is cut."""
_WINDOW_MS = 40
_WORD_MS = 130
"""What the detector takes for speech for no longer than this is a click: the shortest of words takes twice as long."""

_TELLINGS = 3
"""Of one utterance that the agent puts on hold."""
_LONGEST_HOLD_MS = 90_000

_ENDS = {Awaits.HANGUP, Awaits.TRANSFER}
_IN_VAIN = {CallEnd.AGENT_SILENT, CallEnd.WAITED_IN_VAIN}


@dataclass
class Conversation:
    """One call. Use once.

    Args:
        line: an established call.
        limits: the suite's bounds.
        activity: hears when the agent speaks, at the line's rate.
        ears: understands what it says, where the script depends on that.
        backdrop: what is heard of the caller while they say nothing, and behind their words.
        outbound: the caller's way to the line; straight to it where left out.
        headroom: told of each frame, how late it was sent.
    """

    line: Line
    limits: Limits
    activity: VoiceActivity
    ears: LiveEars | None = None
    backdrop: Backdrop = SILENT
    outbound: Outbound | None = None
    headroom: Headroom | None = None
    turns: list[HeldTurn] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._can = Abilities.of(self.line)
        self._way = self.outbound or Direct(self.line)
        self._events: list[HeldEvent] = []
        self._pacer = Pacer(
            self.line,
            self._way,
            self.activity,
            self.backdrop,
            limit_s=self.limits.call_s,
            on_event=self._note,
            headroom=self.headroom,
        )
        self._words = AgentWords(self._pacer, self.activity, self._events, self.ears)
        self._answered_at: int | None = None
        self._handed_on: str | None = None
        self._instead_of_hanging_up: CallEnd | None = None
        self._resumed_at = 0
        """When the agent last began to listen again."""

    @property
    def began_s(self) -> float:
        """When the recording begins, on the monotonic clock."""
        return self._pacer.began_s

    @property
    def progress(self) -> str:
        """For heartbeats: where the call is."""
        where = f"turn {self.turns[-1].index + 1}" if self.turns else "before the first turn"
        return f"{where}, {self._pacer.frames * FRAME_MS / 1000:.0f} s"

    async def hold(self, script: Sequence[Planned]) -> Held:
        """Hold every turn, then hang up.

        Raises:
            LineDiedError: the connection broke; nothing can be said about the agent.
        """
        self._pacer.begin()
        end, detail = CallEnd.COMPLETED, ""
        try:
            await self._follow(script, last=True)
        except CallOverError as over:
            end, detail = over.end, over.detail
            if end is CallEnd.AGENT_HUNG_UP:
                end = self._instead_of_hanging_up or end
            if end in _IN_VAIN and self._can.unheard is not None and (unheard := self._can.unheard.unheard()):
                detail = f"{detail}; not played: {unheard}"
        finally:
            due = self._pacer.frames_due
            await self._way.finish()
            await self.line.hang_up()
        await beside_calls(self.activity.catch_up)
        return await beside_calls(lambda: self._left_behind(end, detail, due))

    def _left_behind(self, end: CallEnd, detail: str, due: int) -> Held:
        """What is kept of a call that is over; beside the calls that are not."""
        pacer = self._pacer
        agent = pacer.agent
        self._note_when_it_left()
        return Held(
            rate_hz=pacer.rate_hz,
            caller=as_it_left(pacer.caller, self.turns),
            agent=agent if self._can.layout is None else self._can.layout.heard(pacer.began_s, len(agent)),
            turns=self.turns,
            agent_spans=self.activity.spans,
            end=end,
            end_detail=detail,
            lateness_ms=pacer.lateness_ms,
            frames=pacer.frames,
            frames_lost=max(0, due - pacer.frames),
            events=self._events,
            stats=None if self._can.network is None else self._can.network.stats(),
            cuts=self._cuts(),
        )

    def _cuts(self) -> list[int]:
        return [] if self._can.cuts is None else self._can.cuts.cuts(self._pacer.began_s)

    def _note_when_it_left(self) -> None:
        """On a line that knows it: by how much the caller's first and last sound left later than they were due."""
        if self._can.own_clock is None:
            return
        for turn in self.turns:
            if turn.caller is None or turn.caller.end <= turn.caller.start:
                continue
            frames = range(turn.caller.start, turn.caller.end, self._pacer.frame)
            left = [(at, self._can.own_clock.left(self._pacer.number_of(at))) for at in frames]
            known = [(at, times) for at, times in left if times is not None]
            if known:
                (first, began), (last, ended) = known[0], known[-1]
                turn.delay = self._pacer.late_by(first, began[0])
                turn.delay_at_end = self._pacer.late_by(last, ended[1])

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
        text = await self._words.since(self.turns[-1].began if self.turns else 0)
        for said, then in branch.ways:
            if await self._words.hold(said, text):
                return then
        return branch.otherwise

    async def _hold_turn(self, turn: PlannedTurn, after: Planned | None, *, last: bool) -> None:
        if turn.wait_for is not None:
            await self._words.wait_for(turn.wait_for, self._last_word(), turn.wait_ms)
        if turn.acts and not self.turns and turn.wait_for is None:
            await self._wait_for_quiet()  # nobody talks into a greeting
        if turn.acts and self._on_hold:
            await self._wait_out_hold()
        held = HeldTurn(turn.index, began=self._pacer.now)
        self._answered_at = None
        held.interrupts = turn.interrupt_ms is not None and self.activity.speaking
        self.turns.append(held)
        in_writing = False
        if self._can.turns is not None and (turn.speech is not None or turn.text is not None):
            in_writing = self._can.turns.takes_text
            await self._pacer.ticking(self._can.turns.turn_begins(turn.text))
        if turn.speech is not None and not in_writing:
            await self._speak(turn.speech, held)
        for key in turn.keys:
            await self._press(key, held, as_tone=turn.tones or self._can.keys is None)
        if turn.hangs_up:
            await self._pacer.rest(_TAIL_MS)
            raise CallOverError(CallEnd.COMPLETED, "")
        if turn.awaits is Awaits.NOTHING or (last and not turn.judged and turn.silence_ms is None):
            await self._pacer.rest(_TAIL_MS)
        else:
            interrupt_ms = after.interrupt_ms if isinstance(after, PlannedTurn) else None
            await self._listen(held, turn, interrupt_ms)

    def _last_word(self) -> int:
        """Since when the agent answers the caller's last word."""
        last = self.turns[-1] if self.turns else None
        if last is None:
            return 0
        return last.asked

    async def _speak(self, speech: Samples, held: HeldTurn) -> None:
        """Say it; once more from its beginning where the agent stopped listening meanwhile."""

        def spoken(samples: int) -> None:
            if samples == 0:
                held.delay = self._pacer.delay
                held.caller = Span(self._pacer.now, self._pacer.now)
            assert held.caller is not None
            held.caller.end = held.caller.start + samples

        held.caller = Span(self._pacer.now, self._pacer.now)
        for _ in range(_TELLINGS):
            if await self._pacer.speak(speech, spoken, stop=lambda: self._on_hold):
                held.delay_at_end = self._pacer.delay
                return
            await self._wait_out_hold()
        raise LineDiedError(f"the agent's side put the caller on hold in every one of {_TELLINGS} tries to speak")

    async def _press(self, key: str, held: HeldTurn, *, as_tone: bool) -> None:
        pacer = self._pacer
        delay = pacer.delay if as_tone else 0  # an event does not wait behind sound
        if held.caller is None:
            held.caller, held.delay = Span(pacer.now, pacer.now), delay
        held.pressed = pacer.now
        self._events.append(HeldEvent(CallEventKind.PRESSED, key, pacer.now, held.index))
        quiet: Samples = np.zeros(pacer.samples(PRESS_MS), np.int16)
        sound = tones(key, pacer.rate_hz) if as_tone else quiet
        by_event = self._can.keys if not as_tone else None
        pressing: asyncio.Future[None] | None = None
        for at in range(0, len(sound), pacer.frame):
            await pacer.tick(sound[at : at + pacer.frame])
            if by_event is not None and pressing is None:
                pressing = asyncio.ensure_future(by_event.press(key))  # with its frame, not before it is due
        held.caller.end, held.delay_at_end = pacer.now, delay
        if pressing is not None:
            await pacer.ticking(pressing)
        await pacer.rest(GAP_MS)

    async def _listen(self, held: HeldTurn, turn: PlannedTurn, interrupt_ms: int | None) -> None:
        """Until the agent has answered and is quiet again, or has done what the turn waits for."""
        asked = held.asked
        await self._pacer.hear_again()
        while True:
            await self._pacer.tick()
            if self._handed_on is not None:
                raise CallOverError(CallEnd.TRANSFERRED, f"the agent transferred the call to {self._handed_on}")
            if self._on_hold:
                self._resumed_at = self._pacer.now  # whatever is played to somebody on hold ends no turn
            elif self._has_answered(held, asked):
                if self._may_go_on(turn, asked, interrupt_ms):
                    return
            elif self._nothing_came(held, turn, asked):
                return

    def _has_answered(self, held: HeldTurn, asked: int) -> bool:
        # The detector's windows begin up to one of them before the sound does.
        window, word = self._pacer.samples(_WINDOW_MS), self._pacer.samples(_WORD_MS)
        began = held.answers_from(self._pacer.rate_hz) - window if held.caller is not None else 0
        cut = max(self._cuts(), default=0)  # what goes on there is other sound
        for span in reversed(self.activity.spans):
            if span.end <= max(asked, began):
                break
            parts = [(span.start, cut), (cut, span.end)] if span.start < cut < span.end else [(span.start, span.end)]
            if any(start >= began and end > asked and end - start >= word for start, end in parts):
                return True
        return self._answered_at is not None

    def _may_go_on(self, turn: PlannedTurn, asked: int, interrupt_ms: int | None) -> bool:
        """Whether an agent that has answered leaves the word to the caller; or the caller takes it."""
        if self.activity.speaking:
            if interrupt_ms is None:
                return False
            onset = next(span.start for span in self.activity.spans if span.end > asked)
            spoken = self._pacer.now - max(onset, asked)
            return spoken >= self._pacer.samples(interrupt_ms)
        # An agent that said something, but did not end or transfer the call, gets the time for an answer to do so.
        wait_ms = self.limits.answer_ms if turn.awaits in _ENDS else self.limits.end_of_turn_ms
        quiet = min(self.activity.quiet_for(), self._pacer.now - self._resumed_at)
        if self._answered_at is not None:
            quiet = min(quiet, self._pacer.now - self._answered_at)  # its sound, if there is any, is about to come
        return quiet >= self._pacer.samples(wait_ms)

    def _nothing_came(self, held: HeldTurn, turn: PlannedTurn, asked: int) -> bool:
        """Whether a caller who is silent on purpose has been so for long enough."""
        patience_ms = turn.silence_ms if turn.silence_ms is not None else self.limits.answer_ms
        asked = max(asked, self._resumed_at)
        if held.interrupts and self.activity.spans:
            asked = max(asked, self.activity.spans[-1].end)  # an agent that talks on is not silent yet
        if self._pacer.now - asked < self._pacer.samples(patience_ms):
            return False
        if turn.awaits is Awaits.KEYS or (turn.silence_ms is not None and not turn.judged):
            return True  # keys may come as sound, which is no speech: the verdict looks for them
        raise CallOverError(CallEnd.AGENT_SILENT, f"no speech within {patience_ms} ms of turn {held.index + 1}")

    async def _wait_for_quiet(self) -> None:
        end_of_turn = self._pacer.samples(self.limits.end_of_turn_ms)
        while self._on_hold or self.activity.speaking or self.activity.quiet_for() < end_of_turn:
            await self._pacer.tick()

    @property
    def _on_hold(self) -> bool:
        return self._can.hold is not None and self._can.hold.on_hold

    async def _wait_out_hold(self) -> None:
        """Until the agent listens again, and has said what it then has to say.

        Raises:
            LineDiedError: it does not, for too long.
        """
        since = self._pacer.now
        while self._on_hold:
            if self._pacer.now - since > self._pacer.samples(_LONGEST_HOLD_MS):
                raise LineDiedError(f"the agent's side kept the caller on hold for {_LONGEST_HOLD_MS // 1000} s")
            try:
                await self._pacer.tick()
            except CallOverError as over:
                if over.end is CallEnd.TOO_LONG:
                    raise LineDiedError(f"the caller was on hold when {over.detail}") from None
                raise
            self._resumed_at = self._pacer.now
        end_of_turn = self._pacer.samples(self.limits.end_of_turn_ms)
        while self.activity.speaking or self._pacer.now - self._resumed_at < end_of_turn:
            await self._pacer.tick()

    def _note(self, event: LineEvent) -> None:
        """Something came over the line besides audio."""
        turn = self.turns[-1].index if self.turns else None
        at = self._pacer.at(event.at_s)
        self._events.append(HeldEvent(event.kind, event.value, at, turn, event.answer))
        if event.kind in {CallEventKind.ANSWER, CallEventKind.KEY} or event.answer is not None:
            self._answered_at = self._pacer.now
        elif event.kind is CallEventKind.TRANSFER:
            self._handed_on, self._instead_of_hanging_up = event.value, CallEnd.TRANSFERRED
        elif event.kind is CallEventKind.WENT_ON:
            self._instead_of_hanging_up = CallEnd.WENT_ON
