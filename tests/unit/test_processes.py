"""Processes that the stack keeps running."""

import os
import socket
from pathlib import Path

from voicewright.free_port import free_port
from workers.processes import Program, Supervisor


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
