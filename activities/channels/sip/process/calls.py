"""The worker's calls in the SIP process: its orders carried out, and what the stack tells of them passed on."""

import asyncio
import logging
import math
import time
from collections.abc import Coroutine
from typing import Any

from baresip import BaresipError, Event, Runtime, StackEvent

from activities.channels.sip.dialog import say_goodbye, send_again
from activities.channels.sip.messages import (
    ORDERS,
    Closed,
    Dial,
    Failed,
    Hold,
    Key,
    Order,
    Press,
    Refusal,
    Transfer,
    Up,
)
from activities.channels.sip.process.held_audio import Formats, HeldAudio
from activities.channels.sip.process.held_call import HeldCall
from activities.channels.sip.process.signalling import Signalling, Wiretap
from activities.channels.sip.process.user_agents import UserAgents
from activities.channels.sip.reason import reasons_of
from activities.channels.sip.refusal import by_closing, by_error, by_time
from activities.channels.sip.rtp.leg import G711, Heard
from activities.channels.sip.rtp.outgoing import Outgoing
from activities.channels.sip.rtp.relays import Relays
from activities.channels.sip.sdp import Sdp
from activities.channels.sip.wire import Left, Wire, audio_message, control_message, left_message

_PUMP_S = 0.005
_BUSY_PUMP_S = 0.01
_BUSY = 40
"""Calls that are looked after every 10 instead of every 5 ms."""
_HANG_UP_S = 2.0
_EARLY_S = 10.0
"""Events of a call whose handle is not known are kept so long."""
_CROSSING_S = 0.3
_READY_S = 5.0
_SEEN_S = 5.0
"""The stack tells of messages at once, except on a machine that has no time for it."""
_TRACE_S = 0.1
"""The trace of a message comes from a thread of its own, at most so much after the message."""
_CONFIRMS_S = 1.0
"""An answer that the stack has not acknowledged in this time, it will not."""
_FORMATS = {"PCMU": (8000, 1), "PCMA": (8000, 1), "G722": (16_000, 1), "OPUS": (48_000, 2)}
"""Rate and channels in which the stack takes and gives a codec's sound."""
_LOST = Failed(why=Refusal.LOST, reason="its SIP messages or its RTP passed by unseen")
_NO_AUDIO = Failed(why=Refusal.UNUSABLE, reason="the call has no audio in both directions")

_log = logging.getLogger("sip")


