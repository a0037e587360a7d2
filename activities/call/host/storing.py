"""What a call leaves, brought into the store.

Nobody can hold a call again, so a store that is full or away is waited for, and the recording lies on this worker's
disk until it is stored: a later try that comes here finds it there.
"""

import asyncio
import hashlib
import logging
import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from voicewright.contracts.artifact import ArtifactRef
from voicewright.contracts.call import CallRecord
from voicewright.contracts.case import CaseRequest
from voicewright.store.errors import StoreError
from voicewright.store.keys import case_file
from voicewright.store.port import ObjectStore

PATIENCE_S = 600.0
"""How long one try waits for the store before a call, and again after it. `workflows/policies.py` gives a try more."""
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 15.0
_KEPT_S = 3 * 86_400
"""What nobody asked for any more is removed after so long: it is what people said."""
_SOUND, _RECORD = "recording.wav", "call.json"
_JSON = "application/json"
_log = logging.getLogger("voicewright.calls")
T = TypeVar("T")


class Patience:
    """Waits for a store that does not do what is asked, all waits together for `patience_s` at most."""

    def __init__(self, patience_s: float) -> None:
        self._until = time.monotonic() + patience_s

    async def ask(self, work: Callable[[], T]) -> T:
        """What blocking `work` returns; see `wait`."""
        return await self.wait(lambda: asyncio.to_thread(work))

    async def wait(self, work: Callable[[], Awaitable[T]]) -> T:
        """What `work` gives, tried until the store does it.

        Raises:
            StoreError: it did not in all the time that there is.
        """
        wait_s = _FIRST_WAIT_S
        while True:
            try:
                return await work()
            except StoreError as error:
                if time.monotonic() + wait_s > self._until:
                    raise
                _log.warning("waiting for the store: %s", error)
            await asyncio.sleep(wait_s)
            wait_s = min(_LONGEST_WAIT_S, 2 * wait_s)


class HeldCalls:
    """The calls of this worker that are on their way into the store.

    Args:
        store: where they go.
        folder: where their recordings lie meanwhile, readable for this user alone.
    """

    def __init__(self, store: ObjectStore, folder: Path) -> None:
        self._store = store
        self._folder = folder
        self._expire()

    async def deliver(self, case: CaseRequest, record: CallRecord, wav: bytes, patience: Patience) -> ArtifactRef:
        """Store a call, the record last; returns the record's reference.

        Raises:
            StoreError: the store did not take it in time; it stays on the disk.
        """
        await asyncio.to_thread(self._keep, case, record, wav)
        await patience.ask(lambda: self._store.put(case_file(case, _SOUND), wav, "audio/wav"))
        body = record.model_dump_json().encode()
        ref = await patience.ask(lambda: self._store.put(case_file(case, _RECORD), body, _JSON))
        await asyncio.to_thread(self.drop, case)
        return ref

    def kept(self, case: CaseRequest) -> tuple[CallRecord, bytes] | None:
        """A call of an earlier try that was held here and not stored; blocking."""
        folder = self._of(case)
        try:
            record = CallRecord.model_validate_json((folder / _RECORD).read_bytes())
            return record, (folder / _SOUND).read_bytes()
        except (OSError, ValueError):
            return None

    def drop(self, case: CaseRequest) -> None:
        """Remove what lies here of a case; blocking."""
        shutil.rmtree(self._of(case), ignore_errors=True)

    def _keep(self, case: CaseRequest, record: CallRecord, wav: bytes) -> None:
        """The record is written last, so that a call is either here as a whole or not at all."""
        folder = self._of(case)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
            for name, body in ((_SOUND, wav), (_RECORD, record.model_dump_json().encode())):
                fresh = folder / f"{name}.new"
                fresh.touch(mode=0o600)
                fresh.write_bytes(body)
                fresh.replace(folder / name)
        except OSError as error:  # the store may well take it at once
            _log.warning("a recording cannot be kept in %s until it is stored: %s", self._folder, error.strerror)

    def _of(self, case: CaseRequest) -> Path:
        return self._folder / hashlib.sha256(case.workflow_id.encode()).hexdigest()[:32]

    def _expire(self) -> None:
        try:
            found = list(self._folder.iterdir())
            old = [one for one in found if one.stat().st_mtime < time.time() - _KEPT_S]
        except OSError:
            return
        for one in old:
            shutil.rmtree(one, ignore_errors=True)
