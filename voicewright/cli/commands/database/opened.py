"""The database for commands: opened, with what goes wrong said in a line."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from voicewright.cli.console import fail
from voicewright.runtime.exit import ExitCode
from voicewright.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine


@contextlib.contextmanager
def database(settings: Settings, *, makes_tables: bool = False) -> "Iterator[Engine]":
    """The database; it needs packages that a client does not have.

    Args:
        settings: where it is.
        makes_tables: whether its tables are made, or brought to this version, first.
    """
    try:
        from voicewright.records import RecordsError, open_database, upgrade  # noqa: PLC0415
    except ModuleNotFoundError as error:
        fail(f"this command needs {error.name}: pip install 'voicewright[records]'")
        raise typer.Exit(ExitCode.BAD_INPUT) from None
    try:
        engine = open_database(settings.records_url, settings.records_password)
        if makes_tables:
            upgrade(engine)
        yield engine
    except RecordsError as error:
        fail(str(error))
        raise typer.Exit(ExitCode.ERRORED) from None
