"""`voicewright schedule`: suites that run by the clock, as Temporal schedules."""

from enum import StrEnum

import typer
from rich.markup import escape
from rich.table import Table

from voicewright.ago import ago
from voicewright.cli.app import app, command
from voicewright.cli.console import err, fail, out
from voicewright.client import Voicewright
from voicewright.duration import parse_duration_ms
from voicewright.outcome import ExitCode
from voicewright.run import RunRequest
from voicewright.s3 import S3Store
from voicewright.schedule import Overlap, RunSchedule
from voicewright.settings import Settings
from voicewright.suite_library import resolve

schedule = typer.Typer(no_args_is_help=True, help="Runs by the clock.")
app.add_typer(schedule, name="schedule")


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
    suite: str = typer.Argument(help="A pushed suite: `name`, or `name@version`."),
    cron: str | None = typer.Option(None, help="When, as a cron line in UTC: `0 3 * * *` is every night at three."),
    every: str | None = typer.Option(None, help="Or how often: 30m, 6h."),
    jitter: str | None = typer.Option(None, help="Start up to this much later, so that schedules spread: 5m."),
    overlap: _Overlap = typer.Option(
        _Overlap.skip,
        help="When the last run still goes on, if only for a review: skip, buffer one, cancel it, run both.",
    ),
    tag: list[str] = typer.Option([], "--tag", "-t", help="Only cases with this tag. Repeatable."),
    language: list[str] = typer.Option([], "--language", "-l", help="Only this language. Repeatable."),
    profile: list[str] = typer.Option([], help="Only this caller profile. Repeatable."),
    agent: str | None = typer.Option(None, help="Call this address instead of the suite's."),
    branch: str = typer.Option("", help="Branch under which the runs count as baselines."),
) -> int:
    """Run a suite by the clock: voicewright schedule create nightly clinic --cron '0 3 * * *' --jitter 10m."""
    if (cron is None) == (every is None):
        fail("give either --cron or --every")
        return ExitCode.BAD_INPUT
    try:
        resolve(S3Store(Settings()), suite)  # found out now, not at three in the morning
    except KeyError as error:
        fail(str(error.args[0]))
        return ExitCode.BAD_INPUT
    if every is not None and _duration_ms(every) <= 0:
        fail(f"--every {every}: there must be time between two runs")
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
    await (await Voicewright.connect()).schedule(plan)
    out.print(f"{name}: runs {suite} {f'at {cron!r} UTC' if cron else f'every {every}'}", markup=False)
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
        err.print("none yet: `voicewright schedule create NAME SUITE --every 6h` makes one")
    return 0


@schedule.command("delete")
@command
async def delete(name: str = typer.Argument(help="Name of the schedule.")) -> int:
    """Delete a schedule; runs that it started go on."""
    await (await Voicewright.connect()).unschedule(name)
    out.print(f"{name}: deleted", markup=False)
    return 0
