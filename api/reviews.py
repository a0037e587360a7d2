"""The validator's form: what waits for a human, everything about one case, pass or fail with a note."""

import asyncio
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.pages import page
from api.services import Given, Services
from voicewright.case import CaseState
from voicewright.client import ReviewEntry, ReviewRefusedError
from voicewright.report.view import CaseView, read_suite, view_of_state
from voicewright.review import ReviewDecision, ReviewSubmission

router = APIRouter()
_REFUSED = 409
_MAX_NOTE = 2000


@router.get("/reviews", response_class=HTMLResponse)
async def list_reviews(request: Request, given: Given) -> HTMLResponse:
    """Cases that wait for a human, the longest waiting first."""
    return page(request, "reviews.html", reviews=await given.voicewright.reviews())


@router.get("/reviews/{case_id:path}", response_class=HTMLResponse)
async def show_review(request: Request, case_id: str, given: Given) -> HTMLResponse:
    """One case: both sides' audio, the words, what was expected, why the machine is unsure."""
    return await _form(request, case_id, given)


@router.post("/reviews/{case_id:path}")
async def decide(
    request: Request,
    case_id: str,
    given: Given,
    verdict: Annotated[str, Form()] = "",
    reviewer: Annotated[str, Form(max_length=200)] = "",
    note: Annotated[str, Form(max_length=_MAX_NOTE)] = "",
) -> Response:
    """Decide; a refusal is shown above the form with what was typed still in it."""
    submission = ReviewSubmission(verdict=verdict, reviewer=reviewer, note=note)
    try:
        await given.voicewright.decide(case_id, submission)
    except ReviewRefusedError as error:
        return await _form(request, case_id, given, refused=str(error), typed=submission)
    return RedirectResponse(f"/reviews/{quote(case_id)}", status_code=303)


async def _form(
    request: Request,
    case_id: str,
    given: Services,
    *,
    refused: str = "",
    typed: ReviewSubmission | None = None,
) -> HTMLResponse:
    state = await given.voicewright.case(case_id)
    view = await asyncio.to_thread(_view, given, case_id, state)
    return page(
        request,
        "review.html",
        status=_REFUSED if refused else 200,
        view=view.model_dump(mode="json", exclude_defaults=True),
        case_id=case_id,
        state=state,
        ui=given.links.ui_url,
        refused=refused,
        typed=typed or ReviewSubmission(),
    )


def _view(given: Services, case_id: str, state: CaseState) -> CaseView:
    suite = read_suite(given.store, state.suite) if state.suite is not None else None
    view = view_of_state(given.store, case_id, state, suite)
    audio = f"/audio/{quote(case_id)}" if state.call is not None else ""
    return view.model_copy(update={"audio": audio})


@router.get("/api/reviews")
async def reviews(given: Given) -> list[ReviewEntry]:
    """The same list for programs."""
    return await given.voicewright.reviews()


@router.get("/api/reviews/{case_id:path}")
async def review(case_id: str, given: Given) -> CaseView:
    """One case for programs."""
    return await asyncio.to_thread(_view, given, case_id, await given.voicewright.case(case_id))


@router.post("/api/reviews/{case_id:path}")
async def submit(case_id: str, submission: ReviewSubmission, given: Given) -> ReviewDecision:
    """Decide; 409 with the reason when that is refused."""
    return await given.voicewright.decide(case_id, submission)
