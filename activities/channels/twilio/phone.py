"""Channel `twilio`: a real telephone call through Twilio, whose audio comes to us by Media Streams.

Order the call with TwiML that connects it to our endpoint; wait until its stream has come, or until its status says
that it will not. Nobody is called twice: an order of unknown fate is looked up, by the number that was called and by
the token that Twilio sends back.
"""

import asyncio
import logging
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any

from twilio.twiml.voice_response import Connect, VoiceResponse

from activities.audio.pcm import Samples
from activities.channels.twilio.client import Account, AmbiguousError, Order, TwilioCalls
from activities.channels.twilio.endpoint import FINAL, TwilioEndpoint, TwilioLine, Underway
from activities.errors import (
    CallLostError,
    CallRefusedError,
    InstallationError,
    LineBusyError,
    LineError,
    NoAnswerError,
    StepError,
)
from activities.ports.line import Line, LineEvent
from voicewright.suite.format.agent import AgentTarget, TwilioTarget

_MARGIN_S = 15.0
_LIMIT_S = 1860
"""A call of ours never lasts longer, whatever goes wrong; a suite's `call_s` is at most 1800."""
_LOOKS = 3
_LOOK_S = 1.0
_FATE_S = 5.0
_RECORDING_S = 30.0
_MACHINE = ("machine", "fax")

_log = logging.getLogger("calls.twilio")


class TwilioDialler:
    """Calls telephones.

    Args:
        account: whose calls they are.
        endpoint: where Twilio reaches this worker.
        callers: the account's numbers, used where none was reserved.
    """

    def __init__(self, account: Account, endpoint: TwilioEndpoint, callers: tuple[str, ...]) -> None:
        self._calls = TwilioCalls(account)
        self._endpoint = endpoint
        self._callers = callers
        self._cleaning: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Stop serving Twilio."""
        await asyncio.gather(*self._cleaning)
        await self._endpoint.close()
        await self._calls.close()

    async def dial(self, target: AgentTarget, *, call_id: str, caller_id: str = "", language: str = "en") -> Line:  # noqa: ARG002
        """See `Dialler`."""
        assert isinstance(target, TwilioTarget)
        caller = caller_id or next(iter(self._callers), "")
        if not caller:
            raise InstallationError("no number to call from: set VOICEWRIGHT_TWILIO_FROM")
        await self._endpoint.start()
        call = self._endpoint.expect()
        ordering = asyncio.create_task(self._order(call, target, caller))
        try:
            await asyncio.shield(ordering)
            line = await self._answered(call, target)
        except (asyncio.CancelledError, StepError):
            # Before anybody hears that it is over: the account's line is given back then.
            await asyncio.shield(self._clean(self._give_up(call, ordering)))
            raise
        return _PhoneCall(self._calls, self._endpoint, call, line, record=target.record)

    def _clean(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(work)
        self._cleaning.add(task)
        task.add_done_callback(self._cleaning.discard)
        return task

    async def _order(self, call: Underway, target: TwilioTarget, caller: str) -> None:
        """Have the call made, once."""
        began = datetime.now(UTC)
        order = Order(
            to=target.to,
            caller=caller,
            twiml=_twiml(self._endpoint.media_url, call.token),
            status_url=self._endpoint.status_url(call),
            ring_s=target.ring_s,
            limit_s=_LIMIT_S,
            record=target.record,
            detect_machine=target.machine_detection != "off",
        )
        try:
            call.sid = await self._calls.create(order)
        except AmbiguousError as error:
            _log.warning("Twilio's answer to a call to %s did not come (%s): looking for the call", target.to, error)
            await self._look_for(call, target, began)

    async def _look_for(self, call: Underway, target: TwilioTarget, began: datetime) -> None:
        """What became of an order without an answer.

        A list can show that there is no call. Which one is ours, only news with our token can: another case may be
        calling the same number.
        """
        for _ in range(_LOOKS):
            if await _news(call, _LOOK_S) and call.sid is not None:
                return
            made = await self._calls.recent(target.to, began)
        if not made:
            raise LineError(f"Twilio did not make the call to {target.to}: it has no such call")
        deadline = asyncio.get_running_loop().time() + target.ring_s + _MARGIN_S
        while call.sid is None:
            if asyncio.get_running_loop().time() > deadline:
                raise CallLostError(f"Twilio may have made the call to {target.to}, and no news of it came")
            await _news(call, _LOOK_S)

    async def _answered(self, call: Underway, target: TwilioTarget) -> TwilioLine:
        """The call's stream, once somebody has answered."""
        deadline = asyncio.get_running_loop().time() + target.ring_s + _MARGIN_S
        while True:
            if call.line is not None:
                machine = call.answered_by.startswith(_MACHINE)
                if machine and target.machine_detection == "hang_up":
                    raise NoAnswerError(f"a machine answered at {target.to} ({call.answered_by})")
                if target.machine_detection != "hang_up" or call.answered_by:
                    return call.line
            if call.status in FINAL and call.line is None:
                raise _no_call(call.status, target)
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0 and call.line is not None:
                return call.line  # nobody knows who answered
            if left <= 0:
                raise CallLostError(
                    f"Twilio's stream of the call to {target.to} did not come: is {self._endpoint.public_url} "
                    "this worker's public address?"
                )
            await _news(call, min(left, _FATE_S))
            if call.line is None and not call.statuses and call.sid is not None:
                # No callback comes through; ask.
                status = await self._calls.status(call.sid)
                if status in FINAL:
                    call.statuses[-1] = status or ""

    async def _give_up(self, call: Underway, ordering: "asyncio.Task[None]") -> None:
        """End what may have been begun, also when the order's answer is still to come."""
        await asyncio.wait([ordering])
        if call.line is not None:
            await call.line.hang_up()
        if call.sid is not None and call.status not in FINAL:
            await self._calls.end(call.sid)
        self._endpoint.forget(call)