class Calls:
    """All calls of one worker.

    Args:
        runtime: the stack, started.
        relays: the way of its media.
    """

    def __init__(self, runtime: Runtime, relays: Relays) -> None:
        self._agents = UserAgents(runtime, relays)
        self._relays = relays
        self.wiretap = Wiretap(self._on_answer)
        """To be told of the stack's SIP trace."""
        self._held: dict[int, HeldCall] = {}
        """Those that the worker may still give orders for."""
        self._by_handle: dict[int, HeldCall] = {}
        """Those that the stack is not done with."""
        self._none_left = asyncio.Event()
        self._early: dict[int, list[tuple[float, StackEvent]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._worker_gone = asyncio.Event()
        self.wire: Wire[Order] = Wire(ORDERS, self._take_audio, self._take_order, self._worker_gone.set)
        runtime.subscribe(self._on_event)

    async def serve(self) -> None:
        """Until the worker is gone; then hang up whatever is left."""
        pump = asyncio.create_task(self._pump())
        await self._worker_gone.wait()
        pump.cancel()
        await asyncio.gather(*(self._hang_up(held) for held in list(self._held.values())))
        try:
            async with asyncio.timeout(_HANG_UP_S):
                while self._by_handle:
                    self._none_left.clear()
                    await self._none_left.wait()
        except TimeoutError:
            _log.warning("%d calls were not seen to end", len(self._by_handle))

    # --- orders ---

    def _take_order(self, number: int, order: Order) -> None:
        if isinstance(order, Dial):
            held = self._held[number] = HeldCall(number, lambda news: self.wire.write(control_message(number, news)))
            self._start(self._dial(held, order))
        elif (known := self._held.get(number)) is None:
            return
        elif isinstance(order, Press):
            self._start(self._press(known, order.key))
        else:
            self._start(self._hang_up(known))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _dial(self, held: HeldCall, order: Dial) -> None:
        try:
            agent = await self._agents.of(order.account, order.uri)
            if held.cancelled:
                self._held.pop(held.number, None)
                return
            call = await agent.dial(order.uri, headers=order.headers)
        except (BaresipError, ValueError) as error:
            self._failed(held, by_error(error))
            return
        held.call = call
        self._by_handle[call.handle] = held
        # Events of this call that came before its handle was known; nothing else runs until they are told.
        for _, event in self._early.pop(call.handle, []):
            self._on_event(event)
        if held.cancelled:
            await self._hang_up(held)
        if not await held.settled(order.ring_s):
            self._failed(held, by_time(order.ring_s, rang=held.rang))
            await self._hang_up(held)

    async def _press(self, held: HeldCall, key: str) -> None:
        if held.call is not None:
            await _quietly(held.call.send_dtmf(key))

    async def _hang_up(self, held: HeldCall) -> None:
        held.cancelled = True
        if held.call is None:
            return  # `_dial` sees it
        # An answer may be on its way: then the call is ended by BYE, which cannot cross it as CANCEL would.
        await held.settled(_CROSSING_S)
        if held.closed:
            return
        await _quietly(held.call.hangup())

    # --- news ---

    def _failed(self, held: HeldCall, failed: Failed) -> None:
        self._held.pop(held.number, None)
        held.tell(failed)

    def _on_event(self, event: StackEvent) -> None:
        held = self._by_handle.get(event.call)
        if held is None:
            if event.call:
                self._remember(event)
            return
        held.call_id = event.call_id or held.call_id
        if event.event is Event.CALL_ESTABLISHED:
            self._start(self._came_up(held, time.monotonic()))
        elif event.event in {Event.CALL_RINGING, Event.CALL_PROGRESS}:
            held.rang = True
        elif event.event is Event.CALL_DTMF_START and event.text:
            held.tell(Key(key=event.text[0], at_s=time.monotonic()))
        elif event.event is Event.CALL_TRANSFER:
            held.tell(Transfer(to=event.text or "", at_s=time.monotonic()))
        elif event.event in {Event.CALL_HOLD, Event.CALL_RESUME}:
            self._held_by_agent(held, on=event.event is Event.CALL_HOLD)
        elif event.event is Event.CALL_CLOSED:
            self._closed(held, event)
        held.stirred()

    def _held_by_agent(self, held: HeldCall, *, on: bool) -> None:
        held.on_hold = on
        if on and held.audio is not None:
            held.audio.pause()
        elif on and held.leg is not None and held.leg.outgoing is not None:
            held.leg.outgoing.pause()
        if held.up:
            held.tell(Hold(on=on))

    def _remember(self, event: StackEvent) -> None:
        """Events may come before `dial` has told a call's handle; those that nobody asks for are forgotten."""
        now = time.monotonic()
        for handle in [handle for handle, kept in self._early.items() if now - kept[-1][0] > _EARLY_S]:
            del self._early[handle]
        self._early.setdefault(event.call, []).append((now, event))

    def _closed(self, held: HeldCall, event: StackEvent) -> None:
        self._by_handle.pop(event.call, None)
        self._held.pop(held.number, None)
        held.was_closed()
        self._start(self._tell_the_end(held, event.text or ""))
        if not self._by_handle:
            self._none_left.set()

    async def _tell_the_end(self, held: HeldCall, text: str) -> None:
        """Why it is over, once the message that ended it was seen."""
        seen = await self.wiretap.at_its_end(held.call_id, _TRACE_S, was_up=held.up)
        if held.up and held.leg is not None:
            held.leg.due(math.inf)
            bye = seen.bye if seen is not None else None
            held.tell(
                Closed(
                    reason=text,
                    reasons=() if bye is None else reasons_of(bye.headers.get("reason", [])),
                    packets=held.leg.received,
                    packets_lost=held.leg.lost,
                    jitter_ms=held.leg.jitter_ms,
                )
            )
            return
        if seen is not None and (offer := seen.offer) is not None:
            self._relays.take(offer.port)
        refusal = seen.refusal if seen is not None else None
        held.tell(by_closing(text, refusal, was_answered=seen is not None and bool(seen.dialogs)))

    def _on_answer(self, seen: Signalling, tag: str, first: bool) -> None:
        """Every answer is acknowledged, each time that it comes, and a call that is not ours to hold is ended."""
        if not first:
            if (sent := seen.acknowledged.get(tag)) is not None:
                self._start(_quietly_again(sent.transport, sent.to, sent.text))
        elif len(seen.dialogs) > 1:
            self._start(_end(seen, tag))
        else:
            self._start(self._see_to_it(seen, tag))

    async def _see_to_it(self, seen: Signalling, tag: str) -> None:
        """The stack acknowledges what it understands, unless it has just cancelled the call."""
        await asyncio.sleep(_CONFIRMS_S)
        if tag not in seen.acknowledged:
            await _end(seen, tag)

    async def _came_up(self, held: HeldCall, since_s: float) -> None:
        """Tell the worker, once both directions have a format."""
        assert held.call is not None
        seen = await self.wiretap.of(held.call_id, _SEEN_S)
        answer = seen.answer if seen is not None else None
        held.on_hold = answer is not None and answer.holds
        plain = answer is not None and answer.codec.upper() in G711
        formats = _usual_formats(answer) if held.on_hold or plain else await held.formats(_READY_S)
        if held.closed:
            return
        offer = seen.offer if seen is not None else None
        leg = self._relays.take(offer.port) if offer is not None else None
        if formats is None or seen is None or answer is None or offer is None or leg is None:
            ours = seen is None or offer is None or leg is None
            self._failed(held, _LOST if ours else _NO_AUDIO)
            await _quietly(held.call.hangup())
            return
        held.leg = leg
        leg.events = answer.events | offer.events
        leg.clock_hz = answer.clock_hz
        leg.on_key = lambda key, at_s: held.tell(Key(key=key, at_s=at_s))

        def tell_left(left: list[Left]) -> None:
            self.wire.write(left_message(held.number, left))

        if plain and not leg.encrypted:
            leg.outgoing = Outgoing(tell_left)
        else:
            held.audio = HeldAudio(held.call.audio, leg, formats, answer.codec, tell_left)
        held.tell(
            Up(
                tx_hz=formats.tx_hz,
                rx_hz=formats.rx_hz,
                tx_channels=formats.tx_channels,
                rx_channels=formats.rx_channels,
                codec=answer.codec,
                dialog=seen.dialog,
                takes_keys=bool(answer.events),
                on_hold=held.on_hold,
            )
        )
        held.came_up()  # from now on audio follows
        leg.listen(lambda heard: self._hear(held, heard), since_s - _TRACE_S)

    # --- audio ---

    def _take_audio(self, number: int, at_s: float, _stamp_s: float, pcm: bytes) -> None:
        held = self._held.get(number)
        if held is None or not held.carries_audio or held.leg is None:
            return
        if held.leg.outgoing is not None:
            held.leg.outgoing.write(at_s, pcm, time.monotonic())
        elif held.audio is not None:
            held.audio.write(at_s, pcm)

    def _hear(self, held: HeldCall, heard: Heard) -> None:
        if heard.pcm:
            self.wire.write(audio_message(held.number, heard.at_s, heard.pcm, heard.stamp_s))
        elif held.audio is not None:
            held.audio.decoded(heard)

    async def _pump(self) -> None:
        """Give up on packets that do not come, and fetch what the stack has decoded, all the time."""
        due = time.monotonic()
        while True:
            now = time.monotonic()
            for held in list(self._held.values()):
                if held.leg is not None:
                    held.leg.due(now)
                for heard in held.audio.read(now) if held.audio is not None else ():
                    self.wire.write(audio_message(held.number, heard.at_s, heard.pcm, heard.stamp_s))
            busy = len(self._held) > _BUSY
            due = max(due + (_BUSY_PUMP_S if busy else _PUMP_S), now)
            await asyncio.sleep(max(0.001, due - time.monotonic()))


def _usual_formats(answer: Sdp | None) -> Formats | None:
    """Of a call whose sound is ours to code, or in which the stack has none to tell since nobody listens to it."""
    known = _FORMATS.get(answer.codec.upper()) if answer is not None else None
    return None if known is None else Formats(known[0], known[0], known[1], known[1])


async def _end(seen: Signalling, tag: str) -> None:
    """Confirm a call that nobody holds, and end it."""
    if not await say_goodbye(seen.dialogs[tag], confirm=True):
        _log.warning("%s answered a call that is over and could not be told", seen.dialogs[tag].remote)


async def _quietly_again(transport: str, to: str, text: str) -> None:
    if not await send_again(transport, to, text):
        _log.debug("an ACK could not be sent again over %s", transport)


async def _quietly(work: Coroutine[Any, Any, object]) -> None:
    """Do what may come too late: a call that is over already tells that by its own event."""
    try:
        await work
    except BaresipError as error:
        _log.debug("%s", error)
