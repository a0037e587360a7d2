"""Tokens for programs: made, shown once, listed, revoked."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from api.admin.accounts import kept
from api.guard.who import Manager
from api.pages import page
from api.services import Access, Given
from voicewright.accounts import AccountError
from voicewright.accounts.tokens import MOST_DAYS
from voicewright.contracts.access import Identity, Permission

router = APIRouter()
_MEANINGS = {
    Permission.VIEW: "read everything",
    Permission.DECIDE: "decide reviews",
    Permission.RUN: "start and cancel runs, push suites",
    Permission.MANAGE: "defects; assign and overrule reviews",
    Permission.ERASE: "erase what was said in calls",
}


@router.get("/tokens")
async def show(request: Request, given: Given, who: Manager) -> Response:
    """All tokens of the project, without what they are."""
    return await _page(request, kept(given), who)


@router.post("/tokens")
async def make(
    request: Request,
    given: Given,
    who: Manager,
    name: Annotated[str, Form(max_length=200)] = "",
    scopes: Annotated[list[Permission] | None, Form(max_length=len(Permission))] = None,
    days: Annotated[int, Form()] = 90,
) -> Response:
    """Make a token; the page that answers is the only one that shows it."""
    access = kept(given)
    try:
        key = await asyncio.to_thread(access.tokens.make, name, frozenset(scopes or ()), days, who)
    except AccountError as error:
        return await _page(request, access, who, refused=str(error))
    return await _page(request, access, who, key=key)


@router.post("/tokens/{number}/revoke")
async def revoke(request: Request, given: Given, who: Manager, number: int) -> Response:
    """Make a token useless."""
    access = kept(given)
    try:
        await asyncio.to_thread(access.tokens.revoke, number, who)
    except AccountError as error:
        return await _page(request, access, who, refused=str(error))
    return await _page(request, access, who)


async def _page(request: Request, access: Access, who: Identity, *, refused: str = "", key: str = "") -> Response:
    found = await asyncio.to_thread(access.tokens.all)
    return page(
        request,
        "tokens.html",
        status=422 if refused else 200,
        tokens=found,
        scopes=[one for one in Permission if one in who.permissions and one is not Permission.ADMINISTER],
        meanings=_MEANINGS,
        most_days=MOST_DAYS,
        refused=refused,
        key=key,
    )
