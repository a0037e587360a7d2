"""Step 6: where the agent was wrong, one defect per failure signature; and what becomes of defects later.

The built-in tracker (`voicewright/defect_log.py`) is the truth. An outside tracker hears of it through
`publish_defect`, which can be repeated at any point: what it heard last is noted in the record, and looked up in the
tracker where that note may be missing.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar

from temporalio import activity

from activities.errors import GoneError, RateLimitedError, StepError, UnavailableError
from activities.heartbeat import heartbeats
from activities.ports import IssueTracker, ObjectStore
from voicewright.defect import Defect, DefectEvent, DefectRef, DefectStatus, Failure, Issue
from voicewright.defect_log import DefectLog
from voicewright.results import case_results
from voicewright.run import SettledDefects, SettleRequest

_log = logging.getLogger("voicewright.defects")
_BUSY_S = 2.0
_INDEX_LAG = timedelta(seconds=120)
"""How long a tracker may take to finish a request that we gave up on, and its search to find the new issue."""
_COMMENT_LAG = timedelta(seconds=60)
"""The same for a comment, which needs no search."""
_LOOK_S = 5.0
_MARK = re.compile(r"\[(VW-[0-9A-F]+)#(\d+)\]")
_REOPENS = {"opened", "seen", "regressed", "open"}
_MAX_TEXT = 20_000
T = TypeVar("T")


class DefectStep:
    """Files, publishes, settles and reconciles. `tracker` is None where no outside tracker is set."""

    def __init__(
        self, store: ObjectStore, tracker: IssueTracker | None, *, passes: int = 3, auto_close: bool = False
    ) -> None:
        self._store = store
        self._log = DefectLog(store)
        self._tracker = tracker
        self._passes = passes
        self._auto_close = auto_close

    @activity.defn(name="file_defect")
    async def file_defect(self, failure: Failure) -> DefectRef:
        """A new defect, or one more occurrence of a known one. Filing twice is filing once."""
        ref = await asyncio.to_thread(self._log.file, failure)
        return ref.model_copy(update={"publish": self._tracker is not None})

    @activity.defn(name="publish_defect")
    async def publish_defect(self, defect_id: str) -> Issue | None:
        """Tell the outside tracker what it has not heard yet. Issues and comments are made once.

        Raises:
            UnavailableError: it cannot be told now, or somebody else is telling it.
            InstallationError: it refuses us for good.
        """
        if self._tracker is None:
            return None
        info = activity.info()
        owner = f"{info.workflow_id}:{info.activity_id}:{info.attempt}"
        async with heartbeats(lambda: f"telling of {defect_id}"):
            return await asyncio.to_thread(self._publish, self._tracker, defect_id, owner)

    def _publish(self, tracker: IssueTracker, defect_id: str, owner: str) -> Issue | None:
        defect = self._log.defect(defect_id)
        if not defect.unpublished:
            return defect.issue
        leased = self._log.lease(defect_id, owner)
        if leased is None:
            raise UnavailableError(f"{defect_id} is being told to the tracker by another worker", retry_after_s=_BUSY_S)
        try:
            return self._tell(tracker, leased)
        except GoneError:
            self._log.forget_issue(defect_id)  # somebody deleted it: the next try makes another
            raise UnavailableError(f"the issue of {defect_id} is gone", retry_after_s=_BUSY_S) from None
        finally:
            self._log.release(defect_id, owner)

    def _tell(self, tracker: IssueTracker, defect: Defect) -> Issue | None:
        if not defect.unpublished:  # it was told while we waited for the lease
            return defect.issue
        issue = defect.issue or tracker.find(defect.id)
        if issue is not None and defect.issue is None:
            self._log.answered(defect.id)  # the creation whose answer got lost came through
        if issue is None:
            text = _described(defect)
            issue = self._once(defect, _INDEX_LAG, lambda: tracker.create(defect, text))
            heard = defect.unpublished[-1].number
        else:
            found = issue
            heard = max([defect.published, 1, *_heard(defect.id, tracker.comments(issue))])
            news = [event for event in defect.unpublished if event.number > heard]
            if news:
                text = f"{_quoted(news)}\n\n{_mark(defect, news[-1].number)}"
                self._once(defect, _COMMENT_LAG, lambda: tracker.comment(found, text))
                heard = news[-1].number
        self._move(tracker, issue, defect)
        self._log.published(defect.id, heard, issue)
        return issue

    def _once(self, defect: Defect, lag: timedelta, write: Callable[[], T]) -> T:
        """Write what must not be there twice: where an earlier try may have come through, wait until it shows."""
        began = self._log.asking(defect.id, again_after=lag)
        if began is not None:
            raise UnavailableError(
                f"what was written for {defect.id} at {began} may have come through and does not show yet",
                retry_after_s=_LOOK_S,
            )
        try:
            return write()
        except StepError as error:
            if isinstance(error, RateLimitedError) or not error.retryable:
                self._log.answered(defect.id)  # refused for certain: nothing came of it
            raise

    @staticmethod
    def _move(tracker: IssueTracker, issue: Issue, defect: Defect) -> None:
        """Bring the issue's state in line; a person's move of an issue that nothing happened to is left alone."""
        kinds = {event.kind for event in defect.unpublished}
        done = tracker.is_done(issue)
        if defect.status is DefectStatus.CLOSED and not done:
            tracker.move(issue, done=True)
        elif defect.status is DefectStatus.OPEN and done and kinds & _REOPENS:
            tracker.move(issue, done=False)

    @activity.defn(name="settle_defects")
    async def settle_defects(self, request: SettleRequest) -> SettledDefects:
        """Count a finished run's passes: defects that healed are closed or proposed for closing."""
        async with heartbeats(lambda: "counting passes"):
            moved = await asyncio.to_thread(self._settle, request)
        return SettledDefects(moved=tuple(moved), publish=self._tracker is not None)

    def _settle(self, request: SettleRequest) -> list[str]:
        results = case_results(self._store, request.run_id)
        return self._log.settle(
            request.suite.name, request.run_id, results, passes=self._passes, close=self._auto_close
        )

    @activity.defn(name="reconcile_defects")
    async def reconcile_defects(self) -> SettledDefects:
        """Bring the outside tracker's state and ours together; returns what changed here or there.

        What people did there counts: an issue that was closed closes the defect, one that was opened opens it. What it
        has not heard from us yet is told first.
        """
        if self._tracker is None:
            return SettledDefects()
        moved: list[str] = []
        async with heartbeats(lambda: f"reconciled, {len(moved)} changed"):
            for defect in await asyncio.to_thread(self._log.defects):
                changed = await asyncio.to_thread(self._reconcile, self._tracker, defect)
                moved += [defect.id] if changed else []
        return SettledDefects(moved=tuple(moved), publish=True)

    def _reconcile(self, tracker: IssueTracker, defect: Defect) -> bool:
        try:
            if defect.unpublished:
                self._publish(tracker, defect.id, f"reconcile:{activity.info().workflow_run_id}")
                return True
            if defect.issue is None:
                return False
            done = tracker.is_done(defect.issue)
        except StepError as error:  # one defect's trouble is not the others'
            _log.warning("%s could not be reconciled: %s", defect.id, error.message)
            return False
        if done is (defect.status is DefectStatus.CLOSED):
            return False
        goal = DefectStatus.CLOSED if done else DefectStatus.OPEN
        how = "closed" if done else "opened"
        return self._log.follow(defect, goal, f"{how} as {defect.issue.key}")


def _mark(defect: Defect, number: int) -> str:
    return f"[{defect.id}#{number}]"


def _heard(defect_id: str, comments: list[str]) -> list[int]:
    """Numbers of the events that comments of ours tell of."""
    found = (match for text in comments for match in _MARK.finditer(text))
    return [int(match[2]) for match in found if match[1] == defect_id]


def _quoted(events: Sequence[DefectEvent]) -> str:
    """What an agent said must not become markup, a mention or a mark of ours."""
    text = "\n".join(event.text for event in events)[:_MAX_TEXT]
    return "{noformat}\n" + text.replace("{", "(").replace("[VW-", "(VW-") + "\n{noformat}"


def _described(defect: Defect) -> str:
    return (
        f"Voicewright found this in suite {defect.suite}, by the check {defect.check}.\n\n{_quoted(defect.events)}\n\n"
        f"More failures of this kind are added as comments. {_mark(defect, defect.events[-1].number)}"
    )
