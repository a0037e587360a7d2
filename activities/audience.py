"""Those outside who are told of something: all at the same time, each within its own limit.

One that hangs or refuses keeps none of the others from hearing.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from temporalio import activity

from activities.errors import StepError
from activities.vendor_time import VendorThreads

LIMIT_S = 90.0
"""Less than one try of a step has that tells somebody (`workflows/policies.py`)."""
M = TypeVar("M")
E = TypeVar("E", bound=BaseException)


def foremost(troubles: Sequence[E]) -> E:
    """Of several errors, at least one, the first that is worth another try, else the first."""
    return next((error for error in troubles if isinstance(error, StepError) and error.retryable), troubles[0])


class Audience(Generic[M]):
    """Messengers of one kind.

    Args:
        messengers: they.
        limit_s: seconds that each may take.
    """

    def __init__(self, messengers: Sequence[M], limit_s: float = LIMIT_S) -> None:
        self._messengers = [(one, VendorThreads(type(one).__name__, limit_s=limit_s)) for one in messengers]

    def __bool__(self) -> bool:
        return bool(self._messengers)

    async def hear(self, say: Callable[[M], None]) -> None:
        """Have every messenger say something; what is worth another try is raised first.

        Raises:
            StepError: one did not take it.
        """
        told = [self._tell(messenger, threads, say) for messenger, threads in self._messengers]
        troubles = [error for error in await asyncio.gather(*told) if error is not None]
        if troubles:
            raise foremost(troubles)

    @staticmethod
    async def _tell(messenger: M, threads: VendorThreads, say: Callable[[M], None]) -> StepError | None:
        try:
            await threads.run(lambda: say(messenger))
        except StepError as error:
            activity.logger.warning("%s: %s", type(messenger).__name__, error.message)
            return error
        return None
