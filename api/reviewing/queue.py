"""What waits for a person, as a list to choose from and as a queue to take the next case from."""

from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.guard.who import VIEW, Decider, Viewer
from api.pages import page
from api.reviewing.reviewers import reviewer
from api.services import Given
from voicewright.client import ReviewEntry, ReviewFilter, ReviewPage, ReviewRefusedError
from voicewright.client.reviews import MAX_PAGE
from voicewright.contracts.base import Contract
from voicewright.contracts.text import Name

router = APIRouter()
_MAX_LANGUAGES = 20
_Limit = Annotated[int, Query(ge=1, le=MAX_PAGE)]
_Cursor = Annotated[str, Query(max_length=4000)]
_Text = Annotated[str, Query(max_length=200)]


def wanted_by(suite: _Text = "", language: _Text = "") -> ReviewFilter:
    """Which part of the queue somebody works on, as addresses and forms have it: languages with commas between."""
    named = (one.strip() for one in language.split(","))
    languages = tuple(dict.fromkeys(one for one in named if one))[:_MAX_LANGUAGES]
    return ReviewFilter(suite=suite.strip(), languages=languages)


_Wanted = Annotated[ReviewFilter, Depends(wanted_by)]


@router.get("/reviews", response_class=HTMLResponse)
async def list_reviews(
    request: Request,
    given: Given,
    who: Viewer,
    wanted: _Wanted,
    limit: _Limit = 100,
    after: _Cursor = "",
    decided: Annotated[str, Query(max_length=900)] = "",
    empty: Annotated[str, Query(max_length=10)] = "",
) -> HTMLResponse:
    """Cases that wait for a person, the longest waiting first."""
    found = await given.voicewright.review_page(limit=limit, after=after, wanted=wanted)
    waiting = await given.voicewright.review_backlog(wanted)
    return page(
        request,
        "reviews.html",
        reviews=found.entries,
        waiting=waiting,
        wanted=wanted,
        me=reviewer(who, ""),
        decided=decided,
        empty=empty,
        following=_following("/reviews", limit, wanted, found),
        first=not after,
    )


@router.get("/api/v1/reviews", dependencies=VIEW)
async def reviews(
    given: Given, response: Response, wanted: _Wanted, limit: _Limit = 100, after: _Cursor = ""
) -> tuple[ReviewEntry, ...]:
    """The same list for programs; the header `Link` (RFC 8288) has the address of the next page."""
    found = await given.voicewright.review_page(limit=limit, after=after, wanted=wanted)
    if following := _following("/api/v1/reviews", limit, wanted, found):
        response.headers["Link"] = f'<{following}>; rel="next"'
    return found.entries


def _following(path: str, limit: int, wanted: ReviewFilter, found: ReviewPage) -> str:
    """Address of the page after `found`; empty at the end."""
    if not found.following:
        return ""
    return f"{path}?{urlencode({'limit': limit, 'after': found.following, **_chosen(wanted)})}"


def _chosen(wanted: ReviewFilter) -> dict[str, str]:
    """A filter as fields of an address."""
    fields = {"suite": wanted.suite, "language": ",".join(wanted.languages)}
    return {name: value for name, value in fields.items() if value}


@router.post("/reviews/next")
async def take_next(
    given: Given,
    who: Decider,
    suite: Annotated[str, Form(max_length=200)] = "",
    language: Annotated[str, Form(max_length=200)] = "",
    skip: Annotated[str, Form(max_length=900)] = "",
    typed: Annotated[str, Form(alias="reviewer", max_length=200)] = "",
) -> Response:
    """Claim the case that has waited longest, and show it. A case that is skipped is given back first."""
    return await go_on(given, reviewer(who, typed), wanted_by(suite, language), skip)


async def go_on(given: Given, name: str, wanted: ReviewFilter, skipped: str = "", decided: str = "") -> Response:
    """To the next case of a queue, or back to its list where there is none."""
    if skipped:
        try:
            await given.voicewright.release(skipped, name)
        except ReviewRefusedError:
            skipped = ""  # it is decided, or somebody else's by now
    found = await given.voicewright.claim_next(name, wanted, after=skipped or decided)
    if found is not None:
        return to_case(found, wanted, decided)
    fields = {**_chosen(wanted), **({"decided": decided} if decided else {}), "empty": "true"}
    return RedirectResponse(f"/reviews?{urlencode(fields)}", status_code=303)


def to_case(case_id: str, wanted: ReviewFilter, decided: str = "") -> Response:
    """To the page of a case, which keeps the part of the queue that somebody works on."""
    query = urlencode({**_chosen(wanted), **({"decided": decided} if decided else {})})
    return RedirectResponse(f"/reviews/{quote(case_id)}" + (f"?{query}" if query else ""), status_code=303)


class NextWanted(Contract):
    """From which cases the next one is taken; empty fields mean any."""

    suite: Name = ""
    languages: tuple[Name, ...] = ()
    after: str = ""
    """Id of a case that is skipped, with all that wait longer."""
    reviewer: Name = ""
    """Only where nobody logs in."""


class ClaimedCase(Contract):
    """A case that is kept for who asked."""

    workflow_id: str
    address: str


@router.post("/api/v1/reviews/next")
async def claim_next(given: Given, who: Decider, asked: NextWanted | None = None) -> ClaimedCase | None:
    """Claim the case that has waited longest; `null` where nothing waits that this person may decide."""
    asked = asked or NextWanted()
    wanted = ReviewFilter(suite=asked.suite, languages=asked.languages[:_MAX_LANGUAGES])
    found = await given.voicewright.claim_next(reviewer(who, asked.reviewer), wanted, after=asked.after)
    return ClaimedCase(workflow_id=found, address=f"/reviews/{quote(found)}") if found is not None else None
