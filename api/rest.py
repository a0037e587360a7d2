"""The REST API as a whole: its version in the address, and its description as OpenAPI."""

from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from api.guard.problems import MEDIA_TYPE, Problem

VERSION = "/api/v1/"
OPENAPI = f"{VERSION}openapi.json"
_PROBLEM = {
    "description": "Refused; `detail` says why and what to do.",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_ABOUT = """Start and follow runs, decide reviews, read results.

Send a token as `Authorization: Bearer TOKEN`; `/tokens` makes one. What is refused is answered with problem details
(RFC 9457).
"""


class Versioned:
    """ASGI middleware: an address without a version, as `/api/runs`, is that of the current one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Put the version into the path."""
        path = scope.get("path", "")
        if scope["type"] == "http" and path.startswith("/api/") and not path.startswith(VERSION):
            scope = {**scope, "path": VERSION + path.removeprefix("/api/")}
        await self._app(scope, receive, send)


def describe(version: str, routers: Iterable[APIRouter]) -> dict[str, Any]:
    """The OpenAPI document of some routers: their REST API, not their pages."""
    known = (route for router in routers for route in router.routes if isinstance(route, APIRoute))
    routes = [route for route in known if route.path.startswith(VERSION)]
    document = get_openapi(title="Voicewright", version=version, description=_ABOUT, routes=routes)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = Problem.model_json_schema()
    document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    document["security"] = [{"token": []}]
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = _PROBLEM
    return document
