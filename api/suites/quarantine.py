"""Quarantine of a suite's cases: a page, and the same for programs."""

import asyncio
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import Field

from api.guard.who import VIEW, Manager, noted
from api.pages import page
from api.services import Given, Services
from api.suites.library import found
from voicewright.contracts.access import AuditAction, Identity
from voicewright.contracts.base import Contract
from voicewright.contracts.quarantine import MOST_DAYS, Quarantine
from voicewright.contracts.text import MAX_NAME, MAX_SENTENCE
from voicewright.suite.quarantine import QuarantineError, for_case, put_in, quarantined, take_out

router = APIRouter()
_DAYS = 14


class ToQuarantine(Contract):
    """Why a case gates nothing for a time, and who sees to it."""

    reason: Annotated[str, Field(min_length=1, max_length=MAX_SENTENCE)]
    owner: Annotated[str, Field(max_length=MAX_NAME)] = ""
    """By default, who asks."""
    days: Annotated[int, Field(ge=1, le=MOST_DAYS)] = _DAYS


@router.get("/api/v1/suites/{name}/quarantine", dependencies=VIEW)
async def list_quarantined(name: str, given: Given) -> list[Quarantine]:
    """Cases of a suite in quarantine; also those whose last day (`until`) is over."""
    await asyncio.to_thread(found, given.store, name)
    return list(await asyncio.to_thread(quarantined, given.store, name))


@router.put("/api/v1/suites/{name}/quarantine/{case}")
async def put(name: str, case: str, asked: ToQuarantine, given: Given, who: Manager) -> Quarantine:
    """Put a case into quarantine, or renew what was said of it: it is held and reported, and gates nothing."""
    await asyncio.to_thread(found, given.store, name)
    try:
        return await _put(given, who, name, case, asked)
    except QuarantineError as error:
        raise HTTPException(422, str(error)) from None


@router.delete("/api/v1/suites/{name}/quarantine/{case}")
async def take(name: str, case: str, given: Given, who: Manager) -> Quarantine:
    """Take a case out of quarantine; the answer is how it was in it."""
    await asyncio.to_thread(found, given.store, name)
    try:
        return await _taken(given, who, name, case)
    except QuarantineError as error:
        raise HTTPException(404, str(error)) from None


@router.get("/suites/{name}/quarantine", dependencies=VIEW, response_class=HTMLResponse)
async def quarantine_page(
    request: Request, name: str, given: Given, case: Annotated[str, Field(max_length=MAX_NAME)] = ""
) -> HTMLResponse:
    """Cases in quarantine, and a form."""
    return await _page(request, given, name, case=case)


@router.post("/suites/{name}/quarantine", response_class=HTMLResponse)
async def put_by_form(
    request: Request,
    name: str,
    given: Given,
    who: Manager,
    case: Annotated[str, Form(max_length=MAX_NAME)] = "",
    reason: Annotated[str, Form(max_length=MAX_SENTENCE)] = "",
    owner: Annotated[str, Form(max_length=MAX_NAME)] = "",
    days: Annotated[int, Form(ge=1, le=MOST_DAYS)] = _DAYS,
) -> Response:
    """Put a case into quarantine, or say what is missing."""
    await asyncio.to_thread(found, given.store, name)
    try:
        asked = ToQuarantine.model_construct(reason=reason, owner=owner, days=days)
        await _put(given, who, name, case.strip(), asked)
    except QuarantineError as error:
        return await _page(request, given, name, case=case, reason=reason, owner=owner, days=days, refused=str(error))
    return _back(name)


@router.post("/suites/{name}/quarantine/remove")
async def take_by_form(
    request: Request, name: str, given: Given, who: Manager, case: Annotated[str, Form(max_length=MAX_NAME)] = ""
) -> Response:
    """Take a case out of quarantine."""
    await asyncio.to_thread(found, given.store, name)
    try:
        await _taken(given, who, name, case)
    except QuarantineError as error:
        return await _page(request, given, name, refused=str(error))
    return _back(name)


async def _put(given: Services, who: Identity, name: str, case: str, asked: ToQuarantine) -> Quarantine:
    me = who.signature

    def checked() -> Quarantine:
        owner = asked.owner.strip() or me
        return for_case(given.store, name, case, owner=owner, reason=asked.reason, days=asked.days, by=me)

    held = await asyncio.to_thread(checked)
    await noted(given, who, AuditAction.CASE_QUARANTINED, f"{name}/{case}", f"until {held.until}: {held.reason}")
    await asyncio.to_thread(put_in, given.store, name, held)
    return held


async def _taken(given: Services, who: Identity, name: str, case: str) -> Quarantine:
    await noted(given, who, AuditAction.QUARANTINE_ENDED, f"{name}/{case}"[:MAX_SENTENCE])
    return await asyncio.to_thread(take_out, given.store, name, case)


def _back(name: str) -> Response:
    return RedirectResponse(f"/suites/{quote(name, safe='')}/quarantine", status_code=303)


async def _page(
    request: Request,
    given: Services,
    name: str,
    *,
    case: str = "",
    reason: str = "",
    owner: str = "",
    days: int = _DAYS,
    refused: str = "",
) -> HTMLResponse:
    suite = await asyncio.to_thread(found, given.store, name)
    return page(
        request,
        "quarantine.html",
        status=422 if refused else 200,
        suite=suite,
        held=await asyncio.to_thread(quarantined, given.store, name),
        case=case,
        reason=reason,
        owner=owner,
        days=days,
        most=MOST_DAYS,
        refused=refused,
    )
