"""`voicewright suites`, `check` and `schema`: suite files, and the suites that can be run by name."""

import json
from pathlib import Path

import typer
from rich.markup import escape
from rich.table import Table

from voicewright.cli.app import app, command
from voicewright.cli.console import err, out
from voicewright.settings import Settings
from voicewright.store.errors import StoreError
from voicewright.store.s3 import S3Store
from voicewright.suite import Suite
from voicewright.suite.library import entries
from voicewright.suite.push import check_noise, push_file
from voicewright.suite.reading.file import load_suite

_ANSWER_S = 5.0

suites = typer.Typer(no_args_is_help=True, help="Suites that can be run by name, also from the Temporal UI.")
app.add_typer(suites, name="suites")


@suites.command("push")
@command
async def push_suite(
    suite: Path = typer.Argument(help="A suite file."),
) -> int:
    """Push a suite, so that `{"suite": "NAME"}` runs it. Pushing the same text again makes no new version.

    Noise files that its callers name are pushed with it, from the suite's folder.
    """
    entry = push_file(S3Store(Settings()), suite)
    out.print(f"{entry.name}@{entry.version[:12]}: {_cases(entry.cases)}", markup=False)
    return 0


@suites.command("list")
@command
async def list_suites() -> int:
    """List pushed suites."""
    table = Table(box=None, pad_edge=False)
    for name in ("suite", "version", "cases", "pushed", "description"):
        table.add_column(name, overflow="fold")
    found = entries(S3Store(Settings()))
    for entry in found:
        table.add_row(entry.name, entry.version[:12], str(entry.cases), entry.pushed_at, escape(entry.description))
    if found:
        out.print(table)
    else:
        err.print("no suites yet; `voicewright suites push FILE` adds one")
    return 0


@app.command()
@command
async def check(
    suite: Path = typer.Argument(help="A suite file."),
) -> int:
    """List every mistake in a suite and in the files that it names, with its line and column.

    Exits 0 if there is none, and 2 otherwise.
    """
    loaded, raw = load_suite(suite)
    settings = Settings()
    known = settings.s3_endpoint_url is not None or settings.s3_access_key_id is not None
    try:
        check_noise(loaded, raw, suite, S3Store(settings, answer_s=_ANSWER_S, tries=1) if known else None)
    except StoreError:  # a mistake can be found without it
        check_noise(loaded, raw, suite, None)
    spoken = sorted({language for case in loaded.cases for language in loaded.languages_of(case)})
    out.print(f"{suite}: {loaded.suite}, {_cases(len(loaded.cases))} in {', '.join(spoken)}; no mistakes", markup=False)
    return 0


@app.command()
@command
async def schema() -> int:
    """Print the JSON Schema of suites for your editor: `voicewright schema > suite.schema.json`."""
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Suite.model_json_schema()}
    out.print(json.dumps(document, indent=2), markup=False)
    return 0


def _cases(count: int) -> str:
    return "1 case" if count == 1 else f"{count} cases"
