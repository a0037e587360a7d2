"""Defects: the built-in tracker's pages."""

import asyncio
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.pages import page
from api.services import Given
from voicewright.defect import Defect, DefectStatus

router = APIRouter()


@router.get("/defects", response_class=HTMLResponse)
async def list_defects(request: Request, given: Given) -> HTMLResponse:
    """All defects; open ones first, what changed last before the rest."""
    found = await asyncio.to_thread(given.defects.defects)
    found.sort(key=lambda defect: defect.status is DefectStatus.CLOSED)
    return page(request, "defects.html", defects=found)


@router.get("/defects/{defect_id}", response_class=HTMLResponse)
async def show_defect(request: Request, defect_id: str, given: Given) -> HTMLResponse:
    """One defect with its cases and occurrences."""
    return page(request, "defect.html", defect=await asyncio.to_thread(given.defects.defect, defect_id))


@router.post("/defects/{defect_id}")
async def set_status(
    defect_id: str,
    given: Given,
    status: Annotated[DefectStatus, Form()],
    by: Annotated[str, Form(min_length=1, max_length=200)],
) -> Response:
    """Close or open a defect by hand; an outside tracker hears of it at the next reconciliation."""
    await asyncio.to_thread(given.defects.set_status, defect_id, status, by.strip())
    return RedirectResponse(f"/defects/{quote(defect_id)}", status_code=303)


@router.get("/api/defects")
async def defects(given: Given) -> list[Defect]:
    """All defects, for programs."""
    return await asyncio.to_thread(given.defects.defects)
