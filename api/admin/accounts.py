"""Accounts: an admin's page of all, and everybody's page of their own password."""

import asyncio
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request, Response

from api.guard.who import Admin, Viewer, needs
from api.pages import page
from api.services import Access, Given, Services
from voicewright.accounts import AccountError, WrongPasswordError
from voicewright.accounts.secrets import LONGEST, SHORTEST, password
from voicewright.contracts.access import ActorKind, Permission, Role

router = APIRouter()
_Name = Annotated[str, Form(max_length=200)]
_Password = Annotated[str, Form(max_length=1000)]


@router.get("/accounts", dependencies=[needs(Permission.ADMINISTER)])
async def show(request: Request, given: Given) -> Response:
    """All accounts with their roles."""
    return await _page(request, kept(given))


@router.post("/accounts")
async def add(
    request: Request, given: Given, who: Admin, name: _Name = "", role: Annotated[Role, Form()] = Role.VALIDATOR
) -> Response:
    """Add an account. Its password is made here and shown once."""
    access, fresh = kept(given), password()
    return await _changed(
        request, access, lambda: access.accounts.add(name, fresh, role, who), name=name.strip().lower(), password=fresh
    )


@router.post("/accounts/{name}/password")
async def renew(request: Request, given: Given, who: Admin, name: str) -> Response:
    """Give an account a new password, which is shown once, and end its sessions."""
    access, fresh = kept(given), password()
    return await _changed(
        request, access, lambda: access.accounts.set_password(name, fresh, who), name=name, password=fresh
    )


@router.post("/accounts/{name}/role")
async def set_role(request: Request, given: Given, who: Admin, name: str, role: Annotated[Role, Form()]) -> Response:
    """Change what an account may do."""
    access = kept(given)
    return await _changed(request, access, lambda: access.accounts.set_role(name, role, who))


@router.post("/accounts/{name}/closed")
async def set_closed(
    request: Request, given: Given, who: Admin, name: str, closed: Annotated[bool, Form()]
) -> Response:
    """Close an account, or open it again."""
    access = kept(given)
    return await _changed(request, access, lambda: access.accounts.set_closed(name, closed, who))


@router.get("/account", dependencies=[needs(Permission.VIEW)])
async def show_own(request: Request, given: Given) -> Response:
    """One's own account: name, role, another password."""
    kept(given)
    return page(request, "account.html", shortest=SHORTEST, longest=LONGEST, refused="", done=False)


@router.post("/account")
async def set_own(request: Request, given: Given, who: Viewer, old: _Password = "", new: _Password = "") -> Response:
    """Set one's own password; everywhere else one is logged out, and here one logs in again."""
    access = kept(given)
    if who.kind is not ActorKind.PERSON:
        raise HTTPException(403, "a token has no password")

    def change() -> None:
        access.sessions.check(who.name, old, who.address)
        access.accounts.set_password(who.name, new, who)

    refused = ""
    try:
        await asyncio.to_thread(change)
    except WrongPasswordError:
        refused = "the old password is wrong"
    except AccountError as error:
        refused = str(error)
    return page(
        request,
        "account.html",
        status=422 if refused else 200,
        shortest=SHORTEST,
        longest=LONGEST,
        refused=refused,
        done=not refused,
    )


def kept(given: Services) -> Access:
    """The accounts of this installation."""
    if given.access is None:
        raise HTTPException(404, "this web app asks for no log-in, so it has no accounts: start it without --no-log-in")
    return given.access


async def _changed(
    request: Request, access: Access, change: Callable[[], None], *, name: str = "", password: str = ""
) -> Response:
    try:
        await asyncio.to_thread(change)
    except AccountError as error:
        return await _page(request, access, refused=str(error))
    return await _page(request, access, name=name, password=password)


async def _page(request: Request, access: Access, *, refused: str = "", name: str = "", password: str = "") -> Response:
    found = await asyncio.to_thread(access.accounts.all)
    return page(
        request,
        "accounts.html",
        status=422 if refused else 200,
        accounts=found,
        roles=list(Role),
        refused=refused,
        name=name,
        password=password,
    )
