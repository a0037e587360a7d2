"""Child processes that are kept running: one log each, started again when they die, and none outlives this process."""

import asyncio
import contextlib
import ctypes
import logging
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_START_S = 300.0
_IDLE_S = 60.0
"""A process that got no processor time for so long is not starting any more; one that computes on a busy machine is."""
_SAY_S = 30.0
_STOP_S = 15.0
_RESTART_S = 1.0
_GIVE_UP = 5
"""So many deaths in a row, each soon after its start, end the whole."""
_SOON_S = 10.0
_PR_SET_PDEATHSIG = 1
_log = logging.getLogger("voicewright")


class StackError(Exception):
    """The stack cannot run; the message says why and what to do."""


@dataclass(frozen=True)
class Program:
    """How a process is started. `nice` yields to others; `environment` is the whole of it, or None for ours."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] | None = None
    nice: int = 0


class Supervisor:
    """The processes of one folder. `changed` is called whenever one got a new pid."""

    def __init__(self, logs: Path, changed: Callable[[], None]) -> None:
        self._logs = logs
        self._changed = changed
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._watchers: list[asyncio.Task[None]] = []
        self._stopping = False
        self.failed = asyncio.Event()
        self.failure = ""

    @property
    def pids(self) -> dict[str, int]:
        """Process ids by name."""
        return {name: process.pid for name, process in self._processes.items()}

    async def spawn(self, program: Program) -> None:
        """Start a process."""
        self._logs.mkdir(exist_ok=True)

        parent = os.getpid()

        def before_exec() -> None:
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:  # it died before it could be heard of
                os._exit(1)
            os.umask(0o077)  # data and logs are this user's alone
            if program.nice:
                os.nice(program.nice)

        with self.log(program.name).open("ab", buffering=0) as log:
            if program.name not in self._processes:
                log.truncate(0)
            self._processes[program.name] = await asyncio.create_subprocess_exec(
                *program.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=program.environment,
                # Ctrl-C reaches us alone, and we stop them in order. Not a session of its own: Linux shares the
                # processors among sessions before it looks at niceness (`sched(7)`, "The autogroup feature").
                process_group=0,
                preexec_fn=before_exec if sys.platform == "linux" else None,
            )

    def keep_alive(self, program: Program) -> None:
        """From now on, start it again whenever it dies."""
        self._watchers.append(asyncio.create_task(self._keep_alive(program)))

    async def _keep_alive(self, program: Program) -> None:
        deaths = 0
        while True:
            began = time.monotonic()
            code = await self._processes[program.name].wait()
            if self._stopping:
                return
            deaths = deaths + 1 if time.monotonic() - began < _SOON_S else 1
            if deaths >= _GIVE_UP:
                self.failure = f"{program.name} keeps stopping, with status {code}: {self.tail(program.name)}"
                self.failed.set()
                return
            _log.warning("%s ended with status %s; starting it again", program.name, code)
            await asyncio.sleep(_RESTART_S)
            if self._stopping:
                return
            try:
                await self.spawn(program)
            except OSError as error:
                self.failure = f"{program.name} cannot be started again: {error}"
                self.failed.set()
                return
            self._changed()

    async def until(self, name: str, answers: Callable[[], Awaitable[bool]]) -> None:
        """Wait until a process that was started is up.

        Raises:
            StackError: it died or did not answer in time; its log is named.
        """
        began = moved = said = time.monotonic()
        used_s = 0.0
        while (now := time.monotonic()) < began + _START_S and now < moved + _IDLE_S:
            code = self._processes[name].returncode
            if code is not None:
                raise StackError(f"{name} stopped with status {code}: {self.tail(name)}")
            if await answers():
                return
            if (spent_s := processor_s(self._processes[name].pid)) > used_s:
                used_s, moved = spent_s, now
            if now > said + _SAY_S:
                said = now
                _log.warning("%s is still starting, for %.0f s now: this machine is busy", name, now - began)
            await asyncio.sleep(0.2)
        raise StackError(f"{name} did not come up in {now - began:.0f} s: {self.tail(name)}")

    async def stop(self, last: Iterable[str]) -> None:
        """End everything in order: those in `last` after all the others."""
        self._stopping = True
        second = [name for name in last if name in self._processes]
        first = [name for name in self._processes if name not in second]
        for group in (first, second):
            await asyncio.gather(*(_end(self._processes[name]) for name in group))
        for watcher in self._watchers:
            watcher.cancel()

    def log(self, name: str) -> Path:
        """Where a process writes."""
        return self._logs / f"{name}.log"

    def tail(self, name: str) -> str:
        """Its last words."""
        path = self.log(name)
        lines = path.read_text(errors="replace").strip().splitlines()[-3:]
        return f"{' | '.join(lines) or 'it printed nothing'} (log: {path})"


def processor_s(process: int) -> float:
    """Seconds of processor time that a process has used, on Linux; elsewhere, seconds that have passed."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return time.monotonic()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_STOP_S):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
