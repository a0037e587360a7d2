"""The web app put together: pages, REST, webhooks, and what guards them."""

import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from importlib.metadata import version
from urllib.parse import urlsplit

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from temporalio.service import RPCError

from api import defects, github, metrics, pages, reviews, runs
from api.pages import page
from api.rules import Rule
from api.services import Services
from voicewright.client import NotFoundError, ReviewRefusedError, RunFailedError, UnansweredError
from voicewright.defect_log import UnknownDefectError
from voicewright.s3 import StoreError

_log = logging.getLogger("voicewright.web")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; media-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_STATUS: dict[type[Exception], int] = {
    NotFoundError: 404,
    UnknownDefectError: 404,
    RunFailedError: 404,
    ReviewRefusedError: 409,
    UnansweredError: 503,
    StoreError: 503,
    RPCError: 503,
}
_UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}


def create_app(connect: Callable[[], Awaitable[Services]], rules: Sequence[Rule], hosts: Sequence[str]) -> FastAPI:
    """The app.

    Args:
        connect: reaches Temporal and the store, when the app starts.
        rules: which GitHub events start which suites.
        hosts: names under which it may be reached; `*` for any.
    """

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.services = await connect()
        yield

    app = FastAPI(title="Voicewright", version=version("voicewright"), lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.rules = tuple(rules)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))  # a name that is rebound to us is not ours
    app.middleware("http")(_guard)
    for router in (pages.router, reviews.router, runs.router, defects.router, github.router, metrics.router):
        app.include_router(router)
    app.add_exception_handler(StarletteHTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _bad_request)
    for kind in _STATUS:
        app.add_exception_handler(kind, _known_error)
    return app


async def _guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Other sites' pages must not decide reviews through a validator's browser (cross-site request forgery)."""
    if request.method in _UNSAFE and _from_elsewhere(request):
        return PlainTextResponse("refused: this request comes from another site's page", status_code=403)
    response = await call_next(request)
    response.headers.setdefault("Content-Security-Policy", _POLICY)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _from_elsewhere(request: Request) -> bool:
    """Browsers say where a request comes from; programs say nothing, and carry no one's cookies."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, (HTTPException, StarletteHTTPException))
    return _answer(request, error.status_code, str(error.detail))


async def _bad_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    mistakes = [f"{'.'.join(str(part) for part in one['loc'][1:])}: {one['msg']}" for one in error.errors()]
    return _answer(request, 422, "; ".join(mistakes))


async def _known_error(request: Request, error: Exception) -> Response:
    status = next(code for kind, code in _STATUS.items() if isinstance(error, kind))
    return _answer(request, status, error.message if isinstance(error, RPCError) else str(error))


def _answer(request: Request, status: int, reason: str) -> Response:
    """JSON for programs, a page for people."""
    if request.url.path.startswith(("/api/", "/webhooks/")) or "text/html" not in request.headers.get("accept", ""):
        return JSONResponse({"detail": reason}, status_code=status)
    return page(request, "error.html", status=status, code=status, reason=reason)
