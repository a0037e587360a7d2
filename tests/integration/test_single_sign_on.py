"""Logging in at an identity provider: a real one from a package, and one that lies."""

import base64
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import oidc_provider_mock
import pytest
from browsing import needs_browser, picture
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from listening import listening
from playwright.async_api import Page, expect
from pydantic import SecretStr
from sqlalchemy import Engine
from temporalio.client import Client

from api.app import create_app
from api.guard.oidc import Provider, SettingsMissingError
from api.services import Access, Services
from voicewright.accounts import AccountError
from voicewright.accounts.sign_on import subject_of
from voicewright.client import Voicewright
from voicewright.contracts.access import AuditAction, Role, local_user
from voicewright.records import Records, upgrade
from voicewright.settings import Settings
from voicewright.store.s3 import S3Store

PASSWORD = "correct horse battery"
# The provider's own: it speaks by an older face of its library.
pytestmark = [
    pytest.mark.filterwarnings("ignore:get_jwt_config"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def provider() -> Iterator[str]:
    with oidc_provider_mock.run_server_in_thread(require_nonce=True) as server:
        yield f"http://localhost:{server.server_port}"


@dataclass
class House:
    """The web app, and a browser without pictures."""

    address: str
    web: httpx.AsyncClient
    access: Access

    async def leaves(self, next_page: str = "/history") -> str:
        """Where the provider is asked."""
        answer = await self.web.get("/log-in/oidc", params={"next": next_page})
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def comes_back(self, as_whom: str) -> httpx.Response:
        """There and back, recognised as somebody."""
        there = await self.leaves()
        async with httpx.AsyncClient(trust_env=False, timeout=60) as outside:
            let_in = await outside.post(there, data={"sub": as_whom})
        assert let_in.status_code in {302, 303}, let_in.text
        return await self.web.get(let_in.headers["location"])

    async def name(self) -> str:
        """Who is logged in; empty for nobody."""
        page = await self.web.get("/account", headers={"accept": "text/html"})
        return page.text.split('<a href="/account">')[1].split("<")[0] if page.status_code == 200 else ""


@asynccontextmanager
async def house(database: Engine, real: Client, issuer: str, new_role: Role | None = None) -> AsyncIterator[House]:
    settings = Settings(
        s3_endpoint_url="http://127.0.0.1:9",
        s3_access_key_id="key",
        s3_secret_access_key=SecretStr("s"),
        web_url=None,
        oidc_issuer=issuer,
        oidc_client_id="voicewright",
        oidc_client_secret=SecretStr("secret"),
        oidc_new_role=new_role,
    )
    upgrade(database)
    access = Access.of(database)

    async def connect() -> Services:
        return Services(settings, Voicewright(real), S3Store(settings), Records(database), access)

    async with (
        listening(create_app(connect, (), ["127.0.0.1"])) as address,
        httpx.AsyncClient(base_url=address, trust_env=False, timeout=60) as web,
    ):
        yield House(address, web, access)


async def test_who_is_new_gets_an_account_with_the_role_that_is_set(
    database: Engine, real: Client, provider: str
) -> None:
    async with house(database, real, provider, Role.VALIDATOR) as here:
        there = parse_qs(urlsplit(await here.leaves()).query)
        assert there["code_challenge_method"] == ["S256"]
        assert there["nonce"]
        for _ in "ab":
            back = await here.comes_back("Ada@example.com")
            assert (back.status_code, back.headers["location"]) == (303, "/history")
            assert await here.name() == "ada@example.com"
        assert [(one.name, one.role) for one in here.access.accounts.all()] == [("ada@example.com", Role.VALIDATOR)]
        noted = [(one.action, one.actor, one.detail) for one in here.access.audit.everything()]
        assert noted.count((AuditAction.ACCOUNT_ADDED, "ada@example.com", "validator, by single sign-on")) == 1
        assert sum(action is AuditAction.LOGGED_IN for action, *_ in noted) == 2
        with pytest.raises(AccountError):
            here.access.sessions.log_in("ada@example.com", "", "x")  # by password nobody gets in
        here.access.accounts.add("root", PASSWORD, Role.ADMIN, local_user())
        here.access.accounts.set_closed("ada@example.com", True, local_user())
        assert await here.name() == ""
        refused = await here.comes_back("Ada@example.com")
        assert (refused.status_code, refused.json()["detail"]) == (
            403,
            "your account is closed: ask an admin to open it",
        )


async def test_without_a_role_for_new_people_an_admin_links_accounts(
    database: Engine, real: Client, provider: str
) -> None:
    async with house(database, real, provider) as here:
        here.access.accounts.add("ada", PASSWORD, Role.QA_LEAD, local_user())
        refused = await here.comes_back("4711")
        subject = subject_of(provider, "4711")
        assert refused.status_code == 403
        assert f"voicewright accounts link NAME '{subject}'" in refused.json()["detail"]
        here.access.sign_on.link("ada", subject, local_user())
        assert (await here.comes_back("4711")).status_code == 303
        assert await here.name() == "ada"
        here.access.accounts.add("bob", PASSWORD, Role.VIEWER, local_user())
        with pytest.raises(AccountError, match="has the account ada already"):
            here.access.sign_on.link("bob", subject, local_user())
        here.access.sign_on.link("ada", "", local_user())
        assert (await here.comes_back("4711")).status_code == 403


async def test_a_local_account_is_never_taken_over_by_its_name(database: Engine, real: Client, provider: str) -> None:
    async with house(database, real, provider, Role.VIEWER) as here:
        here.access.accounts.add("ada@example.com", PASSWORD, Role.ADMIN, local_user())
        refused = await here.comes_back("ADA@example.com")
        assert refused.status_code == 403
        assert "there is an account ada@example.com already" in refused.json()["detail"]
        odd = await here.comes_back("<b>Eve</b>")
        assert "is no name for an account" in odd.json()["detail"]
        assert await here.name() == ""


async def test_what_was_not_begun_here_ends_nowhere(database: Engine, real: Client, provider: str) -> None:
    async with house(database, real, provider, Role.VIEWER) as here:
        there = await here.leaves("//evil.example/")
        async with httpx.AsyncClient(trust_env=False, timeout=60) as outside:
            back = (await outside.post(there, data={"sub": "ada"})).headers["location"]
            denied = (await outside.post(there, data={"sub": "ada", "action": "deny"})).headers["location"]
        for wrong in (
            back.replace("state=", "state=x"),
            f"{here.address}/log-in/oidc/callback",
            back.split("&state")[0],
        ):
            assert (await here.web.get(wrong)).status_code == 400
        state = parse_qs(urlsplit(back).query)["state"][0]
        said = await here.web.get(f"{denied}&state={state}" if "state=" not in denied else denied)
        assert said.status_code == 403
        assert "did not let you in" in said.json()["detail"]
        async with httpx.AsyncClient(base_url=here.address, trust_env=False) as stranger:  # without the cookie
            assert (await stranger.get(back)).status_code == 400
        let_in = await here.web.get(back)
        assert (let_in.status_code, let_in.headers["location"]) == (303, "/")  # never elsewhere
        again = await here.web.get(back)
        assert again.status_code == 400  # the attempt is over


@dataclass
class Liar:
    """A provider whose tokens can be wrong in one way."""

    url: str = ""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "k"}))
    changed: dict[str, Any] = field(default_factory=dict)
    signs_with: Any = None
    algorithm: str = "RS256"
    nonce: str = ""

    def token(self) -> str:
        now = int(time.time())
        claims = {"iss": self.url, "sub": "7", "aud": "voicewright", "iat": now, "exp": now + 60, "nonce": self.nonce}
        claims = {key: value for key, value in {**claims, **self.changed}.items() if value is not None}
        if self.algorithm == "none":
            parts = [{"alg": "none"}, claims]
            return (
                ".".join(base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in parts) + "."
            )
        return jwt.encode({"alg": self.algorithm, "kid": self.key.kid}, claims, self.signs_with or self.key)

    def answer(self, path: str) -> dict[str, Any]:
        if path.startswith("/.well-known"):
            ways = {"authorization_endpoint": "/go", "token_endpoint": "/token", "jwks_uri": "/keys"}
            return {"issuer": self.url, **{name: self.url + way for name, way in ways.items()}}
        if path.startswith("/keys"):
            return {"keys": [self.key.as_dict(private=False)]}
        return {"access_token": "x", "token_type": "Bearer", "id_token": self.token()}


