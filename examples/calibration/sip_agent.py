"""`python -m examples.calibration.sip_agent`: a telephone that answers a known time after the caller's last sound.

The twin of `agent.py` for calls by SIP, and like it a signal generator: what a tester measures on it is the tester's
own error. Who is called chooses what happens: `agent` converses, `echo` returns every packet, `ringing` never answers,
`progress` answers after a second; `busy`, `declined`, `missing`, `unavailable` and `broken` refuse. Parameters of the
request URI choose how (`sip:agent@127.0.0.1:5070;delay_ms=700;long=1`); options of the program are their defaults.

On standard output: the address; a line of JSON for every call that ended, and one whenever the number of calls changes.
"""

import argparse
import asyncio
import gc
import ipaddress
import json
import signal
import time
from collections.abc import Callable
from urllib.parse import unquote

from aiosipua import (
    Dialog,
    SdpMessage,
    SdpNegotiationError,
    SipMessage,
    SipRequest,
    SipResponse,
    create_dialog_from_request,
    negotiate_sdp,
    parse_sdp,
    parse_uri,
    serialize_sdp,
    stringify_via,
)
from aiosipua.dialog import dialog_matches, remote_cseq_valid
from aiosipua.message import missing_required_headers

from examples.calibration.rtp import CODECS, Behaviour, ExactSelector, Media, Peer, answer_sound
from voicewright.leave import leave

