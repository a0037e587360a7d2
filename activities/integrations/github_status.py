"""GitHub: the commit under test hears how its run went, as a commit status and, for a GitHub App, as a check run.

Both are written so that writing them again changes nothing: a status is replaced by the next one of its context, a
check run is found again by its external id.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from githubkit import AppInstallationAuthStrategy, GitHub, TokenAuthStrategy
from githubkit.cache import MemCacheStrategy
from githubkit.exception import GitHubException, RequestError, RequestFailed

from activities.errors import BadInputError, InstallationError, RateLimitedError, UnavailableError
from activities.retry_after import retry_after_s
from voicewright.contracts.case import Outcome
from voicewright.contracts.run import GitHubTarget
from voicewright.contracts.steps import RunNotice
from voicewright.report.build import Links
from voicewright.store.keys import run_key
from voicewright.store.port import ObjectStore

_MAX_DESCRIPTION = 140
_MAX_SUMMARY = 60_000
"""GitHub takes 65,535 bytes."""
_TIMEOUT_S = 20
_DENIED = {401, 403, 404}
_TOO_MANY = 429
_SERVER = 500


class GitHubStatus:
    """`Notifier` for runs that a commit started. Blocking. Retries are Temporal's."""

    def __init__(
        self,
        store: ObjectStore,
        links: Links,
        *,
        api_url: str,
        token: str | None = None,
        app_id: str | None = None,
        private_key_file: Path | None = None,
    ) -> None:
        self._store = store
        self._links = links
        self._api_url = api_url
        self._token = token
        self._app_id = app_id
        self._key_file = private_key_file

    def tell(self, notice: RunNotice) -> None:
        """See `Notifier`; runs that no commit started are none of GitHub's business."""
        target = notice.github
        if target is None:
            return
        with self._client(target) as github:
            if not target.sha:
                target = target.model_copy(update={"sha": self._head(github, target, notice.run_id)})
            self._ask(github, "POST", f"/repos/{target.repository}/statuses/{target.sha}", self._status(notice))
            if self._app_id is not None:
                self._check_run(github, target, notice)

    def _head(self, github: GitHub[Any], target: GitHubTarget, run_id: str) -> str:
        """The newest commit of the pull request when the run began; looked up once, so that every report goes there."""
        key = run_key(run_id, "github-sha.txt")
        known = self._store.get_if_present(key)
        if known is None:
            pull = self._ask(github, "GET", f"/repos/{target.repository}/pulls/{target.pull}")
            self._store.put_if_absent(key, str(pull["head"]["sha"]).encode(), "text/plain")
            known = self._store.get(key)
        return known.decode()

    def _status(self, notice: RunNotice) -> dict[str, Any]:
        status = {
            "state": _state(notice),
            "context": _context(notice),
            "description": _sentence(notice)[:_MAX_DESCRIPTION],
        }
        link = self._link(notice)
        return {**status, "target_url": link} if link else status

    def _check_run(self, github: GitHub[Any], target: GitHubTarget, notice: RunNotice) -> None:
        repository = f"/repos/{target.repository}"
        body: dict[str, Any] = {
            "name": _context(notice),
            "head_sha": target.sha,
            "external_id": notice.run_id,
            "status": "completed" if notice.finished else "in_progress",
            "output": {"title": _sentence(notice), "summary": self._summary(notice)},
        }
        if notice.finished:
            body["conclusion"] = _conclusion(notice)
        if link := self._link(notice):
            body["details_url"] = link
        query = f"check_name={quote(_context(notice))}&filter=all&per_page=100"
        found = self._ask(github, "GET", f"{repository}/commits/{target.sha}/check-runs?{query}")["check_runs"]
        known = next((one["id"] for one in found if one.get("external_id") == notice.run_id), None)
        if known is None:
            self._ask(github, "POST", f"{repository}/check-runs", body)
        else:
            self._ask(github, "PATCH", f"{repository}/check-runs/{known}", body)

    def _summary(self, notice: RunNotice) -> str:
        raw = self._store.get_if_present(run_key(notice.run_id, "summary.md")) if notice.finished else None
        text = raw.decode() if raw is not None else _sentence(notice)
        return text.encode()[:_MAX_SUMMARY].decode(errors="ignore")

    def _link(self, notice: RunNotice) -> str:
        return self._links.report(notice.run_id) if notice.finished else self._links.run(notice.run_id)

    def _client(self, target: GitHubTarget) -> GitHub[Any]:
        auth: AppInstallationAuthStrategy | TokenAuthStrategy
        if self._app_id is not None and target.installation is not None:
            if self._key_file is None:
                raise InstallationError(
                    "VOICEWRIGHT_GITHUB_PRIVATE_KEY_FILE is not set: the App's private key, a PEM file"
                )
            try:
                key = self._key_file.read_text()
            except OSError as error:
                raise InstallationError(f"the GitHub App's private key cannot be read: {error}") from None
            auth = AppInstallationAuthStrategy(self._app_id, key, target.installation)
        elif self._token is not None:
            auth = TokenAuthStrategy(self._token)
        else:
            raise InstallationError("neither VOICEWRIGHT_GITHUB_TOKEN nor a GitHub App is set: GitHub cannot be told")
        # Tokens are kept for this one telling: the package's own cache would outlive one that was revoked.
        return GitHub(
            auth,
            base_url=self._api_url,
            timeout=_TIMEOUT_S,
            auto_retry=False,
            http_cache=False,
            cache_strategy=MemCacheStrategy(),
        )

    def _ask(self, github: GitHub[Any], method: str, path: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401
        try:
            return github.request(method, path, json=body).json()
        except RequestFailed as error:
            raise self._trouble(method, path, error) from None
        except RequestError as error:
            if isinstance(error.exc, RequestFailed):  # while it fetched an installation's token
                raise self._trouble("POST", "the installation's token", error.exc) from None
            raise UnavailableError(f"GitHub at {self._api_url} cannot be reached: {error.exc}") from None
        except GitHubException as error:
            raise InstallationError(f"GitHub cannot be asked: {error}") from None

    def _trouble(self, method: str, path: str, error: RequestFailed) -> Exception:
        response = error.response
        status, headers = response.status_code, response.headers
        text = f"GitHub answered {status} to {method} {path}: {response.text[:300]}"
        wait = _wait(headers)
        if status == _TOO_MANY or (status in _DENIED and wait is not None):
            return RateLimitedError(text, retry_after_s=wait)
        if status >= _SERVER:
            return UnavailableError(text)
        if status in _DENIED:
            return InstallationError(f"{text}; check VOICEWRIGHT_GITHUB_TOKEN or the App's permissions")
        return BadInputError(text)


def _wait(headers: Mapping[str, str]) -> float | None:
    """How long GitHub wants us to wait, in s: secondary limits name a time, the primary one a moment."""
    if (named := retry_after_s(headers)) is not None:
        return named
    try:
        if headers.get("x-ratelimit-remaining") == "0":
            return max(1.0, float(headers["x-ratelimit-reset"]) - time.time())
    except (KeyError, ValueError):
        return None
    return None


def _context(notice: RunNotice) -> str:
    return f"voicewright/{notice.suite.name}"


def _all_passed(notice: RunNotice) -> bool:
    return not notice.cancelled and notice.gating.get(Outcome.PASSED, 0) == notice.total - notice.excused


def _state(notice: RunNotice) -> str:
    if not notice.finished:
        return "pending"
    if notice.problem:
        return "error"
    if notice.gating.get(Outcome.FAILED, 0):
        return "failure"
    return "success" if _all_passed(notice) else "error"


def _conclusion(notice: RunNotice) -> str:
    if notice.problem or notice.gating.get(Outcome.FAILED, 0):
        return "failure"
    if notice.cancelled:
        return "cancelled"
    return "success" if _all_passed(notice) else "action_required"


def _sentence(notice: RunNotice) -> str:
    if notice.problem:
        return f"could not be run: {notice.problem}"
    counts = [f"{notice.counts[outcome]} {outcome}" for outcome in Outcome if notice.counts.get(outcome)]
    counts += [f"{notice.reviewing_total} waiting for review"] if notice.reviewing_total else []
    aside = f", {notice.excused} of them in quarantine" if notice.excused else ""
    return f"{', '.join(counts) or 'calls are being made'} of {notice.total}{aside}"
