"""A run: a suite against an agent, as one durable workflow."""

import base64
import json
import zlib
from difflib import get_close_matches
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from voicewright.contracts.artifact import ArtifactRef
from voicewright.contracts.base import Contract
from voicewright.contracts.case import CaseKey, CasePhase, CaseUpdate, Outcome, SuiteRef
from voicewright.contracts.quarantine import gating
from voicewright.contracts.review import ReviewPolicy
from voicewright.contracts.text import cut

ADDRESS = r"^(wss?://[^\s/]+|sips?:[^\s<>]+$|https?://[^\s/]+|\+[1-9]\d{6,14}$)"
"""What may stand in place of a suite's address, whatever the channel."""

MAX_PARALLEL = 500
_MANY = 500
"""Cases in flight from which on they travel compressed: a payload of Temporal holds two megabytes."""
_Filter = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=200)], ...], Field(max_length=1000)]


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
    cases: _Filter = ()
    """Only these case ids; `*` and `?` are wildcards."""
    tags: _Filter = ()
    """Only cases with at least one of these tags."""
    languages: _Filter = ()
    """Only these languages."""
    profiles: _Filter = ()
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


class RunFacts(Contract):
    """What a run is about, stored as `run.json` when it is planned. `started_at` is ISO 8601, UTC."""

    run_id: str
    suite: SuiteRef
    agent: str
    total: int
    started_at: str
    branch: str = ""
    commit: str = ""
    whole: bool = False
    """Whether the whole suite was asked for: a part of it is no baseline of a branch."""
    quarantined: tuple[str, ...] = ()
    """Ids of the cases that were in quarantine when it was planned: they gate nothing."""


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
    quarantined: tuple[str, ...] = ()
    """Ids of the cases that are in quarantine."""


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


class RunState(BaseModel):
    """Everything that a run knows. It changes as cases report, and travels whole from one execution to the next."""

    model_config = ConfigDict(extra="ignore")

    plan: RunPlan | None = None
    """None until the plan is made."""
    queue: list[CaseKey] = []
    """Cases of the pages read so far that were not started yet."""
    next_offset: int = 0
    """Of the next page of cases."""
    in_flight: dict[str, CaseUpdate] = {}
    """What each case that has not finished said last, by its key as text."""
    packed: str = ""
    """Of `in_flight` in a message: JSON, compressed, in base 85."""
    counts: dict[Outcome, int] = {}
    quarantined: dict[Outcome, int] = {}
    """Those of `counts` that are in quarantine."""
    recent: list[CaseUpdate] = []
    """The newest finished cases, oldest first."""
    news: int = 0
    """How many finished cases were reported so far."""
    started_at: str = ""
    announced: int = 0
    """How many cases that wait for a human people were told of."""
    cancelled: bool = False

    @field_validator("in_flight", mode="before")
    @classmethod
    def _by_key(cls, given: Any) -> Any:  # noqa: ANN401 - what an older worker wrote
        """Workers of version 0.1.0 wrote a list."""
        return {str(CaseUpdate.model_validate(one).key): one for one in given} if isinstance(given, list) else given

    def to_message(self) -> "RunState":
        """The same in few bytes, however many cases wait for a human."""
        if len(self.in_flight) <= _MANY:
            return self
        plain = [update.model_dump(mode="json", exclude_defaults=True) for update in self.in_flight.values()]
        packed = base64.b85encode(zlib.compress(json.dumps(plain).encode(), 9)).decode()
        return self.model_copy(update={"in_flight": {}, "packed": packed})

    def from_message(self) -> "RunState":
        """The opposite of `to_message`."""
        if not self.packed:
            return self
        plain = json.loads(zlib.decompress(base64.b85decode(self.packed)))
        updates = [CaseUpdate.model_validate(one) for one in plain]
        return self.model_copy(update={"in_flight": {str(one.key): one for one in updates}, "packed": ""})

    @property
    def done(self) -> int:
        """Cases with an outcome."""
        return sum(self.counts.values())

    @property
    def calling(self) -> int:
        """Cases that occupy a line of the agent, or are about to."""
        return sum(update.phase is CasePhase.RUNNING for update in self.in_flight.values())

    @property
    def running(self) -> int:
        """Cases under way that do not wait for a human."""
        return sum(update.phase is not CasePhase.REVIEWING for update in self.in_flight.values())

    @property
    def reviewing(self) -> list[CaseKey]:
        """Cases that wait for a human."""
        return [update.key for update in self.in_flight.values() if update.phase is CasePhase.REVIEWING]

    def in_quarantine(self, key: CaseKey) -> bool:
        """Whether a case gates nothing."""
        return self.plan is not None and key.case in self.plan.quarantined

    @property
    def wrong(self) -> list[CaseUpdate]:
        """The newest cases that did not pass."""
        return [update for update in self.recent if update.outcome is not Outcome.PASSED]


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
    quarantined: dict[Outcome, int] = {}
    """Those of `counts` that are in quarantine: they gate nothing."""
    reviewing_quarantined: int = 0
    """Those of `reviewing_total` that are in quarantine."""
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

    @property
    def gating(self) -> dict[Outcome, int]:
        """Cases by outcome, without those in quarantine."""
        return gating(self.counts, self.quarantined)

    @property
    def reviewing_gating(self) -> int:
        """Cases that wait for a human, without those in quarantine."""
        return self.reviewing_total - self.reviewing_quarantined

    @property
    def only_reviews_left(self) -> bool:
        """Whether everything that machines can do is done, and people must decide the rest."""
        going_on = not (self.finished or self.cancelled)
        return going_on and self.reviewing_total > 0 and self.done + self.reviewing_total >= self.total


class RunResult(Contract):
    """Output of `VoiceTestRun`. Every case's full result is in `report`."""

    run_id: str
    suite: SuiteRef
    total: int
    counts: dict[Outcome, int]
    quarantined: dict[Outcome, int] = {}
    """Those of `counts` that are in quarantine: they gate nothing."""
    not_run: int = 0
    cancelled: bool = False
    report: ArtifactRef
    junit: ArtifactRef
    html: ArtifactRef | None = None
    markdown: ArtifactRef | None = None


RunRequest.model_rebuild()


_EXAMPLE = '{"suite": "clinic"}'


def read_run_request(given: Any) -> RunRequest:  # noqa: ANN401 - a person may type anything
    """Turn what was typed into a request.

    Raises:
        ValueError: it is none; the message is one sentence per mistake, for the person who typed it.
    """
    if isinstance(given, str):
        message = f"the input is the text {given!r}: type an object such as {_EXAMPLE}"
        raise ValueError(message)  # noqa: TRY004 - one kind of error for one kind of mistake
    if not isinstance(given, dict) or not given:
        message = f"a run needs an input such as {_EXAMPLE}"
        raise ValueError(message)
    try:
        return RunRequest.model_validate(given)
    except ValidationError as error:
        raise ValueError("; ".join(_sentence(detail) for detail in error.errors(include_url=False))) from None


def _sentence(detail: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    where = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        known = [name for name in RunRequest.model_fields if name != "resume"]
        guess = get_close_matches(where, known, 1)
        hint = f"did you mean `{guess[0]}`?" if guess else f"known: {', '.join(known)}"
        return f"unknown field `{where}`: {hint}"
    if detail["type"] == "missing":
        return f"`{where}` is missing: type an object such as {_EXAMPLE}"
    return f"`{where}`: {detail['msg']}, not {cut(repr(detail['input']), 100)}"
