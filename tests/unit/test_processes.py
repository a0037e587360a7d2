"""Processes that the stack keeps running."""

import os
from pathlib import Path

import pytest

from workers.processes import Program, Supervisor


async def test_a_process_that_is_to_yield_does_so_as_a_session_too(tmp_path: Path) -> None:
    """Each has its own session, and Linux divides the processors among sessions before it looks at niceness."""
    if not Path("/proc/self/autogroup").exists():
        pytest.skip("this machine does not share its processors by session")
    processes = Supervisor(tmp_path, lambda: None)
    for name, nice in (("eager", 0), ("patient", 7)):
        await processes.spawn(Program(name, ["sleep", "60"], nice=nice))
    try:
        for name, nice in (("eager", 0), ("patient", 7)):
            pid = processes.pids[name]
            assert os.getpriority(os.PRIO_PROCESS, pid) == nice
            assert Path(f"/proc/{pid}/autogroup").read_text().endswith(f" nice {nice}\n")
    finally:
        await processes.stop(last=())
