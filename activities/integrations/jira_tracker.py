"""Jira as the outside tracker, Cloud or Data Center, through the `jira` package.

An issue carries the defect's id as a label, which is how it is found again when nobody knows its key.
"""

from collections.abc import Callable
from typing import TypeVar

from jira import JIRA
from jira.exceptions import JIRAError
from requests.exceptions import RequestException

from activities.errors import BadInputError, GoneError, InstallationError, RateLimitedError, UnavailableError
from voicewright.defect import Defect, Issue

_TIMEOUT_S = 20.0
_TOO_MANY = 429
_GONE = 404
_DENIED = {401, 403}
_SERVER = 500
_LOGIN = "X-Seraph-LoginReason"
_MAX_SUMMARY = 255
_COMMENTS = 100
T = TypeVar("T")


class JiraTracker:
    """`IssueTracker`. Blocking. Retries are Temporal's: the package's own are off."""

    def __init__(self, url: str, user: str | None, token: str, project: str, issue_type: str = "Bug") -> None:
        if not project:
            raise InstallationError("VOICEWRIGHT_JIRA_PROJECT is not set: it names the project that gets the issues")
        self._url = url.rstrip("/")
        self._auth = {"basic_auth": (user, token)} if user else {"token_auth": token}
        self._project = project
        self._issue_type = issue_type
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
        fields = {
            "project": {"key": self._project},
            "issuetype": {"name": self._issue_type},
            "summary": defect.title[:_MAX_SUMMARY],
            "description": text,
            "labels": ["voicewright", _label(defect.id)],
        }
        made = self._ask("create an issue", lambda: self._jira.create_issue(fields=fields, prefetch=False))
        return self._issue(made.key)

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
                raise RateLimitedError(text, retry_after_s=_retry_after(error)) from None
            if status in _DENIED:
                raise InstallationError(f"{text}; check VOICEWRIGHT_JIRA_USER and VOICEWRIGHT_JIRA_TOKEN") from None
            if status == 0 or status >= _SERVER:
                raise UnavailableError(text) from None
            if (error.response is not None) and "AUTHENTICATED_FAILED" in error.response.headers.get(_LOGIN, ""):
                # Cloud treats a wrong token as a stranger, who sees nothing.
                raise InstallationError(f"{text}; Jira does not know this account or token") from None
            if status == _GONE:
                raise GoneError(text) from None
            raise BadInputError(text) from None
        except (RequestException, OSError) as error:
            raise UnavailableError(f"Jira at {self._url} cannot be reached to {what}: {error}") from None


def _label(defect_id: str) -> str:
    return f"voicewright-{defect_id}"


def _retry_after(error: JIRAError) -> float | None:
    headers = getattr(error.response, "headers", None) or {}
    try:
        return float(headers.get("Retry-After", ""))
    except ValueError:
        return None
