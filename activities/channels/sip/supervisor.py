"""The process that holds a worker's SIP calls, watched over from the worker."""

import asyncio
import itertools
import logging
import socket
import sys

from activities.channels.sip.dialog import Dialog, say_goodbye
from activities.channels.sip.line import SipLine, SipLineWithKeys
from activities.channels.sip.messages import (
    NEWS,
    Dial,
    Failed,
    HangUp,
    News,
    Order,
    Press,
    Ready,
    Refusal,
    Up,
)
from activities.channels.sip.wire import Left, Wire, audio_message, control_message
from activities.errors import (
    CallLostError,
    CallRefusedError,
    InstallationError,
    LineBusyError,
    LineError,
    NoAnswerError,
    StepError,
)
from voicewright.suite.format.address import without_password
from voicewright.suite.format.agent import SipTarget

_ANSWER_MARGIN_S = 10.0

_START_S = 120.0
"""On a busy machine; a process that dies is heard of at once."""

_HINTS = {
    400: "check the target",
    401: "check username and password",
    403: "check username and password",
    404: "check the uri",
    407: "check username and password",
    484: "check the uri",
    488: "no common codec or encryption",
    603: "it declined",
}
"""What to look at after a final answer, by its status."""

_log = logging.getLogger("calls.sip")


class SipProcess:
    """The process that holds the calls, as its worker sees it."""

    def __init__(self, interface: str | None, *, ipv6: bool = False) -> None:
        self._interface = interface
        self._ipv6 = ipv6
        self._numbers = itertools.count(1)
        self._lines: dict[int, SipLine] = {}
        self._dialling: dict[int, asyncio.Future[SipLine | Failed | None]] = {}
        """Calls that are being set up; None where the process died before that was decided."""
        self._ready = asyncio.Event()
        self._wire: Wire[News] = Wire(NEWS, self._audio, self._news, self._died, self._left)
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
        command = [sys.executable, "-m", "activities.channels.sip.process.stack", "--fd", str(theirs.fileno())]
        command += ["--interface", self._interface] if self._interface else []
        command += ["--ipv6"] if self._ipv6 else []
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

    async def dial(self, order: Dial, target: SipTarget) -> SipLine:
        """Set up a call.

        Raises:
            LineError: no connection; worth another try.
            BadInputError: the agent's side refused for good.
        """
        if self.dead:
            raise LineError("the SIP process has just died; another one will be started")
        number = next(self._numbers)
        answer: asyncio.Future[SipLine | Failed | None] = asyncio.get_running_loop().create_future()
        self._dialling[number] = answer
        self._order(number, order)
        try:
            async with asyncio.timeout(order.ring_s + _ANSWER_MARGIN_S):
                outcome = await answer
        except TimeoutError:
            self._order(number, HangUp())
            raise LineError("the SIP process did not answer in time") from None
        except asyncio.CancelledError:
            self._order(number, HangUp())
            raise
        finally:
            self._dialling.pop(number, None)
        if outcome is None:
            raise CallLostError("the SIP process died while it called: the agent may have been rung")
        if isinstance(outcome, Failed):
            raise _refusal(outcome, target)
        return outcome

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
        self._order(number, Press(key=key))

    def hang_up(self, number: int) -> None:
        """End a call."""
        self._order(number, HangUp())

    def forget(self, number: int) -> None:
        """A call that is over."""
        self._lines.pop(number, None)

    def _order(self, number: int, order: Order) -> None:
        self._wire.write(control_message(number, order))

    def _audio(self, number: int, at_s: float, stamp_s: float, pcm: bytes) -> None:
        if (line := self._lines.get(number)) is not None:
            line.take_audio(at_s, stamp_s, pcm)

    def _left(self, number: int, left: list[Left]) -> None:
        if (line := self._lines.get(number)) is not None:
            line.take_left(left)

    def _news(self, number: int, news: News) -> None:
        waiting = self._dialling.get(number)
        match news:
            case Ready():
                self._ready.set()
            case Up():
                if waiting is None or waiting.done():
                    self._order(number, HangUp())  # nobody waits for it any more
                else:
                    # At once: what follows in the same breath belongs to it.
                    kind = SipLineWithKeys if news.takes_keys else SipLine
                    line = self._lines[number] = kind(self, number, news)
                    waiting.set_result(line)
            case Failed():
                if waiting is not None and not waiting.done():
                    waiting.set_result(news)
            case _:
                if (known := self._lines.get(number)) is not None:
                    known.take_news(news)

    def _died(self) -> None:
        """The other end is gone: closed by us, or dead. Whoever is on the line learns it; the agents' sides as well."""
        self.dead = True
        self._ready.set()
        for waiting in self._dialling.values():
            if not waiting.done():
                waiting.set_result(None)
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


def _refusal(failed: Failed, target: SipTarget) -> StepError:
    """Why there is no call as what it means for the case."""
    said = f"{failed.status} {failed.reason}".strip() if failed.status is not None else failed.reason
    where = f"{target.shown} ({said})"
    later = failed.retry_after_s
    match failed.why:
        case Refusal.BUSY:
            return LineBusyError(f"the agent is busy: {where}", retry_after_s=later)
        case Refusal.NO_ANSWER:
            return NoAnswerError(f"the agent did not answer: {where}", retry_after_s=later)
        case Refusal.NO_ROUTE:
            return InstallationError(f"no way to {where}: set VOICEWRIGHT_SIP_INTERFACE")
        case Refusal.UNREACHABLE:
            return LineError(f"could not call {where}: is it running?")
        case Refusal.LATER:
            return LineError(f"the agent's side cannot take the call now: {where}", retry_after_s=later)
        case _:
            return _refusal_for_good(failed, where)


def _refusal_for_good(failed: Failed, where: str) -> StepError:
    if failed.why is Refusal.LOST:
        return CallLostError(f"we lost hold of a call that was answered, and the agent is not to blame: {where}")
    if failed.why is Refusal.UNUSABLE:
        return CallRefusedError(f"the agent's side answered, but not so that anybody can talk: {where}")
    if failed.why is Refusal.MOVED:
        to = " or ".join(map(without_password, failed.moved_to)) or "no other address"
        return CallRefusedError(f"the agent's side wants to be called elsewhere: {where}; it names {to}")
    hint = _HINTS.get(failed.status or 0, "check the target")
    return CallRefusedError(f"the agent's side refused the call: {where}; {hint}")
