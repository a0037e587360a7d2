"""Stands in for GitHub on 127.0.0.1: what Apps and tokens may tell of commits, and the webhooks it sends."""

import base64
import hashlib
import hmac
import itertools
import json
import re
import secrets
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from standins.wire import Standin, WireHandler

Json = dict[str, Any]

API = "https://api.github.com"
WEB = "https://github.com"
DOCS = "https://docs.github.com/rest"
MAX_JWT_S = 600
TOKEN_S = 3600
MAX_DESCRIPTION = 140
MAX_CONTEXT = 255
MAX_STATUSES = 1000
MAX_OUTPUT = 65_535
MAX_COMMENT = 65_536
MAX_PAGE = 100
SHA = re.compile(r"[0-9a-f]{40}")
NO_SHA = "0" * 40
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
WEB_URL = re.compile(r"https?://\S")
JSON_TYPES = re.compile(r"\*/\*|application/(\*|json|vnd\.github([.\w-]*)(\+json)?)")
STATES = ("error", "failure", "pending", "success")
LEVELS = ("read", "write")
ENUMS = {
    # Only GitHub Actions may set the others, and only GitHub the conclusion "stale".
    "status": ["queued", "in_progress", "completed"],
    "conclusion": ["success", "failure", "neutral", "cancelled", "skipped", "timed_out", "action_required"],
}
STAMPS = ("started_at", "completed_at")
RUN_TEXTS = ("name", "head_sha", "details_url", "external_id", *ENUMS, *STAMPS)
OUTPUT_TEXTS = ("title", "summary", "text")
# The roles that the older field `permission` does not know.
BASE_ROLES = {"maintain": "write", "triage": "read"}
PERMISSIONS = {"checks": "write", "statuses": "write", "pull_requests": "write", "metadata": "read"}

NO_AGENT = (
    "Request forbidden by administrative rules. Please make sure your request has a User-Agent header "
    "(https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required)."
)
NOT_AN_APP = "You must authenticate via a GitHub App."
NOT_GRANTED = "The permissions requested are not granted to this installation."
NOT_INSTALLED = "There is at least one repository that does not exist or is not accessible to the parent installation."
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    status: int | None
    """None: carried out, but the line was cut before the answer."""
    by: str
    """Whose credentials it bore: "app", "installation", "token" or nobody's."""
    body: Any = None


@dataclass
class Repository:
    full_name: str
    id: int
    foreign: bool
    commits: set[str] = field(default_factory=set)
    pulls: dict[int, Json] = field(default_factory=dict)
    statuses: list[Json] = field(default_factory=list)
    check_runs: list[Json] = field(default_factory=list)
    comments: list[Json] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{API}/repos/{self.full_name}"


@dataclass(frozen=True)
class Grant:
    """What a token may do, and where."""

    by: str
    repositories: Collection[str]
    permissions: Mapping[str, str]
    expires: float = float("inf")

    def allows(self, names: Sequence[str], level: str) -> bool:
        wanted = LEVELS[LEVELS.index(level) :]
        return self.by == "token" or any(self.permissions.get(name) in wanted for name in names)


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class RefusedError(Exception):
    def __init__(self, status: int, message: str, errors: Sequence[Json] = ()) -> None:
        super().__init__(status, message, errors)
        shown = {"errors": list(errors)} if errors else {}
        self.answer = _json(status, {"message": message, **shown, "documentation_url": DOCS, "status": str(status)})


@dataclass
class Fault:
    answer: Answer
    only: str
    times: float
    until: float


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    query: Mapping[str, Sequence[str]]
    headers: Mapping[str, str]
    body: bytes

    @property
    def request(self) -> str:
        return f"{self.method} {self.path}"

    def json(self) -> Json:
        try:
            data = json.loads(self.body)
        except ValueError as error:
            raise RefusedError(400, "Problems parsing JSON") from error
        if not isinstance(data, dict):
            raise RefusedError(400, "Body should be a JSON object")
        return data

    def one(self, name: str, default: str = "") -> str:
        return self.query.get(name, [default])[-1]

    def credentials(self) -> tuple[str, str]:
        scheme, _, value = self.headers.get("Authorization", "").partition(" ")
        return scheme.lower(), value.strip()


@dataclass(frozen=True)
class Route:
    pattern: str
    handle: Callable[..., Answer]
    needs: Sequence[str]
    """Any of these permissions will do."""
    level: str
    app_only: bool = False


