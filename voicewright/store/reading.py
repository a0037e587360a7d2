"""Many objects read at once."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from voicewright.store.port import Reader

_READERS = 16


def read_all(store: Reader, keys: Iterable[str]) -> list[bytes | None]:
    """The bytes under each key, in order; None where there is nothing. Blocking."""
    with ThreadPoolExecutor(_READERS) as pool:
        return list(pool.map(store.get_if_present, keys))
