"""One case of a run: what it is asked to do, how far it is, how it ended."""

import re
from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict

from voicewright.contracts.artifact import ArtifactRef
from voicewright.contracts.base import Contract
from voicewright.contracts.call import CallSummary
from voicewright.contracts.correction import Correction
from voicewright.contracts.review import Opinion, ReviewDecision, ReviewLease, ReviewPolicy
from voicewright.contracts.text import Name, Sentence
from voicewright.contracts.transcript import TranscriptSummary
from voicewright.contracts.verdict import Decision, Verdict, VerdictSummary

_REPEAT = re.compile(r"[1-9][0-9]{0,8}")
_PARTS = 3
"""Of a case's id, after its run."""


class Outcome(StrEnum):
    """`failed` blames the agent; `errored` never does."""

    PASSED = "passed"
    FAILED = "failed"
    ERRORED = "errored"
    """It could not be tested: infrastructure, carrier or our own caller."""
    UNREVIEWED = "unreviewed"
    """A human was needed and the time ran out."""


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

    @classmethod
    def of(cls, case: str, cell: str, repeat: str) -> Self:
        """From its parts, as ids and paths have them.

        Raises:
            ValueError: `repeat` is no number from 1.
        """
        if not _REPEAT.fullmatch(repeat):
            msg = f"{repeat!r} is no repeat of a case"
            raise ValueError(msg)
        language, _, profile = cell.partition("+")
        return cls(case=case, language=language, repeat=int(repeat), profile=profile)

    def __str__(self) -> str:
        return f"{self.case}/{self.cell}/{self.repeat}"


def case_of(case_id: str) -> tuple[str, CaseKey] | None:
    """The run and the case that the id of a case names; None where it is no such id."""
    run_id, *parts = case_id.rsplit("/", _PARTS)
    if len(parts) != _PARTS:
        return None
    try:
        return run_id, CaseKey.of(*parts)
    except ValueError:
        return None


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
    resume: "CaseMemory | None" = None
    """Set by the workflow itself when it continues as new while it waits for a human."""

    @property
    def workflow_id(self) -> str:
        """The case's workflow id, from which Temporal makes starting it twice one start."""
        return f"{self.run_id}/{self.key}"


class Step(StrEnum):
    """Where a case is, in the order in which a case goes through them."""

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

    kind: Name
    message: Sentence
    step: Step


class CaseMemory(BaseModel):
    """Everything that a case knows. It changes step by step, and travels whole from one execution to the next."""

    model_config = ConfigDict(extra="ignore")

    started_at: str
    step: Step = Step.SYNTHESIZE
    step_ms: dict[Step, int] = {}
    outcome: Outcome | None = None
    error: CaseError | None = None
    call: CallSummary | None = None
    transcript: TranscriptSummary | None = None
    verdict: VerdictSummary | None = None
    expires_at: datetime | None = None
    """When the wait for a human ends; None before it begins."""
    waiting: bool = False
    review: ReviewDecision | None = None
    opinions: list[Opinion] = []
    corrections: list[Correction] = []
    settled_by_words: bool = False
    """Whether the verdict on corrected words ended the wait."""
    lease: ReviewLease | None = None
    """The claim that holds; None where the case is free."""
    remind_at: datetime | None = None
    reminders: int = 0
    asked: int = -1
    """The last reminder that people were sent; 0 is the first request."""
    refused: list[str] = []
    defects: tuple[str, ...] = ()
    waits_for: str = ""
    """What a case that has not dialled yet waits for."""

    @property
    def decided(self) -> bool:
        """Whether nobody needs to decide any more: a person did, or the verdict on corrected words."""
        return self.review is not None or self.settled_by_words


class _CaseEnd(Contract):
    """How a case ended."""

    run_id: str
    suite: SuiteRef
    key: CaseKey
    workflow_id: str
    outcome: Outcome
    review: ReviewDecision | None = None
    opinions: tuple[Opinion, ...] = ()
    """What people said where that settled nothing; otherwise it stands in `review`."""
    corrections: tuple[Correction, ...] = ()
    """Who corrected words that the recogniser misheard; the verdict is that on the corrected ones."""
    error: CaseError | None = None
    defect: str = ""
    """Id of the defect that this failure belongs to."""
    more_defects: tuple[str, ...] = ()
    """Ids of those that it shows besides."""
    call: CallSummary | None = None
    transcript: TranscriptSummary | None = None
    started_at: str
    ended_at: str
    step_ms: dict[Step, int] = {}
    """Wall time of each step, waiting in queues and retries included."""


class CaseSummary(_CaseEnd):
    """What the workflow of a case knows at its end; input of `file_defect` and `record_result`."""

    verdict: VerdictSummary | None = None

    @property
    def headline(self) -> str:
        """Why it ended so, in one line, without a word that anybody said."""
        if self.error is not None:
            return f"{self.error.step}: {self.error.message}"
        if self.review is not None:
            return f"{self.review.verdict} by {self.review.reviewer}"
        return self.verdict.headline if self.verdict is not None else ""

    @property
    def without_notes(self) -> "CaseSummary":
        """The same without what reviewers wrote: what a case returns, its run's history keeps too."""
        opinions = tuple(one.model_copy(update={"note": ""}) for one in self.opinions)
        review = self.review
        if review is not None:
            said = tuple(one.model_copy(update={"note": ""}) for one in review.opinions)
            review = review.model_copy(update={"note": "", "opinions": said})
        return self.model_copy(update={"opinions": opinions, "review": review})


class CaseResult(_CaseEnd):
    """The full result of one case; stored as `result.json`, exactly once."""

    verdict: Verdict | None = None
    erased_at: str = ""
    """When what was said in the call was erased, ISO 8601, UTC; empty where it was not."""

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
    verdict: VerdictSummary | None = None
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
    opinions: tuple[Opinion, ...] = ()
    corrections: tuple[Correction, ...] = ()
    opinions_wanted: int = 1
    lease: ReviewLease | None = None
    """Who reviews it now."""
    blind: bool = False
    """Whether the machine has decided this case, and people are asked without being shown how."""
    decided: Decision | None = None
    """What the machine had decided, once people have."""
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
    reason: Sentence = ""
    """In one line, without a word that anybody said; `result` holds the rest."""
    duration_ms: int = 0
    result: ArtifactRef | None = None
    cancelled: bool = False


CaseRequest.model_rebuild()
