"""Step 6: where the agent was wrong, one defect per cause; and what becomes of defects later.

The built-in tracker (`voicewright/defects/log.py`) is the truth. An outside tracker hears of it through
`publish_defect`, which can be repeated at any point: what it heard last is noted in the record, and looked up in the
tracker where that note may be missing.
"""

import asyncio
import logging
import random
import re
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar

from temporalio import activity

from activities.audience import Audience, foremost
from activities.errors import GoneError, NotYetError, RateLimitedError, StepError, UnavailableError
from activities.heartbeat import heartbeats
from activities.ports.outside import DefectNotifier, IssueTracker
from activities.ports.recording import NoRecords, Recording
from activities.vendor_time import VendorThreads
from voicewright.contracts.case import CaseSummary
from voicewright.contracts.steps import SettledDefects, SettleRequest
from voicewright.defects.cause import failures_of
from voicewright.defects.log import DefectLog
from voicewright.defects.record import Defect, DefectEvent, DefectEventKind, DefectRef, DefectStatus, Issue
from voicewright.report.results import case_results, full_result
from voicewright.store.port import ObjectStore

_log = logging.getLogger("voicewright.defects")
_BUSY_S = 2.0
_INDEX_LAG = timedelta(seconds=120)
"""How long a tracker may take to finish a request that we gave up on, and its search to find the new issue."""
_COMMENT_LAG = timedelta(seconds=60)
"""The same for a comment, which needs no search."""
_LOOK_S = 5.0
_LIMIT_S = 100.0
"""For telling the tracker of one defect; less than one try of `publish_defect` has (`workflows/policies.py`)."""
_ROUND_S = 600.0
"""For one reconciliation: the next one begins after so long."""
_SILENT = 3
"""So many defects in a row for which the tracker did not answer end a reconciliation: it is down, or hangs."""
_MARK = re.compile(r"\[(VW-[0-9A-F]+)#(\d+)\]")
_REOPENS = {DefectEventKind.OPENED, DefectEventKind.SEEN, DefectEventKind.REGRESSED, DefectEventKind.REOPENED}
_MAX_TEXT = 20_000
T = TypeVar("T")