_T1_S, _T2_S, _GIVE_UP_S = 0.5, 4.0, 32.0
"""RFC 3261's timers: first repetition, longest wait between two, end of patience."""
_ALLOW = ("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "NOTIFY")
_REFUSALS = {
    "busy": (486, "Busy Here"),
    "declined": (603, "Decline"),
    "missing": (404, "Not Found"),
    "unavailable": (480, "Temporarily Unavailable"),
    "broken": (503, "Service Unavailable"),
}
_TAKES_CALLS = ("agent", "echo", "progress", "ringing")
_FINAL, _ACCEPTED, _REFUSED = 200, 200, 300
_ACTION_S = 1.0

Address = tuple[str, int]
Key = tuple[str, str, str]


class Wire(asyncio.DatagramProtocol):
    """SIP over UDP: RFC 3261's transactions, so that a message lost or repeated does no harm."""

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
            key = _key(message)
        except (ValueError, IndexError):
            return  # a keep-alive, or nothing that could be answered
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
        """Send a response, and a final one to an INVITE again until it is acknowledged."""
        key, via = _key(request), request.via[0]
        where = (via.received or via.host, int(via.rport or via.port or 5060))
        data = bytes(response)
        self._last_responses[key] = (data, where)
        self._put(data, where)
        if response.status_code >= _FINAL:
            asyncio.get_running_loop().call_later(_GIVE_UP_S, self._last_responses.pop, key, None)
            if request.method == "INVITE":
                self._repeat(key, data, where, unacknowledged)

    def request(self, request: SipRequest, where: Address) -> None:
        """Send a request, and again until it is answered."""
        data = bytes(request)
        self._put(data, where)
        self._repeat(_key(request), data, where, lambda: None)

    def acknowledged(self, invite: SipRequest) -> None:
        """Its response has arrived, by an ACK that is a transaction of its own."""
        self._settle(_key(invite))

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


class Call:
    """One dialog, from its INVITE on."""

    def __init__(self, agent: "Agent", invite: SipRequest, source: Address, behaviour: Behaviour) -> None:
        self.user = parse_uri(invite.uri).user or ""
        self.dialog = create_dialog_from_request(invite)
        self.invite = invite
        self.answered_at: float | None = None
        self._agent = agent
        self._first_invite = invite
        self._source = source
        self._behaviour = behaviour
        self._media = Media(agent.host, behaviour, echo=self.user == "echo")
        self._answer: SdpMessage | None = None
        self._timers: list[asyncio.TimerHandle] = []

    def agree(self, offer: str) -> None:
        """Settle where to send and so in which coding.

        Raises:
            ValueError: it is no SDP.
            SdpNegotiationError: nothing in it is common to both sides.
        """
        answer, peer = _negotiate(parse_sdp(offer), self._agent.host, self._media.port)
        if self._answer is not None:
            answer.origin.session_id = self._answer.origin.session_id
            answer.origin.session_version = str(int(self._answer.origin.session_version) + 1)
        self._answer = answer
        self._media.agree(peer)

    def begin(self) -> None:
        """Ring, or show progress, or answer: as the one who is called does."""
        if self.user == "ringing":
            self.respond(180, "Ringing")
        elif self.user == "progress":
            self.respond(183, "Session Progress", with_sdp=True)
            self._later(_ACTION_S, self._pick_up)
        else:
            self._pick_up()

    def respond(self, status: int, reason: str, *, with_sdp: bool = False) -> None:
        """Respond to the INVITE at hand."""
        response = self._agent.response(self.invite, status, reason, self.dialog)
        if with_sdp and self._answer is not None:
            response.headers.set_single("Content-Type", "application/sdp")
            response.text = serialize_sdp(self._answer)
        accepted = status == _ACCEPTED
        self._agent.wire.respond(self.invite, response, (lambda: self.hang_up("no_ack")) if accepted else lambda: None)

    def renew(self, invite: SipRequest) -> None:
        """A re-INVITE: hold, resume, another address."""
        self.invite = invite
        if contacts := invite.headers.get("contact"):
            self.dialog.remote_target = _uri(contacts[0])
        try:
            if invite.body:
                self.agree(invite.text)
        except (ValueError, SdpNegotiationError):
            self.respond(488, "Not Acceptable Here")
        else:
            self.respond(200, "OK", with_sdp=True)

    def refuse(self, status: int, reason: str) -> None:
        """What cannot become a call."""
        self.respond(status, reason)
        self._media.close()

    def hang_up(self, ended_by: str) -> None:
        """Say goodbye, or refuse what has not been answered."""
        if self.dialog.local_tag not in self._agent.calls:
            return
        if self.answered_at is not None:
            self._say("BYE")
        else:
            self.respond(480, "Temporarily Unavailable")
        self.end(ended_by)

    def end(self, ended_by: str) -> None:
        """Fall silent and report."""
        self._agent.calls.pop(self.dialog.local_tag, None)
        for timer in self._timers:
            timer.cancel()
        self._media.close()
        if self.answered_at is not None:
            self._agent.wire.acknowledged(self.invite)
        lasted_s = time.monotonic() - self.answered_at if self.answered_at is not None else 0
        headers = self._first_invite.headers.items()
        ended = {
            "call_id": self.dialog.call_id,
            "user": self.user,
            "ended_by": ended_by,
            "headers": {name: values[0] for name, values in headers if name.lower().startswith("x-")},
            "keys": self._media.keys,
            "rtp_received": self._media.received,
            "rtp_lost": self._media.lost,
            "duration_ms": round(1000 * lasted_s),
            "late_ms": round(1000 * self._media.late_s, 3),
        }
        _print(ended)
        _print({"live": len(self._agent.calls)})

    def _pick_up(self) -> None:
        self.respond(200, "OK", with_sdp=True)
        self.dialog.confirm()
        self.answered_at = time.monotonic()
        self._media.start()
        if self._behaviour.hangup_ms is not None:
            self._later(self._behaviour.hangup_ms / 1000, self.hang_up, "agent")
        if self._behaviour.refer:
            self._later(_ACTION_S, self._transfer)
        if self._agent.rtp_timeout_s:
            self._later(self._agent.rtp_timeout_s, self._check_rtp)

    def _check_rtp(self) -> None:
        left_s = self._media.heard_at + self._agent.rtp_timeout_s - time.monotonic()
        if left_s > 0:
            self._later(left_s, self._check_rtp)
        else:
            self.hang_up("timeout")

    def _transfer(self) -> None:
        self._say("REFER", {"Refer-To": f"<{self._behaviour.refer}>", "Contact": self._agent.contact(self.user)})

    def _say(self, method: str, headers: dict[str, str] | None = None) -> None:
        """A request of ours in the dialog, by the route that the INVITE recorded."""
        request = self.dialog.create_request(method, via_host=self._agent.host, via_port=self._agent.port)
        for name, value in (headers or {}).items():
            request.headers.set_single(name, value)
        next_hop = parse_uri(_uri(self.dialog.route_set[0]) if self.dialog.route_set else self.dialog.remote_target)
        where = (next_hop.host, next_hop.port or 5060) if _is_ipv4(next_hop.host) else self._source
        self._agent.wire.request(request, where)

    def _later(self, after_s: float, what: Callable[..., None], *arguments: str) -> None:
        self._timers.append(asyncio.get_running_loop().call_later(after_s, what, *arguments))


class Agent:
    """All calls at one address."""

    def __init__(self, host: str, defaults: dict[str, str], rtp_timeout_s: float) -> None:
        self.host = host
        self.port = 0
        self.rtp_timeout_s = rtp_timeout_s
        self.wire = Wire(self._handle)
        self.calls: dict[str, Call] = {}
        self._defaults = defaults

    async def open(self, port: int) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: self.wire, local_addr=(self.host, port))
        self.port = int(transport.get_extra_info("sockname")[1])

    def contact(self, user: str) -> str:
        """Where a call of `user` is reached."""
        return f"<sip:{user}@{self.host}:{self.port}>"

    def response(self, request: SipRequest, status: int, reason: str, dialog: Dialog | None = None) -> SipResponse:
        """As RFC 3261 wants it, in a dialog or in none."""
        response = (dialog or create_dialog_from_request(request)).create_response(request, status, reason)
        if request.method == "INVITE" and status < _REFUSED:
            response.headers.set_single("Contact", self.contact(parse_uri(request.uri).user or ""))
            for route in request.headers.get("record-route"):
                response.headers.append("Record-Route", route)
        response.headers.set_single("Allow", ", ".join(_ALLOW))
        return response

    def _handle(self, request: SipRequest, source: Address) -> None:
        to = request.to_addr
        in_dialog = to is not None and to.tag is not None
        if request.method == "ACK":
            if (call := self._call_of(request)) is not None:
                self.wire.acknowledged(call.invite)
        elif request.method == "CANCEL":
            self._cancel(request)
        elif request.method not in _ALLOW:
            self._reply(request, 405, "Method Not Allowed")
        elif request.method == "OPTIONS":
            self._reply(request, 200, "OK")
        elif request.method == "INVITE" and not in_dialog:
            self._invite(request, source)
        else:
            self._continue(request)

    def _call_of(self, request: SipRequest) -> Call | None:
        to = request.to_addr
        call = self.calls.get((to.tag if to is not None else None) or "")
        ours = call is not None and call.dialog.call_id == request.call_id and dialog_matches(call.dialog, request)
        return call if ours else None

    def _continue(self, request: SipRequest) -> None:
        """A re-INVITE, BYE or NOTIFY."""
        call = self._call_of(request)
        if call is None:
            self._reply(request, 481, "Call/Transaction Does Not Exist")
        elif not remote_cseq_valid(call.dialog, request):
            self._reply(request, 500, "Server Internal Error")
        elif request.method == "INVITE":
            call.renew(request)
        else:
            self._reply(request, 200, "OK")
            if request.method == "BYE":
                call.end("caller")

    def _reply(self, request: SipRequest, status: int, reason: str) -> None:
        self.wire.respond(request, self.response(request, status, reason))

    def _cancel(self, request: SipRequest) -> None:
        branch = _key(request)[:2]
        call = next((call for call in self.calls.values() if _key(call.invite)[:2] == branch), None)
        if call is None:
            self._reply(request, 481, "Call/Transaction Does Not Exist")
            return
        self.wire.respond(request, self.response(request, 200, "OK", call.dialog))
        if call.answered_at is None:
            call.respond(487, "Request Terminated")
            call.end("cancelled")

    def _invite(self, invite: SipRequest, source: Address) -> None:
        uri = parse_uri(invite.uri)
        required = invite.headers.get("require")
        try:
            chosen = {name: unquote("1" if value is None else value) for name, value in uri.params.items()}
            behaviour = Behaviour.model_validate({**self._defaults, **chosen})
        except ValueError:
            self._reply(invite, 400, "Bad URI Parameter")
            return
        if uri.user in _REFUSALS:
            self._reply(invite, *_REFUSALS[uri.user])
        elif uri.user not in _TAKES_CALLS:
            self._reply(invite, 404, "Not Found")
        elif required:
            response = self.response(invite, 420, "Bad Extension")
            response.headers.set_single("Unsupported", ", ".join(required))
            self.wire.respond(invite, response)
        elif not (invite.content_type or "").lower().startswith("application/sdp") or not invite.body:
            self._reply(invite, 488, "Not Acceptable Here")
        else:
            self._open_call(Call(self, invite, source, behaviour))

    def _open_call(self, call: Call) -> None:
        try:
            call.agree(call.invite.text)
        except ValueError:
            call.refuse(400, "Bad Request")
        except SdpNegotiationError:
            call.refuse(488, "Not Acceptable Here")
        else:
            self.calls[call.dialog.local_tag] = call
            _print({"live": len(self.calls)})
            call.begin()


