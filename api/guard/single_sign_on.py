"""Logging in at an identity provider: there and back."""

import asyncio
import base64
import hmac
import json
import secrets
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import RedirectResponse

from api.guard.log_in import local_path, logged_in
from api.guard.oidc import Attempt, Provider
from api.guard.who import address_of, is_secure
from api.services import Given, Services
from voicewright.accounts.sign_on import subject_of

router = APIRouter()
_MINUTES = 10
_COOKIE, _SECURE_COOKIE = "voicewright-sign-on", "__Host-voicewright-sign-on"
_BACK = "/log-in/oidc/callback"
_Text = Annotated[str, Query(max_length=4000)]


@router.get("/log-in/oidc")
async def leave(request: Request, given: Given, next: _Text = "/") -> Response:  # noqa: A002 - as in /log-in
    """Send a browser to the provider."""
    provider = _provider(given)
    attempt = Attempt(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48), local_path(next))
    answer = RedirectResponse(await provider.address(attempt, _back(request, given)), status_code=303)
    kept = base64.urlsafe_b64encode(json.dumps(vars(attempt)).encode()).decode()
    answer.set_cookie(
        _cookie(request), kept, max_age=60 * _MINUTES, httponly=True, samesite="lax", secure=is_secure(request)
    )
    return answer


@router.get(_BACK)
async def come_back(
    request: Request,
    given: Given,
    code: _Text = "",
    state: _Text = "",
    error: _Text = "",
    error_description: _Text = "",
) -> Response:
    """Log in whom the provider recognised."""
    provider, attempt = _provider(given), _attempt(request)
    if attempt is None or not hmac.compare_digest(attempt.state.encode(), state.encode()):
        raise HTTPException(400, "this log-in was not begun in this browser, or took too long: log in again")
    if error or not code:
        raise HTTPException(
            403, f"{provider.host} did not let you in: {(error_description or error or 'no code')[:300]}"
        )
    person = await provider.person(attempt, code, _back(request, given))
    assert given.access is not None
    secret = await asyncio.to_thread(
        given.access.sign_on.log_in,
        subject_of(person.issuer, person.subject),
        person.name,
        given.settings.oidc_new_role,
        address_of(request),
    )
    answer = logged_in(request, secret, attempt.next)
    answer.delete_cookie(_cookie(request), secure=is_secure(request), httponly=True, samesite="lax")
    return answer


def _provider(given: Services) -> Provider:
    if given.access is None or given.provider is None:
        raise HTTPException(404, "no identity provider is set: VOICEWRIGHT_OIDC_ISSUER names one")
    return given.provider


def _back(request: Request, given: Services) -> str:
    return f"{(given.settings.web_url or str(request.base_url)).rstrip('/')}{_BACK}"


def _cookie(request: Request) -> str:
    return _SECURE_COOKIE if is_secure(request) else _COOKIE


def _attempt(request: Request) -> Attempt | None:
    try:
        return Attempt(**json.loads(base64.urlsafe_b64decode(request.cookies.get(_cookie(request), ""))))
    except (ValueError, TypeError):
        return None
