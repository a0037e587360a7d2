"""A SIP dialog (RFC 3261, section 12) as seen in the messages that made it: enough to confirm and end it from outside.

The process that holds a call may die without a goodbye. The agent's side would then listen to a dead line for minutes,
and a carrier would charge for it. So whoever supervises that process remembers each call's dialog, and says BYE itself.
"""

import asyncio
import re
import secrets
import socket
from dataclasses import dataclass, field

_TRIES_S = (0.5, 1.0, 2.0)
"""RFC 3261's timer E begins so."""
_FAR_AHEAD = 1000
"""Over every request that the dead process may have sent."""
_URI = re.compile(r"<\s*(sips?:[^\s<>\"]+)\s*>|^\s*(sips?:[^;,\s<>\"]+)", re.IGNORECASE)
_COMPACT = {"f": "from", "t": "to", "i": "call-id", "m": "contact", "v": "via", "c": "content-type"}


@dataclass
class Message:
    """A SIP message, parsed as far as dialogs need it: header names in lower case, every value kept."""

    first: str
    headers: dict[str, list[str]] = field(default_factory=dict)
    body: str = ""

    @classmethod
    def parse(cls, text: str) -> "Message":
        """Read a message; lines that are no headers are skipped."""
        head, _, body = text.replace("\r\n", "\n").partition("\n\n")
        lines = head.split("\n")
        message = cls(lines[0], body=body)
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if colon:
                key = name.strip().lower()
                message.headers.setdefault(_COMPACT.get(key, key), []).append(value.strip())
        return message

    def get(self, name: str) -> str:
        """The first value of a header, or nothing."""
        return next(iter(self.headers.get(name, [])), "")


@dataclass(frozen=True)
class Dialog:
    """A confirmed dialog of ours as the caller."""

    call_id: str
    local: str
    remote: str
    target: str
    cseq: int
    routes: tuple[str, ...] = ()
    transport: str = "udp"
    peer: str = ""
    """host:port from which the answer came."""

    def ack(self, via: str, branch: str) -> bytes:
        """The request that confirms it (RFC 3261, section 13.2.2.4)."""
        return self._request("ACK", self.cseq, via, branch)

    def bye(self, via: str, branch: str) -> bytes:
        """The request that ends it."""
        return self._request("BYE", self.cseq + _FAR_AHEAD, via, branch)

    def _request(self, method: str, number: int, via: str, branch: str) -> bytes:
        lines = [
            f"{method} {self.target} SIP/2.0",
            f"Via: SIP/2.0/{self.transport.upper()} {via};branch={branch};rport",
            *(f"Route: {route}" for route in self.routes),
            "Max-Forwards: 70",
            f"From: {self.local}",
            f"To: {self.remote}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {number} {method}",
            "User-Agent: voicewright",
            "Content-Length: 0",
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


def dialog_of(answer: Message, transport: str, peer: str, asked: str = "") -> Dialog | None:
    """The dialog that a 2xx answer to our INVITE confirms; None where it is no such answer.

    An answer whose Contact cannot be used is reached where the INVITE went: at `asked`.
    """
    number, _, method = answer.get("cseq").partition(" ")
    if not re.match(r"SIP/2\.0 2\d\d", answer.first) or method.strip() != "INVITE" or not number.isdigit():
        return None
    contact = _URI.search(answer.get("contact"))
    target = (contact[1] or contact[2]) if contact is not None else asked
    if not target:
        return None
    routes = [route.strip() for value in answer.headers.get("record-route", []) for route in value.split(",")]
    return Dialog(
        call_id=answer.get("call-id"),
        local=answer.get("from"),
        remote=answer.get("to"),
        target=target,
        cseq=int(number),
        routes=tuple(reversed(routes)),
        transport=transport,
        peer=peer,
    )


async def say_goodbye(dialog: Dialog, *, confirm: bool = False) -> bool:
    """Send BYE for a call that the stack does not hold, as often as RFC 3261 wants it; True when it was answered.

    Over UDP and TCP. A dialog over TLS is left to the agent's own timeouts.

    Args:
        dialog: the call's.
        confirm: whether nobody has sent ACK for it: that goes first.
    """
    host, _, port = dialog.peer.rpartition(":")
    branch = f"z9hG4bK{secrets.token_hex(8)}"
    if dialog.transport == "tcp":
        return await _over_tcp(dialog, host, int(port), branch, confirm=confirm)
    if dialog.transport != "udp":
        return False
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.connect((host.strip("[]"), int(port)))
        mine, my_port = sock.getsockname()[:2]
        request = dialog.bye(f"{mine}:{my_port}", branch)
        if confirm:
            await loop.sock_sendall(sock, dialog.ack(f"{mine}:{my_port}", f"{branch}a"))
        for wait_s in _TRIES_S:
            try:
                await loop.sock_sendall(sock, request)
                async with asyncio.timeout(wait_s):
                    reply = await loop.sock_recv(sock, 65536)
            except (TimeoutError, OSError):
                continue
            if branch.encode() in reply:
                return True
    return False


async def send_again(transport: str, to: str, request: str) -> bool:
    """Send a request as it was, where nothing answers it; True when it is on its way. Over UDP and TCP."""
    host, _, port = to.rpartition(":")
    host = host.strip("[]")
    raw = ("\r\n".join(request.replace("\r\n", "\n").rstrip("\n").split("\n")) + "\r\n\r\n").encode()
    try:
        if transport == "tcp":
            async with asyncio.timeout(sum(_TRIES_S)):
                _, writer = await asyncio.open_connection(host, int(port))
                writer.write(raw)
                await writer.drain()
                writer.close()
        elif transport == "udp":
            with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.sendto(raw, (host, int(port)))
        else:
            return False
    except (TimeoutError, OSError):
        return False
    return True


async def _over_tcp(dialog: Dialog, host: str, port: int, branch: str, *, confirm: bool) -> bool:
    try:
        async with asyncio.timeout(sum(_TRIES_S)):
            reader, writer = await asyncio.open_connection(host.strip("[]"), port)
            mine, my_port = writer.get_extra_info("sockname")[:2]
            if confirm:
                writer.write(dialog.ack(f"{mine}:{my_port}", f"{branch}a"))
            writer.write(dialog.bye(f"{mine}:{my_port}", branch))
            await writer.drain()
            reply = await reader.readuntil(b"\r\n\r\n")
            writer.close()
            return branch.encode() in reply
    except (TimeoutError, OSError, asyncio.IncompleteReadError):
        return False
