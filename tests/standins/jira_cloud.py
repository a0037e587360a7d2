"""Stands in for Jira Cloud on 127.0.0.1: the part of its REST API that the `jira` package uses for issues."""

import base64
import json
import re
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from standins.wire import Standin, WireHandler

Json = dict[str, Any]

MAX_SUMMARY = 255
MAX_LABEL = 255
MAX_TEXT = 32_767
MAX_RESULTS = 5000
MAX_RECONCILED = 50
CATEGORIES = {"new": (2, "To Do"), "indeterminate": (4, "In Progress"), "done": (3, "Done")}
PRIORITIES = ("Highest", "High", "Medium", "Low", "Lowest")
SEARCH_KEYS = {"jql", "fields", "maxResults", "nextPageToken", "reconcileIssues", "expand", "properties"}

NOT_ON_SCREEN = "Field '{}' cannot be set. It is not on the appropriate screen, or unknown."
MISSING_ISSUE = "Issue does not exist or you do not have permission to see it."
INVALID_PAYLOAD = "Invalid request payload. Refer to the REST API documentation and try again."
BROKEN_JSON = "There was an error parsing JSON. Check that your request body is valid."
UNBOUNDED = "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
REMOVED = (
    "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full migration guideline "
    "is available at https://developer.atlassian.com/changelog/#CHANGE-2046"
)

