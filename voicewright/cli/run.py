"""`voicewright run`: hold a suite's conversations and gate on the outcome."""

import shlex
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import typer
from pydantic import ValidationError
from rich.markup import escape

from voicewright.artifact import run_key
from voicewright.cli.app import app, command
from voicewright.cli.compare import gate, resolve_baseline
from voicewright.cli.console import err, fail, out, result_table
from voicewright.cli.watch import Watched, watch_run
from voicewright.client import Voicewright
from voicewright.duration import parse_duration_ms
from voicewright.outcome import ExitCode, exit_code
from voicewright.report.build import Links, build_report
from voicewright.results import RunReport, case_results, junit_xml
from voicewright.run import RunProgress, RunRequest
from voicewright.run_request import read_run_request
from voicewright.s3 import S3Store
from voicewright.settings import Settings
from voicewright.suite_push import push_file


def _duration_s(text: str) -> float:
    try:
        return parse_duration_ms(text) / 1000
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


@app.command()
@command
async def run(
    suite: str = typer.Argument(help="A suite file, or the name of a pushed suite (`name` or `name@version`)."),
    case: list[str] = typer.Option([], "--case", "-c", help="Only this case; `*` and `?` are wildcards. Repeatable."),
    tag: list[str] = typer.Option([], "--tag", "-t", help="Only cases with this tag. Repeatable."),
    language: list[str] = typer.Option([], "--language", "-l", help="Only this language. Repeatable."),
    profile: list[str] = typer.Option([], help="Only this caller profile. Repeatable."),
    repeat: int | None = typer.Option(None, min=1, help="Hold every case this often."),
    agent: str | None = typer.Option(None, help="Call this address instead of the suite's."),
    parallel: int | None = typer.Option(None, min=1, help="Calls in flight at once."),
    junit: Path | None = typer.Option(None, help="Write JUnit XML to this file."),
    html: Path | None = typer.Option(None, help="Write the HTML report to this file."),
    branch: str = typer.Option("", help="Branch of the agent under test; a later run may name it as its baseline."),
    baseline: str | None = typer.Option(
        None, help="Gate on regressions only: against this run, or the newest run of the suite on this branch."
    ),
    commit: str = typer.Option("", help="Commit of the agent under test."),
    run_id: str | None = typer.Option(None, "--id", help="Id of the run; starting the same id twice is the same run."),
    timeout: str | None = typer.Option(None, help="Stop waiting after this time (90s, 30m); the run goes on."),
    review_wait: str = typer.Option("0s", help="How long to wait for human reviews once all else is done."),
    detach: bool = typer.Option(False, help="Start the run, print its id and leave."),
) -> int:
    """Run a suite against a live agent and wait for the outcome.

    Exits 0 when all passed, 1 when something failed, 2 on bad input, 3 when something could not be tested, 4 when
    reviews are still pending. Ctrl-C stops watching; the run goes on (`voicewright runs cancel ID` ends it).
    """
    settings = Settings()
    limits = _duration_s(timeout) if timeout is not None else None, _duration_s(review_wait)
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
        request, settings, run_id, limits=limits, junit=junit, html=html, detach=detach, baseline=baseline
    )


async def run_and_report(
    request: RunRequest,
    settings: Settings,
    run_id: str | None = None,
    *,
    limits: tuple[float | None, float] = (None, 0.0),
    junit: Path | None = None,
    html: Path | None = None,
    baseline: str | None = None,
    detach: bool = False,
    started: Callable[[str], None] | None = None,
) -> int:
    """Start a run, follow it, print its table; returns the exit code. `limits`: timeout and wait for reviews, in s."""
    for file in (junit, html):  # found out before an hour of calls, not after
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
    store = S3Store(settings)
    if baseline is not None:
        baseline = resolve_baseline(store, baseline, request.suite.partition("@")[0])
    voicewright = await Voicewright.connect(settings)
    chosen = run_id is not None
    run_id = await voicewright.start(request, run_id=run_id)
    if chosen and (other := await _other_suite(voicewright, run_id, request)):
        fail(f"the id {run_id} is that of a run of {other}: choose another --id")
        return ExitCode.BAD_INPUT
    if started is not None:
        started(run_id)
    if detach:
        out.print(run_id, markup=False)
        return ExitCode.PASSED
    err.print(f"run [bold]{escape(run_id)}[/]{escape(_link(settings, run_id))}")
    watched = await watch_run(voicewright, run_id, timeout_s=limits[0], review_wait_s=limits[1])
    results = case_results(store, run_id)
    out.print(result_table(results))
    _summarise(watched, run_id, settings)
    if junit is not None:
        suite = watched.progress.suite.name if watched.progress.suite is not None else request.suite
        junit.write_bytes(junit_xml(suite, run_id, results, pending=watched.progress.reviewing))
        err.print(f"JUnit XML: {escape(str(junit))}")
    _show_report(store, settings, html, watched.progress)
    code = _code(watched, run_id)
    if watched.progress.finished and not watched.progress.cancelled:
        code = gate(store, run_id, baseline, code)
    return code


