"""`voicewright check` and `voicewright schema`: suites without a server."""

import json
from pathlib import Path

import typer

from voicewright.cli.app import app, command
from voicewright.cli.console import out
from voicewright.suite import Suite
from voicewright.suite_file import load_suite


@app.command()
@command
async def check(
    suite: Path = typer.Argument(help="A suite file."),
) -> int:
    """Report every mistake in a suite, each with its line and column.

    Exits 0 when there is none, 2 otherwise.
    """
    loaded, _ = load_suite(suite)
    spoken = sorted({language for case in loaded.cases for language in loaded.languages_of(case)})
    out.print(f"{suite}: {loaded.suite}, {len(loaded.cases)} cases in {', '.join(spoken)}; no mistakes", markup=False)
    return 0


@app.command()
@command
async def schema() -> int:
    """Print the JSON Schema of suites, for editors: `voicewright schema > suite.schema.json`."""
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Suite.model_json_schema()}
    out.print(json.dumps(document, indent=2), markup=False)
    return 0
