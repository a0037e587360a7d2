"""A defect: what is wrong with the agent, however often and in however many cases it shows."""

import hashlib
import json
import re
from enum import StrEnum

from voicewright.case import CaseKey, CaseResult
from voicewright.contract import Contract
from voicewright.verdict import Check, CheckOutcome

MAX_OCCURRENCES = 200
"""Occurrences that a record keeps; `seen` counts them all."""
MAX_EVENTS = 200
_TITLE = 200
_SHOWN = 1000
_NUMBER = re.compile(r"\d+(?:[.:,]\d+)*")
_ON_THE_ANSWER = {"contains", "matches", "meaning"}
"""Checks whose evidence names what was wanted; what the agent said instead tells more about the cause."""


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

    @property
    def digest(self) -> str:
        """Under which the signature is filed."""
        text = json.dumps([self.suite, self.case, self.language, self.check])
        return hashlib.sha256(text.encode()).hexdigest()[:32]


class Failure(Contract):
    """Input of `file_defect`: one case in which the agent was wrong."""

    signature: Signature
    cause: str
    """Evidence without its numbers: failures of one cause share it, across cases."""
    workflow_id: str
    run_id: str
    key: CaseKey
    evidence: str
    decided_by: str = ""
    """The validator, where a human said so."""

    @property
    def defect_id(self) -> str:
        """The same for every failure of one cause in a suite."""
        kind = self.signature.check.partition("@")[0]
        text = json.dumps([self.signature.suite, kind, self.cause])
        return f"VW-{hashlib.sha256(text.encode()).hexdigest()[:8].upper()}"


class DefectRef(Contract):
    """Output of `file_defect`."""

    id: str
    is_new: bool = False
    regression: bool = False
    """It was closed before and came back."""
    publish: bool = False
    """An outside tracker wants to hear of it."""


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


class DefectEvent(Contract):
    """Something that people outside should hear of; numbered from 1."""

    number: int
    kind: str
    text: str
    at: str


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


def failure_of(result: CaseResult) -> Failure:
    """The signature of a failed case, from the check that decided it.

    A hard check that failed comes first, as in the verdict; where a human decided, the check that was unsure.
    """
    checks = result.verdict.checks if result.verdict is not None else ()
    wrong = [check for check in checks if check.outcome is CheckOutcome.FAILED]
    unsure = [check for check in checks if check.outcome is CheckOutcome.UNSURE]
    check = next((check for check in wrong if check.hard), None) or next(iter([*wrong, *unsure]), None)
    note = f" (noted: {result.review.note})" if check is not None and result.review and result.review.note else ""
    name, cause, evidence = _decisive(check) if check is not None else ("review", "review", result.reason)
    return Failure(
        signature=Signature(suite=result.suite.name, case=result.key.case, language=result.key.cell, check=name),
        cause=cause,
        workflow_id=result.workflow_id,
        run_id=result.run_id,
        key=result.key,
        evidence=f"{evidence}{note}"[:_SHOWN],
        decided_by=result.review.reviewer if result.review is not None else "",
    )


def _decisive(check: Check) -> tuple[str, str, str]:
    name = check.kind if check.turn is None else f"{check.kind}@{check.turn + 1}"
    telling = check.actual if check.kind in _ON_THE_ANSWER else check.evidence
    cause = " ".join(_NUMBER.sub("#", telling.lower()).split())
    return name, cause[:_SHOWN], check.evidence


def title_of(failure: Failure) -> str:
    """One line for lists and for an outside tracker."""
    text = f"{failure.signature.suite}: {failure.signature.case}: {failure.evidence}"
    return " ".join(text.split())[:_TITLE]
