"""Log-ins that failed: counted, so that guessing becomes slow without locking everybody out.

Strictly by account and address together; loosely by account alone and by address alone, for guesses that are spread.
"""

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select, update

from voicewright.accounts.errors import ThrottledError
from voicewright.accounts.models import AttemptRow
from voicewright.records.database import insert_into

_FREE = 5
"""Log-ins to one account from one address that may fail in a row without a wait; each further one doubles it."""
_FREE_SPREAD = 50
"""To one account, or from one address, in a day."""
_LONGEST_WAIT = timedelta(minutes=15)
_FORGOTTEN = timedelta(days=1)


class Attempt:
    """One log-in. It counts as failed before the password is looked at, so that many at once are no more guesses."""

    def __init__(self, name: str, address: str) -> None:
        # Digests, so that a password that was typed as a name is not kept.
        self._pair = _digest(f"account {name} address {address}")
        self._free = {
            self._pair: _FREE,
            _digest(f"account {name}"): _FREE_SPREAD,
            _digest(f"address {address}"): _FREE_SPREAD,
        }

    def begin(self, connection: Connection, now: datetime) -> None:
        """Count it.

        Raises:
            ThrottledError: it may not be tried yet, and is not counted.
        """
        connection.execute(delete(AttemptRow).where(AttemptRow.last_at < now - _FORGOTTEN))
        for key in sorted(self._free):
            fresh = insert_into(connection, AttemptRow).values(key=key, failures=1, last_at=now)
            again = {"failures": AttemptRow.failures + 1}
            connection.execute(fresh.on_conflict_do_update(index_elements=["key"], set_=again))  # and locks it
        wanted = select(AttemptRow.key, AttemptRow.failures, AttemptRow.last_at)
        for row in connection.execute(wanted.where(AttemptRow.key.in_(self._free))):
            left = (row.last_at + _wait(row.failures - 1 - self._free[row.key]) - now).total_seconds()
            if left > 0:
                seconds = int(left) + 1
                raise ThrottledError(f"too many log-ins failed: try again in {seconds} s", seconds)
        connection.execute(update(AttemptRow).where(AttemptRow.key.in_(self._free)).values(last_at=now))

    def succeeded(self, connection: Connection) -> None:
        """Take its count back; those of the pair are forgotten."""
        others = self._free.keys() - {self._pair}
        connection.execute(delete(AttemptRow).where(AttemptRow.key == self._pair))
        fewer = update(AttemptRow).where(AttemptRow.key.in_(others), AttemptRow.failures > 0)
        connection.execute(fewer.values(failures=AttemptRow.failures - 1))


def forget(connection: Connection) -> None:
    """All of them: somebody who may do so set a password, and waits for nothing."""
    connection.execute(delete(AttemptRow))


def _digest(what: str) -> str:
    return hashlib.sha256(what.encode(errors="replace")).hexdigest()


def _wait(beyond: int) -> timedelta:
    """After so many failures more than are free."""
    if beyond < 0:
        return timedelta(0)
    return min(timedelta(seconds=2.0 ** min(beyond, 20)), _LONGEST_WAIT)