async def _news(call: Underway, wait_s: float) -> bool:
    """Whether something about the call came within a time."""
    try:
        async with asyncio.timeout(wait_s):
            await call.changed.wait()
    except TimeoutError:
        return False
    call.changed.clear()
    return True


def _twiml(url: str, token: str) -> str:
    response, connect = VoiceResponse(), Connect()
    connect.stream(url=url).parameter(name="token", value=token)
    response.append(connect)
    return str(response)


def _no_call(status: str, target: TwilioTarget) -> StepError:
    """A final status without a stream, as what it means for the case."""
    if status == "busy":
        return LineBusyError(f"{target.to} is busy")
    if status == "no-answer":
        return NoAnswerError(f"{target.to} did not answer within {target.ring_s} s")
    if status == "failed":
        return CallRefusedError(
            f"the call to {target.to} failed: Twilio's debugger has the reason; is the number in use?"
        )
    return CallLostError(f"the call to {target.to} ended before its stream came ({status}); nobody is called twice")


class _PhoneCall:
    """The stream, and the call that it belongs to. See `Line`, `LaysOut` and `RecordsItself`."""

    def __init__(
        self, calls: TwilioCalls, endpoint: TwilioEndpoint, call: Underway, line: TwilioLine, *, record: bool
    ) -> None:
        self._calls = calls
        self._endpoint = endpoint
        self._call = call
        self._line = line
        self._record = record
        self._over = False

    @property
    def rate_hz(self) -> int:
        """See `Line`."""
        return self._line.rate_hz

    @property
    def hung_up(self) -> str | None:
        """See `Line`."""
        return self._line.hung_up

    def receive(self) -> Samples:
        """See `Line`."""
        return self._line.receive()

    def events(self) -> list[LineEvent]:
        """See `Line`."""
        return self._line.events()

    def heard(self, began_s: float, samples: int) -> Samples:
        """See `LaysOut`."""
        return self._line.heard(began_s, samples)

    async def send(self, frame: Samples) -> Samples:
        """See `Line`. A socket that broke is a hang-up where the call is over, and a broken line where it is not."""
        if self._line.broken is not None and await self._is_over():
            self._line.over("the call was ended")
        return await self._line.send(frame)

    async def _is_over(self) -> bool:
        if self._call.status in FINAL:
            return True
        return self._call.sid is not None and await self._calls.status(self._call.sid) in FINAL

    async def hang_up(self) -> None:
        """See `Line`."""
        if self._over:
            return
        self._over = True
        await self._line.hang_up()
        if self._call.sid is not None and self._call.status not in FINAL:
            await _news(self._call, _LOOK_S)
            if self._call.status not in FINAL and not await self._calls.end(self._call.sid):
                _log.warning("Twilio did not confirm the end of call %s", self._call.sid)
        self._endpoint.forget(self._call)

    async def recordings(self) -> dict[str, bytes]:
        """See `RecordsItself`: Twilio's own, where it was asked for; it is ready some seconds after the call."""
        if not self._record or self._call.sid is None:
            return {}
        deadline = asyncio.get_running_loop().time() + _RECORDING_S
        while asyncio.get_running_loop().time() < deadline:
            if (wav := await self._calls.recording(self._call.sid)) is not None:
                return {"twilio.wav": wav}
            await asyncio.sleep(_LOOK_S)
        _log.warning("Twilio's recording of call %s did not come within %g s", self._call.sid, _RECORDING_S)
        return {}
