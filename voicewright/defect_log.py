"""The built-in tracker: defects as records in the object store.

Records change by compare-and-swap, so any number of workers may file at once; filing twice is filing once.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Protocol

from voicewright.artifact import ArtifactRef, defect_key, signature_key
from voicewright.case import CaseResult
from voicewright.defect import (
    MAX_EVENTS,
    MAX_OCCURRENCES,
    AffectedCase,
    Defect,
    DefectEvent,
    DefectRef,
    DefectStatus,
    Failure,
    Issue,
    Lease,
    Occurrence,
    title_of,
)
from voicewright.outcome import Outcome
from voicewright.results import Reader

_READERS = 16
_SETTLED = 50
_LEASE = timedelta(seconds=120)
_JSON = "application/json"


class Store(Reader, Protocol):
    """The part of an object store that the tracker needs."""

    def put_if_absent(self, key: str, body: bytes, media_type: str) -> ArtifactRef | None:
        """Store unless there is something."""

    def get_versioned(self, key: str) -> tuple[bytes, str] | None:
        """Read with a tag."""

    def put_if_unchanged(self, key: str, body: bytes, media_type: str, tag: str) -> bool:
        """Replace what has that tag."""


class UnknownDefectError(Exception):
    """There is no defect of that id."""


class DefectLog:
    """Blocking; thread-safe. Raises what the store raises."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def file(self, failure: Failure) -> DefectRef:
        """Note a failure: a new defect, or one more occurrence of a known one."""
        defect_id = self._claim(failure)
        now = _now()
        first = _opened(defect_id, failure, now)
        body = first.model_dump_json().encode()
        if self._store.put_if_absent(defect_key(defect_id), body, _JSON) is not None:
            return DefectRef(id=defect_id, is_new=True)
        changed = self._change(defect_id, lambda defect: _seen_again(defect, failure, now))
        is_new = changed.seen == 1 and changed.occurrences[0].workflow_id == failure.workflow_id
        return DefectRef(id=defect_id, is_new=is_new, regression=changed.regressions > 0)

    def _claim(self, failure: Failure) -> str:
        """The defect that the signature belongs to; the first failure of a signature says which."""
        key = signature_key(failure.signature.digest)
        known = self._store.get_if_present(key)
        if known is None:
            self._store.put_if_absent(key, failure.defect_id.encode(), "text/plain")
            known = self._store.get_if_present(key)
        return known.decode() if known is not None else failure.defect_id

    def settle(self, suite: str, run_id: str, results: Iterable[CaseResult], *, passes: int, close: bool) -> list[str]:
        """Count a finished run's passes; returns the defects that changed their status.

        Args:
            suite: name of the run's suite.
            run_id: the run; counted once however often this is called.
            results: all results of the run.
            passes: so many passes in a row of every case it was seen in end a defect.
            close: whether such a defect is closed at once or proposed for closing.
        """
        outcomes: dict[tuple[str, str], list[Outcome]] = {}
        for result in results:
            outcomes.setdefault((result.key.case, result.key.cell), []).append(result.outcome)
        moved = []
        for defect in self.defects(suite):
            touched = any((case.signature.case, case.signature.language) in outcomes for case in defect.cases)
            if not touched or run_id in defect.settled_runs:
                continue
            after = self._change(
                defect.id, lambda known: _settled(known, run_id, outcomes, passes=passes, close=close, now=_now())
            )
            if after.status is not defect.status:
                moved.append(defect.id)
        return moved

    def defects(self, suite: str | None = None) -> list[Defect]:
        """All defects, or those of one suite; what changed last comes first."""
        keys = list(self._store.list_keys("defects/"))
        with ThreadPoolExecutor(_READERS) as pool:
            raws = list(pool.map(self._store.get_if_present, keys))
        found = [Defect.model_validate_json(raw) for raw in raws if raw is not None]
        return sorted(
            (defect for defect in found if suite in {None, defect.suite}),
            key=lambda defect: defect.changed_at,
            reverse=True,
        )

    def defect(self, defect_id: str) -> Defect:
        """One defect.

        Raises:
            UnknownDefectError: there is none of that id.
        """
        raw = self._store.get_if_present(defect_key(defect_id))
        if raw is None:
            raise UnknownDefectError(f"there is no defect {defect_id}; `voicewright defects list` shows what there is")
        return Defect.model_validate_json(raw)

    def set_status(self, defect_id: str, status: DefectStatus, by: str) -> Defect:
        """A person's word on a defect."""
        return self._change(defect_id, lambda defect: _moved(defect, status, by, _now(), tell=True))

    def lease(self, defect_id: str, owner: str) -> Defect | None:
        """Take the right to tell the outside tracker; None while somebody else has it."""
        now = datetime.now(UTC)

        def take(defect: Defect) -> Defect:
            held = defect.lease
            if held is not None and held.owner != owner and datetime.fromisoformat(held.until) > now:
                return defect
            until = (now + _LEASE).isoformat(timespec="seconds")
            return defect.model_copy(update={"lease": Lease(owner=owner, until=until)})

        defect = self._change(defect_id, take)
        return defect if defect.lease is not None and defect.lease.owner == owner else None

    def release(self, defect_id: str, owner: str) -> None:
        """Give the right to tell back."""

        def give_back(defect: Defect) -> Defect:
            mine = defect.lease is not None and defect.lease.owner == owner
            return defect.model_copy(update={"lease": None}) if mine else defect

        self._change(defect_id, give_back)

    def asking(self, defect_id: str, *, again_after: timedelta) -> str | None:
        """Note that something is about to be written outside; the time of an unanswered try that is not long ago."""
        now = datetime.now(UTC)
        before = self.defect(defect_id).asking_since
        if before and now - datetime.fromisoformat(before) < again_after:
            return before
        since = now.isoformat(timespec="seconds")
        self._change(defect_id, lambda defect: defect.model_copy(update={"asking_since": since}))
        return None

    def answered(self, defect_id: str) -> None:
        """Note that nothing is unanswered."""
        self._change(defect_id, lambda defect: defect.model_copy(update={"asking_since": ""}))

    def published(self, defect_id: str, number: int, issue: Issue) -> Defect:
        """Note that the outside tracker heard everything up to event `number`."""
        return self._change(
            defect_id,
            lambda defect: defect.model_copy(
                update={"published": max(defect.published, number), "issue": issue, "asking_since": ""}
            ),
        )

    def forget_issue(self, defect_id: str) -> None:
        """Its issue is gone: everything is news again."""
        self._change(
            defect_id, lambda defect: defect.model_copy(update={"issue": None, "published": 0, "asking_since": ""})
        )

    def follow(self, seen: Defect, status: DefectStatus, by: str) -> bool:
        """Take over a status from outside, unless anything happened to the defect since it was `seen`."""

        def move(defect: Defect) -> Defect:
            if defect.changed_at != seen.changed_at or defect.unpublished:
                return defect
            return _moved(defect, status, by, _now(), tell=False)

        return self._change(seen.id, move).status is status

    def _change(self, defect_id: str, change: Callable[[Defect], Defect]) -> Defect:
        """Compare and swap until nobody was faster."""
        while True:
            found = self._store.get_versioned(defect_key(defect_id))
            if found is None:
                raise UnknownDefectError(f"there is no defect {defect_id}")
            before = Defect.model_validate_json(found[0])
            after = change(before)
            if after == before:
                return before
            body = after.model_dump_json().encode()
            if self._store.put_if_unchanged(defect_key(defect_id), body, _JSON, found[1]):
                return after


