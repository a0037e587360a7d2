"""Steps without engines, for tests of the orchestration alone: each does what its script says and notes the call."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from temporalio import activity

from activities.errors import LineTakenError
from voicewright.contracts.artifact import ArtifactRef
from voicewright.contracts.blind import BlindResult
from voicewright.contracts.call import CallEnd, CallSummary
from voicewright.contracts.case import CaseKey, CaseRequest, CaseSummary, CaseUpdate, SuiteRef
from voicewright.contracts.review import ReviewPolicy
from voicewright.contracts.run import PageRequest, PlanPage, RunPlan, RunRequest
from voicewright.contracts.steps import (
    CallerSpeech,
    CallRequest,
    LineGrant,
    LostCases,
    LostCasesRequest,
    ReportRefs,
    ReportRequest,
    ReviewRequest,
    RunNotice,
    SettledDefects,
    SettleRequest,
    TranscribeRequest,
    ValidateRequest,
)
from voicewright.contracts.transcript import TranscriptSummary
from voicewright.contracts.verdict import Decision, VerdictSummary
from voicewright.defects.record import DefectRef, Issue

REF = ArtifactRef(uri="s3://b/k", sha256="0" * 64, size_bytes=1, media_type="audio/wav")
SUITE = SuiteRef(name="s", version="v" * 64)
HOUR_MS = 3_600_000


def passing(_: CaseKey) -> Decision:
    return Decision.PASS


@dataclass
class Steps:
    """`decide` scripts the judge; `trouble` is raised by a step's first attempts: (step, attempts, error)."""

    suite: SuiteRef = SUITE
    cases: int = 1
    parallel: int = 4
    decide: Callable[[CaseKey], Decision] = passing
    corrected: Decision = Decision.PASS
    """What the judge says of words that a person corrected."""
    trouble: tuple[str, int, Exception] | None = None
    call_s: float = 0.0
    endless_from: int | None = None
    """Calls of this case and of those after it last until they are cancelled."""
    review: ReviewPolicy = field(default_factory=lambda: ReviewPolicy(remind_ms=HOUR_MS, expire_ms=10 * HOUR_MS))
    calls: Counter[str] = field(default_factory=Counter)
    dialled: Counter[str] = field(default_factory=Counter)
    hung_up: Counter[str] = field(default_factory=Counter)
    in_call: int = 0
    most_in_call: int = 0
    results: dict[str, CaseSummary] = field(default_factory=dict)
    plans: list[RunRequest] = field(default_factory=list)
    reminders: list[int] = field(default_factory=list)
    reports: list[ReportRequest] = field(default_factory=list)
    lost: tuple[CaseUpdate, ...] = ()
    publish: bool = False
    quarantined: tuple[str, ...] = ()
    on_account: bool = False
    lines_taken: int = 0
    """Calls that find their reserved line taken."""
    line_waits_ms: list[int] = field(default_factory=list)
    caller_ids: list[str] = field(default_factory=list)
    filed: list[CaseSummary] = field(default_factory=list)
    notices: list[RunNotice] = field(default_factory=list)
    blind: list[BlindResult] = field(default_factory=list)
    judged: list[ValidateRequest] = field(default_factory=list)
    judging: asyncio.Event | None = None
    """Verdicts wait for it."""

    def _note(self, step: str) -> None:
        self.calls[step] += 1
        if self.trouble is not None and self.trouble[0] == step and activity.info().attempt <= self.trouble[1]:
            raise self.trouble[2]

    @activity.defn(name="plan")
    async def plan(self, page: PageRequest) -> PlanPage:
        self._note("plan")
        self.plans.append(page.request)
        keys = [CaseKey(case=f"c{number}", language="en") for number in range(self.cases)]
        plan = RunPlan(
            suite=self.suite,
            total=self.cases,
            max_parallel=page.request.max_parallel or self.parallel,
            call_limit_ms=60_000,
            agent_url=None,
            agent="media_stream ws://x",
            review=self.review,
            on_account=self.on_account,
            quarantined=self.quarantined,
        )
        return PlanPage(plan=plan, keys=tuple(keys[page.offset : page.offset + page.limit]))

    @activity.defn(name="synthesize")
    async def synthesize(self, request: CaseRequest) -> CallerSpeech:
        self._note("synthesize")
        return CallerSpeech(utterances=())

    @activity.defn(name="call")
    async def call(self, request: CallRequest) -> CallSummary:
        self._note("call")
        if self.lines_taken:
            self.lines_taken -= 1
            raise LineTakenError("too late")
        name = str(request.case.key)
        self.dialled[name] += 1
        self.caller_ids.append(request.caller_id)
        self.in_call += 1
        self.most_in_call = max(self.most_in_call, self.in_call)
        try:
            endless = self.endless_from is not None and int(request.case.key.case[1:]) >= self.endless_from
            for _ in range(72_000 if endless else int(self.call_s * 20)):
                activity.heartbeat()
                await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            self.hung_up[name] += 1
            raise
        finally:
            self.in_call -= 1
        return CallSummary(record=REF, recording=REF, end=CallEnd.COMPLETED, duration_ms=1000, dials=1, turns_held=1)

    @activity.defn(name="reserve_line")
    async def reserve_line(self, case: CaseRequest) -> LineGrant:
        self._note("reserve_line")
        if self.line_waits_ms:
            return LineGrant(granted=False, wait_ms=self.line_waits_ms.pop(0), because="all lines are in use")
        return LineGrant(granted=True, caller_id="+15005550006")

    @activity.defn(name="release_line")
    async def release_line(self, case: CaseRequest) -> None:
        self._note("release_line")

    @activity.defn(name="transcribe")
    async def transcribe(self, request: TranscribeRequest) -> TranscriptSummary:
        self._note("transcribe")
        return TranscriptSummary(transcript=REF, caller_words=1, agent_words=1)

    @activity.defn(name="validate")
    async def validate(self, request: ValidateRequest) -> VerdictSummary:
        self._note("validate")
        self.judged.append(request)
        if self.judging is not None:
            await self.judging.wait()
        decision = self.corrected if request.correction else self.decide(request.case.key)
        return VerdictSummary(decision=decision, confidence=0.5, headline="because")

    @activity.defn(name="request_review")
    async def request_review(self, request: ReviewRequest) -> None:
        self._note("request_review")
        self.reminders.append(request.reminder)

    @activity.defn(name="record_result")
    async def record_result(self, result: CaseSummary) -> ArtifactRef:
        self._note("record_result")
        self.results.setdefault(str(result.key), result)
        return REF

    @activity.defn(name="record_blind")
    async def record_blind(self, blind: BlindResult) -> None:
        self._note("record_blind")
        self.blind.append(blind)

    @activity.defn(name="publish_report")
    async def publish_report(self, request: ReportRequest) -> ReportRefs:
        self._note("publish_report")
        self.reports.append(request)
        return ReportRefs(report=REF, junit=REF)

    @activity.defn(name="file_defect")
    async def file_defect(self, summary: CaseSummary) -> DefectRef:
        self._note("file_defect")
        self.filed.append(summary)
        return DefectRef(id=f"VW-{summary.key.case}", publish=self.publish)

    @activity.defn(name="publish_defect")
    async def publish_defect(self, defect_id: str) -> Issue | None:
        self._note("publish_defect")
        return Issue(key="VW-1", url="http://x")

    @activity.defn(name="settle_defects")
    async def settle_defects(self, request: SettleRequest) -> SettledDefects:
        self._note("settle_defects")
        return SettledDefects()

    @activity.defn(name="notify")
    async def notify(self, notice: RunNotice) -> None:
        self._note("notify")
        self.notices.append(notice)

    @activity.defn(name="check_cases")
    async def check_cases(self, request: LostCasesRequest) -> LostCases:
        self._note("check_cases")
        asked = {str(key) for key in request.keys}
        return LostCases(ended=tuple(update for update in self.lost if str(update.key) in asked))
