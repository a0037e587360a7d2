"""Telling people how a run stands: one message per run, which is brought up to date as the run goes on."""

import asyncio
from collections.abc import Sequence

from temporalio import activity

from activities.errors import StepError
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
        troubles: list[StepError] = []
        async with heartbeats(lambda: "telling"):
            for notifier in self._notifiers:
                try:
                    await asyncio.to_thread(notifier.tell, notice)
                except StepError as error:  # the others are told all the same
                    activity.logger.warning("%s: %s", type(notifier).__name__, error.message)
                    troubles.append(error)
        if troubles:  # what is worth another try decides
            raise next((error for error in troubles if error.retryable), troubles[0])
