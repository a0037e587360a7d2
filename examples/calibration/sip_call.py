"""One call of the calibration telephone, from its INVITE to its report."""

import asyncio
import ipaddress
import json
import time
from collections.abc import Callable
from typing import Protocol

from aiosipua import (
    Dialog,
    SdpMessage,
    SdpNegotiationError,
    SipRequest,
    SipResponse,
    create_dialog_from_request,
    negotiate_sdp,
    parse_sdp,
    parse_uri,
    serialize_sdp,
)

from examples.calibration.behaviour import Behaviour
from examples.calibration.rtp import Media, Peer
from examples.calibration.sip_wire import Address, Wire
from examples.calibration.sounds import CODECS

_ACCEPTED = 200
_ACTION_S = 1.0


class Telephone(Protocol):
    """What a call needs of the telephone that it is on."""

    host: str
    port: int
    rtp_timeout_s: float
    wire: Wire
    calls: "dict[str, Call]"

    def contact(self, user: str) -> str:
        """Where a call of `user` is reached."""
        ...

    def response(self, request: SipRequest, status: int, reason: str, dialog: Dialog | None = None) -> SipResponse:
        """A response with the headers that RFC 3261 asks for."""
        ...


class Call:
    """One dialog, from its INVITE on."""

    def __init__(self, telephone: Telephone, invite: SipRequest, source: Address, behaviour: Behaviour) -> None:
        self.user = parse_uri(invite.uri).user or ""
        self.dialog = create_dialog_from_request(invite)
        self.invite = invite
        self.answered_at: float | None = None
        self._telephone = telephone
        self._first_invite = invite
        self._source = source
        self._behaviour = behaviour
        self._media = Media(telephone.host, behaviour, echo=self.user == "echo")
        self._answer: SdpMessage | None = None
        self._timers: list[asyncio.TimerHandle] = []

    def agree(self, offer: str) -> None:
        """Settle on the caller's address and codec.

        Raises:
            ValueError: the offer is not SDP.
            SdpNegotiationError: the two sides have no audio format in common.
        """
        answer, peer = _negotiate(parse_sdp(offer), self._telephone.host, self._media.port, self._behaviour.ptime_ms)
        if self._answer is not None:
            answer.origin.session_id = self._answer.origin.session_id
            answer.origin.session_version = str(int(self._answer.origin.session_version) + 1)
        self._answer = answer
        self._media.agree(peer)

    def begin(self) -> None:
        """Ring, signal progress or answer, depending on who was called."""
        if self.user == "ringing":
            self.respond(180, "Ringing")
        elif self.user == "progress":
            self.respond(183, "Session Progress", with_sdp=True)
            self._later(_ACTION_S, self._pick_up)
        else:
            self._pick_up()

    def respond(self, status: int, reason: str, *, with_sdp: bool = False) -> None:
        """Respond to the latest INVITE."""
        response = self._telephone.response(self.invite, status, reason, self.dialog)
        if with_sdp and self._answer is not None:
            response.headers.set_single("Content-Type", "application/sdp")
            response.text = serialize_sdp(self._answer)
        accepted = status == _ACCEPTED
        self._telephone.wire.respond(
            self.invite, response, (lambda: self.hang_up("no_ack")) if accepted else lambda: None
        )

    def renew(self, invite: SipRequest) -> None:
        """A re-INVITE came: hold, resume or another address."""
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
        """Turn the call down before it begins."""
        self.respond(status, reason)
        self._media.close()

    def hang_up(self, ended_by: str) -> None:
        """End the call with BYE, or refuse it if it has not been answered."""
        if self.dialog.local_tag not in self._telephone.calls:
            return
        if self.answered_at is not None:
            self._say("BYE")
        else:
            self.respond(480, "Temporarily Unavailable")
        self.end(ended_by)

    def end(self, ended_by: str) -> None:
        """Stop all sound and report."""
        self._telephone.calls.pop(self.dialog.local_tag, None)
        for timer in self._timers:
            timer.cancel()
        self._media.close()
        if self.answered_at is not None:
            self._telephone.wire.acknowledged(self.invite)
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
            "left_out": self._media.left_out,
            **self._media.clock.report(),
        }
        report(ended)
        report({"live": len(self._telephone.calls)})

    def _pick_up(self) -> None:
        self.respond(200, "OK", with_sdp=True)
        self.dialog.confirm()
        self.answered_at = time.monotonic()
        self._media.start()
        if self._behaviour.hangup_ms is not None:
            self._later(self._behaviour.hangup_ms / 1000, self.hang_up, "agent")
        if self._behaviour.refer:
            self._later(_ACTION_S, self._transfer)
        if self._telephone.rtp_timeout_s:
            self._later(self._telephone.rtp_timeout_s, self._check_rtp)

    def _check_rtp(self) -> None:
        left_s = self._media.heard_at + self._telephone.rtp_timeout_s - time.monotonic()
        if left_s > 0:
            self._later(left_s, self._check_rtp)
        else:
            self.hang_up("timeout")

    def _transfer(self) -> None:
        self._say("REFER", {"Refer-To": f"<{self._behaviour.refer}>", "Contact": self._telephone.contact(self.user)})

    def _say(self, method: str, headers: dict[str, str] | None = None) -> None:
        """Send a request in the dialog, along the route that the INVITE recorded."""
        request = self.dialog.create_request(method, via_host=self._telephone.host, via_port=self._telephone.port)
        for name, value in (headers or {}).items():
            request.headers.set_single(name, value)
        next_hop = parse_uri(_uri(self.dialog.route_set[0]) if self.dialog.route_set else self.dialog.remote_target)
        where = (next_hop.host, next_hop.port or 5060) if _is_ipv4(next_hop.host) else self._source
        self._telephone.wire.request(request, where)

    def _later(self, after_s: float, what: Callable[..., None], *arguments: str) -> None:
        self._timers.append(asyncio.get_running_loop().call_later(after_s, what, *arguments))


def report(line: dict[str, object]) -> None:
    """Print a line of JSON."""
    print(json.dumps(line), flush=True)  # noqa: T201 - a program's output


def _negotiate(offer: SdpMessage, host: str, port: int, ptime_ms: int) -> tuple[SdpMessage, Peer]:
    audio, where = offer.audio, offer.rtp_address
    if audio is None or where is None or not audio.port or audio.proto != "RTP/AVP" or not _is_ipv4(where[0]):
        raise SdpNegotiationError("no audio over RTP that could be sent")
    event_type = next((c.payload_type for c in audio.codecs if c.encoding_name.lower() == "telephone-event"), 0)
    mulaw_offered = any(codec.payload_type == 0 for codec in audio.codecs)
    answer, payload_type = negotiate_sdp(offer, host, port, [0] if mulaw_offered else [8], dtmf_payload_type=event_type)
    answered = answer.audio
    assert answered is not None
    answered.attributes["ptime"] = [str(ptime_ms)]
    listens = audio.direction in {"sendrecv", "recvonly"}
    return answer, Peer(where, CODECS[payload_type], event_type, listens)


def _uri(header: str) -> str:
    """The URI in a header such as Contact or Record-Route, as it was written."""
    return header.split("<", 1)[1].split(">", 1)[0] if "<" in header else header


def _is_ipv4(host: str) -> bool:
    try:
        return bool(ipaddress.IPv4Address(host))
    except ValueError:
        return False
