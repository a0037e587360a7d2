"""What the steps of a case hand to each other."""

from voicewright.contracts.artifact import ArtifactRef
from voicewright.contracts.base import Contract
from voicewright.contracts.call import CallSummary
from voicewright.contracts.case import CaseKey, CaseRequest, CaseUpdate, Outcome, SuiteRef
from voicewright.contracts.quarantine import gating
from voicewright.contracts.run import GitHubTarget, RunFacts
from voicewright.contracts.text import Sentence
from voicewright.contracts.transcript import TranscriptSummary


class Utterance(Contract):
    """What the caller says in one turn: 16 kHz 16-bit mono WAV."""

    turn: int
    audio: ArtifactRef
    duration_ms: int


class CallerSpeech(Contract):
    """Output of `synthesize`: every utterance of a case."""

    utterances: tuple[Utterance, ...]


class CallRequest(Contract):
    """Input of `call`."""

    case: CaseRequest
    speech: CallerSpeech
    caller_id: str = ""
    """The number to call from, where one was reserved."""


class TranscribeRequest(Contract):
    """Input of `transcribe`."""

    case: CaseRequest
    call: CallSummary
    speech: CallerSpeech | None = None
    """What our caller said; None from workflows of an older version."""


class ValidateRequest(Contract):
    """Input of `validate`."""

    case: CaseRequest
    call: CallSummary
    transcript: TranscriptSummary
    correction: str = ""
    """Of words that a person corrected: what tells this verdict's file from others; empty for the recogniser's."""


class LineGrant(Contract):
    """Answer to a case that wants a line: one, or how long to wait before asking again."""

    granted: bool
    caller_id: str = ""
    wait_ms: int = 0
    because: Sentence = ""


class LostCasesRequest(Contract):
    """Input of `check_cases`: cases in flight from which nothing was heard for long."""

    run_id: str
    suite: SuiteRef
    keys: tuple[CaseKey, ...]


class LostCases(Contract):
    """Those of them that ended without telling the run."""

    ended: tuple[CaseUpdate, ...]


class ReportRequest(RunFacts):
    """Input of `publish_report`."""

    counts: dict[Outcome, int]
    cancelled: bool


class ReportRefs(Contract):
    """Output of `publish_report`."""

    report: ArtifactRef
    junit: ArtifactRef
    html: ArtifactRef | None = None
    markdown: ArtifactRef | None = None


class RunNotice(Contract):
    """Input of `notify`: how a run stands, for people and for the commit that it tests."""

    run_id: str
    suite: SuiteRef
    agent: str
    total: int
    counts: dict[Outcome, int]
    quarantined: dict[Outcome, int] = {}
    """Those of `counts` that are in quarantine: they gate nothing."""
    reviewing: tuple[CaseKey, ...] = ()
    """Cases that wait for a human; the first of them."""
    reviewing_total: int = 0
    finished: bool = False
    cancelled: bool = False
    wrong: tuple[CaseUpdate, ...] = ()
    """Cases that did not pass; the last of them."""
    problem: Sentence = ""
    """Why nothing could be run at all."""
    github: GitHubTarget | None = None

    @property
    def gating(self) -> dict[Outcome, int]:
        """Cases by outcome, without those in quarantine."""
        return gating(self.counts, self.quarantined)

    @property
    def excused(self) -> int:
        """How many cases with an outcome are in quarantine."""
        return sum(self.quarantined.values())


class ReviewDigest(Contract):
    """What people are told of cases that have waited for them for too long. Times are ISO 8601, UTC."""

    at: str
    waiting: int
    """Cases that wait for a person, all of them."""
    overdue: int
    """Those that have waited for more than `hours`."""
    hours: int
    oldest_at: str
    """When the call began that has waited longest."""
    suites: tuple[str, ...] = ()
    """Of those that have waited longest."""


class SettleRequest(Contract):
    """Input of `settle_defects`: a finished run whose passes count for the defects of its suite."""

    run_id: str
    suite: SuiteRef


class SettledDefects(Contract):
    """Defects whose status changed."""

    moved: tuple[str, ...] = ()
    publish: bool = False


class ReviewRequest(Contract):
    """Input of `request_review`: a case waits for a human. `reminder` counts from 1; 0 is the first call."""

    run_id: str
    key: CaseKey
    workflow_id: str
    reason: Sentence
    reminder: int = 0
