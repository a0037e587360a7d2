"""`voicewright suites`: suites that can be run by name."""

from pathlib import Path

import typer
from rich.markup import escape
from rich.table import Table

from voicewright.cli.app import app, command
from voicewright.cli.console import err, out
from voicewright.s3 import S3Store
from voicewright.settings import Settings
from voicewright.suite_library import entries
from voicewright.suite_push import push_file

suites = typer.Typer(no_args_is_help=True, help="Suites that can be run by name, from the Temporal UI too.")
app.add_typer(suites, name="suites")


@suites.command("push")
@command
async def push_suite(
    suite: Path = typer.Argument(help="A suite file."),
) -> int:
    """Register a suite under its name, so that `{"suite": "NAME"}` runs it. The same text is one version.

    Noise files that its callers name are taken along from the suite's folder.
    """
    entry = push_file(S3Store(Settings()), suite)
    out.print(f"{entry.name}@{entry.version[:12]}: {entry.cases} cases", markup=False)
    return 0


@suites.command("list")
@command
async def list_suites() -> int:
    """List registered suites."""
    table = Table(box=None, pad_edge=False)
    for name in ("suite", "version", "cases", "pushed", "description"):
        table.add_column(name, overflow="fold")
    found = entries(S3Store(Settings()))
    for entry in found:
        table.add_row(entry.name, entry.version[:12], str(entry.cases), entry.pushed_at, escape(entry.description))
    if found:
        out.print(table)
    else:
        err.print("none yet: `voicewright suites push FILE` registers one")
    return 0