VALUE = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[\w-]+)"""
VALUES = rf"{VALUE}|\(\s*{VALUE}(?:\s*,\s*{VALUE})*\s*\)"
CLAUSE = re.compile(rf"(\w+)\s*(=|!=|\bnot\s+in\b|\bin\b)\s*({VALUES})\s*", re.IGNORECASE)
AND = re.compile(r"and\b\s*", re.IGNORECASE)
ORDER_BY = re.compile(r"\s*order\s+by\s+\w", re.IGNORECASE)


@dataclass(frozen=True)
class Transition:
    id: str
    name: str
    source: str
    target: str


STATUSES = {"To Do": "new", "In Progress": "indeterminate", "Done": "done"}
TRANSITIONS = (
    Transition("11", "Start", "To Do", "In Progress"),
    Transition("21", "Finish", "In Progress", "Done"),
    Transition("31", "Reopen", "Done", "To Do"),
)


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    status: int | None
    """None: carried out, but the line was cut before the answer."""


@dataclass(frozen=True)
class Revision:
    """What one change made of an issue."""

    by: str
    status: str
    fields: Json
    when: datetime
    made_at: float


@dataclass
class Issue:
    id: str
    key: str
    history: list[Revision] = field(default_factory=list)
    comments: list[Json] = field(default_factory=list)

    @property
    def status(self) -> str:
        return self.history[-1].status

    @property
    def fields(self) -> Json:
        return self.history[-1].fields


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class RefusedError(Exception):
    def __init__(self, status: int, *messages: str, errors: Mapping[str, str] | None = None) -> None:
        super().__init__(status, messages, errors)
        self.answer = _json(status, {"errorMessages": list(messages), "errors": dict(errors or {})})


@dataclass
class Fault:
    answer: Answer
    only: str
    times: float
    until: float


@dataclass(frozen=True)
class Call:
    path: str
    query: dict[str, list[str]]
    content_type: str
    body: bytes

    def json(self) -> Json:
        if self.content_type != "application/json":
            raise RefusedError(415)
        try:
            data: Json = json.loads(self.body)
        except ValueError as error:
            raise RefusedError(400, BROKEN_JSON) from error
        return data

    def one(self, name: str, default: str = "") -> str:
        return self.query.get(name, [default])[-1]

    def many(self, name: str) -> list[str]:
        return [part for value in self.query.get(name, []) for part in value.split(",")]


class JiraCloud(Standin):
    """A site with one API user, projects and a workflow, which starts in the first status.

    `strangers_may_read`: wrong credentials count as none, so that reading an issue answers 404 instead of 401.
    """

    def __init__(
        self,
        *,
        email: str = "bot@example.com",
        token: str = "jira-token",  # noqa: S107 - a stand-in's password
        projects: Sequence[str] = ("VW",),
        issue_types: Sequence[str] = ("Task", "Bug"),
        custom_fields: Collection[str] = (),
        required_fields: Mapping[str, Sequence[str]] | None = None,
        statuses: Mapping[str, str] = STATUSES,
        transitions: Sequence[Transition] = TRANSITIONS,
        index_lag_s: float = 0,
        strangers_may_read: bool = False,
    ) -> None:
        self.email, self.token = email, token
        self.projects = {name: str(10000 + number) for number, name in enumerate(projects)}
        self.issue_types = {name: str(10100 + number) for number, name in enumerate(issue_types)}
        self.statuses, self.transitions = dict(statuses), tuple(transitions)
        self.index_lag_s = index_lag_s
        self.strangers_may_read = strangers_may_read
        self.issues: dict[str, Issue] = {}
        self.requests: list[Request] = []
        self.required = dict(required_fields or {})
        """Custom fields without which no issue is made, with the values that they take; any, where there are none."""
        self._editable = {*FIELD_ERRORS, *custom_fields, *self.required}
        self._faults: list[Fault] = []
        self._cuts, self._hang_s = 0, 0.0
        self._lock = threading.Lock()
        self._routes: list[tuple[str, Callable[..., Answer]]] = [
            ("GET [23]/serverInfo", self._server_info),
            ("GET [23]/myself", self._myself),
            ("GET [23]/field", self._fields),
            ("(?:GET|POST) [23]/search", self._old_search),
            ("GET [23]/search/jql", self._search_by_query),
            ("POST [23]/search/jql", self._search_by_body),
            ("GET 2/project/([^/]+)", self._project),
            ("POST 2/issue", self._create),
            ("GET 2/issue/createmeta/([^/]+)/issuetypes", self._creatable),
            ("GET 2/issue/createmeta/([^/]+)/issuetypes/([^/]+)", self._creatable_fields),
            ("GET 2/issue/([^/]+)", self._issue),
            ("PUT 2/issue/([^/]+)", self._edit),
            ("GET 2/issue/([^/]+)/comment", self._comments),
            ("POST 2/issue/([^/]+)/comment", self._comment),
            ("GET 2/issue/([^/]+)/transitions", self._transitions),
            ("POST 2/issue/([^/]+)/transitions", self._transition),
        ]
        super().__init__(_Handler)
        self.url = self.origin

    def fault(
        self, status: int, times: int = 1, *, seconds: float = 0, retry_after: int | None = None, only: str = ""
    ) -> None:
        """Fails the next `times` requests, or all for `seconds`; `only` is a part of "METHOD /path"."""
        bounds = (float("inf"), time.monotonic() + seconds) if seconds else (times, float("inf"))
        with self._lock:
            self._faults.append(Fault(_failure(status, retry_after), only, *bounds))

    def timeout_after_create(self, times: int = 1, *, hang_s: float = 0) -> None:
        """Creates the next issues, but closes the line, after `hang_s`, where the answer should come."""
        with self._lock:
            self._cuts, self._hang_s = times, hang_s

    def set_status(self, key: str, status: str, by: str = "A Person") -> None:
        """Moves an issue as a person does in Jira, along a transition that the API user cannot take."""
        if status not in self.statuses:
            raise ValueError(status)
        with self._lock:
            self._revise(self.issues[key], by, status, {})

    def answer(self, method: str, authorization: str | None, call: Call) -> Answer | None:
        request = f"{method} {call.path}"
        with self._lock:
            answer: Answer | None = self._fault(request) or self._refusal(request, authorization)
            if answer is None:
                answer = self._route(request, call)
            if self._cuts and answer.status == HTTPStatus.CREATED and call.path.endswith("/issue"):
                self._cuts -= 1
                answer = None
            self.requests.append(Request(method, call.path, answer.status if answer else None))
        if answer is None:
            self._server.stopping.wait(self._hang_s)
        return answer

    def _fault(self, request: str) -> Answer | None:
        for fault in self._faults:
            if fault.times > 0 and time.monotonic() < fault.until and fault.only in request:
                fault.times -= 1
                return fault.answer
        return None

    def _refusal(self, request: str, authorization: str | None) -> Answer | None:
        expected = "Basic " + base64.b64encode(f"{self.email}:{self.token}".encode()).decode()
        if authorization == expected or (authorization is None and request.endswith("/serverInfo")):
            return None
        headers = {"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"} if authorization else {}
        if self.strangers_may_read and request.startswith("GET /rest/api/2/issue/"):
            return Answer(404, RefusedError(404, MISSING_ISSUE).answer.body, headers)
        headers["WWW-Authenticate"] = f'OAuth realm="{quote(self.url, safe="")}"'
        # Jira calls this JSON.
        return Answer(401, b"Client must be authenticated to access this resource.", headers)

    def _route(self, request: str, call: Call) -> Answer:
        try:
            for pattern, handler in self._routes:
                if match := re.fullmatch(pattern.replace(" ", " /rest/api/"), request):
                    return handler(call, *match.groups())
        except RefusedError as refused:
            return refused.answer
        except (AttributeError, KeyError, TypeError, ValueError):
            return RefusedError(400, INVALID_PAYLOAD).answer
        return RefusedError(404, f"null for uri: {self.url}{call.path}").answer

    def _server_info(self, _: Call) -> Answer:
        version = {"version": "1001.0.0-SNAPSHOT", "versionNumbers": [1001, 0, 0], "buildNumber": 100284}
        return _json(200, {"baseUrl": self.url, "deploymentType": "Cloud", "serverTitle": "Jira", **version})

    def _myself(self, _: Call) -> Answer:
        return _json(200, {**_user("bot"), "emailAddress": self.email})

    def _fields(self, _: Call) -> Answer:
        names = sorted({"project", "issuetype", "status", *self._editable})
        return _json(200, [{"id": name, "name": name, "clauseNames": [name]} for name in names])

    def _project(self, _: Call, name: str) -> Answer:
        found = _find(self.projects, "key", {"key": name}) or _find(self.projects, "key", {"id": name})
        if found is None:
            raise RefusedError(404, f"No project could be found with key '{name}'.")
        return _json(200, {**self._project_json(found), "issueTypes": [*map(self._type_json, self.issue_types)]})

    def _creatable(self, call: Call, project: str) -> Answer:
        if project not in self.projects:
            raise RefusedError(404, f"No project could be found with key '{project}'.")
        kinds = [self._type_json(name) for name in self.issue_types]
        start = int(call.one("startAt", "0"))
        page = kinds[start : start + int(call.one("maxResults", "50"))]
        return _json(200, {"issueTypes": page, "startAt": start, "total": len(kinds)})

    def _creatable_fields(self, call: Call, project: str, kind: str) -> Answer:
        if project not in self.projects or kind not in self.issue_types.values():
            raise RefusedError(404, "Issue type not found.")
        system = [
            {"fieldId": name, "name": name, "required": name in {"summary", "issuetype"}} for name in FIELD_ERRORS
        ]
        priority = {"fieldId": "priority", "name": "Priority", "required": True, "hasDefaultValue": True}
        own = [
            {
                "fieldId": name,
                "name": name.title(),
                "required": True,
                "allowedValues": [{"value": one} for one in values],
            }
            for name, values in self.required.items()
        ]
        fields, start = [*system, priority, *own], int(call.one("startAt", "0"))
        page = fields[start : start + int(call.one("maxResults", "50"))]
        return _json(200, {"fields": page, "startAt": start, "total": len(fields)})

    def _create(self, call: Call) -> Answer:
        asked = call.json()["fields"]
        project, kind = asked.get("project"), asked.get("issuetype")
        key, issue_type = _find(self.projects, "key", project), _find(self.issue_types, "name", kind)
        errors = {} if key else {"project": "valid project is required"}
        if issue_type is None:
            errors["issuetype"] = "The issue type selected is invalid." if kind else "valid issue type is required"
        rest = {name: value for name, value in asked.items() if name not in {"project", "issuetype"}}
        for name, values in self.required.items():
            if name not in rest:
                errors[name] = f"{name.title()} is required."
            elif values and (not isinstance(rest[name], dict) or rest[name].get("value") not in values):
                errors[name] = f"Option value '{rest[name]}' is not valid"
        self._check({"summary": None, **rest}, errors)
        number = 1 + sum(issue.fields["project"] == key for issue in self.issues.values())
        issue = Issue(str(20000 + len(self.issues)), f"{key}-{number}")
        fields = {"labels": [], "description": None, **rest, "project": key, "issuetype": issue_type}
        self._revise(issue, "bot", next(iter(self.statuses)), fields)
        self.issues[issue.key] = issue
        return _json(201, {"id": issue.id, "key": issue.key, "self": self._self(issue)})

    def _edit(self, call: Call, name: str) -> Answer:
        issue, body = self._get(name), call.json()
        changes: Json = {**(body.get("fields") or {})}
        operations: Json = {**(body.get("update") or {})}
        if not changes and not operations:
            raise RefusedError(400, "one of 'fields' or 'update' required")
        for operation in operations.pop("labels", None) or []:
            [(verb, label)] = operation.items()
            labels: list[str] = {**issue.fields, **changes}["labels"]
            others = [other for other in labels if other != label]
            changes["labels"] = {"add": [*others, label], "remove": others, "set": label}[verb]
        self._check(changes, {other: NOT_ON_SCREEN.format(other) for other in operations})
        self._revise(issue, "bot", issue.status, changes)
        return Answer(204)

    def _issue(self, call: Call, name: str) -> Answer:
        issue = self._get(name)
        return _json(200, self._issue_json(issue, issue.history[-1], call.many("fields") or ["*all"]))

    def _comment(self, call: Call, name: str) -> Answer:
        issue, text = self._get(name), call.json().get("body")
        if error := _text_error(text) if str(text or "").strip() else "Comment body can not be empty!":
            raise RefusedError(400, errors={"comment": error})
        number, now = str(30000 + len(issue.comments)), _stamp(datetime.now(UTC))
        what = {"id": number, "self": f"{self._self(issue)}/comment/{number}", "author": _user("bot"), "body": text}
        issue.comments.append({**what, "created": now, "updated": now})
        return _json(201, issue.comments[-1])

    def _comments(self, call: Call, name: str) -> Answer:
        issue = self._get(name)
        start, size = int(call.one("startAt", "0")), int(call.one("maxResults", "100"))
        ordered = issue.comments[::-1] if call.one("orderBy") == "-created" else issue.comments
        page = {"startAt": start, "maxResults": size, "total": len(ordered)}
        return _json(200, {**page, "comments": ordered[start : start + size]})

    def _transitions(self, call: Call, name: str) -> Answer:
        issue, wanted = self._get(name), call.one("transitionId")
        steps = [step for step in self.transitions if step.source == issue.status and wanted in {"", step.id}]
        shown = [{"id": step.id, "name": step.name, "to": self._status_json(step.target)} for step in steps]
        return _json(200, {"expand": "transitions", "transitions": shown})

    def _transition(self, call: Call, name: str) -> Answer:
        issue, body = self._get(name), call.json()
        number = str(body.get("transition", {}).get("id", ""))
        if not number.isdecimal():
            raise RefusedError(400, "'transition' identifier must be an integer")
        # There is no screen that could take a field or a comment.
        others = {**body.get("fields", {}), **body.get("update", {})}
        self._check({}, {other: NOT_ON_SCREEN.format(other) for other in others})
        for step in self.transitions:
            if step.id == number and step.source == issue.status:
                self._revise(issue, "bot", step.target, {})
                return Answer(204)
        raise RefusedError(400, f"Transition id '{number}' is not valid for this issue.")

    def _old_search(self, _: Call) -> Answer:
        raise RefusedError(410, REMOVED)

    def _search_by_query(self, call: Call) -> Answer:
        lists = {"fields": call.many("fields"), "reconcileIssues": call.many("reconcileIssues")}
        words = {"jql": call.one("jql"), "nextPageToken": call.one("nextPageToken")}
        return self._search(call, {**lists, **words, "maxResults": int(call.one("maxResults", "50"))})

    def _search_by_body(self, call: Call) -> Answer:
        asked = {name: value for name, value in call.json().items() if value is not None}
        if asked.keys() - SEARCH_KEYS:
            raise RefusedError(400, INVALID_PAYLOAD)
        return self._search(call, asked)

    def _search(self, call: Call, asked: Json) -> Answer:
        size, fresh = asked.get("maxResults", 50), {str(number) for number in asked.get("reconcileIssues", [])}
        if len(fresh) > MAX_RECONCILED or not 0 <= size <= MAX_RESULTS:
            raise RefusedError(400, INVALID_PAYLOAD)
        tests = self._clauses(asked.get("jql", ""))
        indexed_to, found = time.monotonic() - self.index_lag_s, []
        for issue in reversed(self.issues.values()):
            seen = [revision for revision in issue.history if revision.made_at <= indexed_to or issue.id in fresh]
            if seen and all(test(seen[-1]) for test in tests):
                found.append((issue, seen[-1]))
        start = int(base64.b64decode(asked.get("nextPageToken", "")) or 0)
        fields, adf = asked.get("fields", []), "/3/" in call.path
        page = [self._issue_json(*match, fields, adf=adf) for match in found[start : start + size]]
        rest = {"nextPageToken": base64.b64encode(str(start + size).encode()).decode()}
        last = start + size >= len(found)
        return _json(200, {"issues": page, "isLast": last, **({} if last else rest)})

    def _clauses(self, jql: str) -> list[Callable[[Revision], bool]]:
        if not jql.strip() or ORDER_BY.match(jql):
            raise RefusedError(400, UNBOUNDED)
        tests, position = [], len(jql) - len(jql.lstrip())
        while match := CLAUSE.match(jql, position):
            tests.append(self._clause(*match.groups()))
            if match.end() == len(jql) or ORDER_BY.match(jql, match.end()):
                return tests
            following = AND.match(jql, match.end())
            position = following.end() if following else len(jql)
        raise RefusedError(400, f"Error in the JQL Query: this stand-in does not understand '{jql}'.")

    def _clause(self, name: str, operator: str, values: str) -> Callable[[Revision], bool]:
        kind, operator = name.lower(), operator.lower()
        labels = [label for _, label in CATEGORIES.values()]
        known = {"project": self.projects, "status": self.statuses, "statuscategory": [*CATEGORIES, *labels]}
        if kind not in {*known, "labels"}:
            raise RefusedError(400, f"Field '{name}' does not exist or you do not have permission to view it.")
        negated = operator.startswith(("!", "not"))
        if values.startswith("(") != operator.endswith("in") or (negated and not kind.startswith("status")):
            raise RefusedError(400, f"The operator '{operator}' is not supported by the '{name}' field.")
        wanted = {_unquoted(value) for value in re.findall(VALUE, values)}
        if kind == "labels":
            return lambda revision: not wanted.isdisjoint(revision.fields["labels"])
        wanted = {value.lower() for value in wanted}
        for value in wanted - {value.lower() for value in known[kind]}:
            raise RefusedError(400, f"The value '{value}' does not exist for the field '{name}'.")

        def test(revision: Revision) -> bool:
            category = self.statuses[revision.status]
            names = {
                "project": {revision.fields["project"]},
                "status": {revision.status},
                "statuscategory": {category, CATEGORIES[category][1]},
            }
            return negated == wanted.isdisjoint(name.lower() for name in names[kind])

        return test

    def _check(self, fields: Json, errors: Mapping[str, str]) -> None:
        found = {name: FIELD_ERRORS[name](value) for name, value in fields.items() if name in FIELD_ERRORS}
        unknown = {name: NOT_ON_SCREEN.format(name) for name in fields if name not in self._editable}
        if wrong := {name: error for name, error in {**found, **unknown, **errors}.items() if error}:
            raise RefusedError(400, errors=wrong)

    def _get(self, name: str) -> Issue:
        for issue in self.issues.values():
            if name in {issue.key, issue.id}:
                return issue
        raise RefusedError(404, MISSING_ISSUE)

    def _revise(self, issue: Issue, by: str, status: str, changes: Json) -> None:
        fields = {**(issue.fields if issue.history else {}), **changes}
        issue.history.append(Revision(by, status, fields, datetime.now(UTC), time.monotonic()))

    def _self(self, issue: Issue) -> str:
        return f"{self.url}/rest/api/2/issue/{issue.id}"

    def _project_json(self, key: str) -> Json:
        return {"id": self.projects[key], "key": key, "name": f"Project {key}"}

    def _type_json(self, name: str) -> Json:
        return {"id": self.issue_types[name], "name": name, "subtask": False}

    def _status_json(self, name: str) -> Json:
        number, label = CATEGORIES[self.statuses[name]]
        category = {"id": number, "key": self.statuses[name], "name": label}
        return {"id": str(10200 + list(self.statuses).index(name)), "name": name, "statusCategory": category}

    def _issue_json(self, issue: Issue, revision: Revision, wanted: Collection[str], *, adf: bool = False) -> Json:
        if not wanted:
            return {"id": issue.id}
        fields = {
            **revision.fields,
            "project": self._project_json(revision.fields["project"]),
            "issuetype": self._type_json(revision.fields["issuetype"]),
            "status": self._status_json(revision.status),
            "creator": _user("bot"),
            "created": _stamp(issue.history[0].when),
            "updated": _stamp(revision.when),
            "comment": {"comments": issue.comments, "total": len(issue.comments)},
        }
        if adf and fields["description"]:
            fields["description"] = _document(fields["description"])
        if not {"*all", "*navigable"} & set(wanted):
            fields = {name: value for name, value in fields.items() if name in wanted}
        return {"id": issue.id, "key": issue.key, "self": self._self(issue), "fields": fields}


class _Handler(WireHandler):
    content_type = "application/json;charset=UTF-8"
    methods = ("GET", "POST", "PUT", "DELETE")

    def respond(self) -> None:
        url = urlsplit(self.path)
        call = Call(url.path, parse_qs(url.query), self.headers.get_content_type(), self.body())
        self.send_or_cut(self.server.api.answer(self.command, self.headers.get("Authorization"), call))


def _json(status: int, data: object) -> Answer:
    return Answer(status, json.dumps(data).encode())


def _failure(status: int, retry_after: int | None) -> Answer:
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    title = f"{status} {HTTPStatus(status).phrase}"
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        reset = datetime.now(UTC) + timedelta(seconds=retry_after or 0)
        headers |= {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": f"{reset:%Y-%m-%dT%H:%MZ}"}
        body = {"errorMessages": ["The request has been rate-limited. Please try again later."], "errors": {}}
        return Answer(status, json.dumps(body).encode(), {**headers, "RateLimit-Reason": "jira-burst-based"})
    if status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return Answer(status, RefusedError(status, title).answer.body, headers)
    page = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    return Answer(status, page.encode(), {**headers, "Content-Type": "text/html"})


def _find(known: Mapping[str, str], by: str, reference: Json | None) -> str | None:
    if reference is None:
        return None
    ids = {number: name for name, number in known.items()}
    return reference[by] if reference.get(by) in known else ids.get(str(reference.get("id")))


def _summary_error(value: object) -> str | None:
    if not value:
        return "You must specify a summary of the issue."
    if not isinstance(value, str):
        return "Operation value must be a string"
    if {"\n", "\r"} & set(value):
        return "The summary is invalid because it contains newline characters."
    return f"Summary can't exceed {MAX_SUMMARY} characters." if _length(value) > MAX_SUMMARY else None


def _text_error(value: object) -> str | None:
    if not isinstance(value, str | None):
        return "Operation value must be a string"
    too_long = f"The entered text is too long. It exceeds the allowed limit of {MAX_TEXT:,} characters."
    return too_long if _length(value or "") > MAX_TEXT else None


def _labels_error(value: object) -> str | None:
    if not isinstance(value, list):
        return "data was not an array"
    for number, label in enumerate(value):
        if not isinstance(label, str) or not label:
            return f"string expected at index {number}"
        if re.search(r"\s", label):
            return f"The label '{label}' contains spaces which is invalid."
        if _length(label) > MAX_LABEL:
            return f"The label '{label}' exceeds the maximum length of {MAX_LABEL} characters."
    return None


def _priority_error(value: object) -> str | None:
    known = isinstance(value, dict) and value.get("name") in PRIORITIES
    return None if known else "The priority selected is invalid."


FIELD_ERRORS: dict[str, Callable[[object], str | None]] = {
    "summary": _summary_error,
    "description": _text_error,
    "labels": _labels_error,
    "priority": _priority_error,
}


def _length(text: str) -> int:
    """In UTF-16, as Jira counts: an emoji is two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _document(text: str) -> Json:
    lines = [{"type": "paragraph", "content": [{"type": "text", "text": line}]} for line in text.splitlines() if line]
    return {"type": "doc", "version": 1, "content": lines}


def _user(name: str) -> Json:
    return {"accountId": f"712020:{name}", "displayName": name, "active": True}


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value[0] in "\"'" else value


def _stamp(when: datetime) -> str:
    return f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03d}+0000"
