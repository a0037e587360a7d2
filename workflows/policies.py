"""Every timeout and every retry, in one place.

Only infrastructure is retried: an agent that answers wrongly is a result. Which errors are worth trying again is
said by their classes in `activities/errors.py`; here stands how often, how soon and how long.
"""

from datetime import timedelta

from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType, ActivityConfig

from voicewright.client.queues import CALLS, INTEGRATIONS, SPEECH

HEARTBEAT = timedelta(seconds=10)
"""Steps beat every second; a worker that misses ten is gone."""

_PATIENT = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2,
    maximum_interval=timedelta(seconds=30),
    maximum_attempts=12,
)
"""For the store and the models: rides out an outage of several minutes."""

_STUBBORN = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=2, maximum_interval=timedelta(minutes=1)
)
"""For results: what was measured is not given up while the run lives."""

DIAL_ATTEMPTS = 4
"""How often one case may be dialled, where nobody's telephone rings twice by that."""

_DIAL = RetryPolicy(
    initial_interval=timedelta(seconds=2),
    backoff_coefficient=2,
    maximum_interval=timedelta(seconds=10),
    maximum_attempts=DIAL_ATTEMPTS,
)
"""For calls: an agent that is restarting gets some seconds; one that is down makes the case errored."""

_CALL_MARGIN = timedelta(seconds=60)
"""Set-up, hang-up and measuring, besides the conversation."""
_CALL_STORING = timedelta(minutes=22)
"""For a store that is full or away: what a try waits for it before a call and after it, as
`activities/call/host/storing.py` has it, and some for its last answer. A worker that dies is noticed by its
heartbeats."""

PLAN = ActivityConfig(task_queue=INTEGRATIONS, start_to_close_timeout=timedelta(minutes=2), retry_policy=_PATIENT)
NEXT_PAGE = ActivityConfig(task_queue=INTEGRATIONS, start_to_close_timeout=timedelta(minutes=2), retry_policy=_STUBBORN)
"""A run that is under way does not fail because the store is away for long."""
SYNTHESIZE = ActivityConfig(
    task_queue=SPEECH,
    start_to_close_timeout=timedelta(minutes=10),
    heartbeat_timeout=HEARTBEAT,
    retry_policy=_PATIENT,
)
TRANSCRIBE = SYNTHESIZE
VALIDATE = SYNTHESIZE
JUDGE_AGAIN = ActivityConfig(
    task_queue=SPEECH,
    start_to_close_timeout=timedelta(minutes=2),
    schedule_to_close_timeout=timedelta(minutes=10),
    heartbeat_timeout=HEARTBEAT,
    retry_policy=RetryPolicy(maximum_attempts=3),
)
"""By corrected words: a person waits for it, and asks again where it does not come."""
RECORD = ActivityConfig(task_queue=INTEGRATIONS, start_to_close_timeout=timedelta(seconds=20), retry_policy=_STUBBORN)
REPORT = ActivityConfig(
    task_queue=INTEGRATIONS,
    start_to_close_timeout=timedelta(minutes=10),
    heartbeat_timeout=HEARTBEAT,
    retry_policy=_STUBBORN,
)
REVIEW = RECORD
LINES = RECORD
"""The account's lines: a case waits for one by a timer, and gives it back whatever happens."""

FILE_DEFECT = RECORD
VENDOR = ActivityConfig(
    task_queue=INTEGRATIONS,
    start_to_close_timeout=timedelta(minutes=2),
    schedule_to_close_timeout=timedelta(minutes=15),
    heartbeat_timeout=HEARTBEAT,
    retry_policy=_STUBBORN,
)
"""For people and trackers outside: a run waits some minutes for them, and ends without them after that."""
NOTICE = ActivityConfig(**{**VENDOR, "schedule_to_close_timeout": timedelta(minutes=2)})
"""News of a run that is under way: not worth holding it up for long."""
SETTLE = ActivityConfig(
    task_queue=INTEGRATIONS,
    start_to_close_timeout=timedelta(minutes=10),
    heartbeat_timeout=HEARTBEAT,
    retry_policy=_PATIENT,
)
RECONCILE = ActivityConfig(
    task_queue=INTEGRATIONS,
    start_to_close_timeout=timedelta(minutes=30),
    heartbeat_timeout=HEARTBEAT,
    retry_policy=_PATIENT,
)

REMIND = ActivityConfig(**{**VENDOR, "retry_policy": _PATIENT})

ERASE = ActivityConfig(
    task_queue=INTEGRATIONS,
    start_to_close_timeout=timedelta(hours=6),
    heartbeat_timeout=HEARTBEAT,
    retry_policy=_STUBBORN,
)
"""What is to be erased is erased, however long the store is away."""

CATCH_UP = ActivityConfig(
    task_queue=INTEGRATIONS,
    start_to_close_timeout=timedelta(minutes=30),
    schedule_to_close_timeout=timedelta(days=3),
    heartbeat_timeout=HEARTBEAT,
    retry_policy=_STUBBORN,
)
"""For a database that is away: a weekend, and nobody waits for it."""

WINDOW_SWEEP = timedelta(seconds=15)
"""A run that hears nothing for so long looks its cases up; each fruitless look doubles the wait, to an hour."""
WINDOW_SWEEP_MAX = timedelta(hours=1)
CANCEL_SWEEP = timedelta(seconds=15)
CANCEL_GRACE = timedelta(minutes=2)
"""How long a cancelled run waits for its calls to hang up and report."""

CANCEL_AT_ONCE = 500
"""Temporal bounds the cancellations that a workflow may have pending."""

LOOK_UP_AT_ONCE = 500
"""Cases that one activity looks up."""

PAGE = 200
"""Cases that a run plans at once."""
BACKLOG = 4
"""Cases that may be under way per line of the agent: when recognition falls behind, no more calls are made."""

_EAGER, _SLOWER, _RAREST = 20, 1.2, 60


def line_patience(asked: int) -> float:
    """By what a case stretches the wait that it was told, having asked for a telephone line so many times.

    It asks eagerly at first and then ever more rarely, so that a case that waits for hours keeps a small history.
    """
    return min(_RAREST, _SLOWER ** max(0, asked - _EAGER))


def call(limit_ms: int) -> ActivityConfig:
    """A call takes as long as it takes; cancelling waits until it has hung up."""
    return ActivityConfig(
        task_queue=CALLS,
        start_to_close_timeout=timedelta(milliseconds=limit_ms) + _CALL_MARGIN + _CALL_STORING,
        heartbeat_timeout=HEARTBEAT,
        retry_policy=_DIAL,
        cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    )
