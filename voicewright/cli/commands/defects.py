"""`voicewright defects`: what is wrong with the agent, and the state of each defect."""

from datetime import datetime

import typer
from rich.markup import escape
from rich.table import Table
from temporalio.service import RPCError

from voicewright.cli.app import app, command
from voicewright.cli.console import err, out
from voicewright.client import Voicewright
from voicewright.client.connect import UnreachableError
from voicewright.client.records import record_later
from voicewright.contracts.records import RecordRequest
from voicewright.defects.log import DefectLog
from voicewright.defects.record import Defect, DefectStatus
from voicewright.duration import ago
from voicewright.settings import Settings
from voicewright.store.s3 import S3Store

defects = typer.Typer(no_args_is_help=True, help="Defects: what is wrong with the agent, one per cause.")
app.add_typer(defects, name="defects")


@defects.command("list")
@command
async def list_defects(
    suite: str | None = typer.Option(None, help="Only defects of this suite."),
    everything: bool = typer.Option(False, "--all", help="Include closed defects."),
) -> int:
    """List defects, the last changed first."""
    table = Table(box=None, pad_edge=False)
    for name in ("defect", "status", "seen", "cases", "changed", "issue", "what"):
        table.add_column(name, overflow="fold")
    for defect in DefectLog(S3Store(Settings())).defects(suite):
        if everything or defect.status is not DefectStatus.CLOSED:
            issue = defect.issue.key if defect.issue is not None else ""
            when = f"{ago(datetime.fromisoformat(defect.changed_at))} ago"
            table.add_row(
                defect.id, _status(defect), str(defect.seen), str(len(defect.cases)), when, issue, escape(defect.title)
            )
    if table.row_count:
        out.print(table)
    else:
        err.print("no open defects" if not everything else "no defects")
    return 0


@defects.command("show")
@command
async def show_defect(defect_id: str = typer.Argument(help="Id of a defect, like VW-1A2B3C4D.")) -> int:
    """Show a defect's cases, occurrences and history."""
    defect = DefectLog(S3Store(Settings())).defect(defect_id)
    out.print(f"[bold]{defect.id}[/]  {_status(defect)}  {escape(defect.title)}")
    out.print(f"suite {defect.suite}, check {defect.check}, occurrences: {defect.seen}")
    if defect.issue is not None:
        out.print(f"issue {defect.issue.key}: {defect.issue.url}", markup=False)
    for case in defect.cases:
        key = case.signature
        out.print(
            f"  {key.case} [{key.language}] {key.check}: failures: {case.failures}, passes since then: {case.passes}",
            markup=False,
        )
    for event in defect.events:
        out.print(f"  {event.at}  {event.text}", markup=False)
    return 0


@defects.command("close")
@command
async def close_defect(
    defect_id: str = typer.Argument(help="Id of a defect."), by: str = typer.Option(..., help="Who closes it, and why.")
) -> int:
    """Close a defect by hand. If it comes back, it is opened again as a regression."""
    defect = DefectLog(S3Store(Settings())).set_status(defect_id, DefectStatus.CLOSED, by)
    out.print(f"{defect.id}: {defect.status}")
    try:
        await record_later((await Voicewright.connect()).temporal, RecordRequest(defect=defect.id))
    except (UnreachableError, RPCError):
        err.print("Temporal does not answer: the records hear of it after the next run of the suite")
    return 0


def _status(defect: Defect) -> str:
    return f"{defect.status} (regressions: {defect.regressions})" if defect.regressions else str(defect.status)
