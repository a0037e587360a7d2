"""Channel `sip`: real SIP and RTP calls, by baresip in a process of its own that is watched over.

If that process dies, its calls are broken, the agents' sides are told (BYE), and the next call starts another one. What
the agent says is put on the recording by the time at which it arrived, so that lost packets shorten nothing.
"""

import asyncio
import audioop
import ipaddress
import itertools
import logging
import math
import os
import re
import socket
import sys
import time
from typing import Any

import numpy as np

from activities.audio import Samples
from activities.errors import (
    CallLostError,
    CallRefusedError,
    InstallationError,
    LineBusyError,
    LineDiedError,
    LineError,
    NoAnswerError,
    StepError,
)
from activities.ports import FRAME_MS, Line, LineEvent, LineEventKind, MediaStats
from activities.telephony import g711
from activities.telephony.line import Arrivals, PlainLine
from activities.telephony.resample import StreamResampler
from activities.telephony.secrets import fill_secrets
from activities.telephony.sip_dialog import Dialog, say_goodbye
from activities.telephony.sip_wire import Wire, audio_message, control_message
from voicewright.agent import AgentTarget, SipTarget

_WIDEBAND_HZ = 16_000
_ANSWER_MARGIN_S = 10.0
_GOODBYE_S = 2.0
_START_S = 20.0
_BUSY = {486, 600}
_NO_ANSWER = {408, 480, 487}
_LATER = {500, 502, 503, 504}

_log = logging.getLogger("calls.sip")


class SipDialler:
    """Calls agents by SIP.

    Args:
        interface: network interface or local address to call from; None finds the one that leads there. Agents on
            this machine are called from 127.0.0.1 all the same.
    """

    redials = False

    def __init__(self, interface: str | None = None) -> None:
        self._interface = interface
        self._processes: dict[str | None, SipProcess] = {}

    async def dial(self, target: AgentTarget, *, call_id: str, caller_id: str = "", language: str = "en") -> Line:  # noqa: ARG002
        """See `Dialler`."""
        assert isinstance(target, SipTarget)
        password = fill_secrets(target.password or "", os.environ)
        headers = {name: fill_secrets(text, os.environ) for name, text in target.headers.items()}
        process = await self._process("127.0.0.1" if _is_local(target.proxy or target.uri) else self._interface)
        return await process.dial(_order(target, password, headers), target)

    async def close(self) -> None:
        """Hang up everything and end the processes."""
        for process in self._processes.values():
            await process.close()

    async def _process(self, interface: str | None) -> "SipProcess":
        process = self._processes.get(interface)
        if process is None or process.dead:
            process = self._processes[interface] = SipProcess(interface)
        await process.start()
        return process


def _order(target: SipTarget, password: str, headers: dict[str, str]) -> dict[str, Any]:
    caller = re.match(r"sips?:([^@]+)@(.+)$", target.caller)
    assert caller is not None
    wanted = re.search(r"transport=(udp|tcp|tls)", target.proxy or target.uri, re.IGNORECASE)
    transport = wanted[1].lower() if wanted else "tls" if target.uri.startswith("sips:") else "udp"
    return {
        "do": "dial",
        "uri": target.uri,
        "headers": headers,
        "ring_s": target.ring_s,
        "account": {
            "user": caller[1],
            "domain": caller[2].split(";", 1)[0],
            "username": target.username,
            "password": password,
            "proxy": target.proxy,
            "register": target.register_first,
            "transport": transport,
            "codecs": target.codecs,
            "srtp": target.srtp,
        },
    }


def _is_local(uri: str) -> bool:
    host = re.sub(r"^sips?:(?:[^@]*@)?", "", uri)
    host = re.split(r"[;?]", host, maxsplit=1)[0]
    host = host.rsplit(":", 1)[0] if host.count(":") == 1 or host.startswith("[") else host
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


