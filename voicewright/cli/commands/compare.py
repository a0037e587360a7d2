"""`voicewright runs compare` and `run --baseline`: regressions against an earlier run."""

import typer
from rich.markup import escape
from rich.table import Table

from voicewright.cli.app import command
from voicewright.cli.commands.runs import runs
from voicewright.cli.console import out
from voicewright.contracts.case import Outcome
from voicewright.report.baseline import compare_reports, judged, read_baseline
from voicewright.report.compare import Comparison, case_rates
from voicewright.report.results import RunReport
from voicewright.runtime.exit import ExitCode, exit_code
from voicewright.settings import Settings
from voicewright.store.s3 import S3Store


@runs.command("compare")
@command
async def compare_runs(
    before: str = typer.Argument(help="The baseline: the id of a run, or a branch (with --suite)."),
    after: str = typer.Argument(help="The run to compare with the baseline: an id, or a branch (with --suite)."),
    suite: str | None = typer.Option(None, help="Suite whose newest run on the branch is used."),
) -> int:
    """Compare two runs: cases that got worse or better, latencies, and whether chance explains it.

    Of a run that goes on, the cases that are judged count. Exits 1 when the second run is worse than the first, and 4
    when it is not but cases of it are still open.
    """
    store = S3Store(Settings())
    first, second = (read_baseline(store, name, suite) for name in (before, after))
    comparison = compare_reports(store, first, second)
    show_comparison(comparison)
    if comparison.regressed:
        return ExitCode.FAILED
    return ExitCode.REVIEW_PENDING if comparison.open_after else ExitCode.PASSED


def gate(store: S3Store, report: RunReport, before: RunReport | None, code: ExitCode, *, still_open: int) -> ExitCode:
    """Show repeats and, where there is a baseline, regressions; returns the exit code.

    With a baseline, a case that failed in it already stops nobody; one that is new, or could not be judged, counts as
    it is.

    Args:
        store: where the calls are.
        report: the run, as far as it is.
        before: the baseline.
        code: what the run is without a baseline.
        still_open: how many of its cases wait for a person.
    """
    show_rates(report)
    if before is None:
        return code
    comparison = compare_reports(store, before, report)
    show_comparison(comparison)
    if comparison.regressed:
        return ExitCode.FAILED
    known = judged(before)
    counts: dict[Outcome, int] = {}
    for one in report.cases:
        if one.key.case in report.quarantined:
            continue
        if one.outcome is not Outcome.FAILED or (one.key.case, one.key.cell) not in known:
            counts[one.outcome] = counts.get(one.outcome, 0) + 1
    return exit_code(counts, still_open=still_open)


def show_comparison(comparison: Comparison) -> None:
    """Print it."""
    out.print(f"baseline {comparison.before}: {comparison.compared} cases judged in both", markup=False)
    for run_id, still in ((comparison.before, comparison.open_before), (comparison.after, comparison.open_after)):
        if still:
            out.print(f"{run_id} goes on: {still} of its cases have no outcome yet and are left out", markup=False)
    table = Table(box=None, pad_edge=False)
    for name in ("", "case", "lang", "before", "after", "why"):
        table.add_column(name, overflow="fold")
    for label, changes in (("[bold red]worse[/]", comparison.worse), ("[green]better[/]", comparison.better)):
        for one in changes:
            rates = f"{one.before:.0%}", f"{one.after:.0%}"
            why = f"in quarantine; {one.reason}" if one.case in comparison.quarantined else one.reason
            table.add_row(label, escape(one.case), one.language, *rates, escape(why))
    if table.row_count:
        out.print(table)
    changed = len(comparison.worse) + len(comparison.better)
    if changed:
        out.print(f"{changed} cases changed their outcome (McNemar p = {comparison.p:.3f})")
    else:
        out.print("no case changed its outcome")
    if comparison.latency is not None:
        latency = comparison.latency
        word = "[bold red]slower[/]" if latency.slower else "not slower"
        out.print(
            f"time to first audio: median {latency.before_ms} ms before, {latency.after_ms} ms now: {word} "
            f"(Mann-Whitney p = {latency.p:.3f})"
        )
    if comparison.confidence_before is not None and comparison.confidence_after is not None:
        out.print(
            f"median confidence: {comparison.confidence_before:.2f} before, {comparison.confidence_after:.2f} now"
        )


def show_rates(report: RunReport) -> None:
    """Print pass^k of every case that was held more than once; flaky ones first."""
    rates = [rate for rate in case_rates(report.cases) if rate.judged > 1]
    if not rates:
        return
    table = Table(box=None, pad_edge=False)
    for name in ("case", "lang", "passed", "pass^k", ""):
        table.add_column(name)
    for rate in sorted(rates, key=lambda one: (not one.flaky, one.case)):
        powers = ", ".join(f"^{k} {value:.2f}" for k, value in rate.pass_at.items())
        flaky = "[yellow]flaky[/]" if rate.flaky else ""
        table.add_row(escape(rate.case), rate.language, f"{rate.passed} of {rate.judged}", powers, flaky)
    out.print(table)
