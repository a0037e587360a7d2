"""The records as steps write them: at once where the database answers, and later where it does not.

A result is in the object store before it is recorded, so nothing is lost meanwhile. What cannot be recorded at once is
handed to Temporal as a workflow of its own (`CatchUpRecords`), which tries until it can; no case and no run waits.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable

from temporalio.client import Client

from voicewright.client.records import record_later
from voicewright.contracts.case import CaseKey
from voicewright.contracts.records import RecordRequest
from voicewright.records import RecordsError
from voicewright.report.recording import Recorder
from voicewright.report.results import NoReportError

_log = logging.getLogger("voicewright.records")
_PATIENCE_S = 5.0
"""A step waits no longer for the database: it has little time itself."""
_REST_S = 15.0
"""After a failure the database is not asked for so long: a server that hangs would hold up every step."""


class LiveRecords:
    """`Recording` in a database.

    Args:
        recorder: reads the store and writes the tables.
        temporal: keeps what is to be recorded later.
        patience_s: how long a step waits for the database, in s.
        rest_s: how long the database is left alone after a failure, in s.
    """

    def __init__(
        self, recorder: Recorder, temporal: Client, *, patience_s: float = _PATIENCE_S, rest_s: float = _REST_S
    ) -> None:
        self._recorder = recorder
        self._temporal = temporal
        self._patience_s = patience_s
        self._rest_s = rest_s
        self._rests_until = 0.0

    async def run(self, run_id: str) -> None:
        """See `Recording`."""
        await self._now_or_later(lambda: self._recorder.run(run_id), RecordRequest(run_id=run_id))

    async def case(self, run_id: str, key: CaseKey) -> None:
        """See `Recording`."""
        await self._now_or_later(lambda: self._recorder.case(run_id, key), RecordRequest(run_id=run_id))

    async def defects(self, ids: Iterable[str]) -> None:
        """See `Recording`."""
        for defect_id in ids:
            await self._now_or_later(
                lambda defect_id=defect_id: self._recorder.defect(defect_id),  # type: ignore[misc]
                RecordRequest(defect=defect_id),
            )

    def catch_up(self, request: RecordRequest) -> None:
        """See `Recording`."""
        if request.run_id:
            self._recorder.run_with_cases(request.run_id)
        if request.defect:
            self._recorder.defect(request.defect)

    async def _now_or_later(self, record: Callable[[], None], request: RecordRequest) -> None:
        if time.monotonic() >= self._rests_until:
            try:
                async with asyncio.timeout(self._patience_s):
                    await asyncio.to_thread(record)
            except RecordsError as error:
                _log.warning("recorded later: %s", error)
            except TimeoutError:
                _log.warning("recorded later: the database does not answer for %.0f s", self._patience_s)
            except (NoReportError, ValueError) as error:  # as it is stored, no try will help
                _log.error("cannot be recorded: %s", error)
                return
            else:
                return
            self._rests_until = time.monotonic() + self._rest_s
        await record_later(self._temporal, request)
