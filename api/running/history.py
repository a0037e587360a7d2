"""Runs as the records know them, which forget nothing; and how each case of a suite ended in its last runs."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse
from temporalio.service import RPCError

from api.guard.who import VIEW
from api.pages import page
from api.services import Given, Services, records_of
from voicewright.client import RunEntry
from voicewright.contracts.case import Outcome
from voicewright.contracts.quarantine import Quarantine
from voicewright.records import RecordsError
from voicewright.records.pages import Cursor, History, RunLine, RunPage
from voicewright.store.errors import StoreError
from voicewright.suite.quarantine import quarantined

router = APIRouter()
REVIEW = "review"
"""Beside the outcomes: of cases that wait for a person."""
_SHOWN = (*Outcome, REVIEW)
_PAGE = 50
_LATEST = 100
"""Runs that Temporal is asked for: how they stand, and those of which nothing is recorded."""
_TEMPORAL_S = 5.0
"""The list is shown without Temporal's part of it where that takes longer."""
_MOST_ROWS = 500
_Text = Annotated[str, Query(max_length=2000)]


@dataclass(frozen=True)
class ShownRun:
    """A row of the list. `status` is Temporal's, or made from what is recorded."""

    run_id: str
    suite: str
    status: str
    started_at: datetime
    agent: str = ""
    total: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    took: timedelta | None = None


@router.get("/", dependencies=VIEW, response_class=HTMLResponse)
@router.get("/runs", dependencies=VIEW, response_class=HTMLResponse)
async def list_runs(
    request: Request, given: Given, suite: _Text = "", outcome: _Text = "", before: _Text = ""
) -> HTMLResponse:
    """Runs, the newest first; of one suite, or with a case that ended in one way."""
    if outcome not in {"", *_SHOWN}:
        raise HTTPException(422, f"outcome: must be one of {', '.join(_SHOWN)}")
    place, troubles = Cursor.parse(before) if before else None, []
    latest: list[RunEntry] = []
    waiting = 0
    try:
        async with asyncio.timeout(_TEMPORAL_S):
            latest = await given.voicewright.runs(limit=_LATEST)
            waiting = await given.voicewright.review_backlog()
    except (RPCError, TimeoutError):
        troubles.append("Temporal does not answer: this is how runs stood when they were recorded.")
    found, known = RunPage([], None), set[str]()
    suites: list[str] = []
    try:
        found, suites, known = await asyncio.to_thread(_read, given, suite, outcome, place, latest)
    except RecordsError as error:
        troubles.append(f"{error}. These are the runs that Temporal still knows.")
    shown = [_shown(line, {entry.run_id: entry.status for entry in latest}) for line in found.lines]
    if not (suite or outcome or before):
        shown += [
            ShownRun(one.run_id, one.suite, one.status, one.started_at) for one in latest if one.run_id not in known
        ]
        shown.sort(key=lambda run: run.started_at, reverse=True)
    chosen = {"suite": suite, "outcome": outcome}
    further = {**chosen, "before": str(found.further)} if found.further is not None else {}
    return page(
        request,
        "runs.html",
        runs=shown,
        waiting=waiting,
        troubles=troubles,
        suites=suites,
        outcomes=_SHOWN,
        chosen=chosen,
        older=f"/runs?{_query(further)}" if further else "",
        newest=f"/runs?{_query(chosen)}" if before else "",
    )


def _query(fields: dict[str, str]) -> str:
    return urlencode({name: value for name, value in fields.items() if value})


def _read(
    given: Services, suite: str, outcome: str, before: Cursor | None, latest: list[RunEntry]
) -> tuple[RunPage, list[str], set[str]]:
    """A page, the names of all suites, and which of the latest runs are recorded. Blocking."""
    if given.records is None:
        return RunPage([], None), [], set()
    ended = Outcome(outcome) if outcome and outcome != REVIEW else None
    found = given.records.runs(
        suite=suite or None, outcome=ended, waiting=outcome == REVIEW, before=before, limit=_PAGE
    )
    return found, given.records.suites(), given.records.known([entry.run_id for entry in latest])


def _shown(line: RunLine, statuses: dict[str, str]) -> ShownRun:
    run = line.run
    ended = "cancelled" if run.cancelled else "finished"
    counts = {str(outcome): line.counts[outcome] for outcome in Outcome if outcome in line.counts}
    return ShownRun(
        run_id=run.run_id,
        suite=run.suite.name,
        status=ended if run.ended_at is not None else statuses.get(run.run_id, "unfinished"),
        started_at=run.started_at,
        agent=run.agent,
        total=run.total,
        counts=counts | ({REVIEW: line.waiting} if line.waiting else {}),
        took=line.took,
    )


def _held(given: Services, suite: str) -> dict[str, Quarantine]:
    """Cases in quarantine, by their ids; without them the page still says what it can. Blocking."""
    try:
        return {one.case: one for one in quarantined(given.store, suite) if one.holds()}
    except StoreError:
        return {}


@router.get("/history", dependencies=VIEW, response_class=HTMLResponse)
async def show_history(request: Request, given: Given, suite: _Text = "") -> HTMLResponse:
    """Cases of a suite by its last 20 runs: where something broke, where it was mended, what is flaky."""
    records = records_of(given)
    suites = await asyncio.to_thread(records.suites)
    name = suite or (suites[0] if suites else "")
    found = await asyncio.to_thread(records.history, name) if name else History()
    rows = found.cases[:_MOST_ROWS]
    return page(
        request,
        "history.html",
        suite=name,
        suites=suites,
        runs=found.runs,
        cases=rows,
        held=await asyncio.to_thread(_held, given, name) if name else {},
        more=len(found.cases) - len(rows),
    )
