"""SIP over UDP: requests and responses that take effect once, even if the network loses or repeats them."""

import asyncio
import time
from collections.abc import Callable

from aiosipua import SipMessage, SipRequest, SipResponse, create_dialog_from_request, stringify_via
from aiosipua.message import missing_required_headers

_T1_S, _T2_S, _GIVE_UP_S = 0.5, 4.0, 32.0
"""RFC 3261's timers: wait before the first repetition, longest wait between two, time until we give up."""
_FINAL = 200

Address = tuple[str, int]
Key = tuple[str, str, str]


class Wire(asyncio.DatagramProtocol):
    """The transactions of RFC 3261 on one UDP port."""

    def __init__(self, handle: Callable[[SipRequest, Address], None]) -> None:
        self._handle = handle
        self._transport: asyncio.DatagramTransport | None = None
        self._last_responses: dict[Key, tuple[bytes, Address] | None] = {}
        self._repeating: dict[Key, asyncio.Task[None]] = {}

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        """See `asyncio.DatagramProtocol`."""
        self._transport = transport

    def datagram_received(self, data: bytes, source: Address) -> None:
        """See `asyncio.DatagramProtocol`."""
        try:
            message = SipMessage.parse(data)
            cseq = message.cseq
            key = transaction(message)
        except (ValueError, IndexError):
            return  # a keep-alive, or something that cannot be answered
        if isinstance(message, SipResponse):
            if message.status_code >= _FINAL:
                self._settle(key)
        elif message.method == "ACK":
            self._settle(key)
            self._handle(message, source)
        elif key in self._last_responses:
            if (repeat := self._last_responses[key]) is not None:
                self._put(*repeat)
        else:
            self._last_responses[key] = None
            _note_source(message, source)
            if missing_required_headers(message) or cseq is None or cseq.method != message.method:
                self.respond(message, create_dialog_from_request(message).create_response(message, 400))
            else:
                self._handle(message, source)

    def respond(
        self, request: SipRequest, response: SipResponse, unacknowledged: Callable[[], None] = lambda: None
    ) -> None:
        """Send a response. A final response to an INVITE is repeated until it is acknowledged."""
        key, via = transaction(request), request.via[0]
        where = (via.received or via.host, int(via.rport or via.port or 5060))
        data = bytes(response)
        self._last_responses[key] = (data, where)
        self._put(data, where)
        if response.status_code >= _FINAL:
            asyncio.get_running_loop().call_later(_GIVE_UP_S, self._last_responses.pop, key, None)
            if request.method == "INVITE":
                self._repeat(key, data, where, unacknowledged)

    def request(self, request: SipRequest, where: Address) -> None:
        """Send a request, and repeat it until it is answered."""
        data = bytes(request)
        self._put(data, where)
        self._repeat(transaction(request), data, where, lambda: None)

    def acknowledged(self, invite: SipRequest) -> None:
        """Stop repeating our response: its ACK came, which is a transaction of its own."""
        self._settle(transaction(invite))

    def _put(self, data: bytes, where: Address) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, where)

    def _repeat(self, key: Key, data: bytes, where: Address, gave_up: Callable[[], None]) -> None:
        async def repeat() -> None:
            wait_s, until = _T1_S, time.monotonic() + _GIVE_UP_S
            while time.monotonic() < until:
                await asyncio.sleep(wait_s)
                self._put(data, where)
                wait_s = min(2 * wait_s, _T2_S)
            self._repeating.pop(key, None)
            gave_up()

        self._settle(key)
        self._repeating[key] = asyncio.create_task(repeat())

    def _settle(self, key: Key) -> None:
        if (task := self._repeating.pop(key, None)) is not None:
            task.cancel()


def transaction(message: SipMessage) -> Key:
    """The key of a message's transaction. The ACK of a refusal belongs to its INVITE's."""
    via = message.via[0]
    method = message.method if isinstance(message, SipRequest) else (message.cseq.method if message.cseq else "")
    branch = via.branch or f"{message.call_id} {message.cseq.seq if message.cseq else ''}"
    return branch, f"{via.host}:{via.port}", "INVITE" if method == "ACK" else method


def _note_source(request: SipRequest, source: Address) -> None:
    """RFC 3581: responses go to where the request came from."""
    top, *others = request.via
    if top.host != source[0] or "rport" in top.params:
        top.received = source[0]
    if "rport" in top.params:
        top.rport = str(source[1])
    request.headers.set_single("Via", stringify_via(top))
    for via in others:
        request.headers.append("Via", stringify_via(via))
