"""How the command speaks: results on standard output, progress and errors on standard error."""

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from voicewright.contracts.case import CaseResult, CaseUpdate, Outcome
from voicewright.contracts.check import CheckOutcome
from voicewright.contracts.verdict import Verdict
from voicewright.report.results import PendingCase

# A pipe has no width: a program that reads a table must find whole ids in it.
out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 250)
err = Console(stderr=True, highlight=False, soft_wrap=True)

_COLOURS = {
    Outcome.PASSED: "green",
    Outcome.FAILED: "bold red",
    Outcome.ERRORED: "magenta",
    Outcome.UNREVIEWED: "yellow",
}
_WIDEST = max(len(outcome) for outcome in Outcome)
_CHECK_COLOURS = {CheckOutcome.PASSED: "green", CheckOutcome.FAILED: "bold red", CheckOutcome.UNSURE: "yellow"}


def fail(message: str) -> None:
    """Say what went wrong and how to fix it."""
    err.print(f"[bold red]error:[/] {escape(message)}")


def coloured(outcome: Outcome | None) -> str:
    """An outcome in its colour, as markup."""
    if outcome is None:
        return "[yellow]review[/]"
    return f"[{_COLOURS[outcome]}]{outcome}[/]"


def update_line(update: CaseUpdate, reason: str) -> str:
    """One finished case, as it scrolls by."""
    reason = f"  {escape(reason)}" if reason else ""
    gap = " " * (_WIDEST - len(update.outcome or "review"))
    return f"{coloured(update.outcome)}{gap} {update.key}  {update.duration_ms / 1000:.1f} s{reason}"


def result_table(results: Sequence[CaseResult], pending: Sequence[PendingCase] = ()) -> Table:
    """Every case of a run that has ended or waits for a person, in a table."""
    table = Table(box=None, pad_edge=False, show_edge=False)
    for name in ("outcome", "case", "lang", "call"):
        table.add_column(name, no_wrap=True)
    table.add_column("why", overflow="fold")
    for result in results:
        call = f"{result.call.duration_ms / 1000:.1f} s" if result.call is not None else "-"
        key = result.key
        name = key.case if key.repeat == 1 else f"{key.case} #{key.repeat}"
        table.add_row(coloured(result.outcome), name, key.cell, call, escape(result.reason))
    for case in pending:
        name = case.key.case if case.key.repeat == 1 else f"{case.key.case} #{case.key.repeat}"
        table.add_row(coloured(None), name, case.key.cell, "-", escape(case.reason))
    return table


def verdict_table(verdict: Verdict) -> Table:
    """Every check of a verdict with its evidence."""
    table = Table(box=None, pad_edge=False, show_edge=False)
    table.add_column("check", no_wrap=True)
    table.add_column("turn", justify="right")
    table.add_column("outcome", no_wrap=True)
    table.add_column("expected", overflow="fold", max_width=40)
    table.add_column("evidence", overflow="fold")
    for check in verdict.checks:
        colour = _CHECK_COLOURS[check.outcome]
        turn = "" if check.turn is None else str(check.turn + 1)
        table.add_row(check.kind, turn, f"[{colour}]{check.outcome}[/]", escape(check.expected), escape(check.evidence))
    return table
