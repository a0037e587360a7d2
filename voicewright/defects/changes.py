"""What happens to a defect's record: opened, seen again, settled, moved. Pure functions."""

from voicewright.contracts.case import Outcome
from voicewright.contracts.erasure import ERASED
from voicewright.defects.cause import title_of
from voicewright.defects.record import (
    MAX_EVENTS,
    MAX_OCCURRENCES,
    AffectedCase,
    Defect,
    DefectEvent,
    DefectEventKind,
    DefectStatus,
    Failure,
    Occurrence,
)

_SETTLED = 50
_TITLED = 60
"""Characters of its evidence by which a failure is recognised in a title, which is cut."""


def opened(defect_id: str, failure: Failure, now: str) -> Defect:
    """A new defect from its first failure."""
    return Defect(
        id=defect_id,
        suite=failure.signature.suite,
        check=failure.signature.check.partition("@")[0],
        title=title_of(failure),
        cases=(AffectedCase(signature=failure.signature),),
        occurrences=(_occurrence(failure, now),),
        opened_at=now,
        changed_at=now,
        events=(
            DefectEvent(
                number=1, kind=DefectEventKind.OPENED, text=_told(failure), at=now, workflow_id=failure.workflow_id
            ),
        ),
    )


def seen_again(defect: Defect, failure: Failure, now: str) -> Defect:
    """One more occurrence; the same failure twice is one."""
    if any(one.workflow_id == failure.workflow_id for one in defect.occurrences):
        return defect
    known = any(case.signature == failure.signature for case in defect.cases)
    cases = tuple(
        case.model_copy(update={"failures": case.failures + 1, "passes": 0})
        if case.signature == failure.signature
        else case
        for case in defect.cases
    )
    regressed = defect.status is DefectStatus.CLOSED
    again = defect.model_copy(
        update={
            "status": DefectStatus.OPEN,
            "cases": cases if known else (*cases, AffectedCase(signature=failure.signature)),
            "occurrences": (*defect.occurrences, _occurrence(failure, now))[-MAX_OCCURRENCES:],
            "seen": defect.seen + 1,
            "regressions": defect.regressions + regressed,
            "changed_at": now,
            "closed_by": "",
        }
    )
    kind = DefectEventKind.REGRESSED if regressed else DefectEventKind.SEEN
    return _with_event(again, kind, ("a regression: " if regressed else "") + _told(failure), now, failure.workflow_id)


def settled(
    defect: Defect, run_id: str, outcomes: dict[tuple[str, str], list[Outcome]], *, passes: int, close: bool, now: str
) -> Defect:
    """A finished run counted: its passes add up, a failure sets them back."""
    if run_id in defect.settled_runs:
        return defect
    cases = tuple(
        _counted(case, outcomes.get((case.signature.case, case.signature.language), [])) for case in defect.cases
    )
    counted = defect.model_copy(update={"cases": cases, "settled_runs": (*defect.settled_runs, run_id)[-_SETTLED:]})
    healed = all(case.passes >= passes for case in cases)
    if not healed or defect.status is DefectStatus.CLOSED:
        return counted
    goal = DefectStatus.CLOSED if close else DefectStatus.PROPOSED
    if goal is defect.status:
        return counted
    return moved(counted, goal, f"{passes} passes in a row of every case", now, tell=True)


def _counted(case: AffectedCase, outcomes: list[Outcome]) -> AffectedCase:
    if Outcome.FAILED in outcomes:
        return case.model_copy(update={"passes": 0})
    return case.model_copy(update={"passes": case.passes + outcomes.count(Outcome.PASSED)})


def moved(defect: Defect, status: DefectStatus, by: str, now: str, *, tell: bool) -> Defect:
    """Another status; `tell` makes it news for the outside tracker."""
    if status is defect.status:
        return defect
    closed = status is DefectStatus.CLOSED
    cases = defect.cases
    if status is DefectStatus.OPEN:  # a person who opens it again wants to see new passes
        cases = tuple(case.model_copy(update={"passes": 0}) for case in cases)
    after = defect.model_copy(
        update={"status": status, "closed_by": by if closed else "", "changed_at": now, "cases": cases}
    )
    return _with_event(after, DefectEventKind(status), f"{status}: {by}", now) if tell else after


def erased(defect: Defect, workflow_id: str) -> Defect:
    """Without what was said in one failing case. Its title goes too, where it tells of that case."""
    said = {one.evidence for one in defect.occurrences if one.workflow_id == workflow_id} - {"", ERASED}

    def tells(event: DefectEvent) -> bool:  # events of older versions do not say of which case
        return event.workflow_id == workflow_id or any(evidence in event.text for evidence in said)

    titled = any(" ".join(evidence.split())[:_TITLED] in defect.title for evidence in said)
    return defect.model_copy(
        update={
            "title": f"{defect.suite}: {defect.cases[0].signature.case}: {ERASED}" if titled else defect.title,
            "occurrences": tuple(
                one.model_copy(update={"evidence": ERASED}) if one.workflow_id == workflow_id else one
                for one in defect.occurrences
            ),
            "events": tuple(
                event.model_copy(update={"text": ERASED}) if tells(event) else event for event in defect.events
            ),
        }
    )


def _with_event(defect: Defect, kind: DefectEventKind, text: str, now: str, workflow_id: str = "") -> Defect:
    number = defect.events[-1].number + 1 if defect.events else defect.published + 1
    event = DefectEvent(number=number, kind=kind, text=text, at=now, workflow_id=workflow_id)
    return defect.model_copy(update={"events": (*defect.events, event)[-MAX_EVENTS:]})


def _occurrence(failure: Failure, now: str) -> Occurrence:
    return Occurrence(
        workflow_id=failure.workflow_id,
        run_id=failure.run_id,
        key=failure.key,
        evidence=failure.evidence,
        at=now,
        decided_by=failure.decided_by,
    )


def _told(failure: Failure) -> str:
    by = f" (decided by {failure.decided_by})" if failure.decided_by else ""
    return f"{failure.key} in run {failure.run_id}: {failure.evidence}{by}"
