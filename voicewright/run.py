"""A run: a suite against an agent, as one durable workflow."""

from typing import Annotated

from pydantic import ConfigDict, Field

from voicewright.agent import ADDRESS
from voicewright.artifact import ArtifactRef
from voicewright.case import CaseKey, CaseUpdate, SuiteRef
from voicewright.contract import Contract
from voicewright.outcome import Outcome
from voicewright.review import ReviewPolicy

MAX_PARALLEL = 500


class GitHubTarget(Contract):
    """The commit that hears how a run went."""

    repository: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")]
    sha: Annotated[str, Field(pattern=r"^([0-9a-f]{40}([0-9a-f]{24})?)?$")] = ""
    """Unknown where a comment on a pull request started the run: then its newest commit is meant."""
    pull: int | None = None
    installation: int | None = None
    """Installation of the GitHub App that sent the event."""


class RunRequest(Contract):
    """Input of `VoiceTestRun`; small enough to type in the Temporal UI: `{"suite": "clinic"}`.

    Unlike other contracts it refuses fields that it does not know: a filter that an older worker silently
    ignored would run the wrong cases.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    suite: Annotated[str, Field(min_length=1, max_length=200)]
    """Name of a pushed suite, or `name@version` with the first 8 or more digits of a version."""
    cases: tuple[str, ...] = ()
    """Only these case ids; `*` and `?` are wildcards."""
    tags: tuple[str, ...] = ()
    """Only cases with at least one of these tags."""
    languages: tuple[str, ...] = ()
    """Only these languages."""
    profiles: tuple[str, ...] = ()
    """Only these callers; `plain` is the one without a profile."""
    repeats: Annotated[int, Field(ge=1, le=1000)] | None = None
    """How often each case is held; default: as the suite says."""
    agent_url: Annotated[str, Field(pattern=ADDRESS)] | None = None
    """Overrides the agent's address in the suite."""
    max_parallel: Annotated[int, Field(ge=1, le=MAX_PARALLEL)] | None = None
    """Calls in flight at once; default: as the suite says."""
    branch: Annotated[str, Field(max_length=250)] = ""
    """Branch of the agent under test; its newest finished run is a baseline under this name."""
    commit: Annotated[str, Field(max_length=64)] = ""
    """Commit of the agent under test."""
    github: GitHubTarget | None = None
    """Where to report back; set by the webhook."""
    resume: "RunState | None" = None
    """Set by the workflow itself when it continues as new; never by people."""

    @property
    def whole(self) -> bool:
        """Whether no filter leaves anything of the suite out."""
        return not (self.cases or self.tags or self.languages or self.profiles)


class RunPlan(Contract):
    """What a request means, resolved once and then fixed: a push during the run changes nothing."""

    suite: SuiteRef
    total: int
    max_parallel: int
    call_limit_ms: int
    agent_url: str | None
    agent: str
    """Where the calls go, for people to read."""
    review: ReviewPolicy
    on_account: bool = False
    """Whether each call needs a line of an account that all runs share."""


class PageRequest(Contract):
    """Input of the activity `plan`: which slice of the cases to list. A plan is the same every time."""

    request: RunRequest
    suite: SuiteRef | None = None
    """Pinned by the first page."""
    offset: int = 0
    limit: int = 500


class PlanPage(Contract):
    """One slice of the cases."""

    plan: RunPlan
    keys: tuple[CaseKey, ...]


class RunState(Contract):
    """What a run carries from one execution to the next when it continues as new."""

    plan: RunPlan
    next_offset: int
    in_flight: tuple[CaseUpdate, ...]
    counts: dict[Outcome, int]
    recent: tuple[CaseUpdate, ...]
    news: int
    started_at: str
    announced: int = 0
    """How many cases that wait for a human people were told of."""


class RunProgress(Contract):
    """Answer of the query `progress`. `recent` holds the newest finished cases, oldest first."""

    run_id: str
    suite: SuiteRef | None = None
    agent: str = ""
    total: int = 0
    running: int = 0
    reviewing: tuple[CaseKey, ...] = ()
    reviewing_total: int = 0
    counts: dict[Outcome, int] = {}
    recent: tuple[CaseUpdate, ...] = ()
    news: int = 0
    """How many finished cases were reported so far: says how many of `recent` are new to you."""
    cancelled: bool = False
    finished: bool = False
    report: ArtifactRef | None = None

    @property
    def done(self) -> int:
        """Cases with an outcome."""
        return sum(self.counts.values())


class RunResult(Contract):
    """Output of `VoiceTestRun`. Every case's full result is in `report`."""

    run_id: str
    suite: SuiteRef
    total: int
    counts: dict[Outcome, int]
    not_run: int = 0
    cancelled: bool = False
    report: ArtifactRef
    junit: ArtifactRef
    html: ArtifactRef | None = None
    markdown: ArtifactRef | None = None


class LostCasesRequest(Contract):
    """Input of `check_cases`: cases in flight from which nothing was heard for long."""

    run_id: str
    suite: SuiteRef
    keys: tuple[CaseKey, ...]


class LostCases(Contract):
    """Those of them that ended without telling the run."""

    ended: tuple[CaseUpdate, ...]


class ReportRequest(Contract):
    """Input of `publish_report`."""

    run_id: str
    suite: SuiteRef
    agent: str
    total: int
    counts: dict[Outcome, int]
    cancelled: bool
    started_at: str
    branch: str = ""
    commit: str = ""
    whole: bool = False
    """Whether the whole suite was asked for: a part of it is no baseline."""


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
    reviewing: tuple[CaseKey, ...] = ()
    """Cases that wait for a human; the first of them."""
    reviewing_total: int = 0
    finished: bool = False
    cancelled: bool = False
    wrong: tuple[CaseUpdate, ...] = ()
    """Cases that did not pass; the last of them."""
    problem: str = ""
    """Why nothing could be run at all."""
    github: GitHubTarget | None = None


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
    reason: str
    reminder: int = 0


RunRequest.model_rebuild()
