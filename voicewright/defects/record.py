"""A defect: what is wrong with the agent, however often and in however many cases it shows."""

import hashlib
import json
from enum import StrEnum

from voicewright.contracts.base import Contract
from voicewright.contracts.case import CaseKey

MAX_OCCURRENCES = 200
"""Occurrences that a record keeps; `seen` counts them all."""
MAX_EVENTS = 200
MAX_TEXT = 1000


class DefectStatus(StrEnum):
    """Where a defect is in its life."""

    OPEN = "open"
    PROPOSED = "proposed"
    """Its cases passed often enough: a person may close it."""
    CLOSED = "closed"


class Signature(Contract):
    """What makes two failures the same: suite, case, language and the check that failed."""

    suite: str
    case: str
    language: str
    check: str
    """Kind of the check and, where it belongs to one, its turn: `time@2`."""


class Failure(Contract):
    """Input of `file_defect`: one case in which the agent was wrong."""

    signature: Signature
    cause: str
    """`cause_key`: failures of one cause share it, across cases."""
    workflow_id: str
    run_id: str
    key: CaseKey
    evidence: str
    decided_by: str = ""
    """The validator, where a human said so."""

    @property
    def defect_id(self) -> str:
        """The same for every failure of one cause in a suite."""
        text = json.dumps([self.signature.suite, self.cause])
        return f"VW-{hashlib.sha256(text.encode()).hexdigest()[:8].upper()}"


class DefectRef(Contract):
    """Output of `file_defect`."""

    id: str
    is_new: bool = False
    regression: bool = False
    """It was closed before and came back."""
    publish: bool = False
    """An outside tracker wants to hear of it."""
    others: tuple[str, ...] = ()
    """Ids of the defects that the same case shows besides."""


class Occurrence(Contract):
    """One failing case."""

    workflow_id: str
    run_id: str
    key: CaseKey
    evidence: str
    at: str
    decided_by: str = ""


class AffectedCase(Contract):
    """A case that shows the defect. `passes` counts since it last did."""

    signature: Signature
    failures: int = 1
    passes: int = 0


class DefectEventKind(StrEnum):
    """What happened to a defect."""

    OPENED = "opened"
    SEEN = "seen"
    REGRESSED = "regressed"
    REOPENED = "open"
    PROPOSED = "proposed"
    CLOSED = "closed"


class DefectEvent(Contract):
    """Something that people outside should hear of; numbered from 1."""

    number: int
    kind: DefectEventKind
    text: str
    at: str
    workflow_id: str = ""
    """The failing case that it tells of, where it tells of one."""


class Issue(Contract):
    """The defect in an outside tracker."""

    key: str
    url: str


class Lease(Contract):
    """Who is telling the outside tracker at the moment. `until` is ISO 8601, UTC."""

    owner: str
    until: str


class Defect(Contract):
    """A record of the built-in tracker. Times are ISO 8601, UTC."""

    id: str
    suite: str
    check: str
    title: str
    status: DefectStatus = DefectStatus.OPEN
    cases: tuple[AffectedCase, ...]
    occurrences: tuple[Occurrence, ...]
    seen: int = 1
    regressions: int = 0
    opened_at: str
    changed_at: str
    closed_by: str = ""
    settled_runs: tuple[str, ...] = ()
    """Runs whose passes were counted already."""
    events: tuple[DefectEvent, ...] = ()
    published: int = 0
    """Number of the last event that the outside tracker heard."""
    issue: Issue | None = None
    asking_since: str = ""
    """When something was last written outside of which we do not know whether it came through."""
    lease: Lease | None = None

    @property
    def unpublished(self) -> tuple[DefectEvent, ...]:
        """What the outside tracker has not heard yet."""
        return tuple(event for event in self.events if event.number > self.published)
