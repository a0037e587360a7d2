"""What the rest of Voicewright needs of an object store: as little as each place can do with."""

from collections.abc import Iterator
from typing import Protocol

from voicewright.contracts.artifact import ArtifactRef


class Reader(Protocol):
    """Enough to read what is stored. Blocking, thread-safe. Failures are `voicewright.store.errors.StoreError`."""

    def get_if_present(self, key: str) -> bytes | None:
        """Read, or None."""

    def list_keys(self, prefix: str) -> Iterator[str]:
        """All keys with a prefix, in order."""


class RecordStore(Reader, Protocol):
    """Enough to keep records that several processes change."""

    def put(self, key: str, body: bytes, media_type: str) -> ArtifactRef:
        """Store, replacing."""

    def put_if_absent(self, key: str, body: bytes, media_type: str) -> ArtifactRef | None:
        """Store unless there is something already; None means that somebody was first."""

    def get_versioned(self, key: str) -> tuple[bytes, str] | None:
        """Read with a tag of the content, or None."""

    def put_if_unchanged(self, key: str, body: bytes, media_type: str, tag: str) -> bool:
        """Replace what has that tag; False where it changed meanwhile."""


class ObjectStore(RecordStore, Protocol):
    """All that a step may want."""

    def get(self, key: str) -> bytes:
        """Read; fails where there is nothing."""

    def reference(self, key: str, body: bytes, media_type: str) -> ArtifactRef:
        """How an object of these bytes under `key` is referred to."""

    def delete(self, key: str) -> None:
        """Remove."""
