"""Who asks: a browser by its session, a program by its token. Every route says what it needs, or is named as public."""

import asyncio
from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from api.services import Given, Services
from voicewright.contracts.access import GRANTS, AuditAction, Identity, Permission, local_user

COOKIE = "voicewright"
SECURE_COOKIE = "__Host-voicewright"
"""Browsers take a cookie of such a name over HTTPS alone, and from no other host."""
_BEARER = "bearer "
_LONGEST_KEY = 200
PUBLIC = frozenset(
    {"/healthz", "/metrics", "/static/{name}", "/webhooks/github", "/log-in", "/log-in/oidc", "/log-in/oidc/callback"}
)
"""Routes for everybody. GitHub's deliveries are signed; metrics are counts."""


class NotLoggedInError(Exception):
    """Nobody is known to ask, and the page is not for everybody."""


class ForbiddenError(Exception):
    """Who asks may not."""


def needs(permission: Permission) -> Any:  # noqa: ANN401 - what FastAPI calls a dependency
    """A route's dependency: refuses who may not do this."""

    async def check(request: Request, given: Given) -> Identity:
        return await needs_now(request, given, permission)

    check.needs = permission  # type: ignore[attr-defined]
    return Depends(check)


async def needs_now(request: Request, given: Services, permission: Permission) -> Identity:
    """Who asks, where they may do this.

    Raises:
        NotLoggedInError: nobody is known to ask.
        ForbiddenError: they may not.
    """
    who = await who_asks(request, given)
    if who is None:
        raise NotLoggedInError
    request.state.who = who
    if not who.may(permission):
        raise ForbiddenError(_refusal(who, permission))
    return who


def needed(route: APIRoute) -> list[Permission]:
    """What a route needs, in the order in which it is asked for."""

    def of(dependant: Dependant) -> list[Permission]:
        own = getattr(dependant.call, "needs", None)
        return ([own] if own is not None else []) + [one for below in dependant.dependencies for one in of(below)]

    return of(route.dependant)


def check_routes(routers: Iterable[APIRouter]) -> None:
    """No route is forgotten: each needs something, or is for everybody.

    Raises:
        RuntimeError: one does not say which.
    """
    for router in routers:
        for route in router.routes:
            if not isinstance(route, APIRoute) or (route.path in PUBLIC) == bool(needed(route)):
                msg = f"{route}: say what it needs by `needs(...)`, or name it in PUBLIC"
                raise RuntimeError(msg)


async def who_asks(request: Request, given: Services) -> Identity | None:
    """Who is recognised by a request; None for nobody. A token that is wrong is nobody, whatever the cookie.

    Raises:
        RecordsError: the database cannot be asked.
    """
    address = address_of(request)
    if given.access is None:
        return local_user(address)
    authorization = request.headers.get("authorization", "")
    if authorization.lower().startswith(_BEARER):  # any other is a proxy's
        key = authorization[len(_BEARER) :].strip()
        if len(key) > _LONGEST_KEY:
            return None
        return await asyncio.to_thread(given.access.tokens.whose, key, address)
    secret = session_of(request)
    if not secret:
        return None
    return await asyncio.to_thread(given.access.sessions.whose, secret, address)


def session_of(request: Request) -> str:
    """What the session's cookie holds; empty where there is none."""
    found = request.cookies.get(cookie_name(request), "")
    return found if len(found) <= _LONGEST_KEY else ""


def cookie_name(request: Request) -> str:
    """Of the session's cookie."""
    return SECURE_COOKIE if is_secure(request) else COOKIE


def is_secure(request: Request) -> bool:
    """Whether the browser came by HTTPS, to us or to a proxy before us."""
    return request.url.scheme == "https" or (request.app.state.services.settings.web_url or "").startswith("https://")


def address_of(request: Request) -> str:
    """Where a request came from."""
    return request.client.host if request.client is not None else ""


async def noted(given: Services, who: Identity, action: AuditAction, subject: str, detail: str = "") -> None:
    """Append to the audit log, where one is kept.

    Raises:
        RecordsError: it cannot be appended to; then what was to be noted must not happen.
    """
    if given.access is not None:
        await asyncio.to_thread(given.access.audit.note, who, action, subject, detail)


def _refusal(who: Identity, permission: Permission) -> str:
    if who.role is None:
        return f"the token {who.name} lacks the scope {permission}: make another one with it"
    roles = [role.replace("_", " ") for role, granted in GRANTS.items() if permission in granted]
    allowed = " or ".join([", ".join(roles[:-1]), roles[-1]] if roles[:-1] else roles)
    return f"{who.name} is a {who.role.replace('_', ' ')}; this needs the role {allowed}. An admin can change the role."


VIEW = [needs(Permission.VIEW)]
"""Of a route that asks no more of who asks."""


async def _may_hear(request: Request, given: Given) -> None:
    """A dependency: lets in who may see runs, or who shows a pass for this one."""
    run_id = str(request.path_params.get("case_id", "")).rsplit("/", 3)[0]
    if given.passes.opens(request.query_params.get("pass", ""), run_id):
        return
    await needs_now(request, given, Permission.VIEW)


_may_hear.needs = Permission.VIEW  # type: ignore[attr-defined]


HEAR = [Depends(_may_hear)]
"""Of recordings."""
Viewer = Annotated[Identity, needs(Permission.VIEW)]
Decider = Annotated[Identity, needs(Permission.DECIDE)]
Runner = Annotated[Identity, needs(Permission.RUN)]
Manager = Annotated[Identity, needs(Permission.MANAGE)]
Eraser = Annotated[Identity, needs(Permission.ERASE)]
Admin = Annotated[Identity, needs(Permission.ADMINISTER)]