def _negotiate(offer: SdpMessage, host: str, port: int) -> tuple[SdpMessage, Peer]:
    audio, where = offer.audio, offer.rtp_address
    if audio is None or where is None or not audio.port or audio.proto != "RTP/AVP" or not _is_ipv4(where[0]):
        raise SdpNegotiationError("no audio over RTP that could be sent")
    event_type = next((c.payload_type for c in audio.codecs if c.encoding_name.lower() == "telephone-event"), 0)
    mulaw_offered = any(codec.payload_type == 0 for codec in audio.codecs)
    answer, payload_type = negotiate_sdp(offer, host, port, [0] if mulaw_offered else [8], dtmf_payload_type=event_type)
    answered = answer.audio
    assert answered is not None
    answered.attributes["ptime"] = ["20"]
    listens = audio.direction in {"sendrecv", "recvonly"}
    return answer, Peer(where, CODECS[payload_type], event_type, listens)


def _key(message: SipMessage) -> Key:
    """What makes a transaction; the ACK of a refusal belongs to that of its INVITE."""
    via = message.via[0]
    method = message.method if isinstance(message, SipRequest) else (message.cseq.method if message.cseq else "")
    branch = via.branch or f"{message.call_id} {message.cseq.seq if message.cseq else ''}"
    return branch, f"{via.host}:{via.port}", "INVITE" if method == "ACK" else method


