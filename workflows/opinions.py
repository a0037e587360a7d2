"""From claims and opinions to a decision: what a case does with what reviewers send. No clock, no Temporal."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from voicewright.contracts.case import CaseMemory
from voicewright.contracts.review import (
    FailCategory,
    Opinion,
    ReviewDecision,
    ReviewSubmission,
    ReviewVerdict,
    Severity,
)


def settled(opinions: Sequence[Opinion], wanted: int) -> ReviewVerdict | None:
    """What people have decided together; None while more of them are needed.

    So many as are wanted must have said something; where they disagree, one verdict must have more votes than any
    other and at least two, so that a third person decides between two. Who overrules decides alone.
    """
    if opinions and opinions[-1].overrules and opinions[-1].verdict is not ReviewVerdict.SECOND_OPINION:
        return opinions[-1].verdict
    votes = Counter(one.verdict for one in opinions if one.verdict is not ReviewVerdict.SECOND_OPINION)
    if not votes or votes.total() < wanted:
        return None
    (first, most), *others = votes.most_common(2)
    return first if not others or most > others[0][1] else None


def give(memory: CaseMemory, submission: ReviewSubmission, wanted: int, now: datetime) -> ReviewDecision:
    """Add an opinion to a case, and decide it where that settles it; the claim is over either way."""
    opinion = Opinion(
        verdict=ReviewVerdict(submission.verdict.strip().lower()),
        reviewer=submission.reviewer.strip(),
        note=submission.note.strip(),
        category=FailCategory(category) if (category := submission.category.strip().lower()) else None,
        severity=Severity(severity) if (severity := submission.severity.strip().lower()) else None,
        overrules=submission.overrule,
        given_at=now.isoformat(timespec="seconds"),
    )
    memory.opinions.append(opinion)
    memory.lease = None
    verdict = settled(memory.opinions, wanted)
    said = next(one for one in reversed(memory.opinions) if one.verdict is (verdict or opinion.verdict))
    decision = ReviewDecision(
        verdict=said.verdict,
        reviewer=said.reviewer,
        note=said.note,
        decided_at=opinion.given_at,
        category=said.category,
        severity=said.severity,
        settled=verdict is not None,
        opinions=tuple(memory.opinions),
    )
    if decision.settled:
        memory.review = decision
    return decision
