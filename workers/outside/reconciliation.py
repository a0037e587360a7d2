"""The schedule that brings the outside tracker's state and ours together."""

from datetime import timedelta

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
from workflows.reconcile import ReconcileDefects

SCHEDULE = "voicewright-reconcile-defects"
_EVERY = timedelta(minutes=10)


async def schedule_reconciliation(client: Client) -> None:
    """Make it once; a person who changed or paused it is left alone."""
    action = ScheduleActionStartWorkflow(ReconcileDefects.run, id=SCHEDULE, task_queue=WORKFLOWS)
    spec = ScheduleSpec(intervals=[ScheduleIntervalSpec(every=_EVERY)], jitter=timedelta(seconds=30))
    policy = SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP)
    try:
        await client.create_schedule(SCHEDULE, Schedule(action=action, spec=spec, policy=policy))
    except ScheduleAlreadyRunningError:
        return
