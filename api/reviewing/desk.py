"""One case that waits for a person: everything about it, its claim, and the decision."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.guard.who import VIEW, Decider, Viewer, noted
from api.pages import page
from api.reviewing.queue import go_on, to_case, wanted_by
from api.reviewing.reviewers import reviewer
from api.services import Given, Services
from voicewright.client import ReviewRefusedError
from voicewright.contracts.access import AuditAction, Identity, Permission
from voicewright.contracts.base import Contract
from voicewright.contracts.case import CaseState
from voicewright.contracts.review import (
    LEASE_MS,
    MAX_LEASE_MS,
    FailCategory,
    ReviewDecision,
    ReviewLease,
    ReviewSubmission,
    Severity,
)
from voicewright.contracts.text import Name
from voicewright.records import RecordsError
from voicewright.records.pages import CaseCell
from voicewright.report.view import CaseView, read_case, view_of_state

router = APIRouter()
_REFUSED = 409
_MAX_NOTE = 4000
_LAST = 10
_Id = Annotated[str, Query(max_length=900)]
_Short = Annotated[str, Form(max_length=200)]
_Text = Annotated[str, Query(max_length=200)]


@router.post("/reviews/{case_id:path}/claim")
async def change_claim(
    case_id: str,
    given: Given,
    who: Decider,
    action: _Short = "claim",
    to: _Short = "",
    typed: Annotated[str, Form(alias="reviewer", max_length=200)] = "",
    suite: _Short = "",
    language: _Short = "",
) -> Response:
    """Claim the case, give it back, or assign it to somebody."""
    name = reviewer(who, typed)
    if action == "release":
        await given.voicewright.release(case_id, name, take=who.may(Permission.MANAGE))
    elif action == "assign":
        await _claimed(given, who, case_id, to.strip(), take=True, lease_ms=MAX_LEASE_MS)
    else:
        await _claimed(given, who, case_id, name)
    return to_case(case_id, wanted_by(suite, language))


class WantedClaim(Contract):
    """How a case is to be claimed."""

    lease_ms: int = LEASE_MS
    reviewer: Name = ""
    """Somebody else, where a QA lead assigns; or who asks, where nobody logs in."""


@router.post("/api/v1/reviews/{case_id:path}/claim")
async def claim(case_id: str, given: Given, who: Decider, asked: WantedClaim | None = None) -> ReviewLease:
    """Keep the case for whoever asks, or for longer; a QA lead may name somebody else. 409 where another holds it."""
    asked = asked or WantedClaim()
    own = reviewer(who, asked.reviewer).strip()
    name = asked.reviewer.strip() or own
    return await _claimed(given, who, case_id, name, take=name != own, lease_ms=asked.lease_ms)


@router.post("/api/v1/reviews/{case_id:path}/release", status_code=204)
async def release(case_id: str, given: Given, who: Decider, asked: WantedClaim | None = None) -> None:
    """Give the case back to the queue."""
    name = reviewer(who, asked.reviewer if asked is not None else "")
    await given.voicewright.release(case_id, name, take=who.may(Permission.MANAGE))


async def _claimed(
    given: Services, who: Identity, case_id: str, name: str, *, take: bool = False, lease_ms: int = LEASE_MS
) -> ReviewLease:
    if take:
        _needs_lead(who, "assign a case to somebody")
        await noted(given, who, AuditAction.REVIEW_ASSIGNED, case_id, name)
    return await given.voicewright.claim(case_id, name, lease_ms=lease_ms, take=take)


def _needs_lead(who: Identity, what: str) -> None:
    if not who.may(Permission.MANAGE):
        raise HTTPException(403, f"only QA leads and admins {what}")


@router.get("/reviews/{case_id:path}", response_class=HTMLResponse)
async def show_review(
    request: Request,
    case_id: str,
    given: Given,
    who: Viewer,
    suite: _Text = "",
    language: _Text = "",
    decided: _Id = "",
    opinions: _Text = "",
) -> HTMLResponse:
    """One case: both sides' audio, the words, what was expected, why the machine is unsure."""
    queue = {"suite": suite, "language": language}
    return await _form(request, case_id, given, who, queue=queue, decided=decided, show_opinions=opinions == "show")


