"""Suites in the object store: pushed once per version, read by every step of every case."""

import asyncio
from functools import lru_cache
from threading import Lock

from activities.errors import BadInputError
from voicewright.contracts.case import CaseKey, CaseRequest, SuiteRef
from voicewright.store.keys import suite_version_key
from voicewright.store.port import ObjectStore
from voicewright.suite import AgentTarget, Suite
from voicewright.suite.format.spoken import SpokenCase, spoken
from voicewright.suite.library import resolve
from voicewright.suite.reading.file import SuiteError, parse_suite

_CACHED = 64


class SuiteLibrary:
    """Read-only view with a cache: a version never changes."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._lock = Lock()
        self._load = lru_cache(maxsize=_CACHED)(self._read)

    async def suite(self, ref: SuiteRef) -> Suite:
        """The suite of a pinned version.

        Raises:
            BadInputError: it is not stored, or this worker is too old to read it.
        """
        return await asyncio.to_thread(self._locked_load, ref.name, ref.version)

    async def case(self, request: CaseRequest) -> tuple[Suite, SpokenCase, AgentTarget]:
        """What a step needs: the suite, its case in the language in which it is spoken, and whom to call."""
        suite = await self.suite(request.suite)
        return suite, spoken_case(suite, request.key), target(suite, request.agent_url)

    async def pin(self, name: str) -> SuiteRef:
        """The version that a name means now.

        Raises:
            BadInputError: no such suite; the message lists those that there are.
        """
        try:
            return await asyncio.to_thread(resolve, self._store, name)
        except KeyError as error:
            raise BadInputError(str(error.args[0])) from None

    def _locked_load(self, name: str, version: str) -> Suite:
        with self._lock:  # one worker thread parses a large suite, the others wait for it
            return self._load(name, version)

    def _read(self, name: str, version: str) -> Suite:
        raw = self._store.get_if_present(suite_version_key(name, version))
        if raw is None:
            raise BadInputError(f"version {version[:12]} of suite {name!r} is not stored: push it again")
        try:
            return parse_suite(raw, f"{name}@{version[:12]}")
        except SuiteError as error:
            raise BadInputError(f"this worker cannot read the suite; is it older than the client? {error}") from None


def spoken_case(suite: Suite, key: CaseKey) -> SpokenCase:
    """A case of a suite in the language in which it is spoken.

    Raises:
        BadInputError: the suite has no such case.
    """
    try:
        return spoken(suite.case(key.case), key.language)
    except KeyError:
        raise BadInputError(f"the suite {suite.suite} has no case {key.case!r}") from None


def target(suite: Suite, agent_url: str | None) -> AgentTarget:
    """Whom to call: the suite's agent, perhaps at another address.

    Raises:
        BadInputError: the suite's channel cannot call that address.
    """
    try:
        return suite.agent if agent_url is None else suite.agent.at(agent_url)
    except ValueError as error:
        raise BadInputError(str(error)) from None
