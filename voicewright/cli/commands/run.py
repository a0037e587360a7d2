"""`voicewright run`: run a suite and gate on the outcome."""

import asyncio
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import typer
from pydantic import ValidationError
from rich.markup import escape

from voicewright.cli.app import app, command
from voicewright.cli.commands.compare import gate
from voicewright.cli.console import err, fail, out, result_table
from voicewright.cli.watch import watch_run
from voicewright.client import Voicewright
from voicewright.client.connect import PATIENCE_S, patiently
from voicewright.contracts.case import CaseUpdate
from voicewright.contracts.run import RunProgress, RunRequest, read_run_request
from voicewright.duration import parse_duration_ms
from voicewright.report.baseline import read_baseline
from voicewright.report.build import Links, build_report
from voicewright.report.junit import junit_xml
from voicewright.report.results import NoReportError, RunReport, full_reason, read_report
from voicewright.runtime.exit import ExitCode, exit_code
from voicewright.settings import Settings
from voicewright.store.errors import StoreError
from voicewright.store.keys import run_key
from voicewright.store.s3 import S3Store
from voicewright.suite.push import push_file

_START_S = 5.0
"""For Temporal to answer before anything was begun."""


@dataclass(frozen=True)
class Limits:
    """How long a run is waited for, in s: all in all, for reviews alone, and for servers that are away."""

    timeout_s: float | None = None
    review_wait_s: float = 0.0
    patience_s: float = PATIENCE_S


def _duration_s(text: str) -> float:
    try:
        return parse_duration_ms(text) / 1000
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


@app.command()
@command
async def run(
    suite: str = typer.Argument(help="A suite file, or a pushed suite (`name` or `name@version`)."),
    case: list[str] = typer.Option(
        [], "--case", "-c", help="Only this case; `*` and `?` are wildcards. May be repeated."
    ),
    tag: list[str] = typer.Option([], "--tag", "-t", help="Only cases with this tag. May be repeated."),
    language: list[str] = typer.Option([], "--language", "-l", help="Only this language. May be repeated."),
    profile: list[str] = typer.Option([], help="Only this caller profile. May be repeated."),
    repeat: int | None = typer.Option(None, min=1, help="Run every case this many times."),
    agent: str | None = typer.Option(None, help="Call this address instead of the suite's."),
    parallel: int | None = typer.Option(None, min=1, help="How many calls to make at the same time."),
    junit: Path | None = typer.Option(None, help="Write JUnit XML to this file."),
    html: Path | None = typer.Option(None, help="Write the HTML report to this file."),
    branch: str = typer.Option("", help="Branch of the agent under test; later runs can name it as their baseline."),
    baseline: str | None = typer.Option(
        None, help="Gate on regressions only, compared with this run or with the suite's newest run on this branch."
    ),
    commit: str = typer.Option("", help="Commit of the agent under test."),
    run_id: str | None = typer.Option(
        None, "--id", help="Id for the run. If a run has this id already, follow that run."
    ),
    timeout: str | None = typer.Option(None, help="Stop waiting after this time (90s, 30m). The run goes on."),
    review_wait: str = typer.Option("0s", help="How long to wait for reviews when everything else is done."),
    patience: str = typer.Option(
        "10m", help="How long to wait when Temporal, a worker or the object store is away. The run goes on."
    ),
    detach: bool = typer.Option(False, help="Start the run, print its id and exit."),
) -> int:
    """Run a suite against a live agent and wait for the outcome.

    Exits 0 if all cases passed, 1 if a case failed, 2 on bad input, 3 if a case could not be tested, 4 if reviews are
    still pending. Cases in quarantine (`voicewright quarantine`) do not count. Ctrl-C stops watching, but the
    run goes on; `voicewright runs cancel RUN` stops it.
    """
    settings = Settings()
    limits = Limits(
        _duration_s(timeout) if timeout is not None else None, _duration_s(review_wait), _duration_s(patience)
    )
    voicewright = await Voicewright.connect(settings, timeout_s=_START_S)
    name = _resolve(suite, settings)
    try:
        request = read_run_request(
            {
                "suite": name,
                "cases": case,
                "tags": tag,
                "languages": language,
                "profiles": profile,
                "repeats": repeat,
                "agent_url": agent,
                "max_parallel": parallel,
                "branch": branch,
                "commit": commit,
            }
        )
    except (ValueError, ValidationError) as error:
        fail(str(error))
        return ExitCode.BAD_INPUT
    return await run_and_report(
        request,
        settings,
        run_id,
        voicewright=voicewright,
        limits=limits,
        junit=junit,
        html=html,
        detach=detach,
        baseline=baseline,
    )


