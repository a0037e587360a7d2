"""Jira as the outside tracker, Cloud or Data Center, through the `jira` package.

An issue carries the defect's id as a label, which is how it is found again when nobody knows its key. Projects may
require fields of their own: `more` sets them, `lacking` tells which are missing.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from jira import JIRA
from jira.exceptions import JIRAError
from requests.exceptions import RequestException

from activities.errors import BadInputError, GoneError, InstallationError, RateLimitedError, UnavailableError
from activities.retry_after import retry_after_s
from voicewright.defects.record import Defect, Issue

_TIMEOUT_S = 20.0
_TOO_MANY = 429
_GONE = 404
_DENIED = {401, 403}
_SERVER = 500
_LOGIN = "X-Seraph-LoginReason"
_MAX_SUMMARY = 255
_COMMENTS = 100
_PAGE, _PAGES = 50, 20
_SHOWN = 8
_OURS = frozenset({"project", "issuetype", "summary", "description", "labels", "reporter"})
"""Fields that need nobody's help; the reporter is the account."""
T = TypeVar("T")


@dataclass(frozen=True)
class RequiredField:
    """A field without which a project takes no issue, with some of the values that it takes, where Jira lists them."""

    id: str
    name: str
    values: tuple[str, ...] = ()


class JiraTracker:
    """`IssueTracker`. Blocking. Retries are Temporal's: the package's own are off.

    Args:
        url: of the site.
        user: e-mail address of a Cloud account; None for a personal access token of Data Center.
        token: its API token.
        project: key of the project that gets the issues.
        issue_type: their type, by name.
        more: fields of every issue besides ours, by id, as Jira's REST API takes them; labels are added to ours.
    """

    def __init__(
        self,
        url: str,
        user: str | None,
        token: str,
        project: str,
        issue_type: str = "Bug",
        more: Mapping[str, Any] | None = None,
    ) -> None:
        if not project:
            raise InstallationError("VOICEWRIGHT_JIRA_PROJECT is not set: it names the project that gets the issues")
        self._url = url.rstrip("/")
        self._auth = {"basic_auth": (user, token)} if user else {"token_auth": token}
        self._project = project
        self._issue_type = issue_type
        self._more = dict(more or {})
        self._known: JIRA | None = None

    @property
    def _jira(self) -> JIRA:
        """Connected when first needed: a Jira that is down must not keep a worker from starting."""
        if self._known is None:
            self._known = JIRA(server=self._url, timeout=_TIMEOUT_S, max_retries=0, get_server_info=True, **self._auth)
        return self._known

    def find(self, defect_id: str) -> Issue | None:
        """See `IssueTracker`; the oldest, should there ever be two."""
        query = f'project = "{self._project}" AND labels = "{_label(defect_id)}" ORDER BY created ASC'

        def search() -> Issue | None:
            jira = self._jira
            # Cloud has switched the old search off; Data Center does not know the new one.
            if jira._is_cloud:  # noqa: SLF001 - the package tells nobody else
                found = jira.enhanced_search_issues(query, maxResults=1, fields="summary")
            else:
                found = jira.search_issues(query, maxResults=1, fields="summary")
            return self._issue(found[0].key) if len(found) else None

        return self._ask("search", search)

    def create(self, defect: Defect, text: str) -> Issue:
        """See `IssueTracker`."""
        labels = ["voicewright", _label(defect.id), *self._more.get("labels", [])]
        fields = {
            **self._more,
            "project": {"key": self._project},
            "issuetype": {"name": self._issue_type},
            "summary": defect.title[:_MAX_SUMMARY],
            "description": text,
            "labels": list(dict.fromkeys(labels)),
        }
        made = self._ask("create an issue", lambda: self._jira.create_issue(fields=fields, prefetch=False))
        return self._issue(made.key)

    def lacking(self) -> list[RequiredField]:
        """The fields that the project requires and nobody sets.

        Raises:
            UnavailableError: Jira does not answer.
            InstallationError: it does not let us in, or there is no such project or type of issue.
        """
        return self._ask("tell which fields it requires", self._lacking)

    def _lacking(self) -> list[RequiredField]:
        where = f"issue/createmeta/{self._project}/issuetypes"
        kinds = {str(one.get("name")): str(one["id"]) for one in self._listed(where, "issueTypes")}
        if self._issue_type not in kinds:
            message = (
                f"the project {self._project} takes no issues of the type {self._issue_type!r} from this account: set "
                f"VOICEWRIGHT_JIRA_ISSUE_TYPE to one of {', '.join(sorted(kinds)) or 'its types'}"
            )
            raise InstallationError(message)
        return [
            RequiredField(_id_of(field), str(field.get("name", "")), tuple(_values(field)))
            for field in self._listed(f"{where}/{kinds[self._issue_type]}", "fields")
            if field.get("required") and not field.get("hasDefaultValue") and _id_of(field) not in {*_OURS, *self._more}
        ]

    def _listed(self, path: str, cloud: str) -> Iterator[dict[str, Any]]:
        """A paged list, which Data Center calls `values` and Cloud by what is in it."""
        for number in range(_PAGES):
            found = self._jira._get_json(path, params={"startAt": number * _PAGE, "maxResults": _PAGE})  # noqa: SLF001
            page = found.get("values") or found.get(cloud) or []
            yield from page
            if len(page) < _PAGE:
                return

    def comments(self, issue: Issue) -> list[str]:
        """See `IssueTracker`."""

        def read() -> list[str]:
            found = self._jira.issue(issue.key, fields="description")
            newest = self._jira.comments(issue.key, order_by="-created", max_results=_COMMENTS)
            return [found.fields.description or "", *(comment.body for comment in newest)]

        return self._ask("read the comments", read)

    def comment(self, issue: Issue, text: str) -> None:
        """See `IssueTracker`."""
        self._ask("comment", lambda: self._jira.add_comment(issue.key, text))

    def is_done(self, issue: Issue) -> bool:
        """See `IssueTracker`; by the category of the status, whatever a project calls it."""

        def read() -> bool:
            status = self._jira.issue(issue.key, fields="status").fields.status
            return bool(status.statusCategory.key == "done")

        return self._ask("read the status", read)

    def move(self, issue: Issue, *, done: bool) -> None:
        """See `IssueTracker`. Where no transition leads there at once, the statuses on the way are walked through."""
        visited: set[str] = set()
        while not self._ask("move the issue", lambda: self._step(issue, visited, done=done)):
            continue

    def _step(self, issue: Issue, visited: set[str], *, done: bool) -> bool:
        """One transition, straight to the goal where there is one; True once it is reached."""
        on_the_way = None
        for transition in self._jira.transitions(issue.key):
            status = transition["to"]
            if (status["statusCategory"]["key"] == "done") is done:
                self._jira.transition_issue(issue.key, transition["id"])
                return True
            if status["id"] not in visited:
                on_the_way = on_the_way or transition
        if on_the_way is None:
            goal = "a done" if done else "an open"
            raise InstallationError(f"{issue.key}: no transition leads to {goal} status; does its workflow allow it?")
        visited.add(on_the_way["to"]["id"])
        self._jira.transition_issue(issue.key, on_the_way["id"])
        return False

    def _issue(self, key: str) -> Issue:
        return Issue(key=key, url=f"{self._url}/browse/{key}")

    def _ask(self, what: str, work: Callable[[], T]) -> T:
        """The vendor's troubles as ours: what is worth trying again, and what is not."""
        try:
            return work()
        except JIRAError as error:
            status = error.status_code or 0
            text = f"Jira at {self._url} did not {what} ({status}): {' '.join(str(error.text).split())[:300]}"
            if status == _TOO_MANY:
                headers = error.response.headers if error.response is not None else {}
                raise RateLimitedError(text, retry_after_s=retry_after_s(headers)) from None
            if status in _DENIED:
                raise InstallationError(f"{text}; check VOICEWRIGHT_JIRA_USER and VOICEWRIGHT_JIRA_TOKEN") from None
            if status == 0 or status >= _SERVER:
                raise UnavailableError(text) from None
            if (error.response is not None) and "AUTHENTICATED_FAILED" in error.response.headers.get(_LOGIN, ""):
                # Cloud treats a wrong token as a stranger, who sees nothing.
                raise InstallationError(f"{text}; Jira does not know this account or token") from None
            if status == _GONE:
                raise GoneError(text) from None
            if wrong := _wrong_fields(error):
                raise InstallationError(
                    f"{text}; set {', '.join(wrong)} with VOICEWRIGHT_JIRA_FIELDS; `voicewright doctor` lists what is "
                    "required"
                ) from None
            raise BadInputError(text) from None
        except (RequestException, OSError) as error:
            raise UnavailableError(f"Jira at {self._url} cannot be reached to {what}: {error}") from None


def _label(defect_id: str) -> str:
    return f"voicewright-{defect_id}"


def _wrong_fields(error: JIRAError) -> list[str]:
    """The fields of a refused issue that are not ours, by id."""
    try:
        told = error.response.json() if error.response is not None else {}
    except ValueError:
        return []
    errors = told.get("errors") if isinstance(told, dict) else None
    return sorted(set(errors) - _OURS)[:_PAGE] if isinstance(errors, dict) else []


def _id_of(field: Mapping[str, Any]) -> str:
    return str(field.get("fieldId") or field.get("key") or "")


def _values(field: Mapping[str, Any]) -> Iterator[str]:
    for value in (field.get("allowedValues") or [])[:_SHOWN]:
        if isinstance(value, dict):
            yield str(value.get("value") or value.get("name") or value.get("id") or "")
