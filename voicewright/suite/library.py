"""Registered suites: which there are, which version a name means, and how a new one gets in."""

import hashlib
import json
from datetime import UTC, datetime
from difflib import get_close_matches

from ulid import ULID

from voicewright.contracts.base import Contract
from voicewright.contracts.case import SuiteRef
from voicewright.contracts.text import Name
from voicewright.store.keys import suite_latest_key, suite_pushed_key, suite_version_key
from voicewright.store.port import RecordStore
from voicewright.suite import Suite

_PREFIX = "suites/"
_MIN_VERSION_DIGITS = 8


class SuiteEntry(Contract):
    """The newest version of a registered suite. `pushed_at` is ISO 8601, UTC."""

    name: str
    version: str
    cases: int
    description: str
    pushed_at: str
    pushed_by: Name = ""
    """Empty where nobody was logged in."""


def push(store: RecordStore, suite: Suite, raw: bytes, by: str = "") -> SuiteEntry:
    """Register a suite under its name. The same text pushed twice is one version.

    Args:
        store: where to.
        suite: what was read.
        raw: its text.
        by: who pushes it.
    """
    version = hashlib.sha256(raw).hexdigest()
    store.put_if_absent(suite_version_key(suite.suite, version), raw, "application/yaml")
    entry = SuiteEntry(
        name=suite.suite,
        version=version,
        cases=len(suite.cases),
        description=suite.description,
        pushed_at=datetime.now(UTC).isoformat(timespec="seconds"),
        pushed_by=by,
    )
    body = entry.model_dump_json().encode()
    store.put(suite_pushed_key(suite.suite, str(ULID())), body, "application/json")
    store.put(suite_latest_key(suite.suite), body, "application/json")
    return entry


def pushes(store: RecordStore, name: str, limit: int = 50) -> list[SuiteEntry]:
    """What was pushed of a suite, the newest first; a version that was pushed again right away is listed once."""
    keys = sorted(store.list_keys(suite_pushed_key(name, "").removesuffix(".json")), reverse=True)
    raws = (store.get_if_present(key) for key in keys[: 2 * limit])
    found: list[SuiteEntry] = []
    for entry in (SuiteEntry.model_validate(json.loads(raw)) for raw in raws if raw is not None):
        if found and found[-1].version == entry.version:
            found[-1] = entry  # the first time counts
        else:
            found.append(entry)
    return found[:limit]


def text_of(store: RecordStore, suite: SuiteRef) -> str:
    """The text of a version.

    Raises:
        KeyError: it is gone; its only argument is a sentence for the person who asked.
    """
    raw = store.get_if_present(suite_version_key(suite.name, suite.version))
    if raw is None:
        message = f"the version {suite.version[:12]} of {suite.name} is not stored any more"
        raise KeyError(message)
    return raw.decode(errors="replace")


def entries(store: RecordStore) -> list[SuiteEntry]:
    """All registered suites, by name."""
    keys = [key for key in store.list_keys(_PREFIX) if key.endswith("/latest.json")]
    raws = (store.get_if_present(key) for key in keys)
    return [SuiteEntry.model_validate(json.loads(raw)) for raw in raws if raw is not None]


def resolve(store: RecordStore, name: str) -> SuiteRef:
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
