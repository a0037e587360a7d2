"""Real databases for the records, as fixtures: SQLite files, and databases of a PostgreSQL server of our own."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine

from voicewright.records import open_database
from voicewright.runtime.free_port import free_port

LACKING = "PostgreSQL is not installed: apt-get install postgresql"
_START_S = 300.0
_ACCOUNTS = ("postgres", "nobody")
"""PostgreSQL refuses to run as root: then one of these runs it."""


def programs() -> Path | None:
    """The folder of PostgreSQL's programs, the newest of several; None where it is not installed."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if (on_path := shutil.which("initdb")) is not None:
        found.append(Path(on_path).resolve().parent)
    return max(found, key=lambda folder: [int(part) for part in folder.parts if part.isdigit()], default=None)


@contextlib.contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """A server of its own on 127.0.0.1; gives its address without a database. Ended, and its files removed, at the end.

    Args:
        folder: where PostgreSQL's programs are.
    """
    data = Path(tempfile.mkdtemp(prefix="voicewright-postgresql-"))
    account: dict[str, str] = {}
    if os.geteuid() == 0:
        account = {"user": next(name for name in _ACCOUNTS if _exists(name))}
        shutil.chown(data, account["user"])
    port = free_port()
    log = data / "server.log"
    try:
        made = subprocess.run(
            [folder / "initdb", "--pgdata", data / "db", "--username", "voicewright", "--auth", "trust", "--no-sync"],
            capture_output=True, text=True, check=False, cwd="/", **account,  # type: ignore[call-overload]
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        command = [folder / "postgres", "-D", data / "db", "-h", "127.0.0.1", "-p", str(port), "-k", "", "-F"]
        with log.open("wb") as sink:
            server = subprocess.Popen(command, stdout=sink, stderr=sink, cwd="/", process_group=0, **account)  # type: ignore[call-overload]
        try:
            address = f"postgresql://voicewright@127.0.0.1:{port}"
            _wait(address, server, log)
            yield address
        finally:
            server.send_signal(signal.SIGINT)  # "fast shutdown": it does not wait for connections to end
            server.wait(timeout=300)
    finally:
        shutil.rmtree(data)


def _exists(account: str) -> bool:
    return any(line.startswith(f"{account}:") for line in Path("/etc/passwd").read_text().splitlines())


def _wait(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _START_S
    while True:
        try:
            psycopg.connect(f"{address}/postgres", connect_timeout=5).close()
        except psycopg.OperationalError:
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)
        else:
            return


@contextlib.contextmanager
def new_database(server: str) -> Iterator[str]:
    """The address of an empty database on a server; dropped at the end."""
    name = f"records_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield f"{server}/{name}"
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """One for all tests."""
    folder = programs()
    if folder is None:
        pytest.skip(LACKING)
    with postgresql(folder) as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Of an empty database; every test that asks for it runs on both kinds."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/records/records.db"
        return
    with new_database(request.getfixturevalue("postgresql_server")) as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Engine]:
    """An empty database."""
    engine = open_database(database_url)
    yield engine
    engine.dispose()
