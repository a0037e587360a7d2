"""Defects: the built-in tracker's pages."""

import asyncio
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.guard.who import VIEW, Manager, noted
from api.pages import page
from api.services import Given
from voicewright.client.records import record_later
from voicewright.contracts.access import ActorKind, AuditAction
from voicewright.contracts.records import RecordRequest
from voicewright.defects.record import Defect, DefectStatus

router = APIRouter()


@router.get("/defects", dependencies=VIEW, response_class=HTMLResponse)
async def list_defects(request: Request, given: Given) -> HTMLResponse:
    """All defects; open ones first, what changed last before the rest."""
    found = await asyncio.to_thread(given.defects.defects)
    found.sort(key=lambda defect: defect.status is DefectStatus.CLOSED)
    return page(request, "defects.html", defects=found)


@router.get("/defects/{defect_id}", dependencies=VIEW, response_class=HTMLResponse)
async def show_defect(request: Request, defect_id: str, given: Given) -> HTMLResponse:
    """One defect with its cases and occurrences."""
    return page(request, "defect.html", defect=await asyncio.to_thread(given.defects.defect, defect_id))


@router.post("/defects/{defect_id}")
async def set_status(
    defect_id: str,
    given: Given,
    who: Manager,
    status: Annotated[DefectStatus, Form()],
    by: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Close or open a defect by hand; an outside tracker hears of it at the next reconciliation."""
    name = by.strip() if who.kind is ActorKind.LOCAL else who.name
    if not name:
        raise HTTPException(422, "by: say who you are")
    await noted(given, who, AuditAction.DEFECT_SET, defect_id, status)
    await asyncio.to_thread(given.defects.set_status, defect_id, status, name)
    await record_later(given.voicewright.temporal, RecordRequest(defect=defect_id))
    return RedirectResponse(f"/defects/{quote(defect_id)}", status_code=303)


@router.get("/api/v1/defects", dependencies=VIEW)
async def defects(given: Given) -> list[Defect]:
    """All defects, for programs."""
    return await asyncio.to_thread(given.defects.defects)
