"""The database behind the records: SQLite in a file, or PostgreSQL."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

WAIT_S = 10
"""For which a connection, a lock or a statement may keep us waiting."""
_WRITES = "voicewright_writes"
_KINDS = ("sqlite", "postgresql")


class RecordsError(Exception):
    """The records cannot be read or written; the message says which database and what to do. Worth trying again."""


def open_database(url: str, password: str | None = None) -> Engine:
    """The database at an address; nothing is reached before it is used.

    Args:
        url: `sqlite:///FILE` or `postgresql://USER@HOST/DATABASE`.
        password: of the user, where the address does not hold it.

    Raises:
        RecordsError: there can be no database at such an address.
    """
    try:
        address = make_url(url)
    except ArgumentError:
        raise RecordsError(f"this is no address of a database; {_EXAMPLE}") from None
    kind = address.get_backend_name()
    if kind not in _KINDS:
        raise RecordsError(f"the records cannot be kept in {kind}; {_EXAMPLE}")
    return _postgresql(address, password) if kind == "postgresql" else _sqlite(address)


_EXAMPLE = "VOICEWRIGHT_DATABASE_URL is sqlite:///FILE or postgresql://USER@HOST/DATABASE"


def _postgresql(address: URL, password: str | None) -> Engine:
    if password is not None:
        address = address.set(password=password)
    return create_engine(
        address.set(drivername="postgresql+psycopg"),
        connect_args={
            "connect_timeout": WAIT_S,
            "options": f"-c statement_timeout={WAIT_S}s -c lock_timeout={WAIT_S}s",
        },
        pool_pre_ping=True,
        pool_timeout=WAIT_S,
        pool_size=5,
        max_overflow=10,
    )


def _sqlite(address: URL) -> Engine:
    if not address.database or address.database == ":memory:":
        raise RecordsError(f"the records need a file; {_EXAMPLE}")
    file = Path(address.database)
    engine = create_engine(
        address.set(drivername="sqlite+pysqlite"), connect_args={"timeout": WAIT_S}, pool_timeout=WAIT_S
    )

    @event.listens_for(engine, "do_connect")
    def _is_there(*_: Any) -> None:  # noqa: ANN401 - SQLAlchemy's arguments
        if not file.exists():
            raise RecordsError(f"there are no records in {file} yet: a worker `integrations` makes them when it starts")

    @event.listens_for(engine, "connect")
    def _set_up(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None  # transactions begin where we say so, DDL and all
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A writer that began as a reader could not wait for another writer: SQLite refuses it at once.
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def make_file(engine: Engine) -> None:
    """Make the file of an SQLite database, for this user alone; nothing where it is there already.

    Raises:
        RecordsError: it cannot be made.
    """
    if engine.dialect.name != "sqlite" or engine.url.database is None:
        return
    file = Path(engine.url.database)
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise RecordsError(f"{file} cannot be opened: {error}; {_EXAMPLE}") from None


@contextlib.contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection that reads.

    Raises:
        RecordsError: the database does not do what is asked.
    """
    with _said(engine), engine.connect() as connection:
        yield connection


@contextlib.contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction: all of it is kept, or nothing.

    Raises:
        RecordsError: the database does not do what is asked.
    """
    with _said(engine), engine.connect().execution_options(**{_WRITES: True}) as connection, connection.begin():
        yield connection


def insert_into(connection: Connection, table: type[Any]) -> Any:  # noqa: ANN401 - one of two dialects' inserts
    """An insert that can say what happens where the row is there already."""
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)


@contextlib.contextmanager
def _said(engine: Engine) -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        raise RecordsError(f"the records in {shown(engine)} cannot be reached: {reason}; {_MEND}") from error


_MEND = "is the database up, and has a worker `integrations` of this version started, which makes its tables?"


def shown(engine: Engine) -> str:
    """Where the records are, without a password."""
    return engine.url.render_as_string(hide_password=True)
