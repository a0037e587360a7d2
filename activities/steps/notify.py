"""Telling people how a run stands: one message per run, which is brought up to date as the run goes on.

All are told at the same time, each within its own limit: one that hangs keeps none of the others from hearing.
"""

import asyncio
from collections.abc import Sequence

from temporalio import activity

from activities.errors import StepError
from activities.heartbeat import heartbeats
from activities.ports.outside import Notifier
from activities.vendor_time import VendorThreads
from voicewright.contracts.steps import RunNotice

_LIMIT_S = 90.0
"""Less than one try of the step has (`workflows/policies.py`)."""


class NotifyStep:
    """Tells every notifier; each sees to it by itself that nothing is said twice."""

    def __init__(self, notifiers: Sequence[Notifier], *, limit_s: float = _LIMIT_S) -> None:
        self._notifiers = [(one, VendorThreads(type(one).__name__, limit_s=limit_s)) for one in notifiers]

    @activity.defn(name="notify")
    async def notify(self, notice: RunNotice) -> None:
        """Say how a run stands. Repeating it changes nothing.

        Raises:
            UnavailableError: a service did not answer as it should.
            InstallationError: it refuses us for good.
        """
        async with heartbeats(lambda: "telling"):
            told = [self._tell(notifier, threads, notice) for notifier, threads in self._notifiers]
            troubles = [error for error in await asyncio.gather(*told) if error is not None]
        if troubles:  # what is worth another try decides
            raise next((error for error in troubles if error.retryable), troubles[0])

    @staticmethod
    async def _tell(notifier: Notifier, threads: VendorThreads, notice: RunNotice) -> StepError | None:
        try:
            await threads.run(lambda: notifier.tell(notice))
        except StepError as error:
            activity.logger.warning("%s: %s", type(notifier).__name__, error.message)
            return error
        return None
