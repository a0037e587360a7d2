"""How many tokens all workers together may spend in a day: a counter in the object store, by compare-and-swap.

Tokens are reserved before a request and charged after it, by an id of the request: a change whose answer got lost may
be made again. A worker that dies in between leaves its reservation, so that the limit errs on the cheap side.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from voicewright.contracts.base import Contract
from voicewright.store.ledger import change
from voicewright.store.port import ObjectStore


class _Day(Contract):
    """`spent` is charged; `reserved` holds what requests under way may cost at most."""

    spent: int = 0
    reserved: dict[str, int] = {}

    @property
    def total(self) -> int:
        return self.spent + sum(self.reserved.values())


@dataclass(frozen=True)
class Reservation:
    """Tokens set aside for one request. `day` is ISO 8601, UTC."""

    day: str
    id: str
    tokens: int


class TokenBudget:
    """Blocking, and shared by every process that uses the same store."""

    def __init__(self, store: ObjectStore, per_day: int) -> None:
        self._store = store
        self.per_day = per_day

    def reserve(self, tokens: int) -> Reservation | None:
        """Set tokens aside; None where the day's limit does not allow it.

        Raises:
            StoreError: the object store failed.
            ContendedError: too many workers change the counter at once.
        """
        wanted = Reservation(datetime.now(UTC).date().isoformat(), uuid4().hex, tokens)

        def add(found: _Day | None) -> _Day | None:
            day = found or _Day()
            if wanted.id not in day.reserved and day.total + tokens > self.per_day:
                return None
            return day.model_copy(update={"reserved": {**day.reserved, wanted.id: tokens}})

        stands = change(self._store, _key(wanted.day), _Day, add)
        return wanted if stands is not None and wanted.id in stands.reserved else None

    def charge(self, reservation: Reservation, used: int) -> None:
        """Replace a reservation by what was really used.

        Raises:
            StoreError: the object store failed; the reservation stands.
            ContendedError: too many workers change the counter at once.
        """

        def pay(day: _Day | None) -> _Day | None:
            if day is None or reservation.id not in day.reserved:
                return None
            rest = {key: tokens for key, tokens in day.reserved.items() if key != reservation.id}
            return _Day(spent=day.spent + used, reserved=rest)

        change(self._store, _key(reservation.day), _Day, pay)

    def spent(self, day: str) -> int:
        """Tokens spent or set aside on a day (ISO 8601, UTC)."""
        found = self._store.get_if_present(_key(day))
        return _Day.model_validate_json(found).total if found is not None else 0


def _key(day: str) -> str:
    return f"llm/tokens/{day}.json"
