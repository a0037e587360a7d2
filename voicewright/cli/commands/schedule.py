"""`voicewright schedule`: runs on a schedule, kept by Temporal."""

from enum import StrEnum

import typer
from rich.markup import escape
from rich.table import Table

from voicewright.cli.app import app, command
from voicewright.cli.console import err, fail, out
from voicewright.client import Voicewright
from voicewright.client.schedule import Overlap, RunSchedule, cron_problem
from voicewright.contracts.run import RunRequest
from voicewright.duration import ago, parse_duration_ms
from voicewright.runtime.exit import ExitCode
from voicewright.settings import Settings
from voicewright.store.s3 import S3Store
from voicewright.suite.library import resolve

schedule = typer.Typer(no_args_is_help=True, help="Runs on a schedule.")
app.add_typer(schedule, name="schedule")
_SHOWN = 3


class _Overlap(StrEnum):
    skip = "skip"
    buffer = "buffer"
    cancel = "cancel"
    all = "all"


def _duration_ms(text: str | None) -> int:
    if text is None:
        return 0
    try:
        return parse_duration_ms(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


@schedule.command("create")
@command
async def create(
    name: str = typer.Argument(help="Name of the schedule."),
    suite: str = typer.Argument(help="A pushed suite: `name` or `name@version`."),
    cron: str | None = typer.Option(
        None, help="When to run, as a cron line in UTC. `0 3 * * *` is every night at three."
    ),
    every: str | None = typer.Option(None, help="How often to run, instead of --cron: 30m, 6h."),
    jitter: str | None = typer.Option(None, help="Start up to this much later, to spread the load: 5m."),
    overlap: _Overlap = typer.Option(
        _Overlap.skip,
        help="If the previous run has not finished (a pending review counts): skip this one, buffer it, cancel the "
        "previous one, or run all.",
    ),
    tag: list[str] = typer.Option([], "--tag", "-t", help="Only cases with this tag. May be repeated."),
    language: list[str] = typer.Option([], "--language", "-l", help="Only this language. May be repeated."),
    profile: list[str] = typer.Option([], help="Only this caller profile. May be repeated."),
    agent: str | None = typer.Option(None, help="Call this address instead of the suite's."),
    branch: str = typer.Option("", help="Branch for which these runs are baselines."),
) -> int:
    """Run a suite on a schedule: voicewright schedule create nightly clinic --cron '0 3 * * *' --jitter 10m."""
    if (cron is None) == (every is None):
        fail("give one of --cron and --every")
        return ExitCode.BAD_INPUT
    if cron is not None and (problem := cron_problem(cron)):
        fail(f"--cron {cron!r}: {problem}")
        return ExitCode.BAD_INPUT
    try:
        resolve(S3Store(Settings()), suite)  # found out now, not at three in the morning
    except KeyError as error:
        fail(str(error.args[0]))
        return ExitCode.BAD_INPUT
    if every is not None and _duration_ms(every) <= 0:
        fail(f"--every {every}: the interval must be longer than zero")
        return ExitCode.BAD_INPUT
    request = RunRequest(
        suite=suite, tags=tuple(tag), languages=tuple(language), profiles=tuple(profile), agent_url=agent, branch=branch
    )
    plan = RunSchedule(
        name=name,
        request=request,
        cron=cron or "",
        every_ms=_duration_ms(every),
        jitter_ms=_duration_ms(jitter),
        overlap=Overlap(overlap.value),
    )
    following = await (await Voicewright.connect()).schedule(plan)
    shown = ", ".join(f"{moment:%a %Y-%m-%d %H:%M}" for moment in following[:_SHOWN])
    out.print(f"{name}: runs {suite} {f'at {cron!r}' if cron else f'every {every}'}", markup=False)
    out.print(f"next runs (UTC): {shown}", markup=False)
    return 0


@schedule.command("list")
@command
async def list_schedules() -> int:
    """List schedules with their next and last runs."""
    table = Table(box=None, pad_edge=False)
    for name in ("schedule", "suite", "next", "last run", "state"):
        table.add_column(name, overflow="fold")
    for entry in await (await Voicewright.connect()).schedules():
        following = f"{entry.next_at:%Y-%m-%d %H:%M} UTC" if entry.next_at is not None else "-"
        last = f"{ago(entry.last_at)} ago" if entry.last_at is not None else "never"
        table.add_row(escape(entry.name), escape(entry.suite), following, last, "paused" if entry.paused else "on")
    if table.row_count:
        out.print(table)
    else:
        err.print("no schedules yet; `voicewright schedule create NAME SUITE --every 6h` creates one")
    return 0


@schedule.command("delete")
@command
async def delete(name: str = typer.Argument(help="Name of the schedule.")) -> int:
    """Delete a schedule. Runs that it started go on."""
    await (await Voicewright.connect()).unschedule(name)
    out.print(f"{name}: deleted", markup=False)
    return 0
