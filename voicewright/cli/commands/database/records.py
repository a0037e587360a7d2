"""`voicewright records`: make the records again from the object store, and write them out."""

import sys
from pathlib import Path

import typer

from voicewright.cli.app import app, command
from voicewright.cli.commands.database.opened import database
from voicewright.cli.console import err, fail
from voicewright.report.recording import Recorder
from voicewright.runtime.exit import ExitCode
from voicewright.settings import Settings
from voicewright.store.s3 import S3Store

records = typer.Typer(
    no_args_is_help=True,
    help="Records: what runs, cases and defects came to, in SQL. The object store is the truth; they are its index.",
)
app.add_typer(records, name="records")


@records.command("rebuild")
@command
async def rebuild() -> int:
    """Make the records again from the object store. Runs may go on meanwhile; what is stored no more is removed.

    Run this when a database was lost, restored or replaced. Exits 3 if something that is stored cannot be read.
    """
    settings, done = Settings(), 0

    def count(_: str) -> None:
        nonlocal done
        done += 1

    with database(settings, makes_tables=True) as engine:
        from voicewright.records import Records  # noqa: PLC0415 - needs the extra `records`

        unreadable = Recorder(S3Store(settings), Records(engine)).everything(count)
    err.print(f"recorded: {done} runs and defects")
    for one in unreadable:
        fail(f"{one} cannot be read: what is stored of it is of another version, or damaged")
    return ExitCode.ERRORED if unreadable else 0


@records.command("export")
@command
async def export(
    output: Path | None = typer.Option(None, "--output", "-o", help="File to write. Default: standard output."),
) -> int:
    """Write all records as JSON Lines: suites, runs, cases, defects. The same records give the same bytes."""
    with database(Settings()) as engine:
        from voicewright.records import Records  # noqa: PLC0415 - as above

        tables = Records(engine)
        if output is None:
            sys.stdout.writelines(tables.export())
        else:
            with output.open("w", encoding="utf-8", newline="\n") as file:
                file.writelines(tables.export())
    return 0