def _opened(defect_id: str, failure: Failure, now: str) -> Defect:
    return Defect(
        id=defect_id,
        suite=failure.signature.suite,
        check=failure.signature.check.partition("@")[0],
        title=title_of(failure),
        cases=(AffectedCase(signature=failure.signature),),
        occurrences=(_occurrence(failure, now),),
        opened_at=now,
        changed_at=now,
        events=(DefectEvent(number=1, kind="opened", text=_told(failure), at=now),),
    )


def _seen_again(defect: Defect, failure: Failure, now: str) -> Defect:
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
    kind = "regressed" if regressed else "seen"
    return _with_event(again, kind, ("a regression: " if regressed else "") + _told(failure), now)


def _settled(
    defect: Defect, run_id: str, outcomes: dict[tuple[str, str], list[Outcome]], *, passes: int, close: bool, now: str
) -> Defect:
    if run_id in defect.settled_runs:
        return defect
    cases = tuple(
        _counted(case, outcomes.get((case.signature.case, case.signature.language), [])) for case in defect.cases
    )
    settled = defect.model_copy(update={"cases": cases, "settled_runs": (*defect.settled_runs, run_id)[-_SETTLED:]})
    healed = all(case.passes >= passes for case in cases)
    if not healed or defect.status is DefectStatus.CLOSED:
        return settled
    goal = DefectStatus.CLOSED if close else DefectStatus.PROPOSED
    if goal is defect.status:
        return settled
    return _moved(settled, goal, f"{passes} passes in a row of every case", now, tell=True)


def _counted(case: AffectedCase, outcomes: list[Outcome]) -> AffectedCase:
    if Outcome.FAILED in outcomes:
        return case.model_copy(update={"passes": 0})
    return case.model_copy(update={"passes": case.passes + outcomes.count(Outcome.PASSED)})


def _moved(defect: Defect, status: DefectStatus, by: str, now: str, *, tell: bool) -> Defect:
    if status is defect.status:
        return defect
    closed = status is DefectStatus.CLOSED
    cases = defect.cases
    if status is DefectStatus.OPEN:  # a person who opens it again wants to see new passes
        cases = tuple(case.model_copy(update={"passes": 0}) for case in cases)
    moved = defect.model_copy(
        update={"status": status, "closed_by": by if closed else "", "changed_at": now, "cases": cases}
    )
    return _with_event(moved, str(status), f"{status}: {by}", now) if tell else moved


def _with_event(defect: Defect, kind: str, text: str, now: str) -> Defect:
    number = defect.events[-1].number + 1 if defect.events else defect.published + 1
    event = DefectEvent(number=number, kind=kind, text=text, at=now)
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


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
