"""One record in the object store that many processes change: read, change, put back if nobody was faster."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from voicewright.contracts.base import Contract
from voicewright.store.errors import ContendedError
from voicewright.store.port import RecordStore

_TRIES = 40
_STEP_S = 0.02
"""The wait before the next try grows by up to so much, at random, so that those who collided fall out of step."""
_JSON = "application/json"
R = TypeVar("R", bound=Contract)


def change(store: RecordStore, key: str, model: type[R], edit: Callable[[R | None], R | None]) -> R | None:
    """Change a record as it stands, by compare-and-swap; returns what stands afterwards. Blocking.

    A change whose answer got lost is tried again: `edit` must know what it has done already.

    Args:
        store: where the record lies.
        key: of the record.
        model: what the record is.
        edit: from what stands (None where nothing does) to what shall stand; the same, or None, changes nothing.

    Raises:
        StoreError: the object store failed.
        ContendedError: too many processes change it at once.
    """
    for attempt in range(_TRIES):
        found = store.get_versioned(key)
        before = model.model_validate_json(found[0]) if found is not None else None
        after = edit(before)
        if after is None or after == before:
            return before
        body = after.model_dump_json().encode()
        if found is None:
            done = store.put_if_absent(key, body, _JSON) is not None
        else:
            done = store.put_if_unchanged(key, body, _JSON, found[1])
        if done:
            return after
        time.sleep(random.uniform(0, _STEP_S * (attempt + 1)))  # noqa: S311 - not for secrets
    raise ContendedError(f"{key} changes too fast: too many processes change it at once")