async def _other_suite(voicewright: Voicewright, run_id: str, request: RunRequest) -> str:
    """The suite of the run of that id, if it is another than was asked for; a plan may not be made yet."""
    suite = (await voicewright.progress(run_id)).suite
    name, _, version = request.suite.partition("@")
    if suite is None or (suite.name == name and version in {"", suite.version}):
        return ""
    return suite.name if suite.name != name else f"another version of {name}"


def _code(watched: Watched, run_id: str) -> ExitCode:
    """The exit code of a run that was watched; one that did not come to its end is never a pass."""
    progress = watched.progress
    code = exit_code(progress.counts, still_open=progress.reviewing_total)
    open_cases = progress.total - progress.done - progress.reviewing_total
    if progress.total == 0 or (not progress.finished and not progress.cancelled and open_cases > 0):
        what = f"{open_cases} cases are" if progress.total else "the plan is"
        fail(f"time is up and {what} not done; the run goes on: voicewright runs show {run_id}")
    elif not progress.cancelled:
        return code
    return code if code is ExitCode.FAILED else ExitCode.ERRORED


def _resolve(suite: str, settings: Settings) -> str:
    """A file is checked and pushed, and run in exactly the version that was read; a name is taken as it is."""
    path = Path(suite)
    if path.suffix not in {".yaml", ".yml"} and not path.exists():
        return suite
    entry = push_file(S3Store(settings), path)
    return f"{entry.name}@{entry.version}"


def _summarise(watched: Watched, run_id: str, settings: Settings) -> None:
    progress = watched.progress
    parts = [f"{count} {outcome}" for outcome, count in sorted(progress.counts.items())]
    parts += [f"{progress.reviewing_total} waiting for review"] if progress.reviewing_total else []
    parts += [f"{_not_run(progress)} not run (cancelled)"] if progress.cancelled and _not_run(progress) else []
    out.print(f"\n{', '.join(parts) or 'nothing done'} of {progress.total}")
    links = Links.of(settings)
    for key in progress.reviewing[:20]:
        case = f"{run_id}/{key}"
        out.print(f"[yellow]review[/] {escape(str(key))}  {escape(links.review(case) or _link(settings, case))}")
        out.print(f"  look    voicewright review show {shlex.quote(case)}", markup=False)
        out.print(f"  decide  voicewright review decide {shlex.quote(case)} pass --reviewer YOU", markup=False)


def _show_report(store: S3Store, settings: Settings, path: Path | None, progress: RunProgress) -> None:
    """The report that the run itself published, or where it is; of one that still goes on, what is done so far."""
    if path is None:
        if progress.finished and (link := Links.of(settings).report(progress.run_id)):
            err.print(f"report: {escape(link)}")
        return
    raw = store.get_if_present(run_key(progress.run_id, "report.html"))
    if raw is None and progress.suite is None:
        err.print(f"no HTML report: nothing was planned yet; later: voicewright report {escape(progress.run_id)}")
        return
    path.write_bytes(raw or _so_far(store, settings, progress))
    state = "" if raw else f" of {progress.done} of {progress.total} cases; the whole later: voicewright report RUN"
    err.print(f"HTML report{state}: {escape(str(path))}")


def _so_far(store: S3Store, settings: Settings, progress: RunProgress) -> bytes:
    assert progress.suite is not None
    cases = case_results(store, progress.run_id)
    report = RunReport(
        run_id=progress.run_id,
        suite=progress.suite,
        agent=progress.agent,
        total=progress.total,
        counts=progress.counts,
        not_run=progress.total - len(cases),
        cancelled=progress.cancelled,
        started_at="",
        ended_at=datetime.now(UTC).isoformat(timespec="seconds"),
        cases=tuple(cases),
    )
    return build_report(store, report, Links.of(settings)).html


def _not_run(progress: RunProgress) -> int:
    return progress.total - progress.done


def _link(settings: Settings, workflow_id: str) -> str:
    if settings.temporal_ui_url is None:
        return ""
    place = f"namespaces/{settings.temporal_namespace}/workflows/{quote(workflow_id, safe='')}"
    return f"  {settings.temporal_ui_url}/{place}"
