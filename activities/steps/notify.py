"""Telling people how a run stands, in one message that is brought up to date, and what has waited for them too long."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from temporalio import activity
from temporalio.client import Client

from activities.audience import LIMIT_S, Audience
from activities.heartbeat import heartbeats
from activities.ports.outside import Notifier, Reminder
from voicewright.client.reviewing import Reviewing
from voicewright.contracts.base import Contract
from voicewright.contracts.steps import ReviewDigest, RunNotice
from voicewright.store.keys import reminded_key
from voicewright.store.ledger import change
from voicewright.store.port import ObjectStore

_OLDEST = 100
"""Cases whose suites are named."""
_EARLY = 0.9
"""The schedule that asks comes a little earlier or later."""


class NotifyStep:
    """Tells every notifier; each sees to it by itself that nothing is said twice."""

    def __init__(self, notifiers: Sequence[Notifier], *, limit_s: float = LIMIT_S) -> None:
        self._audience = Audience(notifiers, limit_s)

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
        self._audience = Audience(reminders)
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