def _note_source(request: SipRequest, source: Address) -> None:
    """RFC 3581: responses go where the request came from."""
    top, *others = request.via
    if top.host != source[0] or "rport" in top.params:
        top.received = source[0]
    if "rport" in top.params:
        top.rport = str(source[1])
    request.headers.set_single("Via", stringify_via(top))
    for via in others:
        request.headers.append("Via", stringify_via(via))


def _uri(header: str) -> str:
    """The URI in a header such as Contact or Record-Route, as it was written."""
    return header.split("<", 1)[1].split(">", 1)[0] if "<" in header else header


def _is_ipv4(host: str) -> bool:
    try:
        return bool(ipaddress.IPv4Address(host))
    except ValueError:
        return False


def _print(line: dict[str, object]) -> None:
    print(json.dumps(line), flush=True)  # noqa: T201 - a program's output


async def _serve(options: argparse.Namespace, defaults: dict[str, str]) -> None:
    for payload_type in CODECS:
        for long in (False, True):
            answer_sound(payload_type, long=long)
    gc.collect()
    gc.freeze()  # a collection of the speech engine's objects would hold up all packets
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    agent = Agent(options.host, defaults, options.rtp_timeout)
    await agent.open(options.port)
    print(f"sip:agent@{agent.host}:{agent.port}", flush=True)  # noqa: T201 - a program's output
    await stop.wait()
    for call in list(agent.calls.values()):
        call.hang_up("stopped")


def main(arguments: list[str] | None = None) -> int:
    """Parse, serve, return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m examples.calibration.sip_agent", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="IPv4 address to listen at and to name in SDP")
    parser.add_argument("--port", type=int, default=0, help="0 takes any free port and prints it")
    parser.add_argument("--rtp-timeout", type=float, default=0, help="seconds without RTP that end a call; 0: never")
    for name, field in Behaviour.model_fields.items():
        parser.add_argument(f"--{name.replace('_', '-')}", help=field.description)
    options = parser.parse_args(arguments)
    defaults = {name: value for name in Behaviour.model_fields if (value := getattr(options, name)) is not None}
    try:
        Behaviour.model_validate(defaults)
    except ValueError as error:
        parser.error(str(error))
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(ExactSelector())) as runner:
        runner.run(_serve(options, defaults))
    return 0


if __name__ == "__main__":
    leave(main())
