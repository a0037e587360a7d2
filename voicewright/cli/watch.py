"""Following a run in a terminal: lines as cases finish, a bar below them."""

import time
from dataclasses import dataclass

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from voicewright.cli.console import err, update_line
from voicewright.client import Voicewright
from voicewright.run import RunProgress


@dataclass(frozen=True)
class Watched:
    """How watching ended. `timed_out`: our patience ended before the run did."""

    progress: RunProgress
    timed_out: bool = False


async def watch_run(voicewright: Voicewright, run_id: str, *, timeout_s: float | None, review_wait_s: float) -> Watched:
    """Follow a run until it ends, until only reviews are open and `review_wait_s` is over, or until `timeout_s`."""
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=True,
    )
    began = time.monotonic()
    seen = 0
    alone_since: float | None = None
    with bar:
        task = bar.add_task("starting", total=None)
        async for progress in voicewright.watch(run_id):
            new = min(progress.news - seen, len(progress.recent))
            for update in progress.recent[len(progress.recent) - new :]:
                bar.console.print(update_line(update))
            seen = progress.news
            bar.update(task, total=progress.total or None, completed=progress.done, description=_describe(progress))
            if progress.finished:
                break  # the report is stored; people may still be being told, which is no reason to wait
            if progress.cancelled:
                continue  # calls hang up and report
            only_reviews = progress.reviewing_total and progress.done + progress.reviewing_total >= progress.total
            alone_since = (alone_since or time.monotonic()) if only_reviews else None
            if alone_since is not None and time.monotonic() - alone_since >= review_wait_s:
                return Watched(progress)
            if timeout_s is not None and time.monotonic() - began >= timeout_s:
                return Watched(progress, timed_out=True)
    return Watched(progress)


def _describe(progress: RunProgress) -> str:
    parts = [f"{count} {outcome}" for outcome, count in sorted(progress.counts.items())]
    parts += [f"{progress.running} running"] if progress.running else []
    parts += [f"{progress.reviewing_total} waiting for review"] if progress.reviewing_total else []
    return escape(", ".join(parts) or "starting")
