"""Registered suites: which there are, which version a name means, and how a new one gets in."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Protocol

from voicewright.artifact import ArtifactRef, suite_latest_key, suite_version_key
from voicewright.case import SuiteRef
from voicewright.contract import Contract
from voicewright.suite import Suite

_PREFIX = "suites/"
_MIN_VERSION_DIGITS = 8


class Store(Protocol):
    """The part of an object store that a library needs."""

    def put(self, key: str, body: bytes, media_type: str) -> ArtifactRef:
        """Store, replacing."""

    def put_if_absent(self, key: str, body: bytes, media_type: str) -> ArtifactRef | None:
        """Store unless there is something."""

    def get_if_present(self, key: str) -> bytes | None:
        """Read, or None."""

    def list_keys(self, prefix: str) -> Iterator[str]:
        """Keys with a prefix."""


class SuiteEntry(Contract):
    """The newest version of a registered suite. `pushed_at` is ISO 8601, UTC."""

    name: str
    version: str
    cases: int
    description: str
    pushed_at: str


def push(store: Store, suite: Suite, raw: bytes) -> SuiteEntry:
    """Register a suite under its name. The same text pushed twice is one version."""
    version = hashlib.sha256(raw).hexdigest()
    store.put_if_absent(suite_version_key(suite.suite, version), raw, "application/yaml")
    entry = SuiteEntry(
        name=suite.suite,
        version=version,
        cases=len(suite.cases),
        description=suite.description,
        pushed_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    store.put(suite_latest_key(suite.suite), entry.model_dump_json().encode(), "application/json")
    return entry


def entries(store: Store) -> list[SuiteEntry]:
    """All registered suites, by name."""
    keys = [key for key in store.list_keys(_PREFIX) if key.endswith("/latest.json")]
    raws = (store.get_if_present(key) for key in keys)
    return [SuiteEntry.model_validate(json.loads(raw)) for raw in raws if raw is not None]


def resolve(store: Store, name: str) -> SuiteRef:
    """What `name` or `name@version` means.

    Raises:
        KeyError: nothing; its only argument is a sentence for the person who asked.
    """
    base, _, wanted = name.partition("@")
    if wanted:
        if len(wanted) < _MIN_VERSION_DIGITS:
            message = f"{name!r}: give at least {_MIN_VERSION_DIGITS} digits of the version"
            raise KeyError(message)
        prefix = suite_version_key(base, wanted).removesuffix(".yaml")
        versions = [key.rsplit("/", 1)[1].removesuffix(".yaml") for key in store.list_keys(prefix)]
        if len(versions) != 1:
            found = "is not registered" if not versions else "fits several versions: give more digits"
            message = f"{name!r} {found}; `voicewright suites list` shows what there is"
            raise KeyError(message)
        return SuiteRef(name=base, version=versions[0])
    raw = store.get_if_present(suite_latest_key(base))
    if raw is None:
        names = [entry.name for entry in entries(store)]
        guess = get_close_matches(base, names, 1)
        hint = f"did you mean {guess[0]!r}? " if guess else ""
        known = ", ".join(names) or "none yet; `voicewright suites push FILE` registers one"
        message = f"no suite {base!r} is registered: {hint}registered: {known}"
        raise KeyError(message)
    entry = SuiteEntry.model_validate(json.loads(raw))
    return SuiteRef(name=entry.name, version=entry.version)
