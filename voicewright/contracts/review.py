"""A person's decision on a case that the machine is unsure of, and what comes before it: a claim, opinions."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field

from voicewright.contracts.base import Contract
from voicewright.contracts.text import MAX_NAME, Name, Passage

MEMO_REASON = "review_reason"
"""Memo of a case that waits: why, for lists."""
MEMO_OPINIONS = "review_opinions"
"""Memo of a case that waits on: who has given an opinion."""
MAX_NOTE = 4_000
"""Characters of a reviewer's note."""
LEASE_MS = 15 * 60_000
"""How long a claim lasts, unless its holder renews it."""
MAX_LEASE_MS = 8 * 3_600_000


class ReviewVerdict(StrEnum):
    """What a reviewer can say."""

    PASS = "pass"
    FAIL = "fail"
    EDGE_CASE = "edge_case"
    """The case itself is unclear: it does not pass, and the agent is not blamed."""
    SECOND_OPINION = "second_opinion"
    """Somebody else is to decide."""


class FailCategory(StrEnum):
    """What was wrong, in the eyes of a person."""

    WRONG_ANSWER = "wrong_answer"
    NOT_UNDERSTOOD = "not_understood"
    WRONG_LANGUAGE = "wrong_language"
    SPEECH = "speech"
    """It was said badly: garbled, cut off, mispronounced."""
    TIMING = "timing"
    """Too slow, or talked over the caller."""
    CONVERSATION = "conversation"
    """It lost the thread: repeated itself, asked again, hung up."""
    OTHER = "other"


class Severity(StrEnum):
    """How bad a failure is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class ReviewStatus(StrEnum):
    """Values of the search attribute `VoicewrightReview`."""

    PENDING = "pending"
    CLAIMED = "claimed"
    DECIDED = "decided"
    EXPIRED = "expired"


class ReviewSubmission(Contract):
    """What a reviewer sends, by signal or update `submit_review`.

    Every field may be missing here: a submission typed by hand in the Temporal UI must be refused with a
    reason, not dropped because it did not parse.
    """

    verdict: Name = ""
    reviewer: Name = ""
    note: Passage = ""
    category: Name = ""
    """Of a failure: a `FailCategory`, or nothing."""
    severity: Name = ""
    """Of a failure: a `Severity`, or nothing."""
    overrule: Annotated[bool, BeforeValidator(lambda given: given is True)] = False
    """Decide alone, whatever others said and whoever holds the claim: for QA leads."""


class Opinion(Contract):
    """A submission that was accepted. `given_at` is ISO 8601, UTC."""

    verdict: ReviewVerdict
    reviewer: Name
    note: Passage = ""
    category: FailCategory | None = None
    severity: Severity | None = None
    overrules: bool = False
    given_at: str


class ReviewDecision(Contract):
    """What was decided, and by whom at last; also the answer to a submission. `decided_at` is ISO 8601, UTC."""

    verdict: ReviewVerdict
    reviewer: Name
    note: Passage = ""
    decided_at: str
    category: FailCategory | None = None
    severity: Severity | None = None
    settled: bool = True
    """False in the answer to an opinion after which others are still asked."""
    opinions: tuple[Opinion, ...] = ()
    """All that were given, the last one included."""


class ReviewClaim(Contract):
    """Input of the updates `claim_review` and `release_review`."""

    reviewer: Name = ""
    lease_ms: int = LEASE_MS
    take: bool = False
    """Even from somebody else: a QA lead assigns."""


class ReviewLease(Contract):
    """Who reviews a case now, and until when nobody else decides it."""

    reviewer: Name
    until: datetime


class ReviewPolicy(Contract):
    """When to remind of a waiting review and when to give up, and how many people are to agree."""

    remind_ms: int = Field(default=4 * 3_600_000, gt=0)
    expire_ms: int = Field(default=72 * 3_600_000, gt=0)
    opinions: int = Field(default=1, ge=1, le=5)
    blind: float = Field(default=0.0, ge=0, le=1)
    """Share of what the machine decided that people judge too, without seeing how."""


def refusal(
    submission: ReviewSubmission,
    *,
    decided: ReviewDecision | None,
    waiting: bool,
    lease: ReviewLease | None = None,
    opinions: Sequence[Opinion] = (),
) -> str | None:
    """Why a submission cannot be accepted, in a sentence for the person who sent it; None if it can.

    Args:
        submission: what was sent.
        decided: the decision that was already taken, if any.
        waiting: whether the case waits for a human at all.
        lease: the claim that holds now, if any.
        opinions: what others have said.
    """
    if decided is not None:
        return f"this case was already decided: {decided.verdict} by {decided.reviewer} at {decided.decided_at}"
    if not waiting:
        return "this case does not wait for a review: it is still running or it has finished"
    if (mistake := _mistake(submission)) is not None or submission.overrule:
        return mistake
    name = submission.reviewer.strip()
    if lease is not None and lease.reviewer != name:
        return f"{lease.reviewer} is reviewing this case, until {_clock(lease)} at the latest: take the next one"
    if any(opinion.reviewer == name for opinion in opinions):
        return f"{name} has given an opinion on this case already: somebody else is to give the next"
    return None


def claim_refusal(
    claim: ReviewClaim,
    *,
    decided: ReviewDecision | None,
    waiting: bool,
    lease: ReviewLease | None,
    opinions: Sequence[Opinion],
) -> str | None:
    """Why a case cannot be claimed so; None if it can. Arguments as of `refusal`."""
    name = claim.reviewer.strip()
    if not name or len(name) >= MAX_NAME:
        return f"a claim needs the reviewer's name, of less than {MAX_NAME} characters"
    if not 0 < claim.lease_ms <= MAX_LEASE_MS:
        return f"a claim lasts at most {MAX_LEASE_MS // 3_600_000} hours"
    sent = ReviewSubmission(verdict=ReviewVerdict.PASS, reviewer=name)
    held = None if claim.take else lease
    return refusal(sent, decided=decided, waiting=waiting, lease=held, opinions=opinions)


def _mistake(submission: ReviewSubmission) -> str | None:
    if not submission.reviewer.strip():
        return 'a decision needs the reviewer\'s name: {"verdict": "pass", "reviewer": "your name"}'
    if len(submission.reviewer) >= MAX_NAME:
        return f"the reviewer's name is too long: at most {MAX_NAME - 1} characters"
    if len(submission.note) > MAX_NOTE:
        return f"the note is too long: at most {MAX_NOTE:,} characters"
    of: tuple[tuple[str, str, type[StrEnum], bool], ...] = (
        ("verdict", submission.verdict, ReviewVerdict, True),
        ("category", submission.category, FailCategory, False),
        ("severity", submission.severity, Severity, False),
    )
    for field, given, allowed, needed in of:
        said = given.strip().lower()
        if (said or needed) and said not in set(allowed):
            return f"the {field} must be {_one_of(allowed)}, not {given!r}"
    return None


def _one_of(allowed: type[StrEnum]) -> str:
    *first, last = (f'"{value}"' for value in allowed)
    return f"{', '.join(first)} or {last}"


def _clock(lease: ReviewLease) -> str:
    return f"{lease.until:%H:%M} UTC"
