"""What the records keep of runs, cases and defects: facts, kinds, times and ids, and no word that anybody said.

Each model is made from what lies in the object store (`voicewright/report/recording.py`) and goes into SQL as it is
(`voicewright/records/`), so the records can be made again at any time. Words, evidence and notes stay in the store.
"""

from datetime import datetime
from typing import Annotated

from pydantic import BeforeValidator

from voicewright.contracts.base import Contract
from voicewright.contracts.call import CallEnd
from voicewright.contracts.case import CaseKey, Outcome, Step, SuiteRef
from voicewright.contracts.check import Breach, CheckKind, CheckOutcome, DoubtKind
from voicewright.contracts.review import FailCategory, ReviewVerdict, Severity
from voicewright.contracts.text import Name, clean
from voicewright.contracts.verdict import Decision

PROJECT = "default"
"""The project of everything, for now."""
Id = Annotated[str, BeforeValidator(lambda given: clean(given) if isinstance(given, str) else given)]
"""An id: whole, however long, but without characters that a database refuses."""


class RecordRequest(Contract):
    """Input of `CatchUpRecords`: what could not be recorded at once, and is when the database is back."""

    run_id: str = ""
    """A run with all its cases; empty: none."""
    defect: str = ""
    """Id of a defect; empty: none."""

    @property
    def workflow_id(self) -> str:
        """The same for everything that is to be recorded of one run, or of one defect."""
        return f"records/{self.run_id or self.defect}"


class RunRecord(Contract):
    """A run. `ended_at` is None until its report is published."""

    run_id: Id
    suite: SuiteRef
    channel: Name = ""
    agent: Name = ""
    """Its address, without what might be a secret."""
    total: int
    started_at: datetime
    ended_at: datetime | None = None
    cancelled: bool = False
    branch: Name = ""
    commit: Name = ""
    whole: bool = False


class TurnRecord(Contract):
    """When a turn was held and how fast the agent was, as `TurnTiming` has it."""

    turn: int
    caller_start_ms: int | None = None
    caller_end_ms: int | None = None
    agent_start_ms: int | None = None
    agent_end_ms: int | None = None
    ttfa_ms: int | None = None
    stop_ms: int | None = None
    overlap_ms: int = 0
    busy_ms: int = 0
    interrupts: bool = False
    resumed: bool = False


class CheckRecord(Contract):
    """What came of one check, in fields."""

    kind: CheckKind
    turn: int | None = None
    outcome: CheckOutcome
    hard: bool = False
    breach: Breach | None = None
    doubt: DoubtKind | None = None
    confidence: float


class ReviewRecord(Contract):
    """A person was asked, and may have decided. Without a verdict the case waits, or nobody came in time."""

    asked_at: datetime | None = None
    """None where the request is not stored: it was made by an older worker, or erased."""
    decided_at: datetime | None = None
    verdict: ReviewVerdict | None = None
    reviewer: Name = ""


class OpinionRecord(Contract):
    """What one person said of a case."""

    reviewer: Name
    verdict: ReviewVerdict
    category: FailCategory | None = None
    severity: Severity | None = None
    overrules: bool = False
    """Given by a QA lead who had read the others."""
    given_at: datetime


class BlindRecord(Contract):
    """What people said of a case that the machine had decided, without seeing how."""

    decided: Decision
    """By the machine."""
    verdict: ReviewVerdict
    reviewer: Name
    decided_at: datetime


class CaseRecord(Contract):
    """A case that ended, or that waits for a person: then it has no outcome yet."""

    run_id: Id
    key: CaseKey
    workflow_id: Id
    outcome: Outcome | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    error_kind: Name = ""
    error_step: Step | None = None
    decision: Decision | None = None
    confidence: float | None = None
    call_end: CallEnd | None = None
    call_ms: int | None = None
    dials: int = 0
    recording: Id = ""
    """Key of the recording in the object store."""
    turns: tuple[TurnRecord, ...] = ()
    checks: tuple[CheckRecord, ...] = ()
    review: ReviewRecord | None = None
    opinions: tuple[OpinionRecord, ...] = ()
    """In the order in which they were given."""
    blind: BlindRecord | None = None
    defects: tuple[Id, ...] = ()
    """Ids, what weighs most first."""


class DefectRecord(Contract):
    """A defect as the built-in tracker has it. `check` is a kind of check, or `review` where a person alone decided."""

    defect: Id
    suite: Id
    check: Name
    status: Name
    seen: int
    regressions: int
    opened_at: datetime
    changed_at: datetime
    issue: Name = ""
    """Its key in the outside tracker."""
