"""The process of an agent that runs on this machine: found by the port where it answers, and how long it waits.

Linux tells of each thread for how long it could have run, and waited for a processor (`/proc/PID/task/TID/schedstat`,
the second figure, in ns). All threads count, and those of the processes that the agent started.
"""

import os
from pathlib import Path

_PROC = Path("/proc")
_TABLES = {False: ("tcp", "tcp6"), True: ("udp", "udp6")}
"""By whether they list datagrams."""
_LISTENS = {"0A", "07"}
"""States of a TCP socket that listens, and of a UDP socket that is bound."""
_STATE, _INODE = 3, 9
"""Columns of `/proc/net/tcp`."""


def process_at(port: int, *, datagrams: bool = False) -> int | None:
    """The process that listens at a port of this machine; None where there is none that we may look at. Blocking.

    Args:
        port: its number.
        datagrams: whether it is a port of UDP; another process may have the same number in TCP.
    """
    wanted = {f"socket:[{inode}]" for inode in _sockets(port, datagrams=datagrams)}
    if not wanted:
        return None
    for pid in filter(str.isdecimal, os.listdir(_PROC)):  # noqa: PTH208 - names alone
        try:
            with os.scandir(_PROC / pid / "fd") as entries:
                if any(os.readlink(entry.path) in wanted for entry in entries):  # noqa: PTH115 - there are thousands
                    return int(pid)
        except OSError:  # somebody else's, or gone meanwhile
            continue
    return None


class AgentProcess:
    """How long an agent's threads have waited for a processor since this was made.

    Args:
        pid: of its process.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._known: dict[str, int] = {}
        """Of each thread, as it was last read: one that ended takes nothing away."""
        self._total = 0

    def waited_ms(self) -> float:
        """Of all its threads together."""
        for pid in _family(self._pid):
            for task in _tasks(pid):
                try:
                    waited = int((task / "schedstat").read_text().split()[1])
                except (OSError, IndexError, ValueError):
                    continue
                before = self._known.get(task.name)
                self._known[task.name] = waited
                if before is not None:
                    self._total += waited - before
        return self._total / 1e6


def _family(pid: int) -> list[int]:
    """A process and what it started."""
    found = [pid]
    for one in found:  # grows as it is gone through
        for task in _tasks(one):
            try:
                found += [int(child) for child in (task / "children").read_text().split()]
            except OSError:
                continue
    return found


def _tasks(pid: int) -> list[Path]:
    """The folders of a process's threads; none once it is gone."""
    try:
        return list((_PROC / str(pid) / "task").iterdir())
    except OSError:
        return []


def _sockets(port: int, *, datagrams: bool) -> set[str]:
    """Inodes of the sockets that listen at a port."""
    found: set[str] = set()
    for table in _TABLES[datagrams]:
        try:
            lines = (_PROC / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            columns = line.split()
            if columns[_STATE] in _LISTENS and int(columns[1].rpartition(":")[2], 16) == port:
                found.add(columns[_INODE])
    return found
