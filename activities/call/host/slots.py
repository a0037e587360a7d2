"""How many calls a worker takes: as many as it may, as long as it sends the frames of all of them in time.

A machine that has other work, or calls that cost more, leave time for fewer. Then no further call is taken: it waits in
its queue, for this worker or for another, instead of making all calls stutter.
"""

import asyncio
import threading
import time

from temporalio.worker import (
    CustomSlotSupplier,
    SlotMarkUsedContext,
    SlotPermit,
    SlotReleaseContext,
    SlotReserveContext,
)

from activities.call.host.headroom import WINDOW_S, Headroom

_LATE_S = 0.015
"""Three quarters of a frame: far below what is heard, and seldom reached by a worker that has time."""
_BUSY = 0.45
"""Share of a processor that the thread may take which sends frames; they queue up behind each other beyond."""
_SPACING_S = 0.15
"""Between two calls that are taken, so that what one costs is seen before the next."""
_LOOK_S = 0.05
_RECOVERS_S = 1.0
"""So long no frame may be late before one call more is tried than were too many."""
_AT_ONCE = 0.75
"""What one late frame leaves at least of the ceiling: it may have had another cause than too many calls."""


class CallSlots(CustomSlotSupplier):
    """Temporal's slots for calls. See `CustomSlotSupplier`.

    Args:
        most: calls at once, whatever time there is.
        headroom: of the process that holds them.
    """

    def __init__(self, most: int, headroom: Headroom) -> None:
        self._most = most
        self._headroom = headroom
        self._lock = threading.Lock()
        self._taken = 0
        self._last_s = -_SPACING_S
        self._ceiling = most
        self._judged_s = 0.0
        """When the ceiling was last changed."""

    async def reserve_slot(self, ctx: SlotReserveContext) -> SlotPermit:  # noqa: ARG002 - all calls are alike
        """Wait until there is time for one more call."""
        while not self._take():  # noqa: ASYNC110 - time passes by itself
            await asyncio.sleep(_LOOK_S)
        return SlotPermit()

    def try_reserve_slot(self, ctx: SlotReserveContext) -> SlotPermit | None:  # noqa: ARG002
        """Calls come from the queue alone."""
        return None

    def mark_slot_used(self, ctx: SlotMarkUsedContext) -> None:
        """A reserved slot counts as a call from the beginning."""

    def release_slot(self, ctx: SlotReleaseContext) -> None:  # noqa: ARG002
        """A call is over."""
        with self._lock:
            self._taken -= 1

    def _take(self) -> bool:
        now = time.monotonic()
        with self._lock:
            self._judge(now)
            # One call is always held: its own lateness is in its verdict.
            free = self._taken == 0 or (
                self._taken < self._ceiling
                and now - self._last_s >= _SPACING_S
                and self._headroom.late_s <= _LATE_S
                and self._headroom.busy <= _BUSY
            )
            if free:
                self._taken += 1
                self._last_s = now
            return free

    def _judge(self, now: float) -> None:
        """Learn from frames that were late how many calls are too many, and try more again later."""
        if self._headroom.late_s > _LATE_S:
            if now - self._judged_s >= WINDOW_S:  # each late frame once
                self._ceiling = max(1, self._taken - 1, int(_AT_ONCE * self._ceiling))
                self._judged_s = now
        elif self._ceiling < self._most and now - self._judged_s >= _RECOVERS_S:
            self._ceiling, self._judged_s = self._ceiling + 1, now
