"""The lines of a telephone account, shared by all runs: who holds one, who must wait, and for how long.

A record in the object store, changed by compare-and-swap. All times are the Temporal server's, so that no worker's
clock counts. A line is reserved for as long as a call may wait for a worker, and kept by beats of the call itself: one
whose holder is gone is free a minute after its last beat.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from temporalio import activity

from activities.calling_hours import Hours
from activities.errors import LineTakenError
from voicewright.contracts.base import Contract
from voicewright.contracts.steps import LineGrant
from voicewright.store.errors import StoreError
from voicewright.store.ledger import change
from voicewright.store.port import RecordStore

KEY = "phone/lines.json"
BEAT_S = 15.0
RESERVED_S = 300.0
"""How long a reserved line waits for its call to begin."""
KEPT_S = 60.0
"""How long a line is held after the last beat of its call."""
_ASK_AGAIN_MS = 5_000


class _Lease(Contract):
    holder: str
    caller_id: str
    expires_s: float


class _Lines(Contract):
    """`next_start_s` is when the account's rate allows the next call. Times are seconds of the server's clock."""

    leases: tuple[_Lease, ...] = ()
    next_start_s: float = 0.0


@dataclass(frozen=True)
class Account:
    """What the account allows.

    Args:
        callers: its numbers; calls are spread over them.
        lines: calls at once.
        per_second: new calls a second.
        hours: when calls may be made; None means always.
    """

    callers: tuple[str, ...]
    lines: int
    per_second: float
    hours: Hours | None = None


def server_clock() -> Callable[[], float]:
    """The Temporal server's clock in this activity, in seconds since 1970."""
    started_s, began = activity.info().started_time.timestamp(), time.monotonic()
    return lambda: started_s + time.monotonic() - began


class PhoneLines:
    """The lines of one account. Blocking, except for `kept`."""

    def __init__(self, store: RecordStore, account: Account) -> None:
        self._store = store
        self._account = account

    def reserve(self, holder: str, now_s: float) -> LineGrant:
        """A line for a case, or how long to wait; asking again is harmless.

        Raises:
            ContendedError: too many ask at once.
        """
        hours = self._account.hours
        if hours is not None and (wait := hours.wait(datetime.fromtimestamp(now_s, UTC))) > timedelta(0):
            return LineGrant(
                granted=False, wait_ms=round(wait.total_seconds() * 1000) + 1, because="outside the calling hours"
            )
        answer = LineGrant(granted=False)

        def edit(found: _Lines | None) -> _Lines | None:
            nonlocal answer
            record = found or _Lines()
            held = self._held(record, now_s)
            mine = next((lease for lease in held if lease.holder == holder), None)
            if mine is not None:
                answer = LineGrant(granted=True, caller_id=mine.caller_id)
                return None
            if len(held) >= self._account.lines:
                because = f"all {self._account.lines} lines of the account are in use"
                answer = LineGrant(granted=False, wait_ms=_ASK_AGAIN_MS, because=because)
                return None
            gap_s = 1 / self._account.per_second
            wait_s = record.next_start_s - now_s
            if 0 < wait_s <= gap_s:  # what lies further ahead was written by a clock that was wrong
                because = "the account's rate of calls is used up"
                answer = LineGrant(granted=False, wait_ms=round(wait_s * 1000) + 1, because=because)
                return None
            lease = self._lease(holder, held, now_s + RESERVED_S)
            answer = LineGrant(granted=True, caller_id=lease.caller_id)
            return _Lines(leases=(*held, lease), next_start_s=now_s + gap_s)

        change(self._store, KEY, _Lines, edit)
        return answer

    def keep(self, holder: str, now_s: float, caller_id: str = "") -> bool:
        """A beat of a call: the line stays its own. False where it expired and all lines are somebody else's now."""
        kept = False

        def edit(found: _Lines | None) -> _Lines | None:
            nonlocal kept
            record = found or _Lines()
            others = tuple(lease for lease in self._held(record, now_s) if lease.holder != holder)
            mine = next((lease for lease in record.leases if lease.holder == holder), None)
            kept = len(others) < self._account.lines
            if not kept:
                return None
            number = mine.caller_id if mine is not None else caller_id
            lease = _Lease(holder=holder, caller_id=number, expires_s=now_s + KEPT_S)
            return record.model_copy(update={"leases": (*others, lease)})

        change(self._store, KEY, _Lines, edit)
        return kept

    def release(self, holder: str) -> None:
        """Give a line back; harmless without one."""

        def edit(record: _Lines | None) -> _Lines | None:
            if record is None:
                return None
            rest = tuple(lease for lease in record.leases if lease.holder != holder)
            return record.model_copy(update={"leases": rest})

        change(self._store, KEY, _Lines, edit)

    @asynccontextmanager
    async def kept(self, holder: str, caller_id: str) -> AsyncIterator[None]:
        """The line is the call's own while the body runs, inside an activity.

        Raises:
            LineTakenError: the call came so late that the line is somebody else's now.
        """
        clock = server_clock()
        if not await asyncio.to_thread(self.keep, holder, clock(), caller_id):
            raise LineTakenError("the reserved telephone line expired before the call began; it is reserved again")

        async def beat() -> None:
            while True:
                await asyncio.sleep(BEAT_S)
                with suppress(StoreError):  # who cannot reach the store cannot reserve the line either
                    if not await asyncio.to_thread(self.keep, holder, clock(), caller_id):
                        activity.logger.warning("more calls are held than the account has lines: beats came too late")

        task = asyncio.create_task(beat())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def _held(self, record: _Lines, now_s: float) -> tuple[_Lease, ...]:
        """Leases that hold. One from further ahead than any is made was written by a clock that was wrong."""
        return tuple(lease for lease in record.leases if now_s < lease.expires_s <= now_s + RESERVED_S + KEPT_S)

    def _lease(self, holder: str, held: tuple[_Lease, ...], expires_s: float) -> _Lease:
        callers = self._account.callers or ("",)
        caller = min(callers, key=lambda number: sum(lease.caller_id == number for lease in held))
        return _Lease(holder=holder, caller_id=caller, expires_s=expires_s)
