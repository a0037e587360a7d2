"""Who may reach which route: every role and every kind of token against every route of the app, cell by cell."""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pydantic import SecretStr
from sqlalchemy import Engine
from standins.s3_server import S3Server
from temporalio.client import Client

from api.app import ROUTERS, create_app
from api.guard.who import PUBLIC, check_routes, needed
from api.services import Access, Services
from voicewright.accounts import secrets
from voicewright.client import Voicewright
from voicewright.contracts.access import GRANTS, AuditAction, Permission, Role, local_user
from voicewright.records import Records, upgrade
from voicewright.settings import Settings
from voicewright.store.s3 import S3Store

PASSWORD = "correct horse battery"
SAME_SITE = {"sec-fetch-site": "same-origin", "accept": "text/html"}
LEAD = {role.value: GRANTS[role] for role in Role}
TOKENS = {f"token {one}": frozenset({one}) for one in Permission if one is not Permission.ADMINISTER}
NOBODY = {"nobody": frozenset[Permission](), "wrong token": frozenset[Permission](), "old session": frozenset()}
WHO = {**LEAD, **TOKENS, **NOBODY}


@dataclass
class Desk:
    """The web app with an account of each role, and keys for all of them."""

    app: FastAPI
    access: Access
    headers: dict[str, dict[str, str]]
    web: httpx.AsyncClient

    def count(self, action: AuditAction) -> int:
        return sum(entry.action is action for entry in self.access.audit.everything())


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four accounts a test: with hashes as they are kept, most of the time would go into them."""
    cheap = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
    monkeypatch.setattr(secrets, "_HASHES", cheap)
    monkeypatch.setattr(secrets, "_NOBODYS", cheap.hash("nobody's"))


@pytest.fixture
def server() -> Iterator[S3Server]:
    with S3Server() as server:
        yield server


@pytest.fixture
async def desk(server: S3Server, database: Engine, real: Client) -> AsyncIterator[Desk]:
    upgrade(database)
    settings = Settings(
        s3_endpoint_url=server.origin, s3_access_key_id="key", s3_secret_access_key=SecretStr("s"), web_url=None
    )
    access = Access.of(database)
    services = Services(settings, Voicewright(real), S3Store(settings), Records(database), access)

    async def connect() -> Services:
        return services

    app = create_app(connect, (), ["*"])
    app.state.services = services
    headers: dict[str, dict[str, str]] = {"nobody": {}, "wrong token": {"authorization": "Bearer vwt_wrong"}}
    for role in Role:
        access.accounts.add(f"{role}-1", PASSWORD, role, local_user())
        headers[role] = {"cookie": f"voicewright={access.sessions.log_in(f'{role}-1', PASSWORD, role)}"}
    for name, scopes in TOKENS.items():
        headers[name] = {"authorization": f"Bearer {access.tokens.make(name, scopes, 1, local_user())}"}
    ended = access.sessions.log_in("admin-1", PASSWORD, "x")
    access.sessions.end(ended, local_user())
    headers["old session"] = {"cookie": f"voicewright={ended}"}
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://web", timeout=60) as web:
        yield Desk(app, access, headers, web)


def routes() -> list[tuple[str, str, list[Permission]]]:
    """Method, an address and what it needs, of every route."""
    found = []
    for route in (route for router in ROUTERS for route in router.routes):
        assert isinstance(route, APIRoute)
        if route.path not in PUBLIC:
            path = re.sub(r"\{number[^}]*\}", "7", route.path)
            path = re.sub(r"\{[^}]*\}", "no/such/en/1" if "path}" in route.path else "nobody-such", path)
            found += [(method, path, needed(route)) for method in sorted(route.methods or ())]
    return found


@pytest.mark.parametrize("who", WHO)
async def test_everybody_reaches_just_what_they_may(desk: Desk, who: str) -> None:
    asked = [one for one in routes() if one[1] not in {"/log-out", "/account"}]
    assert len(asked) > 25
    for method, path, permissions in asked:
        answer = await desk.web.request(method, path, headers={**desk.headers[who], "origin": "http://web"})
        may = set(permissions) <= WHO[who]
        where = f"{who}: {method} {path} needs {permissions}, was answered {answer.status_code} {answer.text[:200]}"
        expected = {401} if who in NOBODY else {403}
        assert (answer.status_code in expected) != may, where
        if may:
            assert answer.status_code not in {401, 403, 500}, where
        elif who in NOBODY:
            assert answer.headers["www-authenticate"] == "Bearer"
            assert "nobody is logged in" in answer.json()["detail"]


def test_a_route_that_says_nothing_is_refused_when_the_app_is_made() -> None:
    check_routes(ROUTERS)
    forgetful = APIRouter()
    forgetful.get("/forgotten")(lambda: "all")
    with pytest.raises(RuntimeError, match="/forgotten"):
        check_routes([*ROUTERS, forgetful])


async def test_browsers_are_sent_to_the_form_and_back_and_never_elsewhere(desk: Desk) -> None:
    page = await desk.web.get("/history?suite=a b", headers={"accept": "text/html"})
    assert (page.status_code, page.headers["location"]) == (303, "/log-in?next=%2Fhistory%3Fsuite%3Da%2520b")
    for wanted in ("/history", "//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", "/\r\nx"):
        form = {"name": "viewer-1", "password": PASSWORD, "next": wanted}
        answer = await desk.web.post("/log-in", data=form, headers=SAME_SITE)
        assert (answer.status_code, answer.headers["location"]) == (303, "/history" if wanted == "/history" else "/")
        cookie = answer.headers["set-cookie"].lower()
        assert all(word in cookie for word in ("httponly", "samesite=lax", "path=/", "max-age=43200"))
        desk.web.cookies.clear()


async def test_over_https_the_cookie_goes_over_https_alone(desk: Desk) -> None:
    form = {"name": "viewer-1", "password": PASSWORD}
    answer = await desk.web.post("https://web/log-in", data=form, headers=SAME_SITE)
    assert re.match(r"__Host-voicewright=[^;]+;.*; Secure", answer.headers["set-cookie"])
    assert (await desk.web.get("https://web/account", headers=SAME_SITE)).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({}, 403),  # with a session, and not from a browser: nothing says that the user wants this
        ({"origin": "http://web"}, 303),
        (SAME_SITE, 303),
    ],
)
async def test_other_sites_do_nothing_with_a_session(desk: Desk, headers: dict[str, str], status: int) -> None:
    answer = await desk.web.post("/log-out", headers={**desk.headers["viewer"], **headers})
    assert answer.status_code == status
    still = await desk.web.get("/account", headers=desk.headers["viewer"])
    assert still.status_code == (200 if status == 403 else 401)


async def test_a_wrong_password_is_said_and_guessing_slowed(desk: Desk) -> None:
    form = {"name": "<b>admin-1", "password": "wrong", "next": "/"}
    answer = await desk.web.post("/log-in", data=form, headers=SAME_SITE)
    assert answer.status_code == 401
    assert "the name or the password is wrong" in answer.text
    assert "<b>admin" not in answer.text
    answers = [await desk.web.post("/log-in", data=form, headers=SAME_SITE) for _ in range(7)]
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
    long = await desk.web.post("/log-in", data={"name": "x" * 300, "password": "x"}, headers=SAME_SITE)
    assert long.status_code == 422


async def test_an_admin_adds_somebody_who_logs_in_and_changes_the_password(desk: Desk) -> None:
    admin = {**desk.headers["admin"], **SAME_SITE}
    page = await desk.web.post("/accounts", data={"name": "Bea", "role": "validator"}, headers=admin)
    assert page.status_code == 200
    found = re.search(r'id="secret">([^<]+)<', page.text)
    assert found is not None
    assert found[1] not in (await desk.web.get("/accounts", headers=admin)).text
    form = {"name": "bea", "password": found[1]}
    logged_in = await desk.web.post("/log-in", data=form, headers=SAME_SITE)
    bea = {"cookie": logged_in.headers["set-cookie"].split(";")[0], **SAME_SITE}
    desk.web.cookies.clear()
    wrong = await desk.web.post("/account", data={"old": "x", "new": "a new password"}, headers=bea)
    assert (wrong.status_code, "old password is wrong" in wrong.text) == (422, True)
    changed = await desk.web.post("/account", data={"old": found[1], "new": "a new password"}, headers=bea)
    assert changed.status_code == 200
    assert (await desk.web.get("/account", headers={**bea, "accept": "*/*"})).status_code == 401
    twice = await desk.web.post("/accounts", data={"name": "bea", "role": "viewer"}, headers=admin)
    assert (twice.status_code, "already" in twice.text) == (422, True)


async def test_a_token_is_shown_once_and_the_audit_log_is_exported_without_formulas(desk: Desk) -> None:
    lead = {**desk.headers["qa_lead"], **SAME_SITE}
    page = await desk.web.post("/tokens", data={"name": "=HYPERLINK(1)", "scopes": ["view"], "days": "5"}, headers=lead)
    found = re.search(r'id="secret">(vwt_[^<]+)<', page.text)
    assert found is not None
    assert found[1] not in (await desk.web.get("/tokens", headers=lead)).text
    bearer = {"authorization": f"bearer {found[1]}"}
    assert (await desk.web.get("/api/defects", headers=bearer)).status_code == 200
    assert (await desk.web.post("/log-out", headers=bearer)).status_code == 303  # a token has no session to end
    behind = {**desk.headers["viewer"], "authorization": "Basic YTpi"}  # a proxy's own log-in
    assert (await desk.web.get("/account", headers=behind)).status_code == 200
    refused = await desk.web.post("/tokens", data={"name": "x", "scopes": ["administer"], "days": "5"}, headers=lead)
    assert refused.status_code == 422
    table = await desk.web.get("/audit.csv", headers=desk.headers["admin"])
    assert "'=HYPERLINK(1)" in table.text
    assert "\n=" not in table.text.replace(",", "\n")
    assert table.text.splitlines()[1].split(",")[4] == "audit_exported"


async def test_a_decision_is_noted_before_it_is_passed_on_under_the_name_of_the_account(desk: Desk) -> None:
    for headers in (desk.headers["validator"], desk.headers["token decide"]):
        sent = {"verdict": "pass", "reviewer": "somebody else"}
        extra = {"origin": "http://web"} if "cookie" in headers else {}
        answer = await desk.web.post("/api/reviews/run/no/en/1", json=sent, headers={**headers, **extra})
        assert answer.status_code == 404
    noted = [one for one in desk.access.audit.everything() if one.action is AuditAction.REVIEW_DECIDED]
    assert [(one.actor, one.subject, one.detail) for one in noted] == [
        (f"token decide #{len(TOKENS) - list(TOKENS)[::-1].index('token decide')}", "run/no/en/1", "pass"),
        ("validator-1", "run/no/en/1", "pass"),
    ]


async def test_without_log_in_everybody_at_this_machine_may_do_everything(desk: Desk) -> None:
    desk.app.state.services = replace(desk.app.state.services, access=None)
    assert (await desk.web.get("/reviews")).status_code == 200
    assert (await desk.web.get("/accounts")).status_code == 404
    assert "Log out" not in (await desk.web.get("/", headers={"accept": "text/html"})).text
    assert (await desk.web.get("/log-in")).headers["location"] == "/"
