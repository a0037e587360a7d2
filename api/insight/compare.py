"""Two runs side by side: what got worse, what got better, whether chance explains it, and how both sounded."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse

from api.guard.who import VIEW
from api.pages import page
from api.services import Given, Services
from voicewright.records import RecordsError
from voicewright.report.baseline import compare_reports, read_baseline
from voicewright.report.compare import Comparison

router = APIRouter()
_CHOICES = 50
_Id = Annotated[str, Query(max_length=900)]


@router.get("/api/v1/compare", dependencies=VIEW)
async def compare_runs(
    given: Given,
    before: Annotated[str, Query(min_length=1, max_length=900)],
    after: Annotated[str, Query(min_length=1, max_length=900)],
) -> Comparison:
    """Two runs compared; `before` is the baseline."""
    return await asyncio.to_thread(_compared, given, before, after)


@router.get("/compare", dependencies=VIEW, response_class=HTMLResponse)
async def compare_page(request: Request, given: Given, before: _Id = "", after: _Id = "") -> HTMLResponse:
    """The same with the recordings. Without a baseline, the run of the same suite before this one is taken."""
    known = await asyncio.to_thread(_known, given, after)
    baseline = before or (await asyncio.to_thread(_earlier, given, after) if after else "")
    found = await asyncio.to_thread(_compared, given, baseline, after) if baseline and after else None
    return page(request, "compare.html", found=found, before=baseline, after=after, known=known)


def _compared(given: Services, before: str, after: str) -> Comparison:
    one, other = (read_baseline(given.store, run_id, None) for run_id in (before, after))
    if one.suite.name != other.suite.name:
        raise HTTPException(409, f"{before} is a run of {one.suite.name}, {after} one of {other.suite.name}")
    return compare_reports(given.store, one, other)


def _known(given: Services, of: str) -> list[str]:
    """Ids of runs to choose from, the newest first: those of the same suite, where a run is named. Blocking."""
    if given.records is None:
        return []
    try:
        return [line.run.run_id for line in given.records.runs(suite=given.records.suite_of(of), limit=_CHOICES).lines]
    except RecordsError:
        return []


def _earlier(given: Services, run_id: str) -> str:
    """The finished run of the same suite before a run; empty where there is none. Blocking."""
    if given.records is None:
        return ""
    return given.records.run_before(run_id) or ""
