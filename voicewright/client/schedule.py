"""Runs by the clock, as Temporal schedules: what one is, and how it becomes Temporal's.

Temporal reads cron lines in a way of its own: a sixth field is the year, what follows a `#` is a comment, and where
both a day of the month and a weekday are named a day must be both. Lines that other programs read otherwise are
refused, so that nobody's nightly run becomes a monthly one.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import Field, model_validator
from temporalio.client import (
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
)

from voicewright.client.queues import WORKFLOWS
from voicewright.client.search_attributes import RUN_TYPE
from voicewright.contracts.base import Contract
from voicewright.contracts.run import RunRequest

PREFIX = "voicewright-run-"
"""Before the name of every schedule of ours, among others' in the same namespace."""
NOTE = "suite"
_ZONE = re.compile(r"(CRON_)?TZ=\S+\s+")
_FIELDS = {"minute": 60, "hour": 24, "day of the month": 31, "month": 12, "weekday": 7}
"""The fields of a line, with how many values each has."""
_STEP = re.compile(r"/(\d{1,9})$")
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


def cron_problem(line: str) -> str:
    """Why a cron line would never run, or not when it is meant; empty where nothing speaks against it.

    What Temporal refuses by itself, such as a 61st minute, is left to Temporal.
    """
    fields = _ZONE.sub("", line.strip(), count=1).split()
    if not fields:
        return "a cron line says when: `0 3 * * *` is every night at three"
    if "#" in line:
        return "`#` begins a comment here; the n-th weekday of a month has no cron line"
    return "" if fields[0].startswith("@") else _problem_of(fields)


def _problem_of(fields: list[str]) -> str:
    if len(fields) != len(_FIELDS):
        names = ", ".join(_FIELDS)
        return f"a cron line has five fields ({names}), this one has {len(fields)}; none are for seconds and years"
    for (name, size), field in zip(_FIELDS.items(), fields, strict=True):
        for part in field.split(","):
            step = _STEP.search(part)
            if step is not None and int(step[1]) >= size:
                return f"{part}: every {step[1]}th {name} is beyond the field, which starts again after {size}"
    if not fields[2].startswith("*") and not fields[4].startswith("*"):
        return "it names a day of the month and a weekday, and would run only on days that are both: name one of them"
    return ""


class RunSchedule(Contract):
    """A suite that runs by the clock: either `cron` (UTC, unless it begins with `CRON_TZ=Area/City`) or `every_ms`."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)
    request: RunRequest
    cron: str = Field(default="", max_length=500)
    every_ms: int = Field(default=0, ge=0)
    jitter_ms: int = Field(default=0, ge=0)
    overlap: Overlap = Overlap.SKIP

    @model_validator(mode="after")
    def _at_some_time(self) -> "RunSchedule":
        if bool(self.cron.strip()) == bool(self.every_ms):
            msg = "give one of cron and every_ms"
            raise ValueError(msg)
        if self.cron and (problem := cron_problem(self.cron)):
            raise ValueError(problem)
        return self

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
