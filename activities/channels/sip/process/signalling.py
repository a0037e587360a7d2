"""What the SIP messages of our calls say, as they pass by on the wire."""

import asyncio
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from activities.channels.sip.dialog import Dialog, Message, dialog_of
from activities.channels.sip.sdp import Sdp

_STATUS = re.compile(r"SIP/2\.0 (\d\d\d)")
_TAG = re.compile(r";\s*tag=([^;,\s]+)", re.IGNORECASE)
_LINGER_S = 33.0
"""An answer is repeated for 64 times T1, 32 s, by whoever misses our ACK (RFC 3261, section 13.3.1.4)."""
_MOST_DIALOGS = 16
"""Of one call: nobody's proxy forks further."""


class Acknowledgement(NamedTuple):
    """An ACK as the stack sent it."""

    transport: str
    to: str
    """host:port."""
    text: str


@dataclass
class Signalling:
    """Of one call of ours."""

    invite: Message
    """The last one that we sent to set it up."""
    dialogs: dict[str, Dialog] = field(default_factory=dict)
    """By the far end's tag, first come first: more than one where a proxy forked the call."""
    answer: Sdp | None = None
    """Of the first."""
    acknowledged: dict[str, Acknowledgement] = field(default_factory=dict)
    """By the same tags."""
    refusal: Message | None = None
    """The last final answer that is no 2xx."""
    bye: Message | None = None
    """The far end's."""
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Once a refusal or a BYE of either side was seen."""

    @property
    def offer(self) -> Sdp | None:
        """Ours."""
        return Sdp.parse(self.invite.body)

    @property
    def dialog(self) -> Dialog | None:
        """The first."""
        return next(iter(self.dialogs.values()), None)


class Wiretap(logging.Handler):
    """Reads the stack's SIP trace, which is logged in a thread of the stack's own. Made inside the event loop.

    Args:
        on_answer: told of each 2xx to an INVITE of ours, with the far end's tag, and whether it is the first with it.
    """

    def __init__(self, on_answer: Callable[[Signalling, str, bool], None]) -> None:
        super().__init__(logging.DEBUG)
        self._loop = asyncio.get_running_loop()
        self._on_answer = on_answer
        self._calls: dict[str, Signalling] = {}
        self._awaited: dict[str, asyncio.Event] = {}
        """Calls that are asked for before their INVITE has passed by."""

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler`."""
        text = record.getMessage()
        if text.startswith(("RX", "TX")) and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._take, text)

    async def of(self, call_id: str, limit_s: float) -> Signalling | None:
        """A call whose answer is passing by; None where it was not seen within `limit_s`."""
        seen = await self._known(call_id, limit_s)
        return seen if seen is not None and await _seen(seen.answered, limit_s) else None

    async def at_its_end(self, call_id: str, limit_s: float, *, was_up: bool) -> Signalling | None:
        """A call that is over, once the message that ended it has passed by, at most after `limit_s`."""
        seen = await self._known(call_id, limit_s)
        if seen is not None:
            if was_up or not seen.answered.is_set():
                await _seen(seen.ended, limit_s)
            self._loop.call_later(_LINGER_S, self._calls.pop, call_id, None)
        return seen

    async def _known(self, call_id: str, limit_s: float) -> Signalling | None:
        """The trace comes by a thread of its own: the stack may tell of a call before its INVITE has passed by."""
        if call_id not in self._calls:
            begun = self._awaited.setdefault(call_id, asyncio.Event())
            if not await _seen(begun, limit_s):
                self._awaited.pop(call_id, None)
        return self._calls.get(call_id)

    def _take(self, text: str) -> None:
        """A SIP message: `RX UDP from -> to`, then the message."""
        where, _, raw = text.partition("\n")
        words = where.split()
        if len(words) < 5:  # noqa: PLR2004 - RX UDP a -> b
            return
        way, transport, source, _, target = words[:5]
        message = Message.parse(raw)
        status = _STATUS.match(message.first)
        if way == "TX" and status is None:
            self._sent(message, transport.lower(), target, raw)
        elif way == "RX" and status is None:
            if message.first.startswith("BYE ") and (seen := self._calls.get(message.get("call-id"))) is not None:
                seen.bye = message
                seen.ended.set()
        elif way == "RX" and status is not None and message.get("cseq").endswith("INVITE"):
            self._answered(message, int(status[1]), transport.lower(), source)

    def _sent(self, message: Message, transport: str, target: str, raw: str) -> None:
        method = message.first.partition(" ")[0]
        call_id = message.get("call-id")
        seen = self._calls.get(call_id)
        tag = _TAG.search(message.get("to"))
        if method == "INVITE" and tag is None:
            if seen is None:
                self._calls[call_id] = Signalling(message)
                if (begun := self._awaited.pop(call_id, None)) is not None:
                    begun.set()
            else:  # again, with credentials
                seen.invite, seen.refusal = message, None
                seen.ended.clear()
        elif seen is None:
            return
        elif method == "ACK" and tag is not None:
            seen.acknowledged.setdefault(tag[1], Acknowledgement(transport, target, raw))
        elif method == "BYE":
            seen.ended.set()

    def _answered(self, message: Message, status: int, transport: str, source: str) -> None:
        seen = self._calls.get(message.get("call-id"))
        if seen is None or status < 200 or message.get("cseq") != seen.invite.get("cseq"):  # noqa: PLR2004 - final
            return
        if status >= 300:  # noqa: PLR2004 - no 2xx
            seen.refusal = message
            seen.ended.set()
            return
        tag = _TAG.search(message.get("to"))
        key = tag[1] if tag is not None else ""
        first = key not in seen.dialogs
        if first:
            if len(seen.dialogs) >= _MOST_DIALOGS:
                return
            dialog = dialog_of(message, transport, source, asked=seen.invite.first.split(" ")[1])
            if dialog is None:
                return
            if not seen.dialogs:
                seen.answer = Sdp.parse(message.body)
            seen.dialogs[key] = dialog
            seen.answered.set()
        self._on_answer(seen, key, first)


async def _seen(event: asyncio.Event, limit_s: float) -> bool:
    try:
        async with asyncio.timeout(limit_s):
            await event.wait()
    except TimeoutError:
        return False
    return True
