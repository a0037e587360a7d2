"""Runs by the clock, as Temporal schedules: what one is, and how it becomes Temporal's."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import Field
from temporalio.client import (
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
)

from voicewright.contract import Contract
from voicewright.queues import WORKFLOWS
from voicewright.run import RunRequest
from voicewright.search_attributes import RUN_TYPE

PREFIX = "voicewright-run-"
"""Before the name of every schedule of ours, among others' in the same namespace."""
NOTE = "suite"
_CATCH_UP = timedelta(hours=1)


class Overlap(StrEnum):
    """What happens when a run is due and the last one still goes on."""

    SKIP = "skip"
    BUFFER = "buffer"
    CANCEL = "cancel"
    ALL = "all"


_POLICIES = {
    Overlap.SKIP: ScheduleOverlapPolicy.SKIP,
    Overlap.BUFFER: ScheduleOverlapPolicy.BUFFER_ONE,
    Overlap.CANCEL: ScheduleOverlapPolicy.CANCEL_OTHER,
    Overlap.ALL: ScheduleOverlapPolicy.ALLOW_ALL,
}


class RunSchedule(Contract):
    """A suite that runs by the clock: either `cron` (UTC) or `every_ms`."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)
    request: RunRequest
    cron: str = ""
    every_ms: int = Field(default=0, ge=0)
    jitter_ms: int = Field(default=0, ge=0)
    overlap: Overlap = Overlap.SKIP

    @property
    def id(self) -> str:
        """The schedule's id in Temporal."""
        return PREFIX + self.name

    def to_temporal(self) -> Schedule:
        """As Temporal has it. A run that a schedule starts is called after it, with the time at the end."""
        run_id = f"run-{self.request.suite.partition('@')[0]}-{self.name}"
        return Schedule(
            action=ScheduleActionStartWorkflow(RUN_TYPE, self.request, id=run_id, task_queue=WORKFLOWS),
            spec=ScheduleSpec(
                cron_expressions=[self.cron] if self.cron else [],
                intervals=[ScheduleIntervalSpec(every=timedelta(milliseconds=self.every_ms))] if self.every_ms else [],
                jitter=timedelta(milliseconds=self.jitter_ms) if self.jitter_ms else None,
            ),
            policy=SchedulePolicy(overlap=_POLICIES[self.overlap], catchup_window=_CATCH_UP),
        )


@dataclass(frozen=True)
class ScheduleEntry:
    """A schedule as Temporal lists it."""

    name: str
    suite: str
    next_at: datetime | None
    last_at: datetime | None
    paused: bool
