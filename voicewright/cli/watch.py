"""Following a run in a terminal: lines as cases finish, a bar below them."""

import asyncio
import time
from collections.abc import Callable

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from voicewright.cli.console import err, update_line
from voicewright.client import Voicewright
from voicewright.contracts.case import CaseUpdate, Outcome
from voicewright.contracts.run import RunProgress


async def watch_run(
    voicewright: Voicewright,
    run_id: str,
    *,
    timeout_s: float | None,
    review_wait_s: float,
    patience_s: float,
    reason: Callable[[CaseUpdate], str],
) -> RunProgress:
    """Follow a run until it ends, until only reviews are open and `review_wait_s` is over, or until `timeout_s`.

    `reason` looks up why a case ended as it did. Returns how far the run was.

    Raises:
        UnansweredError: Temporal or its workers were away for longer than `patience_s`.
    """
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

    def waiting(problem: str) -> None:
        bar.console.print(f"waiting up to {patience_s:.0f} s; the run itself goes on: {problem}", markup=False)

    with bar:
        task = bar.add_task("starting", total=None)
        following = voicewright.watch(run_id, review_wait_s=review_wait_s, patience_s=patience_s, waiting=waiting)
        async for progress in following:
            new = min(progress.news - seen, len(progress.recent))
            for update in progress.recent[len(progress.recent) - new :]:
                why = "" if update.outcome is Outcome.PASSED else await asyncio.to_thread(reason, update)
                bar.console.print(update_line(update, why))
            seen = progress.news
            bar.update(task, total=progress.total or None, completed=progress.done, description=_describe(progress))
            if progress.finished:
                break  # the report is stored; messages to people may still be on their way
            if progress.cancelled:
                continue  # calls hang up and report
            if timeout_s is not None and time.monotonic() - began >= timeout_s:
                break
    return progress


def _describe(progress: RunProgress) -> str:
    parts = [f"{count} {outcome}" for outcome, count in sorted(progress.counts.items())]
    parts += [f"{progress.running} running"] if progress.running else []
    parts += [f"{progress.reviewing_total} waiting for review"] if progress.reviewing_total else []
    return escape(", ".join(parts) or "starting")
