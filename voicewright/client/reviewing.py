"""Cases that wait for people: list, claim, correct, decide."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from temporalio.client import (
    Client,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import FailureError
from temporalio.service import RPCError

from voicewright.client.answers import ANSWER, NO_SUCH_ID, unanswered
from voicewright.client.errors import NotFoundError, ReviewRefusedError, UnansweredError
from voicewright.client.reviews import ANY, MAX_PAGE, ReviewEntry, ReviewFilter, ReviewPage, place_after, review_page
from voicewright.contracts.base import Contract
from voicewright.contracts.case import CaseState
from voicewright.contracts.correction import CorrectedVerdict, WordsCorrection
from voicewright.contracts.review import LEASE_MS, ReviewClaim, ReviewDecision, ReviewLease, ReviewSubmission
from voicewright.contracts.text import MAX_NAME

_Answer = TypeVar("_Answer")
_NEXT = 20
"""Free cases that are looked at together."""
_JUDGED = timedelta(seconds=15)
"""For a verdict on corrected words: some seconds, and its turn among other cases. Less than the web app's deadline."""


class Reviewing:
    """The part of a connection that people's decisions go through."""

    def __init__(self, temporal: Client) -> None:
        self.temporal = temporal

    async def reviews(self) -> list[ReviewEntry]:
        """All cases that wait for a human, the longest waiting first; `review_page` reads a long queue in pieces."""
        page = await self.review_page(limit=MAX_PAGE)
        found = list(page.entries)
        while page.following:
            page = await self.review_page(limit=MAX_PAGE, after=page.following)
            found += page.entries
        return found

    async def review_page(self, *, limit: int = 100, after: str = "", wanted: ReviewFilter = ANY) -> ReviewPage:
        """Some of the cases that wait for a human, the longest waiting first.

        Args:
            limit: entries of a page, 1 to 500.
            after: the cursor that the page before gave; empty for the first page.
            wanted: which cases.

        Raises:
            CursorError: `after` is no cursor.
        """
        return await review_page(self.temporal, limit=limit, after=after, wanted=wanted)

    async def review_backlog(self, wanted: ReviewFilter = ANY, *, before: datetime | None = None) -> int:
        """How many cases wait for a human; with `before`, those that began before that moment."""
        query = wanted.query if before is None else f"{wanted.query} AND StartTime < '{before.isoformat()}'"
        return (await self.temporal.count_workflows(query, rpc_timeout=ANSWER)).count

    async def case(self, workflow_id: str) -> CaseState:
        """What is known of a case.

        Raises:
            NotFoundError: there is no such case.
        """
        handle = self.temporal.get_workflow_handle(workflow_id)
        try:
            state: CaseState = await handle.query("state", result_type=CaseState, rpc_timeout=ANSWER)
        except RPCError as error:
            if error.status in NO_SUCH_ID:
                raise NotFoundError(
                    f"there is no case {workflow_id}; `voicewright review list` shows those that wait"
                ) from None
            raise unanswered(error, f"the case {workflow_id}") from None
        except WorkflowQueryFailedError:
            raise NotFoundError(
                f"{workflow_id} is not a case; `voicewright review list` shows those that wait"
            ) from None
        return state

    async def decide(self, workflow_id: str, submission: ReviewSubmission) -> ReviewDecision:
        """Decide a case that waits for a human.

        Raises:
            ReviewRefusedError: it was decided already, has ended, or the submission lacks something.
            UnansweredError: no worker answers now; the decision may still be taken.
            NotFoundError: there is no such case.
        """
        return await self._ask_desk(workflow_id, "submit_review", submission, ReviewDecision)

    async def correct(self, workflow_id: str, correction: WordsCorrection) -> CorrectedVerdict:
        """Put words that were corrected in the place of those that were recognised; the case is judged again by them.

        Args:
            workflow_id: a case that waits for a human.
            correction: the corrected transcript, as stored.

        Raises:
            ReviewRefusedError: it was decided already, somebody else reviews it, or it cannot be judged now.
            UnansweredError: the new verdict takes longer than this; it may still come.
            NotFoundError: there is no such case.
        """
        return await self._ask_desk(workflow_id, "correct_words", correction, CorrectedVerdict, _JUDGED)

    async def claim(
        self, workflow_id: str, reviewer: str, *, lease_ms: int = LEASE_MS, take: bool = False
    ) -> ReviewLease:
        """Keep a case that waits for somebody who reviews it, or keep it longer.

        Args:
            workflow_id: the case.
            reviewer: who is to decide it.
            lease_ms: for how long nobody else decides it, in ms.
            take: even if somebody else has it.

        Raises:
            ReviewRefusedError: somebody else has it, or it waits no more.
            UnansweredError: no worker answers now.
            NotFoundError: there is no such case.
        """
        wanted = ReviewClaim(reviewer=reviewer, lease_ms=lease_ms, take=take)
        return await self._ask_desk(workflow_id, "claim_review", wanted, ReviewLease)

    async def release(self, workflow_id: str, reviewer: str, *, take: bool = False) -> None:
        """Give a claimed case back to the queue. Arguments and errors as of `claim`."""
        await self._ask_desk(workflow_id, "release_review", ReviewClaim(reviewer=reviewer, take=take), type(None))

    async def claim_next(self, reviewer: str, wanted: ReviewFilter = ANY, *, after: str = "") -> str | None:
        """Claim a case that is kept for this person, or the one that has waited longest of those that are free.

        Args:
            reviewer: who is to decide it.
            wanted: which cases.
            after: id of a case that is skipped with all that wait longer; empty for none. At the end of the queue the
                search begins again at its start.

        Returns:
            The case's id; None where there is none.

        Raises:
            ReviewRefusedError: the name is missing or too long.
        """
        reviewer = reviewer.strip()
        if not reviewer or len(reviewer) >= MAX_NAME:
            raise ReviewRefusedError(f"a claim needs the reviewer's name, of less than {MAX_NAME} characters")
        own = replace(wanted, free=False, reviewer=reviewer)  # kept for this person already, by a QA lead perhaps
        free = replace(wanted, free=True, reviewer="")
        place = await self._place_of(after) if after else ""
        for some, start, end in ((own, "", ""), (free, place, ""), *(((free, "", after),) if place else ())):
            if (found := await self._claim_one(reviewer, some, start, end, after)) is not None:
                return found
        return None

    async def _claim_one(self, reviewer: str, wanted: ReviewFilter, start: str, end: str, skipped: str) -> str | None:
        """Claim the first of a queue between two places that this person may have."""
        while True:
            page = await self.review_page(limit=_NEXT, after=start, wanted=wanted)
            for entry in page.entries:
                if end and entry.workflow_id == end:
                    return None
                if entry.workflow_id == skipped or reviewer in entry.judged_by:
                    continue
                try:
                    await self.claim(entry.workflow_id, reviewer)
                except (ReviewRefusedError, NotFoundError):
                    continue  # somebody was quicker
                return entry.workflow_id
            if not (start := page.following):
                return None

    async def _place_of(self, workflow_id: str) -> str:
        try:
            found = await self.temporal.get_workflow_handle(workflow_id).describe(rpc_timeout=ANSWER)
        except RPCError as error:
            if error.status in NO_SUCH_ID:
                return ""
            raise unanswered(error, workflow_id) from None
        return place_after(found.start_time, workflow_id)

    async def _ask_desk(
        self, workflow_id: str, update: str, given: Contract, answer: type[_Answer], within: timedelta | None = None
    ) -> _Answer:
        """An update of a case that waits for a person."""
        handle = self.temporal.get_workflow_handle(workflow_id)
        try:
            async with asyncio.timeout((within or ANSWER).total_seconds()):  # of one request is `rpc_timeout`
                found: _Answer = await handle.execute_update(
                    update, given, result_type=answer, rpc_timeout=within or ANSWER
                )
        except (WorkflowUpdateRPCTimeoutOrCancelledError, TimeoutError):
            message = f"no worker answers for the case {workflow_id}; it may still take this: look before you try again"
            raise UnansweredError(message) from None
        except WorkflowUpdateFailedError as error:
            cause = error.cause
            raise ReviewRefusedError(cause.message if isinstance(cause, FailureError) else str(cause)) from None
        except RPCError as error:
            if error.status not in NO_SUCH_ID:
                raise
            await self.case(workflow_id)
            raise ReviewRefusedError("this case has finished: there is nothing left to decide") from None
        return found
