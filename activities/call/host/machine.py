"""How long an agent waits for a processor of this machine while a call goes on.

An agent on the machine that calls it shares its processors with the tester; so much later an answer may have come by
the machine's fault. Its process tells how long it waited (`agent_process`). Where that cannot be looked at, Linux tells
when anything that could run had to wait (pressure-stall information, `/proc/pressure/cpu`). Elsewhere, or where the
agent runs on another machine, nothing is counted.
"""

import asyncio
import ipaddress
import socket
import time
from bisect import bisect_left, bisect_right
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from activities.call.host.agent_process import AgentProcess, process_at
from voicewright.suite.format.address import host_and_port, is_loopback

_EVERY_S = 0.1
_PRESSURE = Path("/proc/pressure/cpu")


@dataclass
class Waits:
    """How long work had waited, by times on the monotonic clock."""

    at_s: list[float] = field(default_factory=list)
    waited_ms: list[float] = field(default_factory=list)
    """In all, up to then."""

    def note(self, at_s: float, waited_ms: float) -> None:
        """What was counted up to a time; times only grow."""
        self.at_s.append(at_s)
        self.waited_ms.append(waited_ms)

    def between(self, began_s: float, ended_s: float) -> int:
        """How long work waited in a stretch of time, in ms and never more than it lasted; 0 where nobody counted."""
        first, last = max(0, bisect_right(self.at_s, began_s) - 1), bisect_left(self.at_s, ended_s)
        if not self.at_s or ended_s <= began_s:
            return 0
        grown = self.waited_ms[min(last, len(self.at_s) - 1)] - self.waited_ms[first]
        return round(min(grown, 1000 * (ended_s - began_s)))


@asynccontextmanager
async def watched(address: str) -> AsyncIterator[Waits]:
    """Count while an agent at this address is called; nothing is where it does not run on this machine."""
    watch = _watches.setdefault(address, _Watch(address))
    watch.calls += 1
    if watch.counting is None:
        watch.counting = asyncio.create_task(watch.count())
    try:
        yield watch.waits
    finally:
        watch.calls -= 1
        if watch.calls == 0:
            watch.counting.cancel()
            _watches.pop(address, None)


class _Watch:
    """Of an agent, whatever number of calls it holds."""

    def __init__(self, address: str) -> None:
        self.waits = Waits()
        self.calls = 0
        self.counting: asyncio.Task[None] | None = None
        self._address = address

    async def count(self) -> None:
        """Until it is cancelled."""
        waited = await asyncio.to_thread(waits_of, self._address)
        while waited is not None and (so_far := waited()) is not None:
            self.waits.note(time.monotonic(), so_far)
            await asyncio.sleep(_EVERY_S)


_watches: dict[str, _Watch] = {}


def waits_of(address: str) -> Callable[[], float | None] | None:
    """What tells how long, in ms, the agent at an address has waited; None where it is not here. Blocking."""
    if not is_here(address):
        return None
    found = host_and_port(address)
    plain = address.lower()
    datagrams = plain.startswith("sip:") and "transport=tcp" not in plain
    pid = process_at(found[1], datagrams=datagrams) if found is not None and found[1] is not None else None
    return AgentProcess(pid).waited_ms if pid is not None else waited_ms


def is_here(address: str) -> bool:
    """Whether an agent's address is one of this machine: a loopback name or address, or one of its interfaces."""
    found = host_and_port(address)
    if found is None:
        return False
    host, _ = found
    try:
        version = ipaddress.ip_address(host).version
    except ValueError:
        return is_loopback(host)
    family = socket.AF_INET if version == 4 else socket.AF_INET6  # noqa: PLR2004 - the protocol
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.bind((host, 0))  # only addresses of this machine can be bound
    except OSError:
        return False
    return True


def waited_ms(pressure: Path = _PRESSURE) -> float | None:
    """How long work has waited for a processor since the machine started; None where the system does not count it."""
    try:
        some = next(line for line in pressure.read_text().splitlines() if line.startswith("some"))
        return int(some.rpartition("total=")[2]) / 1000
    except (OSError, StopIteration, ValueError):
        return None
