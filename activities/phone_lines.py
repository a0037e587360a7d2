"""The lines of a telephone account, shared by all runs: who holds one, who must wait, and for how long.

A record in the object store, changed by compare-and-swap. A case that waits does so on a durable timer of its own
workflow; a line that is never given back, because a worker or a workflow is gone for good, expires.
"""

import asyncio
import time
from datetime import UTC, datetime, timedelta

from temporalio import activity

from activities.ledger import change
from activities.ports import ObjectStore
from voicewright.case import CaseRequest
from voicewright.contract import Contract
from voicewright.phone import Hours, LineGrant

_KEY = "phone/lines.json"
_ATTEMPTS = 4
"""Of a call that could not be set up, as `workflows/policies.py` allows; each may take its whole time."""
_MARGIN_MS = 180_000
_ASK_AGAIN_MS = 5_000
_BUSY = "too many cases ask for a telephone line at once"


class _Lease(Contract):
    holder: str
    caller_id: str
    expires_s: float


class _Lines(Contract):
    """`next_start_s` is when the account's rate allows the next call. Times are seconds of the wall clock."""

    leases: tuple[_Lease, ...] = ()
    next_start_s: float = 0.0


class PhoneLinesStep:
    """One account.

    Args:
        store: shared by all workers.
        callers: the account's numbers; calls are spread over them.
        lines: calls at once.
        per_second: new calls a second.
        hours: when calls may be made; None means always.
    """

    def __init__(
        self, store: ObjectStore, callers: tuple[str, ...], lines: int, per_second: float, hours: Hours | None
    ) -> None:
        self._store = store
        self._callers = callers or ("",)
        self._lines = lines
        self._gap_s = 1 / per_second
        self._hours = hours

    @activity.defn(name="reserve_line")
    async def reserve_line(self, case: CaseRequest) -> LineGrant:
        """A line for this case, or how long to wait; asking again is harmless.

        Raises:
            UnavailableError: too many ask at once.
        """
        return await asyncio.to_thread(self.reserve, case.workflow_id, case.call_limit_ms, time.time())

    @activity.defn(name="release_line")
    async def release_line(self, case: CaseRequest) -> None:
        """Give the line back; harmless without one."""
        await asyncio.to_thread(self.release, case.workflow_id)

    def reserve(self, holder: str, limit_ms: int, now_s: float) -> LineGrant:
        """See `reserve_line`. Blocking."""
        if self._hours is not None and (wait := self._hours.wait(datetime.fromtimestamp(now_s, UTC))) > timedelta(0):
            return LineGrant(
                granted=False, wait_ms=round(wait.total_seconds() * 1000) + 1, because="outside the calling hours"
            )
        answer = LineGrant(granted=False)

        def edit(record: _Lines) -> _Lines | None:
            nonlocal answer
            held = tuple(lease for lease in record.leases if lease.expires_s > now_s)
            mine = next((lease for lease in held if lease.holder == holder), None)
            if mine is not None:
                answer = LineGrant(granted=True, caller_id=mine.caller_id)
                return None
            if len(held) >= self._lines:
                answer = LineGrant(
                    granted=False, wait_ms=_ASK_AGAIN_MS, because=f"all {self._lines} lines of the account are in use"
                )
                return None
            if record.next_start_s > now_s:
                wait_ms = round((record.next_start_s - now_s) * 1000) + 1
                answer = LineGrant(granted=False, wait_ms=wait_ms, because="the account's rate of calls is used up")
                return None
            caller = min(self._callers, key=lambda number: sum(lease.caller_id == number for lease in held))
            answer = LineGrant(granted=True, caller_id=caller)
            lease = _Lease(
                holder=holder, caller_id=caller, expires_s=now_s + (_ATTEMPTS * limit_ms + _MARGIN_MS) / 1000
            )
            return _Lines(leases=(*held, lease), next_start_s=now_s + self._gap_s)

        change(self._store, _KEY, _Lines(), edit, busy=_BUSY)
        return answer

    def release(self, holder: str) -> None:
        """See `release_line`. Blocking."""

        def edit(record: _Lines) -> _Lines | None:
            rest = tuple(lease for lease in record.leases if lease.holder != holder)
            return None if rest == record.leases else record.model_copy(update={"leases": rest})

        change(self._store, _KEY, _Lines(), edit, busy=_BUSY)
