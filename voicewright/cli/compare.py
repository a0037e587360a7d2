"""`voicewright runs compare` and `run --baseline`: regressions against an earlier run."""

from concurrent.futures import ThreadPoolExecutor

import typer
from rich.markup import escape
from rich.table import Table

from voicewright.artifact import baseline_key
from voicewright.call import CallRecord
from voicewright.cli.app import command
from voicewright.cli.console import out
from voicewright.cli.runs import runs
from voicewright.compare import Comparison, case_rates, compare, first_audio_ms
from voicewright.outcome import ExitCode, Outcome, exit_code
from voicewright.report.build import NoReportError, read_report
from voicewright.results import RunReport
from voicewright.s3 import S3Store
from voicewright.settings import Settings

_READERS = 16


@runs.command("compare")
@command
async def compare_runs(
    before: str = typer.Argument(help="The baseline: a run's id, or a branch together with --suite."),
    after: str = typer.Argument(help="The run to compare with it, likewise."),
    suite: str | None = typer.Option(None, help="Suite whose newest run on a branch is meant."),
) -> int:
    """Compare two finished runs: cases that got worse or better, latencies, and whether it is more than chance.

    Exits 1 when the second run is worse than the first.
    """
    store = S3Store(Settings())
    first, second = (read_report(store, resolve_baseline(store, name, suite)) for name in (before, after))
    comparison = compare_reports(store, first, second)
    show_comparison(comparison)
    return ExitCode.FAILED if comparison.regressed else ExitCode.PASSED


def resolve_baseline(store: S3Store, name: str, suite: str | None) -> str:
    """The id of a run: `name` itself, or the newest finished run of `suite` on the branch `name`.

    Raises:
        NoReportError: there is neither.
    """
    raw = store.get_if_present(baseline_key(suite, name)) if suite is not None else None
    if raw is not None:
        return raw.decode()
    try:
        read_report(store, name)
    except NoReportError:
        hint = (
            f"no finished run of {suite} on a branch {name!r} either"
            if suite is not None
            else "give --suite for a branch"
        )
        message = f"there is no finished run {name!r}, and {hint}; `voicewright run --branch {name}` makes one"
        raise NoReportError(message) from None
    return name


def compare_reports(store: S3Store, before: RunReport, after: RunReport) -> Comparison:
    """Outcomes, latencies and confidence."""
    both = judged(before) & judged(after)
    return compare(before, after, times=(_times(store, before, both), _times(store, after, both)))


def judged(report: RunReport) -> set[tuple[str, str]]:
    """Cases, with their languages, of which at least one repeat was judged."""
    return {(rate.case, rate.language) for rate in case_rates(report.cases) if rate.judged}


def gate(store: S3Store, run_id: str, baseline: str | None, code: ExitCode) -> ExitCode:
    """Show repeats and, where there is a baseline, regressions; returns the exit code.

    With a baseline, a case that failed in it already stops nobody; one that is new, or could not be judged, counts as
    it is.
    """
    report = read_report(store, run_id)
    show_rates(report)
    if baseline is None:
        return code
    before = read_report(store, baseline)
    comparison = compare_reports(store, before, report)
    show_comparison(comparison)
    if comparison.regressed:
        return ExitCode.FAILED
    known = judged(before)
    counts: dict[Outcome, int] = {}
    for one in report.cases:
        if one.outcome is not Outcome.FAILED or (one.key.case, one.key.cell) not in known:
            counts[one.outcome] = counts.get(one.outcome, 0) + 1
    return exit_code(counts)


def _times(store: S3Store, report: RunReport, cases: set[tuple[str, str]]) -> list[int]:
    """Times to first audio of these cases alone: different questions take different time to answer."""
    results = [one for one in report.cases if (one.key.case, one.key.cell) in cases]
    keys = [one.call.record.key for one in results if one.call is not None]
    with ThreadPoolExecutor(_READERS) as pool:
        raws = list(pool.map(store.get_if_present, keys))
    return first_audio_ms(CallRecord.model_validate_json(raw) for raw in raws if raw is not None)


def show_comparison(comparison: Comparison) -> None:
    """Print it."""
    out.print(f"baseline {comparison.before}: {comparison.compared} cases judged in both", markup=False)
    table = Table(box=None, pad_edge=False)
    for name in ("", "case", "lang", "before", "after", "why"):
        table.add_column(name, overflow="fold")
    for label, changes in (("[bold red]worse[/]", comparison.worse), ("[green]better[/]", comparison.better)):
        for one in changes:
            rates = f"{one.before:.0%}", f"{one.after:.0%}"
            table.add_row(label, escape(one.case), one.language, *rates, escape(one.reason))
    if table.row_count:
        out.print(table)
    changed = len(comparison.worse) + len(comparison.better)
    if changed:
        out.print(f"{changed} cases changed sides (McNemar p = {comparison.p:.3f})")
    else:
        out.print("no case changed sides")
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
