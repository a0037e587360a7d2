"""`python -m activities.telephony.sip_process`: the process that holds a worker's SIP calls.

Started by `activities.telephony.sip`, never by people. baresip allows one stack in a process, and a stack that crashes
takes its process along: so it has this one to itself. When the worker is gone, its calls are hung up and this ends.
"""

import argparse
import asyncio
import json
import logging
import os
import signal
import socket
import statistics
import sys
import time
from collections import deque
from typing import Any

from baresip import Account, BaresipError, Call, Config, Event, RegistrationError, Runtime, StackEvent, UserAgent

from activities.telephony.sip_dialog import Dialog, Message, codec_of, dialog_of, say_goodbye
from activities.telephony.sip_wire import Wire, audio_message, control_message
from voicewright.leave import leave
from voicewright.settle import settle

_PUMP_S = 0.005
_BUSY_PUMP_S = 0.01
_BUSY = 40
"""Calls from which audio is fetched every 10 instead of every 5 ms."""
_READ_BYTES = 48_000 * 2 * 2 // 5
_LEAD_MS = 60
"""Of silence, written ahead, so that a frame that comes a little late still leaves on time."""
_PIPE_S = 0.005
"""From the moment at which the stack takes a frame to the moment at which its packet leaves; measured."""
_CODECS = {"pcmu": "pcmu", "pcma": "pcma", "g722": "g722/16000/1", "opus": "opus/48000/2"}
_SRTP = {"offered": ("mediaenc=srtp",), "required": ("mediaenc=srtp-mand",), "off": ()}
_MAX_DELAYS = 5
_REPORT_S = 0.003
"""A delay that has changed by more is told."""
_BEHIND, _FAR_BEHIND = 4, 25
"""Frames waiting to leave from which silent ones are left out, and from which any."""
_HANG_UP_S = 2.0
_EARLY_S = 10.0
_CROSSING_S = 0.3
_READY_S = 2.0

_log = logging.getLogger("sip")


class _Held:
    """One call of the worker's."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.call: Call | None = None
        self.up = False
        self.cancelled = False
        self.call_id = ""
        self.rang = False
        self.ended = False
        self.frame_bytes = 0
        self.frame_s = 0.02
        self.due_s = 0.0
        """When the frame that was written last is due, and the buffer's level if none has left since the last look."""
        self.level = 0
        self.looked_s = 0.0
        self.delays: deque[float] = deque(maxlen=_MAX_DELAYS)
        self.told_s = 0.0


