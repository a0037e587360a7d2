"""One record in the object store that many workers change: read, change, put back if nobody was faster."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from activities.errors import UnavailableError
from activities.ports import ObjectStore
from voicewright.contract import Contract

_TRIES = 40
_JSON = "application/json"
R = TypeVar("R", bound=Contract)


def change(store: ObjectStore, key: str, empty: R, edit: Callable[[R], R | None], *, busy: str) -> bool:
    """Change a record as it stands; False where `edit` refuses by None. Blocking.

    A change whose answer got lost is tried again: `edit` must know what it has done already.

    Args:
        store: where the record lies.
        key: of the record.
        empty: what it is before its first change.
        edit: from what stands to what shall stand.
        busy: what is wrong when too many change it at once.

    Raises:
        StoreError: the object store failed.
        UnavailableError: too many workers change it at once.
    """
    for attempt in range(_TRIES):
        found = store.get_versioned(key)
        changed = edit(type(empty).model_validate_json(found[0]) if found is not None else empty)
        if changed is None:
            return False
        body = changed.model_dump_json().encode()
        if found is None:
            done = store.put_if_absent(key, body, _JSON) is not None
        else:
            done = store.put_if_unchanged(key, body, _JSON, found[1])
        if done:
            return True
        time.sleep(random.uniform(0, 0.02 * (attempt + 1)))  # noqa: S311 - only to fall out of step with others
    raise UnavailableError(f"{key} changes too fast: {busy}")
