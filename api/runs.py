"""Runs: how far they are, their reports, and the recordings of their cases."""

import asyncio
import re

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse

from api.pages import page
from api.services import Given
from voicewright.artifact import case_key, run_key
from voicewright.results import case_results
from voicewright.run import RunProgress

router = APIRouter()
_RANGE = re.compile(r"bytes=(\d*)-(\d*)$")
_PARTS = 3
_REPORT_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "media-src 'self' blob: data: http: https:; img-src data:; frame-ancestors 'none'; base-uri 'none'"
)


@router.get("/", response_class=HTMLResponse)
async def list_runs(request: Request, given: Given) -> HTMLResponse:
    """The newest runs."""
    runs = await given.voicewright.runs(limit=100)
    return page(request, "runs.html", runs=runs, waiting=await given.voicewright.review_backlog())


@router.get("/runs/{run_id:path}", response_class=HTMLResponse)
async def show_run(request: Request, run_id: str, given: Given) -> HTMLResponse:
    """How far a run is, and every finished case."""
    progress = await given.voicewright.progress(run_id)
    results = await asyncio.to_thread(case_results, given.store, run_id)
    return page(request, "run.html", progress=progress, results=results, ui=given.links.ui_url)


@router.get("/api/runs/{run_id:path}")
async def progress(run_id: str, given: Given) -> RunProgress:
    """How far a run is, for programs."""
    return await given.voicewright.progress(run_id)


@router.get("/report/{run_id:path}", response_class=HTMLResponse)
async def report(run_id: str, given: Given) -> Response:
    """The report of a finished run."""
    raw = await asyncio.to_thread(given.store.get_if_present, run_key(run_id, "report.html"))
    if raw is None:
        raise HTTPException(404, f"there is no report of {run_id} yet: it is made when the run has finished")
    return Response(raw, media_type="text/html", headers={"Content-Security-Policy": _REPORT_POLICY})


@router.get("/audio/{case_id:path}")
async def audio(request: Request, case_id: str, given: Given) -> Response:
    """The stereo recording of a case; by ranges, so that a browser can jump in it."""
    run_id, *rest = case_id.rsplit("/", _PARTS)
    if len(rest) != _PARTS or not rest[2].isdecimal():
        raise HTTPException(404, f"{case_id} is not the id of a case")
    key = case_key(run_id, rest[0], rest[1], int(rest[2]), "recording.wav")
    raw = await asyncio.to_thread(given.store.get_if_present, key)
    if raw is None:
        raise HTTPException(404, f"there is no recording of {case_id}")
    headers = {"Accept-Ranges": "bytes", "Cache-Control": "private, max-age=3600"}
    asked = _RANGE.match(request.headers.get("range", ""))
    if asked is None or not any(asked.groups()):
        return Response(raw, media_type="audio/wav", headers=headers)
    first, last = _span(asked[1], asked[2], len(raw))
    if first > last:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{len(raw)}"})
    headers["Content-Range"] = f"bytes {first}-{last}/{len(raw)}"
    return Response(raw[first : last + 1], status_code=206, media_type="audio/wav", headers=headers)


def _span(first: str, last: str, size: int) -> tuple[int, int]:
    """First and last byte of a range as RFC 9110 section 14.1.2 has it; empty when it cannot be satisfied."""
    if not first:
        return max(0, size - int(last)), size - 1
    return int(first), min(int(last), size - 1) if last else size - 1
