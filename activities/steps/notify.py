"""Telling people how a run stands, in one message that is brought up to date, and what has waited for them too long.

All are told at the same time, each within its own limit: one that hangs keeps none of the others from hearing.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from temporalio import activity
from temporalio.client import Client

from activities.errors import StepError
from activities.heartbeat import heartbeats
from activities.ports.outside import Notifier, Reminder
from activities.vendor_time import VendorThreads
from voicewright.client.reviewing import Reviewing
from voicewright.contracts.base import Contract
from voicewright.contracts.steps import ReviewDigest, RunNotice
from voicewright.store.keys import reminded_key
from voicewright.store.ledger import change
from voicewright.store.port import ObjectStore

_LIMIT_S = 90.0
"""Less than one try of the step has (`workflows/policies.py`)."""

_OLDEST = 100
"""Cases whose suites are named."""
_EARLY = 0.9
"""The schedule that asks comes a little earlier or later."""
M = TypeVar("M")


class _Audience(Generic[M]):
    """Messengers of one kind."""

    def __init__(self, messengers: Sequence[M], limit_s: float) -> None:
        self._messengers = [(one, VendorThreads(type(one).__name__, limit_s=limit_s)) for one in messengers]

    async def hear(self, say: Callable[[M], None]) -> None:
        """Have every messenger say something; what is worth another try is raised first.

        Raises:
            StepError: one did not take it.
        """
        told = [self._tell(messenger, threads, say) for messenger, threads in self._messengers]
        troubles = [error for error in await asyncio.gather(*told) if error is not None]
        if troubles:
            raise next((error for error in troubles if error.retryable), troubles[0])

    @staticmethod
    async def _tell(messenger: M, threads: VendorThreads, say: Callable[[M], None]) -> StepError | None:
        try:
            await threads.run(lambda: say(messenger))
        except StepError as error:
            activity.logger.warning("%s: %s", type(messenger).__name__, error.message)
            return error
        return None


class NotifyStep:
    """Tells every notifier; each sees to it by itself that nothing is said twice."""

    def __init__(self, notifiers: Sequence[Notifier], *, limit_s: float = _LIMIT_S) -> None:
        self._audience = _Audience(notifiers, limit_s)

    @activity.defn(name="notify")
    async def notify(self, notice: RunNotice) -> None:
        """Say how a run stands. Repeating it changes nothing.

        Raises:
            UnavailableError: a service did not answer as it should.
            InstallationError: it refuses us for good.
        """
        async with heartbeats(lambda: "telling"):
            await self._audience.hear(lambda notifier: notifier.tell(notice))


class Reminded(Contract):
    """That people were reminded, and by which execution."""

    at: datetime
    by: str


class RemindStep:
    """Reminds.

    Args:
        store: knows when people were reminded last.
        temporal: knows what waits.
        reminders: whom it tells.
        after: how long a case may wait, and how often people are reminded.
    """

    def __init__(self, store: ObjectStore, temporal: Client, reminders: Sequence[Reminder], after: timedelta) -> None:
        self._store = store
        self._reviews = Reviewing(temporal)
        self._audience = _Audience(reminders, _LIMIT_S)
        self._after = after

    @activity.defn(name="remind_reviewers")
    async def remind_reviewers(self) -> ReviewDigest | None:
        """Tell of cases that have waited for too long, unless people were told a short while ago.

        Returns:
            What was told; None where nothing was.

        Raises:
            StepError: a messenger did not take it.
        """
        now = datetime.now(UTC)
        since = now - self._after
        overdue = await self._reviews.review_backlog(before=since)
        by = activity.info().workflow_run_id or ""
        turn = await asyncio.to_thread(self._turn, now, by) if overdue else None
        if turn is None:
            return None
        oldest = (await self._reviews.review_page(limit=_OLDEST)).entries
        digest = ReviewDigest(
            at=turn.at.isoformat(timespec="seconds"),
            waiting=await self._reviews.review_backlog(),
            overdue=overdue,
            hours=self._after // timedelta(hours=1),
            oldest_at=oldest[0].since.isoformat(timespec="seconds") if oldest else since.isoformat(timespec="seconds"),
            suites=tuple(dict.fromkeys(entry.suite for entry in oldest)),
        )
        async with heartbeats(lambda: "reminding"):
            await self._audience.hear(lambda reminder: reminder.remind(digest))
        return digest

    def _turn(self, now: datetime, by: str) -> Reminded | None:
        """Take the turn to remind; None while it is too soon. A later try of the same execution has it already."""

        def edit(last: Reminded | None) -> Reminded:
            soon = last is not None and now - last.at < self._after * _EARLY
            return last if last is not None and (soon or last.by == by) else Reminded(at=now, by=by)

        after = change(self._store, reminded_key(), Reminded, edit)
        return after if after is not None and after.by == by else None
