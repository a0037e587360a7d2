"""A sample of what the machine decided, judged by people who do not see how: from it comes the machine's accuracy."""

from voicewright.contracts.base import Contract
from voicewright.contracts.call import CallSummary
from voicewright.contracts.case import CaseKey, CaseMemory, SuiteRef
from voicewright.contracts.review import ReviewDecision, ReviewPolicy
from voicewright.contracts.transcript import TranscriptSummary
from voicewright.contracts.verdict import Decision

BLIND = "blind/"
"""What the id of such a review begins with; the case's follows."""

BLIND_FILE = "blind.json"
"""What is kept of it, beside the case's result."""


class BlindRequest(Contract):
    """Input of `BlindReview`."""

    run_id: str
    suite: SuiteRef
    key: CaseKey
    review: ReviewPolicy
    decided: Decision
    """By the machine; nobody is shown it before they have decided."""
    call: CallSummary | None = None
    transcript: TranscriptSummary | None = None
    resume: CaseMemory | None = None
    """Set by the workflow itself when it continues as new."""


class BlindResult(Contract):
    """Input of `record_blind`, and what it stores."""

    run_id: str
    suite: SuiteRef
    key: CaseKey
    decided: Decision
    review: ReviewDecision
