"""One run: how far it is, its report, and the recordings of its cases."""

import asyncio
import re
from dataclasses import replace
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from ulid import ULID

from api.guard.who import HEAR, VIEW
from api.pages import page
from api.running.start import TO_RERUN
from api.services import Given
from voicewright.client import NotFoundError
from voicewright.contracts.case import case_of
from voicewright.contracts.run import RunProgress
from voicewright.report.build import Links, build_report
from voicewright.report.html import made_here, page_policy
from voicewright.report.results import NoReportError, RunReport, read_report, run_facts, stored_cases
from voicewright.store.keys import case_key, run_key
from voicewright.store.s3 import S3Store

router = APIRouter()
_RANGE = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})$")
_BUILDS = asyncio.Semaphore(1)
"""Reports that are built at the same time; each holds all cases of a run in memory."""


@router.get("/runs/{run_id:path}", dependencies=VIEW, response_class=HTMLResponse)
async def show_run(request: Request, run_id: str, given: Given) -> HTMLResponse:
    """How far a run is, every finished case, and those that wait for a person; also where Temporal has forgotten it."""
    known = True
    try:
        progress = await given.voicewright.progress(run_id)
    except NotFoundError:
        progress, known = progress_of(await asyncio.to_thread(read_report, given.store, run_id)), False
    results, pending = await asyncio.to_thread(stored_cases, given.store, run_id)
    quarantined = await asyncio.to_thread(_quarantined, given.store, run_id)
    again = sum(count for outcome, count in progress.counts.items() if outcome in TO_RERUN)
    return page(
        request,
        "run.html",
        progress=progress,
        results=results,
        pending=pending,
        quarantined=quarantined,
        known=known,
        ui=given.links.ui_url if known else None,
        again=again,
        key=str(ULID()),
    )


def _quarantined(store: S3Store, run_id: str) -> tuple[str, ...]:
    try:
        return run_facts(store, run_id).quarantined
    except NoReportError:  # it is not planned yet
        return ()


def progress_of(report: RunReport) -> RunProgress:
    """How far a run is, by what is stored of it."""
    return RunProgress(
        run_id=report.run_id,
        suite=report.suite,
        agent=report.agent,
        total=report.total,
        reviewing_total=len(report.pending),
        counts=report.counts,
        cancelled=report.cancelled,
        finished=report.finished,
    )


@router.get("/report/{run_id:path}", dependencies=VIEW, response_class=HTMLResponse)
async def report(request: Request, run_id: str, given: Given) -> Response:
    """The report of a run: as it was published, or built now where the run goes on or another version published it.

    Whoever can write to the store can put a page there. The browser runs nothing of it but our own scripts, gives it
    an origin of its own and lets it send no form, so it reaches nothing here. Nor does it send our cookie from there:
    a pass in the address opens the recordings.
    """
    if given.access is not None and not given.passes.is_fresh(request.query_params.get("pass", ""), run_id):
        return RedirectResponse(f"/report/{quote(run_id)}?pass={given.passes.issue(run_id)}", status_code=303)
    raw = await asyncio.to_thread(given.store.get_if_present, run_key(run_id, "report.html"))
    if raw is None or not made_here(raw):
        async with _BUILDS:
            here = replace(given.links, web_url=f"{request.url.scheme}://{request.url.netloc}")
            raw = await asyncio.to_thread(_built, given.store, run_id, here)
    ours = urlsplit(given.links.web_url)
    recordings = f"'self' {ours.scheme}://{ours.netloc} blob:" if ours.netloc else "'self' blob:"
    policy = f"{page_policy()}; media-src {recordings}; frame-ancestors 'none'; sandbox allow-scripts"
    return Response(raw, media_type="text/html", headers={"Content-Security-Policy": policy})


def _built(store: S3Store, run_id: str, links: Links) -> bytes:
    return build_report(store, read_report(store, run_id), links, audio_budget=0).html


@router.get("/audio/{case_id:path}", dependencies=HEAR)
async def audio(request: Request, case_id: str, given: Given) -> Response:
    """The stereo recording of a case; by ranges, so that a browser can jump in it."""
    if (named := case_of(case_id)) is None:
        raise HTTPException(404, f"{case_id} is not the id of a case")
    raw = await asyncio.to_thread(given.store.get_if_present, case_key(*named, "recording.wav"))
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