@pytest.fixture
def liar() -> Iterator[Liar]:
    found = Liar()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(found.answer(self.path)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()


LIES: dict[str, dict[str, Any]] = {
    "another's key": {"signs_with": RSAKey.generate_key(2048, {"kid": "k"})},
    "no signature": {"algorithm": "none"},
    "signed with our own secret": {"algorithm": "HS256", "signs_with": OctKey.import_key("secret" * 8)},
    "for another program": {"changed": {"aud": "other"}},
    "for another program too": {"changed": {"aud": ["voicewright", "other"], "azp": "other"}},
    "of another provider": {"changed": {"iss": "https://elsewhere.example"}},
    "over": {"changed": {"exp": 1_000_000_000}},
    "without an end": {"changed": {"exp": None}},
    "of another attempt": {"changed": {"nonce": "other"}},
    "without an attempt": {"changed": {"nonce": None}},
    "of nobody": {"changed": {"sub": None}},
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_provider_that_lies_lets_nobody_in(database: Engine, real: Client, liar: Liar, lie: str) -> None:
    for name, value in LIES[lie].items():
        setattr(liar, name, value)
    async with house(database, real, liar.url, Role.VIEWER) as here:
        asked = parse_qs(urlsplit(await here.leaves()).query)
        liar.nonce = asked["nonce"][0]
        back = await here.web.get("/log-in/oidc/callback", params={"code": "c", "state": asked["state"][0]})
        assert back.status_code == 502, back.text
        assert await here.name() == ""
        assert here.access.accounts.all() == []


async def test_a_provider_that_tells_the_truth_and_renews_its_keys_lets_people_in(
    database: Engine, real: Client, liar: Liar
) -> None:
    async with house(database, real, liar.url, Role.VIEWER) as here:
        for person in ("7", "8"):
            liar.changed = {"sub": person, "preferred_username": f"p{person}"}
            asked = parse_qs(urlsplit(await here.leaves()).query)
            liar.nonce = asked["nonce"][0]
            back = await here.web.get("/log-in/oidc/callback", params={"code": "c", "state": asked["state"][0]})
            assert back.status_code == 303, back.text
            assert await here.name() == f"p{person}"
            liar.key = RSAKey.generate_key(2048, {"kid": "k2"})


async def test_a_provider_that_is_away_is_said_to_be(database: Engine, real: Client) -> None:
    async with house(database, real, "http://127.0.0.1:9", Role.VIEWER) as here:
        answer = await here.web.get("/log-in/oidc")
        assert (answer.status_code, answer.headers["content-type"]) == (502, "application/problem+json")
        assert "127.0.0.1:9 does not answer" in answer.json()["detail"]
        assert (await here.web.get("/log-in")).status_code == 200


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"oidc_issuer": "https://id.example"}, "belong together"),
        (
            {"oidc_issuer": "http://id.example", "oidc_client_id": "c", "oidc_client_secret": SecretStr("s")},
            "must begin with https://",
        ),
    ],
)
def test_settings_that_cannot_be_are_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsMissingError, match=says):
        Provider(Settings(**given))


@needs_browser
async def test_the_log_in_page_leads_there_and_back(database: Engine, real: Client, provider: str, tab: Page) -> None:
    async with house(database, real, provider, Role.VIEWER) as here:
        await tab.goto(f"{here.address}/history?suite=x")
        await expect(tab.locator("a.button")).to_contain_text("Log in at localhost")
        await picture(tab, "log-in-provider")
        await tab.click("a.button")
        await tab.fill("[name=sub]", "ada@example.com")
        await tab.keyboard.press("Enter")
        await expect(tab).to_have_url(f"{here.address}/history?suite=x")
        await expect(tab.locator("nav")).to_contain_text("ada@example.com")
