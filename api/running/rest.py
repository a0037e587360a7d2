"""Runs for programs: list them, read their cases, cancel them, run again what failed."""

import asyncio
from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from api.guard.who import VIEW, Runner, noted
from api.running.page import progress_of
from api.running.start import RunKey, StartedRun, rerun_of
from api.services import Given, records_of
from voicewright.client import NotFoundError
from voicewright.contracts.access import AuditAction
from voicewright.contracts.base import Contract
from voicewright.contracts.case import CaseResult, Outcome
from voicewright.contracts.run import RunProgress
from voicewright.contracts.text import Name
from voicewright.records.pages import Cursor
from voicewright.report.results import read_report, some_results

router = APIRouter()
_Page = Annotated[int, Query(ge=1, le=200)]


class RunView(BaseModel):
    """A run in a list. `counts` has its finished cases by outcome, `waiting` those that wait for a person."""

    run_id: str
    suite: str
    version: str
    agent: str
    branch: str
    commit: str
    total: int
    counts: dict[Outcome, int]
    waiting: int
    started_at: datetime
    ended_at: datetime | None
    cancelled: bool


@router.get("/api/v1/runs", dependencies=VIEW)
async def list_runs(
    given: Given,
    response: Response,
    suite: Annotated[str, Query(max_length=200)] = "",
    outcome: Outcome | None = None,
    before: Annotated[str, Query(max_length=2000)] = "",
    limit: _Page = 50,
) -> list[RunView]:
    """Recorded runs, the newest first; of one suite, or with a case that ended so.

    The header `Link` (RFC 8288) has the address of the next page.
    """
    place = Cursor.parse(before) if before else None
    found = await asyncio.to_thread(
        records_of(given).runs, suite=suite or None, outcome=outcome, before=place, limit=limit
    )
    if found.further is not None:
        fields = {"suite": suite, "outcome": outcome or "", "limit": limit, "before": str(found.further)}
        query = urlencode({name: value for name, value in fields.items() if value})
        response.headers["Link"] = f'</api/v1/runs?{query}>; rel="next"'
    return [
        RunView(
            **{**dict(line.run), "suite": line.run.suite.name},
            version=line.run.suite.version,
            counts=line.counts,
            waiting=line.waiting,
        )
        for line in found.lines
    ]


@router.get("/api/v1/runs/{run_id:path}/cases", dependencies=VIEW)
async def cases(
    run_id: str, given: Given, response: Response, offset: Annotated[int, Query(ge=0)] = 0, limit: _Page = 50
) -> list[CaseResult]:
    """Finished cases of a run with their verdicts and evidence, by id. `Link` has the address of the next page."""
    results, count = await asyncio.to_thread(some_results, given.store, run_id, offset, limit)
    if not count:
        await asyncio.to_thread(read_report, given.store, run_id)  # says that there is no such run
    if offset + limit < count:
        response.headers["Link"] = f'<?{urlencode({"offset": offset + limit, "limit": limit})}>; rel="next"'
    return results


@router.post("/api/v1/runs/{run_id:path}/cancel", status_code=202)
async def cancel(run_id: str, given: Given, who: Runner) -> RunProgress:
    """Stop a run: calls in flight hang up, what is done stays."""
    await noted(given, who, AuditAction.RUN_CANCELLED, run_id)
    await given.voicewright.cancel(run_id)
    return await given.voicewright.progress(run_id)


class WantedRerun(Contract):
    """What is to be run again: one case by its id, or all that failed or could not be tested."""

    case: Name = ""
    key: RunKey | None = None
    """A ULID: the same key starts one run, however often it is sent."""


@router.post("/api/v1/runs/{run_id:path}/rerun", status_code=201)
async def rerun(run_id: str, given: Given, who: Runner, asked: WantedRerun | None = None) -> StartedRun:
    """Run again what failed, in the same version of the suite."""
    asked = asked or WantedRerun()
    return await rerun_of(given, who, run_id, asked.case, asked.key or "")


@router.get("/api/v1/runs/{run_id:path}", dependencies=VIEW)
async def progress(run_id: str, given: Given) -> RunProgress:
    """How far a run is; also of one that Temporal has forgotten."""
    try:
        return await given.voicewright.progress(run_id)
    except NotFoundError:
        return progress_of(await asyncio.to_thread(read_report, given.store, run_id))
