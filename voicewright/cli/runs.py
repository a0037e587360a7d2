"""`voicewright runs`: what was run."""

import shlex

import typer
from rich.markup import escape
from rich.table import Table

from voicewright.ago import ago
from voicewright.cli.app import app, command
from voicewright.cli.console import err, out, result_table
from voicewright.client import Voicewright
from voicewright.report.build import Links
from voicewright.results import case_results
from voicewright.s3 import S3Store
from voicewright.settings import Settings

runs = typer.Typer(no_args_is_help=True, help="Runs: what is going on and what there was.")
app.add_typer(runs, name="runs")


@runs.command("list")
@command
async def list_runs(limit: int = typer.Option(20, min=1, help="How many.")) -> int:
    """List the newest runs."""
    voicewright = await Voicewright.connect()
    table = Table(box=None, pad_edge=False)
    for name in ("run", "suite", "status", "started"):
        table.add_column(name, overflow="fold")
    for entry in await voicewright.runs(limit=limit):
        table.add_row(escape(entry.run_id), escape(entry.suite), entry.status, f"{ago(entry.started_at)} ago")
    if table.row_count:
        out.print(table)
    else:
        err.print("none yet: `voicewright run SUITE` starts one")
    return 0


@runs.command("show")
@command
async def show_run(run_id: str = typer.Argument(help="Id of a run.")) -> int:
    """Show how far a run is, and the result of every finished case."""
    progress = await (await Voicewright.connect()).progress(run_id)
    results = case_results(S3Store(Settings()), run_id)
    if results:
        out.print(result_table(results))
    counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(progress.counts.items())) or "nothing done"
    state = "cancelled" if progress.cancelled else "finished" if progress.finished else f"{progress.running} running"
    waiting = f", {progress.reviewing_total} waiting for review" if progress.reviewing_total else ""
    out.print(f"\n{counts} of {progress.total}; {state}{waiting}; agent: {escape(progress.agent)}")
    if progress.report is not None:
        out.print(f"results: {progress.report.uri}", markup=False)
        if link := Links.of(Settings()).report(run_id):
            out.print(f"report:  {link}", markup=False)
        out.print(f"         voicewright report {shlex.quote(run_id)} -o report.html", markup=False)
    return 0


@runs.command("cancel")
@command
async def cancel_run(run_id: str = typer.Argument(help="Id of a run.")) -> int:
    """End a run: calls in flight hang up, what is done stays."""
    await (await Voicewright.connect()).cancel(run_id)
    out.print(f"{run_id}: asked to stop; calls in flight are being hung up", markup=False)
    return 0
