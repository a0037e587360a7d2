"""A reference to what lies in the object store.

Audio, transcripts and reports never travel through Temporal: they are stored once and passed on by reference.
"""

from voicewright.contracts.base import Contract


class ArtifactRef(Contract):
    """A stored object. `uri` is `s3://bucket/key`; `sha256` is the lower-case hex digest of its bytes."""

    uri: str
    sha256: str
    size_bytes: int
    media_type: str

    @property
    def key(self) -> str:
        """The key inside the bucket."""
        return self.uri.removeprefix("s3://").split("/", 1)[1]
