"""Processes that the stack keeps running."""

import os
import random
import socket
import sys
from pathlib import Path

import pytest

from voicewright.runtime.free_port import free_port
from workers import processes as processes_module
from workers.processes import Program, StackError, Supervisor


async def test_a_process_that_is_to_yield_is_heard_of_by_the_scheduler(tmp_path: Path) -> None:
    """Niceness counts among the processes of one session only; Ctrl-C reaches those of our process group only."""
    processes = Supervisor(tmp_path, lambda: None)
    niceness = {"eager": 0, "patient": 3}
    for name, nice in niceness.items():
        await processes.spawn(Program(name, ["sleep", "60"], nice=nice))
    try:
        ours = os.getpriority(os.PRIO_PROCESS, 0)
        for name, nice in niceness.items():
            pid = processes.pids[name]
            assert os.getpriority(os.PRIO_PROCESS, pid) == min(19, ours + nice)
            assert os.getsid(pid) == os.getsid(0)
            assert os.getpgid(pid) == pid != os.getpgid(0)
    finally:
        await processes.stop(last=())


def test_a_free_port_is_none_of_those_that_outgoing_connections_take() -> None:
    with socket.socket() as outgoing:
        outgoing.bind(("127.0.0.1", 0))
        port = free_port()
        assert 1024 <= port < outgoing.getsockname()[1]
    with socket.socket() as server:
        server.bind(("127.0.0.1", port))


async def test_a_process_that_computes_is_waited_for_and_one_that_sleeps_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes_module, "_IDLE_S", 5.0)
    processes = Supervisor(tmp_path, lambda: None)
    up = tmp_path / "up"
    slow = "import time, pathlib\nend = time.process_time() + 3\nwhile time.process_time() < end: pass\n"
    await processes.spawn(
        Program("slow", [sys.executable, "-c", slow + f"pathlib.Path({str(up)!r}).touch()\ntime.sleep(600)"])
    )
    await processes.spawn(Program("idle", ["sleep", "600"]))

    async def answers() -> bool:
        return up.exists()

    async def never() -> bool:
        return False

    try:
        with pytest.raises(StackError, match="idle did not come up"):
            await processes.until("idle", never)
        await processes.until("slow", answers)
    finally:
        await processes.stop(last=())


def test_a_port_is_free_by_tcp_and_udp_with_those_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as held:
        held.bind(("127.0.0.1", free_port(row=3) + 1))
        taken = held.getsockname()[1]
        drawn = iter([taken, taken - 1, taken + 1])
        monkeypatch.setattr(random, "randrange", lambda *_: next(drawn))
        assert free_port(row=2) == taken + 1