class GitHubApi(Standin):
    """One App with one installation, and one plain token. Both may write to `repositories`, neither sees the foreign.

    `private_key` is the App's; `url` is the client's `base_url`.
    """

    def __init__(
        self,
        *,
        app_id: int = 12345,
        client_id: str = "Iv23liStandIn",
        installation_id: int = 42,
        permissions: Mapping[str, str] = PERMISSIONS,
        token: str = "ghp_token",  # noqa: S107 - a stand-in's password
        repositories: Sequence[str] = ("acme/agent",),
        foreign_repositories: Sequence[str] = ("acme/secret",),
        collaborators: Mapping[str, str] | None = None,
    ) -> None:
        self.app_id, self.client_id, self.installation_id, self.token = app_id, client_id, installation_id, token
        self.permissions = dict(permissions)
        self.collaborators = dict(collaborators or {"dev": "write", "guest": "none"})
        self.private_key, self._public_key = private_key(), _key(0).public_key()
        self.requests: list[Request] = []
        self._ids = itertools.count(1000)
        self._repositories = {
            name.lower(): Repository(name, next(self._ids), bool(foreign))
            for foreign, names in enumerate((repositories, foreign_repositories))
            for name in names
        }
        self._grants: dict[str, Grant] = {}
        self._faults: list[Fault] = []
        self._cuts, self._cut_only, self._hang_s = 0, "", 0.0
        self._lock = threading.Lock()
        self._routes = [
            Route("POST R/statuses/([^/]+)", self._create_status, ("statuses",), "write"),
            Route("GET R/commits/([^/]+)/statuses", self._statuses, ("statuses",), "read"),
            Route("POST R/check-runs", self._create_run, ("checks",), "write", app_only=True),
            Route(r"PATCH R/check-runs/(\d+)", self._update_run, ("checks",), "write", app_only=True),
            Route("GET R/commits/([^/]+)/check-runs", self._runs, ("checks",), "read"),
            Route(r"POST R/issues/(\d+)/comments", self._comment, ("issues", "pull_requests"), "write"),
            Route(r"GET R/issues/(\d+)/comments", self._comments, ("issues", "pull_requests"), "read"),
            Route(r"GET R/pulls/(\d+)", self._pull, ("pull_requests",), "read"),
            Route("GET R/collaborators/([^/]+)/permission", self._permission, ("metadata",), "read"),
        ]
        super().__init__(_Handler)
        self.url = self.origin

    def fault(
        self,
        status: int,
        times: int = 1,
        *,
        seconds: float = 0,
        headers: Mapping[str, str] | None = None,
        only: str = "",
    ) -> None:
        """Fails the next `times` requests, or all for `seconds`; `only` is a part of "METHOD /path".

        `primary_limit` and `secondary_limit` make the headers of GitHub's rate limits.
        """
        bounds = (float("inf"), time.monotonic() + seconds) if seconds else (times, float("inf"))
        with self._lock:
            lowered = {name.lower(): value for name, value in (headers or {}).items()}
            self._faults.append(Fault(_failure(status, lowered), only, *bounds))

    def time_out_after(self, times: int = 1, *, hang_s: float = 0, only: str = "") -> None:
        """Carries out the next writes to a repository, but closes the line, after `hang_s`, without an answer."""
        with self._lock:
            self._cuts, self._cut_only, self._hang_s = times, only, hang_s

    def revoke_tokens(self) -> None:
        """All that installations got until now; as after their hour."""
        with self._lock:
            self._grants.clear()

    def repository(self, full_name: str = "acme/agent") -> Repository:
        return self._repositories[full_name.lower()]

    def add_commit(self, repository: str = "acme/agent") -> str:
        sha = secrets.token_hex(20)
        self.repository(repository).commits.add(sha)
        return sha

    def add_pull(self, number: int, repository: str = "acme/agent", head_ref: str = "feature") -> str:
        """Returns the SHA of its head."""
        sha, owner, where = self.add_commit(repository), repository.partition("/")[0], _repository(repository)
        head = {"label": f"{owner}:{head_ref}", "ref": head_ref, "sha": sha, "repo": where}
        base = {"label": f"{owner}:main", "ref": "main", "sha": "d" * 40, "repo": where}
        links = {"url": f"{API}/repos/{repository}/pulls/{number}", "html_url": f"{WEB}/{repository}/pull/{number}"}
        what = {"id": next(self._ids), "number": number, "state": "open", "title": "A change", "user": _user("dev")}
        self.repository(repository).pulls[number] = {**what, **links, "draft": False, "head": head, "base": base}
        return sha

    def add_foreign_check_run(self, sha: str, name: str, repository: str = "acme/agent") -> int:
        """As another App does; returns its id."""
        with self._lock:
            where = self.repository(repository)
            run = self._new_run(where, 15368)
            run |= {"name": name, "head_sha": sha, "status": "completed", "conclusion": "success"}
            where.check_runs.append(run)
        return int(run["id"])

    def answer(self, call: Call) -> Answer | None:
        with self._lock:
            answer: Answer | None = self._fault(call.request)
            if answer is None:
                answer = self._try(call)
                writes = call.method != "GET" and call.path.startswith("/repos/")
                if self._cuts and writes and self._cut_only in call.request and answer.status < HTTPStatus.BAD_REQUEST:
                    self._cuts -= 1
                    answer = None
            status = answer.status if answer else None
            self.requests.append(Request(call.method, call.path, status, self._by(call), _loads(call.body)))
        if answer is None:
            self._server.stopping.wait(self._hang_s)
            return None
        left = {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": str(5000 - len(self.requests))}
        reset = {"x-ratelimit-reset": str(int(time.time()) + 3600), "x-ratelimit-resource": "core"}
        return Answer(answer.status, answer.body, {**left, **reset, **answer.headers})

    def _fault(self, request: str) -> Answer | None:
        for fault in self._faults:
            if fault.times > 0 and time.monotonic() < fault.until and fault.only in request:
                fault.times -= 1
                return fault.answer
        return None

    def _try(self, call: Call) -> Answer:
        if not call.headers.get("User-Agent"):
            return Answer(403, NO_AGENT.encode(), {"Content-Type": "text/html; charset=utf-8"})
        try:
            return self._route(call)
        except RefusedError as refused:
            return refused.answer

    def _route(self, call: Call) -> Answer:
        accepted = call.headers.get("Accept", "*/*")
        if not any(JSON_TYPES.fullmatch(kind.partition(";")[0].strip()) for kind in accepted.split(",")):
            raise RefusedError(415, f"Unsupported 'Accept' header: '{accepted}'. Must accept 'application/json'.")
        if match := re.fullmatch(r"POST /app/installations/(\d+)/access_tokens", call.request):
            return self._create_token(call, int(match[1]))
        for route in self._routes:
            pattern = route.pattern.replace(" R/", " /repos/([^/]+/[^/]+)/")
            if match := re.fullmatch(pattern, call.request):
                repository, *rest = match.groups()
                grant = self._grant(call)
                return route.handle(call, grant, self._visible(repository, grant, route), *rest)
        raise RefusedError(404, "Not Found")

    def _by(self, call: Call) -> str:
        _, value = call.credentials()
        if value.count(".") == 2:
            return "app"
        if value == self.token:
            return "token"
        return "installation" if value.startswith("ghs_") else ""

    def _grant(self, call: Call) -> Grant:
        scheme, value = call.credentials()
        if not value:
            raise RefusedError(401, "Requires authentication")
        mine = [name for name, repository in self._repositories.items() if not repository.foreign]
        grant = Grant("token", mine, {}) if value == self.token else self._grants.get(value)
        if grant is None or grant.expires < time.time() or scheme not in {"token", "bearer"}:
            raise RefusedError(401, "Bad credentials")
        return grant

    def _visible(self, name: str, grant: Grant, route: Route) -> Repository:
        if name.lower() not in grant.repositories:
            raise RefusedError(404, "Not Found")
        if route.app_only and grant.by == "token":
            raise RefusedError(403, NOT_AN_APP)
        if not grant.allows(route.needs, route.level):
            raise RefusedError(403, "Resource not accessible by integration")
        return self._repositories[name.lower()]

    def _create_token(self, call: Call, installation_id: int) -> Answer:
        self._verify_app(call)
        if installation_id != self.installation_id:
            raise RefusedError(404, "Not Found")
        asked = call.json() if call.body else {}
        permissions = asked.get("permissions") or self.permissions
        mine = [repository for repository in self._repositories.values() if not repository.foreign]
        names = asked.get("repositories") or [repository.full_name.split("/")[1] for repository in mine]
        selected = [repository for repository in mine if repository.full_name.split("/")[1] in names]
        granted = Grant("installation", (), self.permissions)
        if not all(level in LEVELS and granted.allows([name], level) for name, level in permissions.items()):
            raise RefusedError(422, NOT_GRANTED)
        if len(selected) < len(names):
            raise RefusedError(422, NOT_INSTALLED)
        value, expires = "ghs_" + secrets.token_hex(18), time.time() + TOKEN_S
        where = [repository.full_name.lower() for repository in selected]
        self._grants[value] = Grant("installation", where, permissions, expires)
        what = {"permissions": permissions, "repository_selection": "selected" if "repositories" in asked else "all"}
        return _json(201, {"token": value, "expires_at": _stamp(datetime.fromtimestamp(expires, UTC)), **what})

    def _verify_app(self, call: Call) -> None:
        claims, authentic = self._claims(call)
        if claims and str(claims.get("iss")) not in {str(self.app_id), self.client_id}:
            raise RefusedError(404, "Integration not found")
        if not authentic:
            raise RefusedError(401, "A JSON web token could not be decoded")
        now, issued, expires = time.time(), claims.get("iat"), claims.get("exp")
        if not isinstance(expires, int | float) or expires <= now:
            must = "must be a numeric value representing the future time at which the assertion expires"
            raise RefusedError(401, f"'Expiration time' claim ('exp') {must}")
        if expires > now + MAX_JWT_S:
            raise RefusedError(401, "'Expiration time' claim ('exp') is too far in the future")
        if not isinstance(issued, int) or issued > now:
            must = "must be an Integer representing the time that the assertion was issued"
            raise RefusedError(401, f"'Issued at' claim ('iat') {must}")

    def _claims(self, call: Call) -> tuple[Json, bool]:
        """And whether the App's key signed them."""
        scheme, value = call.credentials()
        claims: Json = {}
        try:
            head, payload, signature = value.split(".")
            header, claims = json.loads(_unbase64(head)), json.loads(_unbase64(payload))
            signed_part = f"{head}.{payload}".encode()
            self._public_key.verify(_unbase64(signature), signed_part, padding.PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, ValueError):
            return claims, False
        return claims, (scheme, header.get("alg")) == ("bearer", "RS256")

    def _create_status(self, call: Call, grant: Grant, repository: Repository, sha: str) -> Answer:
        asked = call.json()
        texts = {name: asked.get(name) for name in ("state", "target_url", "description", "context")}
        _refuse_invalid(_text_problems({name: value for name, value in texts.items() if value is not None}, texts))
        context = texts["context"] or "default"
        if errors := list(_status_errors({**texts, "context": context, "sha": sha})):
            raise RefusedError(422, "Validation Failed", errors)
        _find_commit(repository, sha)
        if sum((status["sha"], status["context"]) == (sha, context) for status in repository.statuses) >= MAX_STATUSES:
            full = "This SHA and context has reached the maximum number of statuses."
            raise RefusedError(422, "Validation Failed", [{"resource": "Status", "code": "custom", "message": full}])
        status = {**self._new(f"{repository.url}/statuses/{sha}"), **texts, "context": context, "avatar_url": None}
        repository.statuses.append({**status, "creator": _author(grant), "sha": sha})
        return _json(201, _shown_status(repository.statuses[-1]))

    def _statuses(self, call: Call, _: Grant, repository: Repository, sha: str) -> Answer:
        if sha not in repository.commits:
            raise RefusedError(404, "Not Found")
        found = [_shown_status(status) for status in reversed(repository.statuses) if status["sha"] == sha]
        page, headers = _page(call, found)
        return _json(200, page, headers)

    def _create_run(self, call: Call, _: Grant, repository: Repository) -> Answer:
        asked = call.json()
        _refuse_invalid(_run_problems(asked, {"head_sha", "name"}, {"summary", "title"}))
        _find_commit(repository, asked["head_sha"])
        run = _changed_run(self._new_run(repository, self.app_id), asked)
        repository.check_runs.append(run)
        return _json(201, run)

    def _update_run(self, call: Call, _: Grant, repository: Repository, number: str) -> Answer:
        asked = call.json()
        for place, run in enumerate(repository.check_runs):
            if run["id"] == int(number):
                app = run["app"]["id"]
                if app != self.app_id:
                    only = "check run can only be modified by the GitHub App that created it."
                    raise RefusedError(403, f"Invalid app_id `{app}` - {only}")
                _refuse_invalid(_run_problems(asked, set(), {"summary"}))
                repository.check_runs[place] = _changed_run(run, {**asked, "head_sha": run["head_sha"]})
                return _json(200, repository.check_runs[place])
        raise RefusedError(404, "Not Found")

    def _runs(self, call: Call, _: Grant, repository: Repository, sha: str) -> Answer:
        _find_commit(repository, sha)
        wanted = {name: call.one(name) for name in ("check_name", "status", "app_id") if call.one(name)}
        found: list[Json] = []
        for run in reversed(repository.check_runs):
            known = {"check_name": run["name"], "status": run["status"], "app_id": str(run["app"]["id"])}
            # Of each App's runs of one name only the latest, unless all are asked for.
            who = (run["name"], run["app"]["id"])
            same = [other for other in found if (other["name"], other["app"]["id"]) == who]
            hidden = bool(same) and call.one("filter", "latest") == "latest"
            if run["head_sha"] == sha and wanted.items() <= known.items() and not hidden:
                found.append(run)
        page, headers = _page(call, found)
        return _json(200, {"total_count": len(found), "check_runs": page}, headers)

    def _comment(self, call: Call, grant: Grant, repository: Repository, number: str) -> Answer:
        asked = call.json()
        _find_pull(repository, number)
        _refuse_invalid([*_missing({"body"}, asked), *_text_problems(asked, ["body"])])
        wrong = "" if asked["body"].strip() else "Body can't be blank"
        if len(asked["body"]) > MAX_COMMENT:
            wrong = f"Body is too long (maximum is {MAX_COMMENT} characters)"
        if wrong:
            error = {"resource": "IssueComment", "code": "unprocessable", "field": "data", "message": wrong}
            raise RefusedError(422, "Validation Failed", [error])
        issue = f"{repository.url}/issues/{number}"
        links = {"issue_url": issue, "html_url": f"{WEB}/{repository.full_name}/pull/{number}#issuecomment"}
        who = {"user": _author(grant), "author_association": "NONE", "performed_via_github_app": None}
        repository.comments.append({**self._new(f"{issue}/comments"), **links, **who, "body": asked["body"]})
        return _json(201, repository.comments[-1])

    def _comments(self, call: Call, _: Grant, repository: Repository, number: str) -> Answer:
        _find_pull(repository, number)
        issue = f"{repository.url}/issues/{number}"
        page, headers = _page(call, [comment for comment in repository.comments if comment["issue_url"] == issue])
        return _json(200, page, headers)

    def _pull(self, _: Call, __: Grant, repository: Repository, number: str) -> Answer:
        return _json(200, _find_pull(repository, number))

    def _permission(self, _: Call, __: Grant, ___: Repository, login: str) -> Answer:
        if login not in self.collaborators:
            raise RefusedError(404, f"{login} is not a user")
        role = self.collaborators[login]
        return _json(200, {"permission": BASE_ROLES.get(role, role), "role_name": role, "user": _user(login)})

    def _new(self, url: str) -> Json:
        number, now = next(self._ids), _stamp(datetime.now(UTC))
        return {"id": number, "node_id": f"N_{number}", "url": url, "created_at": now, "updated_at": now}

    def _new_run(self, repository: Repository, app_id: int) -> Json:
        number = next(self._ids)
        url, page = f"{repository.url}/check-runs/{number}", f"{WEB}/{repository.full_name}/runs/{number}"
        what = {"id": number, "node_id": f"CR_{number}", "external_id": "", "url": url, "html_url": page}
        state = {"status": "queued", "conclusion": None, "started_at": _stamp(datetime.now(UTC)), "completed_at": None}
        output = {**dict.fromkeys(OUTPUT_TEXTS), "annotations_count": 0, "annotations_url": f"{url}/annotations"}
        app = {"id": app_id, "slug": f"app-{app_id}", "node_id": f"A_{app_id}", "owner": _user("acme")}
        about: Json = {"name": f"App {app_id}", "description": None, "external_url": WEB, "html_url": WEB, "events": []}
        born = {"created_at": _stamp(datetime.now(UTC)), "updated_at": _stamp(datetime.now(UTC))}
        suite = {"check_suite": {"id": number}, "pull_requests": [], "details_url": WEB}
        whose = {"app": {**app, **about, **born, "permissions": self.permissions}}
        return {**what, **state, **suite, **whose, "output": output}


class _Handler(WireHandler):
    methods = ("GET", "POST", "PATCH")

    def respond(self) -> None:
        url = urlsplit(self.path)
        headers = {name.title(): value for name, value in self.headers.items()}
        self.send_or_cut(
            self.server.api.answer(Call(self.command, url.path, parse_qs(url.query), headers, self.body()))
        )


@cache
def _key(number: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def private_key(number: int = 0) -> str:
    """The App's, or with another number a foreign one, in the form in which GitHub hands them out."""
    form = serialization.PrivateFormat.TraditionalOpenSSL
    return _key(number).private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def primary_limit(reset_s: int = 60) -> dict[str, str]:
    return {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + reset_s)}


def secondary_limit(retry_after_s: int = 60) -> dict[str, str]:
    return {"retry-after": str(retry_after_s)}


def _json(status: int, data: object, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, json.dumps(data).encode(), headers or {})


def _loads(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _failure(status: int, headers: Mapping[str, str]) -> Answer:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        page = f"<html><head><title>Unicorn! {status}</title></head><body>This page is taking too long.</body></html>"
        return Answer(status, page.encode(), {**headers, "Content-Type": "text/html; charset=utf-8"})
    message = HTTPStatus(status).phrase
    if headers.get("x-ratelimit-remaining") == "0":
        message = "API rate limit exceeded for installation ID 42."
    if "retry-after" in headers:
        message = SECONDARY
    return Answer(status, RefusedError(status, message).answer.body, headers)


def _page(call: Call, found: Sequence[Json]) -> tuple[list[Json], dict[str, str]]:
    size, number = min(int(call.one("per_page", "30")), MAX_PAGE), int(call.one("page", "1"))
    end = size * number
    following = urlencode({**{name: values[-1] for name, values in call.query.items()}, "page": number + 1})
    headers = {"link": f'<{API}{call.path}?{following}>; rel="next"'} if end < len(found) else {}
    return list(found[end - size : end]), headers


def _find_commit(repository: Repository, sha: str) -> None:
    if sha not in repository.commits:
        raise RefusedError(422, f"No commit found for SHA: {sha}")


def _find_pull(repository: Repository, number: str) -> Json:
    if int(number) not in repository.pulls:
        raise RefusedError(404, "Not Found")
    return repository.pulls[int(number)]


def _refuse_invalid(problems: Collection[str] | Iterator[str]) -> None:
    if found := list(problems):
        raise RefusedError(422, "Invalid request.\n\n" + "\n".join(found))


def _missing(required: Collection[str], asked: Json) -> list[str]:
    missing = [f'"{name}"' for name in sorted(required) if name not in asked]
    verb = "wasn't" if len(missing) == 1 else "weren't"
    return [f"{', '.join(missing)} {verb} supplied."] if missing else []


def _text_problems(asked: Json, names: Collection[str]) -> Iterator[str]:
    for name in names:
        if name in asked and not isinstance(asked[name], str):
            shown = "nil" if asked[name] is None else json.dumps(asked[name])
            yield f"For 'properties/{name}', {shown} is not a string."


def _run_problems(asked: Json, required: Collection[str], output_required: Collection[str]) -> Iterator[str]:
    yield from _missing(required, asked)
    yield from _text_problems(asked, RUN_TEXTS)
    for name, allowed in ENUMS.items():
        if asked.get(name, allowed[0]) not in allowed:
            yield f"For 'properties/{name}', {json.dumps(asked[name])} is not a member of {json.dumps(allowed)}."
    for name in STAMPS:
        if name in asked and not STAMP.fullmatch(str(asked[name])):
            yield f"For 'properties/{name}', {json.dumps(asked[name])} is not a valid date-time."
    output = asked.get("output", dict.fromkeys(output_required, ""))
    if not isinstance(output, dict):
        yield f"For 'properties/output', {json.dumps(output)} is not an object."
        return
    yield from _missing(output_required, output)
    yield from _text_problems(output, OUTPUT_TEXTS)
    for name in OUTPUT_TEXTS:
        if len(str(output.get(name, ""))) > MAX_OUTPUT:
            yield f"Only {MAX_OUTPUT} characters are allowed; {len(output[name])} were supplied."


def _changed_run(run: Json, asked: Json) -> Json:
    """Raises for what only a look at the whole run shows."""
    errors = []
    status = "completed" if "conclusion" in asked else asked.get("status", run["status"])
    conclusion = asked.get("conclusion", run["conclusion"])
    if conclusion is None and (status == "completed" or "completed_at" in asked):
        errors.append({"resource": "CheckRun", "field": "conclusion", "code": "missing_field"})
    output = {name: asked.get("output", {}).get(name, run["output"][name]) for name in OUTPUT_TEXTS}
    for name, text in output.items():
        if len((text or "").encode()) > MAX_OUTPUT:
            wrong = f"{name} exceeds a maximum bytesize of {MAX_OUTPUT}"
            errors.append({"resource": "CheckRun", "code": "custom", "field": name, "message": wrong})
    if not WEB_URL.match(str(asked.get("details_url", run["details_url"]))):
        wrong = "details_url must use the http or https scheme"
        errors.append({"resource": "CheckRun", "code": "custom", "field": "details_url", "message": wrong})
    if errors:
        raise RefusedError(422, "Validation Failed", errors)
    changed = {**run, **{name: asked[name] for name in RUN_TEXTS if name in asked}, "status": status}
    ended = asked.get("completed_at", run["completed_at"] or _stamp(datetime.now(UTC)))
    end = {"conclusion": conclusion, "completed_at": ended}
    if status != "completed":
        end = dict.fromkeys(end)
    return {**changed, **end, "output": {**run["output"], **output}}


def _status_errors(asked: Json) -> Iterator[Json]:
    def error(name: str, wrong: str) -> Json:
        return {"resource": "Status", "code": "custom", "field": name, "message": f"{name} {wrong}"}

    description = asked["description"] or ""
    if not SHA.fullmatch(asked["sha"]):
        yield error("sha", "must be a 40 character SHA1")
    if asked["state"] not in STATES:
        yield error("state", "is not included in the list")
    if len(description) > MAX_DESCRIPTION:
        yield error("description", f"is too long (maximum is {MAX_DESCRIPTION} characters)")
    if any(ord(character) > 0xFFFF for character in description):
        yield error("description", "doesn't accept 4-byte Unicode")
    if len(asked["context"]) > MAX_CONTEXT:
        yield error("context", f"is too long (maximum is {MAX_CONTEXT} characters)")
    if asked["target_url"] and not WEB_URL.match(asked["target_url"]):
        yield error("target_url", "must use http(s) scheme")


def _shown_status(status: Json) -> Json:
    return {name: value for name, value in status.items() if name != "sha"}


def _author(grant: Grant) -> Json:
    return _user("standin[bot]", "Bot") if grant.by == "installation" else _user("robot")


def _unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _stamp(when: datetime) -> str:
    return f"{when:%Y-%m-%dT%H:%M:%SZ}"


BORN = "2024-01-01T00:00:00Z"
USER_LINKS = "followers following gists starred subscriptions organizations repos events received_events"
REPOSITORY_LINKS = (
    "archive assignees blobs branches collaborators comments commits compare contents contributors deployments "
    "downloads events forks git_commits git_refs git_tags hooks issue_comment issue_events issues keys labels "
    "languages merges milestones notifications pulls releases stargazers statuses subscribers subscription tags "
    "teams trees"
)
REPOSITORY_COUNTS = "forks forks_count open_issues open_issues_count size stargazers_count watchers watchers_count"
REACTIONS = ("total_count", "+1", "-1", "laugh", "confused", "heart", "hooray", "eyes", "rocket")


def event(
    name: str, *, repository: str = "acme/agent", sender: str = "dev", installation: int = 42, **values: Any
) -> Json:
    """What GitHub sends to an App; `values` are the arguments of `_push`, `_deployment_status`, `_issue_comment`."""
    if name == "ping":
        hook = {"type": "App", "id": 7, "name": "web", "active": True, "events": ["push"], "app_id": 12345}
        times = {"created_at": BORN, "updated_at": BORN, "config": {"url": WEB, "content_type": "json"}}
        return {"zen": "Keep it logically awesome.", "hook_id": 7, "hook": {**hook, **times}}
    makers: dict[str, Callable[..., Json]] = {
        "push": _push,
        "deployment_status": _deployment_status,
        "issue_comment": _issue_comment,
    }
    who = {"sender": _user(sender), "installation": {"id": installation, "node_id": f"I_{installation}"}}
    return {"repository": _repository(repository), **makers[name](repository, sender, **values), **who}


def signed(secret: str, body: bytes, name: str = "push") -> dict[str, str]:
    """The headers of a delivery."""
    return {
        "User-Agent": "GitHub-Hookshot/0123abc",
        "Accept": "*/*",
        "Content-Type": "application/json",
        "X-GitHub-Event": name,
        "X-GitHub-Delivery": str(uuid.uuid4()),
        "X-GitHub-Hook-ID": "7",
        "X-GitHub-Hook-Installation-Target-Type": "integration",
        "X-GitHub-Hook-Installation-Target-ID": "12345",
        "X-Hub-Signature": "sha1=" + hmac.new(secret.encode(), body, hashlib.sha1).hexdigest(),
        "X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
    }


def delivery(secret: str, name: str, **values: Any) -> tuple[dict[str, str], bytes]:
    """The headers and the body of an event."""
    body = json.dumps(event(name, **values), separators=(",", ":")).encode()
    return signed(secret, body, name), body


def _push(
    repository: str,
    sender: str,
    *,
    ref: str = "refs/heads/main",
    before: str = "b" * 40,
    after: str = "a" * 40,
    deleted: bool = False,
) -> Json:
    after = NO_SHA if deleted else after
    person, page = {"name": sender, "email": f"{sender}@example.com"}, f"{WEB}/{repository}"
    what = {"id": after, "tree_id": "c" * 40, "distinct": True, "message": "A change", "timestamp": BORN}
    who = {"author": {**person, "username": sender}, "committer": {**person, "username": sender}}
    head = {**what, **who, "url": f"{page}/commit/{after}", "added": [], "removed": [], "modified": ["agent.py"]}
    commits: Json = {"head_commit": None, "commits": []} if deleted else {"head_commit": head, "commits": [head]}
    kind = {"created": before == NO_SHA, "deleted": deleted, "forced": False}
    links = {"base_ref": None, "compare": f"{page}/compare/{before[:12]}...{after[:12]}", "pusher": person}
    # Only here are these times numbers.
    times = {"created_at": 1_704_067_200, "pushed_at": 1_704_067_200}
    where = {"repository": {**_repository(repository), **times}}
    return {"ref": ref, "before": before, "after": after, **kind, **links, **commits, **where}


def _deployment_status(
    repository: str,
    sender: str,
    *,
    state: str = "success",
    environment: str = "staging",
    environment_url: str = "https://staging.example.com",
    sha: str = "a" * 40,
    ref: str = "main",
) -> Json:
    url = f"{API}/repos/{repository}/deployments/8"
    common: Json = {"creator": _user(sender), "created_at": BORN, "updated_at": BORN, "environment": environment}
    common |= {"repository_url": f"{API}/repos/{repository}", "performed_via_github_app": None}
    what = {"id": 8, "node_id": "DE_8", "url": url, "statuses_url": f"{url}/statuses", "sha": sha, "ref": ref}
    how: Json = {"task": "deploy", "payload": {}, "original_environment": environment, "description": None}
    urls = {"target_url": "", "log_url": "", "environment_url": environment_url, "deployment_url": url}
    status = {"id": 9, "node_id": "DES_9", "url": f"{url}/statuses/9", "state": state, "description": ""}
    deployment = {**common, **what, **how, "transient_environment": False, "production_environment": False}
    runs = {"check_run": None, "workflow": None, "workflow_run": None}
    made = {"deployment_status": {**common, **status, **urls}, "deployment": deployment}
    return {"action": "created", **made, **runs}


def _issue_comment(
    repository: str,
    sender: str,
    *,
    body: str = "/voicewright run",
    number: int = 1,
    author_association: str = "MEMBER",
    action: str = "created",
    on_pull_request: bool = True,
) -> Json:
    url = f"{API}/repos/{repository}/issues/{number}"
    page = f"{WEB}/{repository}/{'pull' if on_pull_request else 'issues'}/{number}"
    common = {"user": _user(sender), "created_at": BORN, "updated_at": BORN, "performed_via_github_app": None}
    common |= {"author_association": author_association}
    what = {"id": 5, "node_id": "I_5", "number": number, "title": "A change", "state": "open", "body": None}
    people: Json = {"assignee": None, "assignees": [], "labels": [], "milestone": None, "locked": False, "comments": 1}
    links = {f"{name}_url": f"{url}/{name}" for name in ("comments", "events", "labels")}
    links |= {"url": url, "html_url": page, "repository_url": f"{API}/repos/{repository}"}
    rest = {"active_lock_reason": None, "closed_at": None, "reactions": _reactions(url)}
    issue: Json = {**common, **what, **people, **links, **rest}
    if on_pull_request:
        files = {"diff_url": f"{page}.diff", "patch_url": f"{page}.patch", "html_url": page, "merged_at": None}
        issue |= {"draft": False, "pull_request": {"url": f"{API}/repos/{repository}/pulls/{number}", **files}}
    comment_url = f"{API}/repos/{repository}/issues/comments/6"
    said = {"id": 6, "node_id": "IC_6", "body": body, "url": comment_url, "reactions": _reactions(comment_url)}
    where = {"issue_url": url, "html_url": f"{page}#issuecomment-6"}
    return {"action": action, "issue": issue, "comment": {**common, **said, **where}}


def _reactions(url: str) -> Json:
    return {"url": f"{url}/reactions", **dict.fromkeys(REACTIONS, 0)}


def _user(login: str, kind: str = "User") -> Json:
    url = f"{API}/users/{login}"
    number = int(hashlib.sha256(login.encode()).hexdigest()[:6], 16)
    who = {"login": login, "id": number, "node_id": f"U_{number}", "type": kind, "site_admin": False}
    links = {"url": url, "html_url": f"{WEB}/{login}", "avatar_url": f"{WEB}/{login}.png", "gravatar_id": ""}
    return {**who, **links, **{f"{name}_url": f"{url}/{name}" for name in USER_LINKS.split()}}


def _repository(full_name: str) -> Json:
    owner, _, name = full_name.partition("/")
    url, page = f"{API}/repos/{full_name}", f"{WEB}/{full_name}"
    who = {"id": 3, "node_id": "R_3", "name": name, "full_name": full_name, "owner": _user(owner, "Organization")}
    links = {"url": url, "html_url": page, "clone_url": f"{page}.git", "svn_url": page, "mirror_url": None}
    links |= {"git_url": f"git://github.com/{full_name}.git", "ssh_url": f"git@github.com:{full_name}.git"}
    links |= {f"{link}_url": f"{url}/{link}" for link in REPOSITORY_LINKS.split()}
    about = dict.fromkeys(("description", "homepage", "language", "license"))
    kind = {"private": True, "visibility": "private", "default_branch": "main", "topics": []}
    flags = dict.fromkeys(("fork", "archived", "disabled", "has_pages"), False)
    times = dict.fromkeys(("created_at", "updated_at", "pushed_at"), BORN)
    return {**who, **links, **about, **kind, **flags, **times, **dict.fromkeys(REPOSITORY_COUNTS.split(), 0)}