class SipProcess:
    """The process that holds the calls, as its worker sees it."""

    def __init__(self, interface: str | None) -> None:
        self._interface = interface
        self._numbers = itertools.count(1)
        self._lines: dict[int, SipLine] = {}
        self._dialling: dict[int, asyncio.Future[SipLine | dict[str, Any]]] = {}
        self._ready = asyncio.Event()
        self._wire = Wire(self._audio, self._news, self._died)
        self._child: asyncio.subprocess.Process | None = None
        self._starting: asyncio.Task[None] | None = None
        self._goodbyes: set[asyncio.Task[None]] = set()
        self.dead = False

    @property
    def pid(self) -> int | None:
        """Of the process, once it runs."""
        return self._child.pid if self._child is not None else None

    async def start(self) -> None:
        """Start it; harmless when it runs.

        Raises:
            InstallationError: the SIP stack is not installed.
        """
        if self._starting is None:
            self._starting = asyncio.create_task(self._start())
        await asyncio.shield(self._starting)  # whoever gives up leaves it to the others

    async def _start(self) -> None:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "activities.telephony.sip_process", "--fd", str(theirs.fileno())]
        command += ["--interface", self._interface] if self._interface else []
        # In a process group of its own: what stops the worker from a terminal leaves it the time to hang up.
        self._child = await asyncio.create_subprocess_exec(*command, pass_fds=[theirs.fileno()], process_group=0)
        theirs.close()
        await asyncio.get_running_loop().create_unix_connection(lambda: self._wire, sock=ours)
        try:
            async with asyncio.timeout(_START_S):
                await self._ready.wait()
        except TimeoutError:
            self._wire.close()
            self.dead = True
        if self.dead:
            raise InstallationError(
                "the SIP process did not start: its log says why; is baresip-python installed, and "
                "VOICEWRIGHT_SIP_INTERFACE an interface of this machine?"
            )

    async def dial(self, order: dict[str, Any], target: SipTarget) -> "SipLine":
        """Set up a call.

        Raises:
            LineError: no connection; worth another try.
            BadInputError: the agent's side refused for good.
        """
        if self.dead:
            raise LineError("the SIP process has just died; another one will be started")
        number = next(self._numbers)
        answer = self._dialling[number] = asyncio.get_running_loop().create_future()
        self._order(number, order)
        try:
            async with asyncio.timeout(order["ring_s"] + _ANSWER_MARGIN_S):
                news = await answer
        except TimeoutError:
            self._order(number, {"do": "hang_up"})
            raise LineError("the SIP process did not answer in time") from None
        except asyncio.CancelledError:
            self._order(number, {"do": "hang_up"})
            raise
        finally:
            self._dialling.pop(number, None)
        if isinstance(news, SipLine):
            return news
        if news["news"] == "lost":
            raise CallLostError("the SIP process died while it called: the agent may have been rung")
        raise _refusal(news.get("status"), news.get("reason", ""), target)

    async def close(self) -> None:
        """End it; its calls are hung up."""
        if self._starting is not None:
            await asyncio.gather(self._starting, return_exceptions=True)
        self._wire.close()
        if self._child is not None:
            await self._child.wait()

    def send(self, number: int, due_s: float, pcm: bytes) -> None:
        """Audio of a call, and when it is due to leave."""
        self._wire.write(audio_message(number, due_s, pcm))

    def press(self, number: int, key: str) -> None:
        """A key of a call."""
        self._order(number, {"do": "press", "key": key})

    def hang_up(self, number: int) -> None:
        """End a call."""
        self._order(number, {"do": "hang_up"})

    def forget(self, number: int) -> None:
        """A call that is over."""
        self._lines.pop(number, None)

    def _order(self, number: int, order: dict[str, Any]) -> None:
        self._wire.write(control_message(number, order))

    def _audio(self, number: int, at_s: float, pcm: bytes) -> None:
        if (line := self._lines.get(number)) is not None:
            line.take_audio(at_s, pcm)

    def _news(self, number: int, news: dict[str, Any]) -> None:
        waiting = self._dialling.get(number)
        if news["news"] == "ready":
            self._ready.set()
        elif news["news"] == "up":
            if waiting is None or waiting.done():
                self._order(number, {"do": "hang_up"})  # nobody waits for it any more
            else:
                # At once: what follows in the same breath belongs to it.
                line = self._lines[number] = SipLine(self, number, news)
                waiting.set_result(line)
        elif news["news"] == "failed":
            if waiting is not None and not waiting.done():
                waiting.set_result(news)
        elif (known := self._lines.get(number)) is not None:
            known.take_news(news)

    def _died(self) -> None:
        """The other end is gone: closed by us, or dead. Whoever is on the line learns it; the agents' sides as well."""
        self.dead = True
        self._ready.set()
        for waiting in self._dialling.values():
            if not waiting.done():
                waiting.set_result({"news": "lost"})
        for line in list(self._lines.values()):
            if line.break_off("the process that held the call died") and line.dialog is not None:
                task = asyncio.create_task(self._goodbye(line.dialog))
                self._goodbyes.add(task)
                task.add_done_callback(self._goodbyes.discard)
        self._lines.clear()

    async def _goodbye(self, dialog: Dialog) -> None:
        if self._child is not None:
            await self._child.wait()
        if not await say_goodbye(dialog):
            _log.warning("the SIP process died and %s could not be told that its call is over", dialog.remote)