@router.post("/reviews/{case_id:path}")
async def decide(
    request: Request,
    case_id: str,
    given: Given,
    who: Decider,
    verdict: _Short = "",
    typed: Annotated[str, Form(alias="reviewer", max_length=200)] = "",
    note: Annotated[str, Form(max_length=_MAX_NOTE)] = "",
    category: _Short = "",
    severity: _Short = "",
    overrule: _Short = "",
    then: _Short = "",
    suite: _Short = "",
    language: _Short = "",
) -> Response:
    """Decide; a refusal is shown above the form with what was typed still in it."""
    failed = verdict.strip().lower() == "fail"
    submission = ReviewSubmission(
        verdict=verdict,
        reviewer=reviewer(who, typed),
        note=note,
        category=category if failed else "",
        severity=severity if failed else "",
        overrule=bool(overrule),
    )
    queue = {"suite": suite, "language": language}
    try:
        await _decided(given, who, case_id, submission)
    except ReviewRefusedError as error:
        return await _form(request, case_id, given, who, queue=queue, refused=str(error), typed=submission)
    if then == "next":
        return await go_on(given, submission.reviewer, wanted_by(suite, language), decided=case_id)
    return RedirectResponse(f"/reviews/{quote(case_id)}", status_code=303)


async def _form(
    request: Request,
    case_id: str,
    given: Services,
    who: Identity,
    *,
    queue: dict[str, str],
    decided: str = "",
    show_opinions: bool = False,
    refused: str = "",
    typed: ReviewSubmission | None = None,
) -> HTMLResponse:
    state = await given.voicewright.case(case_id)
    view, last = await asyncio.gather(
        asyncio.to_thread(_view, given, case_id, state), asyncio.to_thread(_last, given, state)
    )
    lease, name = state.lease, reviewer(who, "")
    given_own = any(one.reviewer == name for one in state.opinions)
    return page(
        request,
        "review.html",
        status=_REFUSED if refused else 200,
        view=view.model_dump(mode="json", exclude_defaults=True),
        case_id=case_id,
        state=state,
        minutes=max(1, round((lease.until - datetime.now(UTC)).total_seconds() / 60)) if lease is not None else 0,
        mine=lease is not None and lease.reviewer == name,
        taken=lease is not None and lease.reviewer != name and bool(name),
        sees_opinions=given_own or not state.waiting or (show_opinions and who.may(Permission.MANAGE)),
        given_own=given_own,
        last=last,
        categories=list(FailCategory),
        severities=list(Severity),
        queue=queue,
        decided=decided,
        ui=given.links.ui_url,
        refused=refused,
        typed=typed or ReviewSubmission(),
    )


def _view(given: Services, case_id: str, state: CaseState) -> CaseView:
    suite = read_case(given.store, state.suite, state.key.case) if state.suite is not None else None
    view = view_of_state(given.store, case_id, state, suite)
    heard = f"{state.run_id}/{state.key}" if state.blind else case_id
    audio = f"/audio/{quote(heard)}" if state.call is not None else ""
    return view.model_copy(update={"audio": audio})


def _last(given: Services, state: CaseState) -> list[CaseCell]:
    """How the same case ended lately, the newest first. Blocking."""
    if given.records is None or state.suite is None or (state.blind and state.waiting):
        return []  # how a case ended before may give away how it ended now
    try:
        return given.records.last_outcomes(state.suite.name, state.key, _LAST)
    except RecordsError:  # the case can be decided all the same
        return []


@router.get("/api/v1/reviews/{case_id:path}", dependencies=VIEW)
async def review(case_id: str, given: Given) -> CaseView:
    """One case for programs."""
    return await asyncio.to_thread(_view, given, case_id, await given.voicewright.case(case_id))


@router.post("/api/v1/reviews/{case_id:path}")
async def submit(case_id: str, submission: ReviewSubmission, given: Given, who: Decider) -> ReviewDecision:
    """Decide; 409 with the reason when that is refused. The reviewer is who is logged in, or the token.

    Where several opinions are wanted, `settled` is false until one verdict has enough of them.
    """
    named = submission.model_copy(update={"reviewer": reviewer(who, submission.reviewer)})
    return await _decided(given, who, case_id, named)


async def _decided(given: Services, who: Identity, case_id: str, submission: ReviewSubmission) -> ReviewDecision:
    if submission.overrule:
        _needs_lead(who, "decide alone what others disagree on")
    await noted(given, who, AuditAction.REVIEW_DECIDED, case_id, submission.verdict)
    return await given.voicewright.decide(case_id, submission)
