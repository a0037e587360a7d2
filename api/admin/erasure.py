"""Erasing what was said in calls: a page for admins, and the same for programs."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from pydantic import Field

from api.guard.who import Eraser, needs, noted
from api.pages import page
from api.services import Given, Services
from voicewright.client import NotFoundError, UnansweredError
from voicewright.client.erasing import erase
from voicewright.contracts.access import AuditAction, Identity, Permission
from voicewright.contracts.base import Contract
from voicewright.contracts.erasure import ErasureReceipt, ErasureRequest
from voicewright.contracts.text import MAX_SENTENCE
from voicewright.erasure.cases import NothingToEraseError, chosen

router = APIRouter()
_MOST = 1_000
_Id = Annotated[str, Field(min_length=1, max_length=900)]


class Erasing(Contract):
    """Which cases to erase, and why."""

    run_id: _Id
    cases: Annotated[tuple[_Id, ...], Field(max_length=_MOST)] = ()
    """Ids of cases of this run; none: all of them."""
    reason: Annotated[str, Field(max_length=MAX_SENTENCE)] = ""


@router.post("/api/v1/erasures")
async def order(asked: Erasing, given: Given, who: Eraser) -> ErasureReceipt:
    """Erase what was said in cases of a run that have ended: recordings, transcripts, evidence, notes.

    Outcomes and times stay. 404 where there is no such run or case; 503 where it takes longer than an answer may: it
    goes on, and asking again gives the receipt.
    """
    return await _erased(given, who, asked)


@router.get("/erasure", dependencies=[needs(Permission.ERASE)])
async def show(request: Request, given: Given, run_id: Annotated[str, Field(max_length=900)] = "") -> Response:
    """A form."""
    return _page(request, given, run_id=run_id)


@router.post("/erasure")
async def order_by_form(
    request: Request,
    given: Given,
    who: Eraser,
    run_id: Annotated[str, Form(max_length=900)] = "",
    case_id: Annotated[str, Form(max_length=900)] = "",
    reason: Annotated[str, Form(max_length=MAX_SENTENCE)] = "",
) -> Response:
    """Erase a run, or one case of it."""
    run_id, case_id = run_id.strip(), case_id.strip()

    def refused(why: str) -> Response:
        return _page(request, given, refused=why, run_id=run_id, case_id=case_id, reason=reason)

    if not run_id:
        return refused("which run? Its id stands on its page")
    asked = Erasing(run_id=run_id, cases=(case_id,) if case_id else (), reason=reason)
    try:
        receipt = await _erased(given, who, asked)
    except (NothingToEraseError, NotFoundError, UnansweredError) as error:
        return refused(str(error))
    return _page(request, given, receipt=receipt)


async def _erased(given: Services, who: Identity, asked: Erasing) -> ErasureReceipt:
    request = ErasureRequest(run_id=asked.run_id, cases=asked.cases, by=who.name, reason=asked.reason)
    await asyncio.to_thread(chosen, given.store, request)
    detail = ", ".join(asked.cases) or "all cases"
    await noted(given, who, AuditAction.CASES_ERASED, asked.run_id, detail[:MAX_SENTENCE])
    return await erase(given.voicewright.temporal, request)


def _page(
    request: Request,
    given: Services,
    *,
    refused: str = "",
    receipt: ErasureReceipt | None = None,
    run_id: str = "",
    case_id: str = "",
    reason: str = "",
) -> Response:
    return page(
        request,
        "erasure.html",
        status=400 if refused else 200,
        refused=refused,
        receipt=receipt,
        days=given.settings.retention_days,
        typed={"run_id": run_id, "case_id": case_id, "reason": reason},
    )
