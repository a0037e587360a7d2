"""One case of a run: what it is asked to do, how far it is, how it ended."""

from enum import StrEnum

from voicewright.artifact import ArtifactRef, case_key
from voicewright.call import CallSummary
from voicewright.contract import Contract
from voicewright.outcome import Outcome
from voicewright.review import ReviewDecision, ReviewPolicy
from voicewright.transcript import TranscriptSummary
from voicewright.verdict import Verdict


class SuiteRef(Contract):
    """A suite pinned to the digest of its text."""

    name: str
    version: str


class CaseKey(Contract):
    """Which case: the suite's case, spoken in one language, for the n-th time (from 1)."""

    case: str
    language: str
    repeat: int = 1
    profile: str = ""
    """The caller, by name; empty for the plain one."""

    @property
    def cell(self) -> str:
        """Language and caller: the cell of the matrix, as ids and reports name it."""
        return f"{self.language}+{self.profile}" if self.profile else self.language

    def __str__(self) -> str:
        return f"{self.case}/{self.cell}/{self.repeat}"


class CaseRequest(Contract):
    """Input of `VoiceTestCase` and of the steps that need no more than the suite."""

    run_id: str
    suite: SuiteRef
    key: CaseKey
    agent_url: str | None = None
    """Overrides the address in the suite."""
    call_limit_ms: int = 120_000
    review: ReviewPolicy = ReviewPolicy()
    on_account: bool = False
    """Whether the call needs a line of an account that all runs share."""
    report_to_run: bool = True
    """Whether a run workflow waits for this case's signals."""

    def file(self, name: str) -> str:
        """The object store key of one of this case's files."""
        return case_key(self.run_id, self.key.case, self.key.cell, self.key.repeat, name)

    @property
    def workflow_id(self) -> str:
        """The case's workflow id, from which Temporal makes starting it twice one start."""
        return f"{self.run_id}/{self.key}"


class Step(StrEnum):
    """Where a case is, in the order of the recipe."""

    SYNTHESIZE = "synthesize"
    CALL = "call"
    TRANSCRIBE = "transcribe"
    VALIDATE = "validate"
    REVIEW = "review"
    FILE_DEFECT = "file_defect"
    RECORD = "record"
    DONE = "done"


class CaseError(Contract):
    """Why a case could not be tested. `kind` names the class of trouble, `message` says what to do."""

    kind: str
    message: str
    step: Step


class CaseResult(Contract):
    """The full result of one case; stored as `result.json`, exactly once."""

    run_id: str
    suite: SuiteRef
    key: CaseKey
    workflow_id: str
    outcome: Outcome
    verdict: Verdict | None = None
    review: ReviewDecision | None = None
    error: CaseError | None = None
    defect: str = ""
    """Id of the defect that this failure belongs to."""
    call: CallSummary | None = None
    transcript: TranscriptSummary | None = None
    started_at: str
    ended_at: str
    step_ms: dict[Step, int] = {}
    """Wall time of each step, waiting in queues and retries included."""

    @property
    def reason(self) -> str:
        """Why it ended so, in one line."""
        if self.error is not None:
            return f"{self.error.step}: {self.error.message}"
        if self.review is not None:
            return f"{self.review.verdict} by {self.review.reviewer}" + (
                f": {self.review.note}" if self.review.note else ""
            )
        return self.verdict.reason if self.verdict is not None else ""


class CaseState(Contract):
    """Answer of the query `state`: what a validator or a curious person needs to see."""

    key: CaseKey
    step: Step
    outcome: Outcome | None = None
    verdict: Verdict | None = None
    call: CallSummary | None = None
    transcript: TranscriptSummary | None = None
    review: ReviewDecision | None = None
    reminders: int = 0
    refused: tuple[str, ...] = ()
    """Decisions that came by signal and were refused, with the reason: a signal gets no answer."""
    suite: SuiteRef | None = None
    run_id: str = ""
    waiting: bool = False
    """Whether a decision would be taken now."""
    error: CaseError | None = None


class CasePhase(StrEnum):
    """What a case tells its run."""

    RUNNING = "running"
    """It occupies a line of the agent, or is about to."""
    JUDGING = "judging"
    """Its call is over."""
    REVIEWING = "reviewing"
    FINISHED = "finished"


class CaseUpdate(Contract):
    """Signal `case_changed` from a case to its run. Later news of one case replaces earlier."""

    key: CaseKey
    phase: CasePhase
    outcome: Outcome | None = None
    reason: str = ""
    duration_ms: int = 0
    result: ArtifactRef | None = None
    cancelled: bool = False
