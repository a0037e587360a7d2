"""`voicewright report`: a run's report, built from what is stored of it."""

from enum import StrEnum
from pathlib import Path

import typer
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn

from voicewright.cli.app import app, command
from voicewright.cli.console import err, out
from voicewright.report.build import AUDIO_BUDGET, Links, build_report
from voicewright.report.results import read_report
from voicewright.settings import Settings
from voicewright.store.s3 import S3Store

_EVERYTHING = 10**12


class _Audio(StrEnum):
    some = "some"
    all = "all"
    none = "none"


@app.command()
@command
async def report(
    run_id: str = typer.Argument(help="Id of a run."),
    output: Path = typer.Option(Path("report.html"), "--output", "-o", help="File for the HTML report."),
    markdown: Path | None = typer.Option(None, help="Also append the Markdown summary to this file; `-` prints it."),
    audio: _Audio = typer.Option(
        _Audio.some, help="Recordings inside the page: some (failures first, up to 20 MB), all or none."
    ),
) -> int:
    """Write the HTML report of a run, finished or not: one file that opens without a server.

    In a GitHub job: `voicewright report RUN --markdown "$GITHUB_STEP_SUMMARY"`.
    """
    settings = Settings()
    store = S3Store(settings)
    budget = {_Audio.some: AUDIO_BUDGET, _Audio.all: _EVERYTHING, _Audio.none: 0}[audio]
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), console=err, transient=True) as bar:
        bar.add_task("gathering results and recordings", total=None)
        found = read_report(store, run_id)
        built = build_report(store, found, Links.of(settings), audio_budget=budget)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_bytes(built.html)
    err.print(f"{escape(str(output))}: {len(built.html) / 1e6:.1f} MB, with {built.audio} recordings")
    if not found.finished:
        err.print(
            f"the run goes on: {len(found.cases)} of {found.total} cases have an outcome, "
            f"{len(found.pending)} wait for a person"
        )
    if markdown is not None and str(markdown) == "-":
        out.print(built.markdown, markup=False)
    elif markdown is not None:
        with markdown.open("a", encoding="utf-8") as file:  # a job's summary may have other parts
            file.write(built.markdown)
    return 0
