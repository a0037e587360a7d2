"""Reminding people, outside, of cases that have waited for them for too long: one message for all of them."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from temporalio import activity
from temporalio.client import Client

from activities.errors import StepError
from activities.heartbeat import heartbeats
from activities.ports.outside import Reminder
from activities.vendor_time import VendorThreads
from voicewright.client.reviewing import Reviewing
from voicewright.contracts.base import Contract
from voicewright.contracts.steps import ReviewDigest
from voicewright.store.keys import reminded_key
from voicewright.store.ledger import change
from voicewright.store.port import ObjectStore

_LIMIT_S = 90.0
_OLDEST = 100
"""Cases whose suites are named."""
_EARLY = 0.9
"""The schedule that asks comes a little earlier or later."""


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
        self._reminders = [(one, VendorThreads(type(one).__name__, limit_s=_LIMIT_S)) for one in reminders]
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
            told = [self._tell(reminder, threads, digest) for reminder, threads in self._reminders]
            troubles = [error for error in await asyncio.gather(*told) if error is not None]
        if troubles:
            raise next((error for error in troubles if error.retryable), troubles[0])
        return digest

    def _turn(self, now: datetime, by: str) -> Reminded | None:
        """Take the turn to remind; None while it is too soon. A later try of the same execution has it already."""

        def edit(last: Reminded | None) -> Reminded:
            soon = last is not None and now - last.at < self._after * _EARLY
            return last if last is not None and (soon or last.by == by) else Reminded(at=now, by=by)

        after = change(self._store, reminded_key(), Reminded, edit)
        return after if after is not None and after.by == by else None

    @staticmethod
    async def _tell(reminder: Reminder, threads: VendorThreads, digest: ReviewDigest) -> StepError | None:
        try:
            await threads.run(lambda: reminder.remind(digest))
        except StepError as error:
            activity.logger.warning("%s: %s", type(reminder).__name__, error.message)
            return error
        return None