class DefectStep:
    """Files, publishes, settles and reconciles. `tracker` is None where no outside tracker is set.

    `records` hear how defects stand, and `notifiers` that there is a new one, or that one has come back.
    """

    def __init__(
        self,
        store: ObjectStore,
        tracker: IssueTracker | None,
        *,
        passes: int = 3,
        auto_close: bool = False,
        limit_s: float = _LIMIT_S,
        round_s: float = _ROUND_S,
        records: Recording | None = None,
        notifiers: Sequence[DefectNotifier] = (),
    ) -> None:
        self._records = records or NoRecords()
        self._threads = VendorThreads("the tracker", limit_s=limit_s)
        self._audience = Audience(notifiers)
        self._round_s = round_s
        self._store = store
        self._log = DefectLog(store)
        self._tracker = tracker
        self._passes = passes
        self._auto_close = auto_close

    @activity.defn(name="file_defect")
    async def file_defect(self, summary: CaseSummary) -> DefectRef:
        """A new defect, or one more occurrence of a known one, for each cause. Filing twice is filing once."""
        ref = await asyncio.to_thread(self._file, summary)
        await self._records.defects((ref.id, *ref.others))
        return ref.model_copy(update={"publish": self._somebody_hears})

    @property
    def _somebody_hears(self) -> bool:
        return self._tracker is not None or bool(self._audience)

    def _file(self, summary: CaseSummary) -> DefectRef:
        first, *others = [self._log.file(failure) for failure in failures_of(full_result(self._store, summary))]
        return first.model_copy(update={"others": tuple(other.id for other in others)})

    @activity.defn(name="publish_defect")
    async def publish_defect(self, defect_id: str) -> Issue | None:
        """Tell those outside what they have not heard yet. Issues and comments are made once.

        Raises:
            UnavailableError: somebody cannot be told now, or another worker is telling the tracker.
            InstallationError: somebody refuses us for good.
        """
        async with heartbeats(lambda: f"telling of {defect_id}"):
            issue, told = await asyncio.gather(
                self._track(defect_id), self._announce(defect_id), return_exceptions=True
            )
        troubles = [error for error in (issue, told) if isinstance(error, BaseException)]
        if troubles:
            raise foremost(troubles)
        return issue if isinstance(issue, Issue) else None

    async def _track(self, defect_id: str) -> Issue | None:
        if (tracker := self._tracker) is None:
            return None
        info = activity.info()
        owner = f"{info.workflow_id}:{info.activity_id}:{info.attempt}"
        issue = await self._threads.run(lambda: self._publish(tracker, defect_id, owner))
        await self._records.defects([defect_id])
        return issue

    async def _announce(self, defect_id: str) -> None:
        if self._audience:
            defect = await asyncio.to_thread(self._log.defect, defect_id)
            await self._audience.hear(lambda notifier: notifier.tell_defect(defect))

    def _publish(self, tracker: IssueTracker, defect_id: str, owner: str) -> Issue | None:
        defect = self._log.defect(defect_id)
        if not defect.unpublished:
            return defect.issue
        leased = self._log.lease(defect_id, owner)
        if leased is None:
            raise NotYetError(f"{defect_id} is being told to the tracker by another worker", retry_after_s=_BUSY_S)
        try:
            return self._tell(tracker, leased)
        except GoneError:
            self._log.forget_issue(defect_id)  # somebody deleted it: the next try makes another
            raise NotYetError(f"the issue of {defect_id} is gone", retry_after_s=_BUSY_S) from None
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
            raise NotYetError(
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
            known = await asyncio.to_thread(self._log.defects, request.suite.name)
            await self._records.defects(defect.id for defect in known)
        return SettledDefects(moved=tuple(moved), publish=self._somebody_hears)

    def _settle(self, request: SettleRequest) -> list[str]:
        results = case_results(self._store, request.run_id)
        return self._log.settle(
            request.suite.name, request.run_id, results, passes=self._passes, close=self._auto_close
        )

    @activity.defn(name="reconcile_defects")
    async def reconcile_defects(self) -> SettledDefects:
        """Bring the outside tracker's state and ours together; returns what changed here or there.

        What people did there counts: an issue that was closed closes the defect, one that was opened opens it. What it
        has not heard from us yet is told first. A tracker that does not answer ends the round early; defects come in
        another order each time, so that none is always among those that were left out.
        """
        if self._tracker is None:
            return SettledDefects()
        moved: list[str] = []
        silent, until = 0, time.monotonic() + self._round_s
        async with heartbeats(lambda: f"reconciled, {len(moved)} changed"):
            defects = await asyncio.to_thread(self._log.defects)
            random.shuffle(defects)
            for number, defect in enumerate(defects):
                if silent >= _SILENT or time.monotonic() > until:
                    _log.warning("the tracker is too slow: %d defects wait for the next round", len(defects) - number)
                    break
                try:
                    changed = await self._reconcile(self._tracker, defect)
                except StepError as error:  # one defect's trouble is not the others'
                    _log.warning("%s could not be reconciled: %s", defect.id, error.message)
                    silent = (
                        silent + 1 if isinstance(error, UnavailableError) and not isinstance(error, NotYetError) else 0
                    )
                    continue
                silent = 0
                await self._records.defects([defect.id] if changed else [])
                moved += [defect.id] if changed else []
        return SettledDefects(moved=tuple(moved), publish=True)

    async def _reconcile(self, tracker: IssueTracker, defect: Defect) -> bool:
        issue, owner = defect.issue, f"reconcile:{activity.info().workflow_run_id}"
        if defect.unpublished:
            await self._threads.run(lambda: self._publish(tracker, defect.id, owner))
            return True
        if issue is None:
            return False
        done = await self._threads.run(lambda: tracker.is_done(issue))
        if done is (defect.status is DefectStatus.CLOSED):
            return False
        goal = DefectStatus.CLOSED if done else DefectStatus.OPEN
        how = "closed" if done else "opened"
        return await asyncio.to_thread(self._log.follow, defect, goal, f"{how} as {issue.key}")


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