def _refusal(status: int | None, reason: str, target: SipTarget) -> StepError:
    """A final answer to an INVITE as what it means for the case."""
    said = f"{status} {reason}".strip() if status is not None else reason
    where = f"{target.shown} ({said})"
    if status in _BUSY:
        return LineBusyError(f"the agent is busy: {where}")
    if status in _NO_ANSWER:
        return NoAnswerError(f"the agent did not answer: {where}")
    if status is None and "requires" not in reason:
        if "laddr" in reason or "no local address" in reason:
            return InstallationError(f"no way to {where}: set VOICEWRIGHT_SIP_INTERFACE")
        return LineError(f"could not call {where}: is it running?")
    if status in _LATER:
        return LineError(f"the agent's side cannot take the call now: {where}")
    hint = {401: "check username and password", 403: "check username and password", 407: "check username and password"}
    hint |= {
        400: "check the target",
        404: "check the uri",
        484: "check the uri",
        488: "no common codec or encryption",
        603: "it declined",
    }
    return CallRefusedError(f"the agent's side refused the call: {where}; {hint.get(status or 0, 'check the target')}")


class SipLine(PlainLine):
    """One call. See `Line`."""

    sends_keys = True
    early_frames = 50
    """So long may a worker be late in a caller's speech, and it leaves without a gap."""

    def __init__(self, process: SipProcess, number: int, news: dict[str, Any]) -> None:
        super().__init__()
        self._process = process
        self._number = number
        (tx_hz, rx_hz), (self._tx_channels, self._rx_channels) = news["rates"], news["channels"]
        self.rate_hz = min(rx_hz, _WIDEBAND_HZ)
        self._out = StreamResampler(tx_hz // self.rate_hz, 1)
        self._in = StreamResampler(1, rx_hz // self.rate_hz)
        self._codec = str(news.get("codec") or "")
        self._arrivals = Arrivals(self.rate_hz)
        self._frame = self.rate_hz * FRAME_MS // 1000
        self._sent = 0
        self._zero_s = math.inf
        self._ended: str | None = None
        self._broken: str | None = None
        self._stats: dict[str, Any] = {}
        self._over = asyncio.Event()
        self.dialog = Dialog.from_json(news["dialog"]) if news.get("dialog") else None

    @property
    def hung_up(self) -> str | None:
        """See `Line`."""
        return self._ended if self._arrivals.empty else None

    async def send(self, frame: Samples) -> Samples:
        """See `Line`."""
        return self._send(frame, early=False)

    async def send_early(self, frame: Samples) -> Samples:
        """See `Line`: the stack's own clock sends it."""
        return self._send(frame, early=True)

    def _send(self, frame: Samples, *, early: bool) -> Samples:
        if self._broken is not None:
            raise LineDiedError(self._broken)
        nominal_s = self._sent * FRAME_MS / 1000
        self._sent += 1
        if not early:
            self._zero_s = min(self._zero_s, time.monotonic() - nominal_s)  # as prompt as the promptest frame
        due_s = self._zero_s + nominal_s if early else time.monotonic()
        if self._ended is None:
            pcm = self._out(frame)
            if self._tx_channels == 2:  # noqa: PLR2004 - stereo
                pcm = np.repeat(pcm, 2)
            self._process.send(self._number, due_s, pcm.astype("<i2").tobytes())
        return self._coded(frame)

    def _coded(self, frame: Samples) -> Samples:
        if self._codec == "PCMU":
            return g711.decode(g711.encode(frame))
        if self._codec == "PCMA":
            plain = audioop.alaw2lin(audioop.lin2alaw(frame.astype("<i2").tobytes(), 2), 2)
            return np.frombuffer(plain, "<i2").astype(np.int16)
        return frame

    def receive(self) -> Samples:
        """See `Line`."""
        return self._arrivals.take()

    def heard(self, began_s: float, samples: int) -> Samples | None:
        """See `Line`."""
        return self._arrivals.laid_out(began_s, samples)

    async def press(self, key: str) -> None:
        """See `Line`: an RFC 4733 event."""
        if self._broken is not None:
            raise LineDiedError(self._broken)
        self._process.press(self._number, key)

    def stats(self) -> MediaStats | None:
        """See `Line`; whole only after the call."""
        received, rtcp = self._stats.get("rx", {}), self._stats.get("rtcp", {})
        return MediaStats(
            received=received.get("packets", 0),
            # RTCP's count is exact, where the agent sends any; gaps may also be pauses.
            lost=rtcp.get("rx_lost", 0) if rtcp.get("rtt_us") or rtcp.get("rx_lost") else self._arrivals.lost,
            jitter_ms=rtcp.get("rx_jitter_us", 0) / 1000,
            codec=self._codec,
        )

    async def hang_up(self) -> None:
        """See `Line`; waits shortly for the call's statistics."""
        if self._ended is None and self._broken is None:
            self._process.hang_up(self._number)
            try:
                async with asyncio.timeout(_GOODBYE_S):
                    await self._over.wait()
            except TimeoutError:
                _log.warning("the SIP process did not confirm the end of a call")
        self._process.forget(self._number)

    def take_audio(self, at_s: float, pcm: bytes) -> None:
        """What the agent said, 16-bit, at the call's rate."""
        samples = np.frombuffer(pcm, "<i2").astype(np.int16)
        if self._rx_channels == 2:  # noqa: PLR2004 - stereo: both sides are one
            samples = samples[::2]
        self._arrivals.put(at_s, self._in(samples))

    def take_news(self, news: dict[str, Any]) -> None:
        """Anything else."""
        kind = news["news"]
        if kind == "closed":
            self._stats = news["stats"]
            self._ended = self._ended or (f"the agent hung up ({news['reason']})" if news["reason"] else "hung up")
            self._over.set()
        elif kind == "delay":
            self.sending_delay_s = float(news["s"])
        elif kind == "key":
            self._events.append(LineEvent(LineEventKind.KEY, news["key"], news["at_s"]))
        elif kind == "transfer":
            where = re.sub(r"^<|>.*$", "", news["to"])
            self._events.append(LineEvent(LineEventKind.TRANSFER, where, news["at_s"]))

    def break_off(self, reason: str) -> bool:
        """The process is gone; True where the call was still up."""
        was_up = self._ended is None
        if was_up:
            self._broken = reason
        self._over.set()
        return was_up