async def run_and_report(
    request: RunRequest,
    settings: Settings,
    run_id: str | None = None,
    *,
    voicewright: Voicewright | None = None,
    limits: Limits = Limits(),
    junit: Path | None = None,
    html: Path | None = None,
    baseline: str | None = None,
    detach: bool = False,
    started: Callable[[str], None] | None = None,
) -> int:
    """Start a run, follow it, print its table; returns the exit code."""
    for file in (junit, html):  # found out before an hour of calls, not after
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
    store = S3Store(settings)
    before = read_baseline(store, baseline, request.suite.partition("@")[0]) if baseline is not None else None
    voicewright = voicewright or await Voicewright.connect(settings)
    chosen = run_id is not None
    run_id = await voicewright.start(request, run_id=run_id)
    if chosen and (other := await _other_suite(voicewright, run_id, request)):
        fail(f"the id {run_id} belongs to a run of {other}; choose another --id")
        return ExitCode.BAD_INPUT
    if started is not None:
        started(run_id)
    if detach:
        out.print(run_id, markup=False)
        return ExitCode.PASSED
    err.print(f"run [bold]{escape(run_id)}[/]{escape(_link(settings, run_id))}")
    progress = await watch_run(
        voicewright,
        run_id,
        timeout_s=limits.timeout_s,
        review_wait_s=limits.review_wait_s,
        patience_s=limits.patience_s,
        reason=lambda update: _reason(store, update),
    )
    report = await patiently(
        "the object store", lambda: asyncio.to_thread(_read, store, run_id), patience_s=limits.patience_s
    )
    out.print(result_table(report.cases, report.pending) if report is not None else result_table([]))
    _summarise(progress, run_id, settings)
    if junit is not None:
        suite = progress.suite.name if progress.suite is not None else request.suite
        cases, pending = (report.cases, report.pending) if report is not None else ((), ())
        excused = report.quarantined if report is not None else ()
        junit.write_bytes(junit_xml(suite, run_id, cases, pending, excused))
        err.print(f"JUnit XML: {escape(str(junit))}")
    _show_report(store, settings, html, report)
    code = _code(progress, run_id)
    if report is None or progress.cancelled:
        return code
    if before is not None:
        before = read_report(store, before.run_id)  # more of it may be judged by now
    waiting = sum(one.key.case not in report.quarantined for one in report.pending)
    still_open = max(waiting, progress.reviewing_gating)
    gated = gate(store, report, before, code, still_open=still_open)
    return gated if gated is ExitCode.FAILED or _all_called(progress) else ExitCode.ERRORED


def _reason(store: S3Store, update: CaseUpdate) -> str:
    try:
        return full_reason(store, update)
    except StoreError:  # it is away; the table at the end waits for it
        return update.reason


def _read(store: S3Store, run_id: str) -> RunReport | None:
    """What is stored of a run; None before it is planned."""
    try:
        return read_report(store, run_id)
    except NoReportError:
        return None


async def _other_suite(voicewright: Voicewright, run_id: str, request: RunRequest) -> str:
    """The suite of the run of that id, if it is another than was asked for; a plan may not be made yet."""
    suite = (await voicewright.progress(run_id)).suite
    name, _, version = request.suite.partition("@")
    if suite is None or (suite.name == name and version in {"", suite.version}):
        return ""
    return suite.name if suite.name != name else f"another version of {name}"


def _code(progress: RunProgress, run_id: str) -> ExitCode:
    """The exit code of a run that was watched; one that did not come to its end is never a pass."""
    code = exit_code(progress.gating, still_open=progress.reviewing_gating)
    if not _all_called(progress) and not progress.cancelled:
        left = progress.total - progress.done - progress.reviewing_total
        what = f"{left} cases are" if progress.total else "the plan is"
        fail(f"the timeout is over and {what} not finished; the run goes on: voicewright runs show {run_id}")
    elif not progress.cancelled:
        return code
    return code if code is ExitCode.FAILED else ExitCode.ERRORED


def _all_called(progress: RunProgress) -> bool:
    """Whether every case has an outcome or waits for a person."""
    left = progress.total - progress.done - progress.reviewing_total
    return progress.total > 0 and (progress.finished or left <= 0)


def _resolve(suite: str, settings: Settings) -> str:
    """A file is checked, pushed and run in exactly the version that was read; a name is used as it is."""
    path = Path(suite)
    if path.suffix not in {".yaml", ".yml"} and not path.exists():
        return suite
    entry = push_file(S3Store(settings), path)
    return f"{entry.name}@{entry.version}"


def _summarise(progress: RunProgress, run_id: str, settings: Settings) -> None:
    parts = [f"{count} {outcome}" for outcome, count in sorted(progress.counts.items())]
    parts += [f"{progress.reviewing_total} waiting for review"] if progress.reviewing_total else []
    parts += [f"{_not_run(progress)} not run (cancelled)"] if progress.cancelled and _not_run(progress) else []
    excused = sum(progress.quarantined.values()) + progress.reviewing_quarantined
    aside = f"; {excused} of them are in quarantine and gate nothing" if excused else ""
    out.print(f"\n{', '.join(parts) or 'none finished'} of {progress.total}{aside}")
    links = Links.of(settings)
    for key in progress.reviewing[:20]:
        case = f"{run_id}/{key}"
        out.print(f"[yellow]review[/] {escape(str(key))}  {escape(links.review(case) or _link(settings, case))}")
        out.print(f"  look    voicewright review show {shlex.quote(case)}", markup=False)
        out.print(f"  decide  voicewright review decide {shlex.quote(case)} pass --reviewer YOU", markup=False)


def _show_report(store: S3Store, settings: Settings, path: Path | None, report: RunReport | None) -> None:
    """The report that the run itself published, or where it is; of one that still goes on, what is done so far."""
    if report is None:
        if path is not None:
            err.print("no HTML report yet: no case was planned; later, run: voicewright report RUN")
        return
    if path is None:
        if link := Links.of(settings).report(report.run_id):
            err.print(f"report: {escape(link)}")
        return
    raw = store.get_if_present(run_key(report.run_id, "report.html")) if report.finished else None
    path.write_bytes(raw or build_report(store, report, Links.of(settings)).html)
    state = ""
    if not report.finished:
        some = f"{len(report.cases)} of {report.total} cases have an outcome"
        state = f" ({some}; later, run: voicewright report {report.run_id})"
    err.print(escape(f"HTML report: {path}{state}"))


def _not_run(progress: RunProgress) -> int:
    return progress.total - progress.done


def _link(settings: Settings, workflow_id: str) -> str:
    if settings.temporal_ui_url is None:
        return ""
    place = f"namespaces/{settings.temporal_namespace}/workflows/{quote(workflow_id, safe='')}"
    return f"  {settings.temporal_ui_url}/{place}"
