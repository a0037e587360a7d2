"""The web app put together: pages, REST, webhooks, and what guards them."""

import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from importlib.metadata import version
from urllib.parse import quote, urlencode, urlsplit

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from temporalio.service import RPCError

from api import codec, defects, github, metrics, pages
from api.admin import accounts, audit, erasure, tokens
from api.guard import log_in, single_sign_on
from api.guard.deadline import Deadline
from api.guard.limits import BodyLimit
from api.guard.mistakes import in_words
from api.guard.oidc import ProviderError
from api.guard.problems import problem
from api.guard.who import COOKIE, SECURE_COOKIE, ForbiddenError, NotLoggedInError, check_routes
from api.insight import agreement, compare, dashboard
from api.pages import page
from api.rest import OPENAPI, Versioned, describe
from api.reviewing import desk, queue, words
from api.rules import Rule
from api.running import history, live, rest, start
from api.running import page as runs
from api.running.live import Watch
from api.services import Services
from api.suites import library, quarantine
from api.suites import pages as suite_pages
from voicewright.accounts.sign_on import NoAccountError
from voicewright.client import CursorError, NotFoundError, ReviewRefusedError, RunFailedError, UnansweredError
from voicewright.defects.log import UnknownDefectError
from voicewright.erasure.cases import NothingToEraseError
from voicewright.records import RecordsError
from voicewright.records.pages import PlaceError
from voicewright.report.results import NoReportError
from voicewright.runtime.encryption import SealedError
from voicewright.store.errors import StoreError

_log = logging.getLogger("voicewright.web")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; media-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_STATUS: dict[type[Exception], int] = {
    CursorError: 400,
    PlaceError: 400,
    NoReportError: 404,
    NotFoundError: 404,
    UnknownDefectError: 404,
    RunFailedError: 404,
    ReviewRefusedError: 409,
    UnansweredError: 503,
    NothingToEraseError: 404,
    NoAccountError: 403,
    ProviderError: 502,
    StoreError: 503,
    RecordsError: 503,
    SealedError: 503,
    RPCError: 503,
}
_LONGEST_PATH = 900
"""An object in S3 has a key of 1,024 bytes at most, and ours are little longer than the addresses of their pages."""
_PARTS = (
    pages,
    log_in,
    single_sign_on,
    queue,
    words,
    desk,
    history,
    start,
    live,
    rest,
    runs,
    defects,
    library,
    suite_pages,
    quarantine,
    dashboard,
    compare,
    agreement,
    accounts,
    tokens,
    audit,
    erasure,
    github,
    codec,
    metrics,
)
ROUTERS = tuple(part.router for part in _PARTS)
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

    app = FastAPI(
        title="Voicewright",
        version=version("voicewright"),
        lifespan=lifespan,
        openapi_url=OPENAPI,
        docs_url=None,
        redoc_url=None,
    )
    app.openapi = lambda: describe(app.version, ROUTERS)  # type: ignore[method-assign]
    app.state.rules = tuple(rules)
    app.state.watch = Watch()
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))  # a name that is rebound to us is not ours
    app.middleware("http")(_guard)
    app.add_middleware(BodyLimit)
    app.add_middleware(Deadline)
    app.add_middleware(Versioned)
    check_routes(ROUTERS)
    for router in ROUTERS:
        app.include_router(router)
    app.add_exception_handler(StarletteHTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _bad_request)
    app.add_exception_handler(NotLoggedInError, _not_logged_in)
    app.add_exception_handler(ForbiddenError, _forbidden)
    for kind in _STATUS:
        app.add_exception_handler(kind, _known_error)
    return app


async def _guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Other sites' pages must not decide reviews through a validator's browser (cross-site request forgery)."""
    from_ui = codec.serves_ui(request)
    if from_ui and (allowed := codec.preflight(request)) is not None:
        codec.let_read(request, allowed)
        return allowed
    if request.method in _UNSAFE and not from_ui and _from_elsewhere(request):
        return problem(403, "refused: this request comes from another site's page")
    if len(quote(request.url.path)) > _LONGEST_PATH:
        return problem(414, "the address is too long: there is nothing of such a name")
    if "\0" in request.url.path or b"%00" in request.scope["query_string"]:
        return problem(400, "an address cannot hold the character NUL (%00)")
    response = await call_next(request)
    response.headers.setdefault("Content-Security-Policy", _POLICY)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Cache-Control", "no-store")
    if from_ui:
        codec.let_read(request, response)
    return response


def _from_elsewhere(request: Request) -> bool:
    """Browsers say where a request comes from; programs say nothing, and carry no one's session."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = request.headers.get("origin")
    if origin is None:
        return COOKIE in request.cookies or SECURE_COOKIE in request.cookies
    return urlsplit(origin).netloc != request.headers.get("host")


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, (HTTPException, StarletteHTTPException))
    return _answer(request, error.status_code, str(error.detail))


async def _bad_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return _answer(request, 422, in_words(error.errors(), skip=1))


async def _not_logged_in(request: Request, _: Exception) -> Response:
    if request.method == "GET" and _is_page(request):
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/log-in?{urlencode({'next': asked})}", status_code=303)
    reason = "nobody is logged in: programs send `Authorization: Bearer TOKEN`, browsers log in at /log-in"
    answer = _answer(request, 401, reason)
    answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


async def _forbidden(request: Request, error: Exception) -> Response:
    return _answer(request, 403, str(error))


async def _known_error(request: Request, error: Exception) -> Response:
    status = next(code for kind, code in _STATUS.items() if isinstance(error, kind))
    return _answer(request, status, error.message if isinstance(error, RPCError) else str(error))


def _answer(request: Request, status: int, reason: str) -> Response:
    """JSON for programs, a page for people."""
    if not _is_page(request):
        return problem(status, reason)
    return page(request, "error.html", status=status, code=status, reason=reason)


def _is_page(request: Request) -> bool:
    """Whether a person looks at the answer."""
    return not request.url.path.startswith(("/api/", "/webhooks/")) and "text/html" in request.headers.get("accept", "")
