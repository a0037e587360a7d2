"""A human's decision on a case that the machine is unsure of."""

from enum import StrEnum

from pydantic import Field

from voicewright.contract import Contract

MEMO_REASON = "review_reason"
"""Memo of a case that waits: why, for lists."""


class ReviewVerdict(StrEnum):
    """What a validator can say."""

    PASS = "pass"
    FAIL = "fail"


class ReviewStatus(StrEnum):
    """Values of the search attribute `VoicewrightReview`."""

    PENDING = "pending"
    CLAIMED = "claimed"
    DECIDED = "decided"
    EXPIRED = "expired"


class ReviewSubmission(Contract):
    """What a validator sends, by signal or update `submit_review`.

    Every field may be missing here: a submission typed by hand in the Temporal UI must be refused with a
    reason, not dropped because it did not parse.
    """

    verdict: str = ""
    reviewer: str = ""
    note: str = ""


class ReviewDecision(Contract):
    """A submission that was accepted. `decided_at` is ISO 8601, UTC."""

    verdict: ReviewVerdict
    reviewer: str
    note: str = ""
    decided_at: str


class ReviewPolicy(Contract):
    """When to remind of a waiting review and when to give up."""

    remind_ms: int = Field(default=4 * 3_600_000, gt=0)
    expire_ms: int = Field(default=72 * 3_600_000, gt=0)


def refusal(submission: ReviewSubmission, *, decided: ReviewDecision | None, waiting: bool) -> str | None:
    """Why a submission cannot be accepted, in a sentence for the person who sent it; None if it can.

    Args:
        submission: what was sent.
        decided: the decision that was already taken, if any.
        waiting: whether the case waits for a human at all.
    """
    if decided is not None:
        return f"this case was already decided: {decided.verdict} by {decided.reviewer} at {decided.decided_at}"
    if not waiting:
        return "this case does not wait for a review: it is still running or it has finished"
    if not submission.reviewer.strip():
        return 'a decision needs the reviewer\'s name: {"verdict": "pass", "reviewer": "your name"}'
    if submission.verdict.strip().lower() not in set(ReviewVerdict):
        return f'the verdict must be "pass" or "fail", not {submission.verdict!r}'
    return None
