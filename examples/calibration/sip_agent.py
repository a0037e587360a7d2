"""`python -m examples.calibration.sip_agent`: a telephone that answers a known time after the caller's last sound.

The counterpart of `agent.py` for SIP calls, and likewise a signal generator: any deviation that a tester measures is
the tester's own error. The user part of the URI chooses what happens: `agent` converses, `echo` returns every packet,
`ringing` never answers, `progress` answers after a second; `busy`, `declined`, `missing`, `unavailable` and `broken`
refuse. Parameters of the request URI set the details (`sip:agent@127.0.0.1:5070;delay_ms=700;long=1`); the program's
options are their defaults.

It prints its address, then a line of JSON for every call that ends and whenever the number of live calls changes.
"""

import argparse
import asyncio
import gc
import signal
import sys
from urllib.parse import unquote

from aiosipua import Dialog, SdpNegotiationError, SipRequest, SipResponse, create_dialog_from_request, parse_uri
from aiosipua.dialog import dialog_matches, remote_cseq_valid

from examples.calibration.behaviour import Behaviour
from examples.calibration.exact_selector import ExactSelector
from examples.calibration.sip_call import Call, report
from examples.calibration.sip_wire import Address, Wire, transaction
from examples.calibration.sounds import CODECS, answer_sound

_ALLOW = ("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "NOTIFY")
_REFUSALS = {
    "busy": (486, "Busy Here"),
    "declined": (603, "Decline"),
    "missing": (404, "Not Found"),
    "unavailable": (480, "Temporarily Unavailable"),
    "broken": (503, "Service Unavailable"),
}
_TAKES_CALLS = ("agent", "echo", "progress", "ringing")
_REFUSED = 300


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
        """A response with the headers that RFC 3261 asks for, inside or outside a dialog."""
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
        branch = transaction(request)[:2]
        call = next((call for call in self.calls.values() if transaction(call.invite)[:2] == branch), None)
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
            report({"live": len(self.calls)})
            call.begin()


async def _serve(options: argparse.Namespace, defaults: dict[str, str]) -> None:
    for payload_type in CODECS:
        for long in (False, True):
            answer_sound(payload_type, long=long)
    gc.collect()
    gc.freeze()  # otherwise a garbage collection of the speech engine's objects would delay packets
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
    sys.exit(main())
