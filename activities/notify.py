"""Telling people how a run stands: one message per run, which is brought up to date as the run goes on."""

import asyncio
from collections.abc import Sequence

from temporalio import activity

from activities.heartbeat import heartbeats
from activities.ports import Notifier
from voicewright.run import RunNotice


class NotifyStep:
    """Tells every notifier; each sees to it by itself that nothing is said twice."""

    def __init__(self, notifiers: Sequence[Notifier]) -> None:
        self._notifiers = notifiers

    @activity.defn(name="notify")
    async def notify(self, notice: RunNotice) -> None:
        """Say how a run stands. Repeating it changes nothing.

        Raises:
            UnavailableError: a service did not answer as it should.
            InstallationError: it refuses us for good.
        """
        async with heartbeats(lambda: "telling"):
            for notifier in self._notifiers:
                await asyncio.to_thread(notifier.tell, notice)