class Stack:
    """The SIP stack, and the worker's orders to it."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._agents: dict[str, asyncio.Task[UserAgent]] = {}
        self._held: dict[int, _Held] = {}
        self._by_handle: dict[int, _Held] = {}
        self._early: dict[int, list[tuple[float, StackEvent]]] = {}
        self._dialogs: dict[str, tuple[Dialog, str]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._gone = asyncio.Event()
        self.wire = Wire(self._take_audio, self._take_order, self._gone.set)
        runtime.subscribe(self._on_event)

    async def serve(self) -> None:
        """Until the worker is gone; then hang up whatever is left."""
        pump = asyncio.create_task(self._pump())
        await self._gone.wait()
        pump.cancel()
        left = [held for held in self._held.values() if held.call is not None]
        await asyncio.gather(*(self._hang_up(held) for held in left))
        for _ in range(int(_HANG_UP_S / _BUSY_PUMP_S)):
            if not self._by_handle:
                break
            await asyncio.sleep(_BUSY_PUMP_S)

    # --- orders ---

    def _take_order(self, number: int, order: dict[str, Any]) -> None:
        if order["do"] == "dial":
            self._held[number] = held = _Held(number)
            self._start(self._dial(held, order))
            return
        held_or_none = self._held.get(number)
        if held_or_none is None:
            return
        if order["do"] == "press":
            self._start(self._press(held_or_none, order["key"]))
        elif order["do"] == "hang_up":
            self._start(self._hang_up(held_or_none))

    def _start(self, work: Any) -> None:  # noqa: ANN401 - a coroutine
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _dial(self, held: _Held, order: dict[str, Any]) -> None:
        try:
            agent = await self._agent(order["account"])
            if held.cancelled:
                return
            call = await agent.dial(order["uri"], headers=order["headers"])
        except RegistrationError as error:
            self._failed(held, error.status, f"registration failed: {error.reason or error}")
            return
        except ValueError as error:  # something in the suite that no request can carry
            self._failed(held, 400, str(error))
            return
        except BaresipError as error:
            self._failed(held, None, str(error))
            return
        held.call = call
        self._by_handle[call.handle] = held
        # Events of this call that came before its handle was known; nothing else runs until they are told.
        for _, event in self._early.pop(call.handle, []):
            self._on_event(event)
        if held.cancelled:
            await self._hang_up(held)
        if held.ended:
            return
        try:
            await asyncio.sleep(order["ring_s"])
        finally:
            if not held.up and not held.ended:
                status = 408 if held.rang else None
                self._failed(held, status, f"{'it rang' if held.rang else 'no reply'} for {order['ring_s']} s")
                held.ended = False
                await self._hang_up(held)

    async def _agent(self, account: dict[str, Any]) -> UserAgent:
        """One per account; those who come while it registers wait with it."""
        key = json.dumps(account, sort_keys=True)
        if key not in self._agents:
            self._agents[key] = asyncio.create_task(self._make_agent(account))
        try:
            return await asyncio.shield(self._agents[key])
        except (BaresipError, ValueError):
            self._agents.pop(key, None)  # the next call tries again
            raise

    async def _make_agent(self, account: dict[str, Any]) -> UserAgent:
        identity = Account(
            user=account["user"],
            domain=account["domain"],
            password=account["password"],
            registrar=account["proxy"],
            reg_interval=600 if account["register"] else 0,
            transport=account["transport"],
            audio_codecs=tuple(_CODECS[name] for name in account["codecs"]),
            auth_user=account["username"],
            extra_params=_SRTP[account["srtp"]],
        )
        agent = await UserAgent.create(self._runtime, identity)
        if account["register"]:
            await agent.register()
        return agent

    async def _press(self, held: _Held, key: str) -> None:
        if held.call is not None:
            await self._quietly(held.call.send_dtmf(key))

    async def _hang_up(self, held: _Held) -> None:
        held.cancelled = True
        # An answer may be on its way: then the call is ended by BYE, which cannot cross it as CANCEL would.
        for _ in range(int(_CROSSING_S / _BUSY_PUMP_S)):
            if held.up or held.ended or held.call is None:
                break
            await asyncio.sleep(_BUSY_PUMP_S)
        if held.call is None or held.ended:
            return
        await self._quietly(held.call.hangup())
        if not held.up:
            self._start(self._see_that_it_is_over(held))

    async def _see_that_it_is_over(self, held: _Held) -> None:
        """The stack forgets a call that it has cancelled; an answer that crossed the CANCEL leaves the agent in it."""
        await asyncio.sleep(_HANG_UP_S)
        dialog, _ = self._dialogs.pop(held.call_id, (None, ""))
        if dialog is not None:
            await say_goodbye(dialog)

    @staticmethod
    async def _quietly(work: Any) -> None:  # noqa: ANN401 - a coroutine
        try:
            await work
        except BaresipError as error:  # it is over already, which its own event tells
            _log.debug("%s", error)

    # --- news ---

    def _tell(self, held: _Held, **news: Any) -> None:  # noqa: ANN401 - JSON
        self.wire.write(control_message(held.number, news))

    def _failed(self, held: _Held, status: int | None, reason: str) -> None:
        held.ended = True
        self._held.pop(held.number, None)
        self._tell(held, news="failed", status=status, reason=reason)

    def _on_event(self, event: StackEvent) -> None:
        held = self._by_handle.get(event.call)
        if held is None:
            if event.call:
                self._remember(event)
            return
        held.call_id = event.call_id or held.call_id
        if event.event is Event.CALL_ESTABLISHED:
            self._start(self._came_up(held, event.call_id or ""))
        elif event.event in {Event.CALL_RINGING, Event.CALL_PROGRESS}:
            held.rang = True
        elif event.event is Event.CALL_DTMF_START and event.text:
            self._tell(held, news="key", key=event.text[0], at_s=time.monotonic())
        elif event.event is Event.CALL_TRANSFER:
            self._tell(held, news="transfer", to=event.text or "", at_s=time.monotonic())
        elif event.event is Event.CALL_CLOSED:
            self._closed(held, event)

    def _remember(self, event: StackEvent) -> None:
        """Events may come before `dial` has told a call's handle; those that nobody asks for are forgotten."""
        now = time.monotonic()
        for handle in [handle for handle, kept in self._early.items() if now - kept[-1][0] > _EARLY_S]:
            del self._early[handle]
        self._early.setdefault(event.call, []).append((now, event))

    def _closed(self, held: _Held, event: StackEvent) -> None:
        self._by_handle.pop(event.call, None)
        self._held.pop(held.number, None)
        self._dialogs.pop(event.call_id or "", None)
        if held.ended:
            return
        held.ended = True
        if held.up:
            self._fetch(held, time.monotonic())
            self._tell(held, news="closed", reason=event.text or "", stats=event.stats or {})
            return
        status, _, reason = (event.text or "").partition(" ")
        known = int(status) if status.isdigit() else None
        self._tell(held, news="failed", status=known, reason=reason if known is not None else event.text or "")

    async def _came_up(self, held: _Held, call_id: str) -> None:
        """Tell the worker, once both directions have a format."""
        assert held.call is not None
        deadline = time.monotonic() + _READY_S
        while not held.ended:
            try:
                info = held.call.audio.info()
                if info.tx_ready and info.rx_ready:
                    break
            except BaresipError:
                pass
            if time.monotonic() > deadline:
                self._failed(held, 488, "the call has no audio in both directions")
                await self._hang_up_anyway(held)
                return
            await asyncio.sleep(0.002)
        if held.ended:
            return
        held.frame_bytes = info.tx_sample_rate * info.tx_channels * 2 // 50
        held.call.audio.write(bytes(held.frame_bytes * _LEAD_MS // 20))
        for _ in range(50):  # the trace comes from a thread of its own
            if call_id in self._dialogs:
                break
            await asyncio.sleep(0.002)
        dialog, codec = self._dialogs.get(call_id, (None, ""))
        self._tell(
            held,
            news="up",
            rates=[info.tx_sample_rate, info.rx_sample_rate],
            channels=[info.tx_channels, info.rx_channels],
            dialog=dialog.as_json() if dialog is not None else None,
            codec=codec,
        )
        held.up = True  # from now on audio follows

    async def _hang_up_anyway(self, held: _Held) -> None:
        assert held.call is not None
        await self._quietly(held.call.hangup())

    def traced(self, text: str) -> None:
        """A SIP message on the wire, as the stack's trace has it: `RX UDP from -> to`, then the message."""
        where, _, message = text.partition("\n")
        words = where.split()
        if len(words) < 4 or words[0] != "RX" or not message.startswith("SIP/2.0 2"):  # noqa: PLR2004 - RX UDP a -> b
            return
        answer = Message.parse(message)
        dialog = dialog_of(answer, words[1].lower(), words[2])
        if dialog is not None:
            self._dialogs[dialog.call_id] = (dialog, codec_of(answer))

    # --- audio ---

    def _take_audio(self, number: int, at_s: float, pcm: bytes) -> None:
        held = self._held.get(number)
        if held is None or not held.up or held.call is None or held.ended:
            return
        try:
            early = at_s - time.monotonic() > held.frame_s / 2
            behind = 0 if early else held.call.audio.info().tx_buffered // held.frame_bytes
            if behind >= _BEHIND and (behind >= _FAR_BEHIND or not any(pcm)):
                return  # after a stall the stack has too much before it: catch up in the next pause
            held.level += held.call.audio.write(pcm)
            held.due_s = at_s
        except BaresipError as error:
            _log.debug("%s", error)

    async def _pump(self) -> None:
        """Fetch what came, all the time; and see when what was written leaves."""
        due = time.monotonic()
        while True:
            now = time.monotonic()
            for held in list(self._held.values()):
                if held.up and not held.ended:
                    self._fetch(held, now)
            busy = len(self._held) > _BUSY
            due = max(due + (_BUSY_PUMP_S if busy else _PUMP_S), now)
            await asyncio.sleep(max(0.001, due - time.monotonic()))

    def _fetch(self, held: _Held, now: float) -> None:
        assert held.call is not None
        try:
            pcm = held.call.audio.read(_READ_BYTES)
            self._watch_leaving(held, held.call.audio.info().tx_buffered, now)
        except BaresipError:
            return
        if pcm:
            self.wire.write(audio_message(held.number, now, pcm))

    def _watch_leaving(self, held: _Held, buffered: int, now: float) -> None:
        """How long after it is due a frame leaves: when the stack took one, and how many it has still to take."""
        if buffered == held.level - held.frame_bytes and now - held.looked_s < held.frame_s and held.due_s:
            took_s = (held.looked_s + now) / 2
            held.delays.append(took_s + buffered / held.frame_bytes * held.frame_s - held.due_s + _PIPE_S)
            delay = statistics.median(held.delays)
            if abs(delay - held.told_s) > _REPORT_S:
                held.told_s = delay
                self._tell(held, news="delay", s=delay)
        held.level, held.looked_s = buffered, now


class _Trace(logging.Handler):
    """The stack's SIP trace, from its own thread to the loop."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(logging.DEBUG)
        self._stack = stack
        self._loop = asyncio.get_running_loop()

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if text.startswith("RX") and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stack.traced, text)


async def _serve(fd: int, interface: str | None, verify_tls: str) -> None:
    runtime = Runtime()
    runtime.on_dead = lambda: os._exit(1)  # the worker sees it at once, and starts another process
    await runtime.start(
        Config(
            net_interface=interface,
            max_concurrent_calls=None,
            sip_trace=True,
            native_log_level="error",
            extra_config_text="audio_jitter_buffer_type off\n" + verify_tls,
        )
    )
    stack = Stack(runtime)
    trace = logging.getLogger("baresip.native.sip")
    trace.setLevel(logging.DEBUG)
    trace.propagate = False
    trace.addHandler(_Trace(stack))
    logging.getLogger("baresip.native").propagate = False
    await asyncio.get_running_loop().create_unix_connection(lambda: stack.wire, sock=socket.socket(fileno=fd))
    settle()
    stack.wire.write(control_message(0, {"news": "ready"}))
    await stack.serve()
    await runtime.close()


def main() -> int:
    """Parse, serve, return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m activities.telephony.sip_process", description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="the worker's socket")
    parser.add_argument("--interface", help="network interface or local address")
    given = parser.parse_args()
    # Who stops the worker stops it, not us: it has calls to end, and then closes our socket.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    sys.setswitchinterval(0.0005)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s sip %(message)s")
    asyncio.run(_serve(given.fd, given.interface, ""))
    return 0


if __name__ == "__main__":
    leave(main())
