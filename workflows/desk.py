"""Waiting for people: claims, opinions, reminders and the end of patience, inside a durable workflow."""

from abc import ABC, abstractmethod
from datetime import datetime, timedelta
from functools import partial
from typing import NoReturn

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from voicewright.client import search_attributes as attributes
    from voicewright.contracts.case import CaseMemory
    from voicewright.contracts.review import (
        MEMO_OPINIONS,
        MEMO_REASON,
        ReviewClaim,
        ReviewDecision,
        ReviewLease,
        ReviewPolicy,
        ReviewStatus,
        ReviewSubmission,
        claim_refusal,
        refusal,
    )
    from workflows import opinions

_MEMO = 300
_REFUSALS = 20
"""Refused decisions that are remembered, the newest."""


def refused(reason: str) -> ApplicationError:
    """The error by which who asks is told, in a sentence, why a case does not take what they sent."""
    return ApplicationError(reason, type="ReviewRefused", non_retryable=True)


class ReviewDesk(ABC):
    """A workflow that waits for people. Its subclass says what is asked of them, and what follows."""

    _memory: CaseMemory

    @property
    @abstractmethod
    def _policy(self) -> ReviewPolicy:
        """How long to wait, and for how many people."""

    @abstractmethod
    async def _ask(self) -> None:
        """Ask people for the first time, or remind them."""

    @abstractmethod
    def _continue(self) -> NoReturn:
        """Go on in a new execution."""

    @abstractmethod
    def _show(self) -> None:
        """Show in the Temporal UI how the case stands."""

    def _begin_to_wait(self, reason: str) -> None:
        """From now on people may decide."""
        memory = self._memory
        memory.waiting = True
        memory.expires_at = workflow.now() + timedelta(milliseconds=self._policy.expire_ms)
        workflow.upsert_memo({MEMO_REASON: reason[:_MEMO]})
        workflow.upsert_search_attributes([attributes.REVIEW.value_set(ReviewStatus.PENDING)])

    async def _until_decided(self) -> ReviewDecision | None:
        """Wait, remind on the way, give up at the end; None where nobody decided. All of it survives any restart."""
        memory = self._memory
        assert memory.expires_at is not None
        memory.remind_at = memory.remind_at or self._next_reminder()
        while not memory.decided and workflow.now() < memory.expires_at:
            if workflow.info().is_continue_as_new_suggested():
                await workflow.wait_condition(workflow.all_handlers_finished)
                self._continue()
            if memory.asked < memory.reminders:
                await self._ask()
                memory.asked = memory.reminders
            self._show()
            lease = memory.lease
            moments = (memory.expires_at, memory.remind_at, lease.until if lease is not None else None)
            due = min(moment for moment in moments if moment is not None)
            try:
                await workflow.wait_condition(
                    partial(self._has_news, lease),
                    timeout=max(due - workflow.now(), timedelta(milliseconds=1)),
                    timeout_summary="review reminder, expiry or the end of a claim",
                )
            except TimeoutError:
                self._time_passed(lease)
        ended = ReviewStatus.DECIDED if memory.decided else ReviewStatus.EXPIRED
        workflow.upsert_search_attributes([attributes.REVIEW.value_set(ended)])
        return memory.review

    def _has_news(self, lease: ReviewLease | None) -> bool:
        """Whether something happened to a case that had this claim when the wait began."""
        memory = self._memory
        return memory.lease != lease or memory.decided or workflow.info().is_continue_as_new_suggested()

    def _next_reminder(self) -> datetime:
        return workflow.now() + timedelta(milliseconds=self._policy.remind_ms)

    def _time_passed(self, lease: ReviewLease | None) -> None:
        """A claim has run out, or it is time for a reminder; where the review expired, neither."""
        memory, now = self._memory, workflow.now()
        if memory.expires_at is None or memory.remind_at is None or now >= memory.expires_at:
            return
        if lease is not None and lease == memory.lease and now >= lease.until:
            self._hand_to(None)
        if now >= memory.remind_at:
            memory.reminders += 1
            memory.remind_at = self._next_reminder()

    def _hand_to(self, lease: ReviewLease | None) -> None:
        """Note who reviews the case now, for lists too."""
        if (self._memory.lease and self._memory.lease.reviewer) != (lease and lease.reviewer):
            held = ReviewStatus.PENDING if lease is None else ReviewStatus.CLAIMED
            name = attributes.REVIEWER.value_unset() if lease is None else attributes.REVIEWER.value_set(lease.reviewer)
            workflow.upsert_search_attributes([attributes.REVIEW.value_set(held), name])
        self._memory.lease = lease
        self._show()

    @workflow.update(name="submit_review")
    async def submit_review(self, submission: ReviewSubmission) -> ReviewDecision:
        """Decide this case; refused with a reason when it cannot be decided so."""
        return self._accept(submission)

    @submit_review.validator
    def _submit_review_validator(self, submission: ReviewSubmission) -> None:
        if (reason := self._refusal(submission)) is not None:
            raise refused(reason)

    @workflow.signal(name="submit_review")
    def _submit_review_signal(self, submission: ReviewSubmission) -> None:
        """The same for anyone in the Temporal UI. A signal gets no answer, so a refusal is shown in the details."""
        if (reason := self._refusal(submission)) is not None:
            self._memory.refused = [*self._memory.refused, reason][-_REFUSALS:]
            self._show()
            workflow.logger.warning("a decision by signal was refused; the case's details say why")
        else:
            self._accept(submission)

    def _refusal(self, submission: ReviewSubmission) -> str | None:
        memory = self._memory
        return refusal(
            submission, decided=memory.review, waiting=memory.waiting, lease=memory.lease, opinions=memory.opinions
        )

    def _accept(self, submission: ReviewSubmission) -> ReviewDecision:
        if self._memory.lease is not None:
            self._hand_to(None)
        decision = opinions.give(self._memory, submission, self._policy.opinions, workflow.now())
        if not decision.settled:
            workflow.upsert_memo({MEMO_OPINIONS: [one.reviewer for one in self._memory.opinions]})
        return decision

    @workflow.update
    async def claim_review(self, claim: ReviewClaim) -> ReviewLease:
        """Keep this case for somebody, or keep it longer; a timer frees it. Refused where somebody else holds it."""
        lease = ReviewLease(
            reviewer=claim.reviewer.strip(), until=workflow.now() + timedelta(milliseconds=claim.lease_ms)
        )
        self._hand_to(lease)
        return lease

    @claim_review.validator
    def _claim_review_validator(self, claim: ReviewClaim) -> None:
        self._refuse_claim(claim)

    @workflow.update
    async def release_review(self, claim: ReviewClaim) -> None:  # noqa: ARG002 - its validator reads it
        """Free this case for others; harmless where it is free. Refused where somebody else holds it."""
        if self._memory.lease is not None:
            self._hand_to(None)

    @release_review.validator
    def _release_review_validator(self, claim: ReviewClaim) -> None:
        self._refuse_claim(claim)

    def _refuse_claim(self, claim: ReviewClaim) -> None:
        memory = self._memory
        reason = claim_refusal(
            claim, decided=memory.review, waiting=memory.waiting, lease=memory.lease, opinions=memory.opinions
        )
        if reason is not None:
            raise refused(reason)
