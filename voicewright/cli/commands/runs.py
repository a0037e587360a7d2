"""`voicewright runs`: list, show, cancel and compare runs."""

import shlex

import typer
from rich.markup import escape
from rich.table import Table

from voicewright.cli.app import app, command
from voicewright.cli.console import err, out, result_table
from voicewright.client import Voicewright
from voicewright.duration import ago
from voicewright.report.build import Links
from voicewright.report.results import stored_cases
from voicewright.settings import Settings
from voicewright.store.s3 import S3Store

runs = typer.Typer(no_args_is_help=True, help="Runs, in progress and finished.")
app.add_typer(runs, name="runs")


@runs.command("list")
@command
async def list_runs(limit: int = typer.Option(20, min=1, help="How many runs to list.")) -> int:
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
        err.print("no runs yet; `voicewright run SUITE` starts one")
    return 0


@runs.command("show")
@command
async def show_run(run_id: str = typer.Argument(help="Id of a run.")) -> int:
    """Show the progress of a run and the result of every finished case."""
    progress = await (await Voicewright.connect()).progress(run_id)
    results, pending = stored_cases(S3Store(Settings()), run_id)
    if results or pending:
        out.print(result_table(results, pending))
    counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(progress.counts.items())) or "none finished"
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
    """Stop a run. Calls in progress hang up; finished results stay."""
    await (await Voicewright.connect()).cancel(run_id)
    out.print(f"{run_id}: stopping; calls in progress are hanging up", markup=False)
    return 0
