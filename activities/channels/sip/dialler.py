"""Channel `sip`: real SIP and RTP calls, by baresip in a process of its own that is watched over.

If that process dies, its calls are broken, the agents' sides are told (BYE), and the next call starts another one. What
the agent says is put on the recording by the time at which it arrived, so that lost packets shorten nothing.
"""

import logging
import os
import re
from typing import Literal

from activities.channels.secrets import fill_secrets
from activities.channels.sip.messages import Account, Dial
from activities.channels.sip.supervisor import SipProcess
from activities.ports.line import Line
from voicewright.suite.format.address import host_and_port, is_loopback
from voicewright.suite.format.agent import AgentTarget, SipTarget

_log = logging.getLogger("calls.sip")


class SipDialler:
    """Calls agents by SIP.

    Args:
        interface: network interface or local address to call from; None finds the one that leads there. Agents on
            this machine are called from 127.0.0.1 all the same.
    """

    def __init__(self, interface: str | None = None) -> None:
        self._interface = interface
        self._processes: dict[tuple[str | None, bool], SipProcess] = {}
        """By interface, and whether they call by IPv6: a stack calls by one family."""

    async def dial(self, target: AgentTarget, *, call_id: str, caller_id: str = "", language: str = "en") -> Line:  # noqa: ARG002
        """See `Dialler`."""
        assert isinstance(target, SipTarget)
        # An INVITE with its headers goes by the proxy to the agent; a registration, to the caller's own domain.
        seen_by = [
            target.uri,
            *([target.proxy] if target.proxy else []),
            *([target.caller] if target.register_first else []),
        ]
        password = fill_secrets(target.password or "", os.environ, seen_by)
        headers = {name: fill_secrets(text, os.environ, seen_by) for name, text in target.headers.items()}
        process = await self._process(target.proxy or target.uri)
        return await process.dial(_order(target, password, headers), target)

    async def close(self) -> None:
        """Hang up everything and end the processes."""
        for process in self._processes.values():
            await process.close()

    async def _process(self, next_hop: str) -> SipProcess:
        host, _ = host_and_port(next_hop) or ("", None)
        ipv6 = ":" in host
        interface = self._interface
        if is_loopback(host):
            interface = "::1" if ipv6 else "127.0.0.1"
        process = self._processes.get((interface, ipv6))
        if process is None or process.dead:
            process = self._processes[interface, ipv6] = SipProcess(interface, ipv6=ipv6)
        await process.start()
        return process


def _order(target: SipTarget, password: str, headers: dict[str, str]) -> Dial:
    caller = re.match(r"sips?:([^@]+)@(.+)$", target.caller)
    assert caller is not None
    account = Account(
        user=caller[1],
        domain=caller[2].split(";", 1)[0],
        username=target.username,
        password=password,
        proxy=target.proxy,
        registers=target.register_first,
        transport=_transport(target),
        codecs=tuple(target.codecs),
        srtp=target.srtp,
    )
    return Dial(uri=target.uri, headers=headers, ring_s=target.ring_s, account=account)


def _transport(target: SipTarget) -> Literal["udp", "tcp", "tls"]:
    wanted = re.search(r"transport=(udp|tcp|tls)", target.proxy or target.uri, re.IGNORECASE)
    match wanted[1].lower() if wanted else "":
        case "udp":
            return "udp"
        case "tcp":
            return "tcp"
        case "tls":
            return "tls"
    return "tls" if target.uri.startswith("sips:") else "udp"
