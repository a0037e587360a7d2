"""Logging in and out."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from api.guard.who import SECURE_COOKIE, Viewer, address_of, cookie_name, is_secure, session_of, who_asks
from api.pages import page
from api.services import Given, Services
from voicewright.accounts import ThrottledError, WrongPasswordError
from voicewright.accounts.sessions import LASTS

router = APIRouter()
_Next = Annotated[str, Query(max_length=2000)]


@router.get("/log-in")
async def show(request: Request, given: Given, next: _Next = "/") -> Response:  # noqa: A002 - the address says so
    """The form; whoever is known already is sent on."""
    if await who_asks(request, given) is not None:
        return RedirectResponse(local_path(next), status_code=303)
    return _form(request, given, next)


@router.post("/log-in")
async def log_in(
    request: Request,
    given: Given,
    name: Annotated[str, Form(max_length=200)] = "",
    password: Annotated[str, Form(max_length=1000)] = "",
    next: Annotated[str, Form(max_length=2000)] = "/",  # noqa: A002 - the form says so
) -> Response:
    """Begin a session, or say why not above the form."""
    if given.access is None:
        return RedirectResponse(local_path(next), status_code=303)
    headers: dict[str, str] = {}
    try:
        secret = await asyncio.to_thread(given.access.sessions.log_in, name, password, address_of(request))
    except ThrottledError as error:
        status, refused, headers = 429, str(error), {"Retry-After": str(error.retry_after_s)}
    except WrongPasswordError as error:
        status, refused = 401, str(error)
    else:
        return logged_in(request, secret, next)
    form = _form(request, given, next, status=status, name=name, refused=refused)
    form.headers.update(headers)
    return form


@router.post("/log-out")
async def log_out(request: Request, given: Given, who: Viewer) -> Response:
    """End the session, here and in the database."""
    if given.access is not None:
        await asyncio.to_thread(given.access.sessions.end, session_of(request), who)
    answer = RedirectResponse("/log-in", status_code=303)
    name = cookie_name(request)
    answer.delete_cookie(name, secure=name == SECURE_COOKIE, httponly=True, samesite="lax")
    return answer


def logged_in(request: Request, secret: str, path: str) -> Response:
    """Send a browser on with a session of its own."""
    answer = RedirectResponse(local_path(path), status_code=303)
    answer.set_cookie(
        cookie_name(request),
        secret,
        max_age=int(LASTS.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=is_secure(request),
    )
    return answer


def _form(
    request: Request, given: Services, path: str, *, status: int = 200, name: str = "", refused: str = ""
) -> Response:
    provider = given.provider.host if given.provider is not None else ""
    return page(
        request, "log_in.html", status=status, next=local_path(path), name=name, refused=refused, provider=provider
    )


def local_path(path: str) -> str:
    """A path of ours, wherever the address wanted to lead."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() else "/"
