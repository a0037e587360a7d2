"""What an installation does by itself from time to time: Temporal schedules, made by its workers."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
)

from voicewright.client.queues import WORKFLOWS
from voicewright.settings import Settings
from workflows.chores import EraseDue, ReconcileDefects, RemindReviewers


@dataclass(frozen=True)
class Chore:
    """What is done, how often, and by whom."""

    id: str
    """Of the schedule, and of the workflow that it starts."""
    workflow: Callable[..., Awaitable[Any]]
    every: timedelta
    jitter: timedelta = timedelta(seconds=30)


RECONCILE = Chore("voicewright-reconcile-defects", ReconcileDefects.run, timedelta(minutes=10))
"""Brings the outside tracker's state and ours together."""
REMIND = Chore("voicewright-remind-reviewers", RemindReviewers.run, timedelta(hours=1))
"""Tells people of cases that have waited for too long; how long that is, the step knows."""
ERASE = Chore("voicewright-erase-due", EraseDue.run, timedelta(hours=6), timedelta(minutes=10))
"""Erases what was said in calls, once it is older than the installation keeps it."""


def chores(settings: Settings) -> list[Chore]:
    """Those that an installation has by its settings."""
    found = []
    if settings.jira_url:
        found.append(RECONCILE)
    if settings.slack_token is not None or settings.webhook_url is not None:
        found.append(REMIND)
    if settings.retention_days is not None:
        found.append(ERASE)
    return found


async def make_schedule(client: Client, chore: Chore) -> None:
    """Make it once; a person who changed or paused it is left alone."""
    action = ScheduleActionStartWorkflow(chore.workflow, id=chore.id, task_queue=WORKFLOWS)
    spec = ScheduleSpec(intervals=[ScheduleIntervalSpec(every=chore.every)], jitter=chore.jitter)
    policy = SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP)
    try:
        await client.create_schedule(chore.id, Schedule(action=action, spec=spec, policy=policy))
    except ScheduleAlreadyRunningError:
        return
