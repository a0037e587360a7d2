"""The built-in tracker: defects as records in the object store.

Records change by compare-and-swap, so any number of workers may file at once; filing twice is filing once.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from voicewright.contracts.case import CaseResult, Outcome
from voicewright.defects.changes import erased, moved, opened, seen_again, settled
from voicewright.defects.record import (
    Defect,
    DefectRef,
    DefectStatus,
    Failure,
    Issue,
    Lease,
)
from voicewright.store.keys import defect_key
from voicewright.store.ledger import change
from voicewright.store.port import RecordStore
from voicewright.store.reading import read_all

_LEASE = timedelta(seconds=120)


class UnknownDefectError(Exception):
    """There is no defect of that id."""


class DefectLog:
    """Blocking; thread-safe. Raises what the store raises."""

    def __init__(self, store: RecordStore) -> None:
        self._store = store

    def file(self, failure: Failure) -> DefectRef:
        """Note a failure: a new defect, or one more occurrence of a known one."""
        defect_id = failure.defect_id
        now = _now()
        defect = change(
            self._store,
            defect_key(defect_id),
            Defect,
            lambda known: opened(defect_id, failure, now) if known is None else seen_again(known, failure, now),
        )
        assert defect is not None
        is_new = defect.seen == 1 and defect.occurrences[0].workflow_id == failure.workflow_id
        return DefectRef(id=defect_id, is_new=is_new, regression=defect.regressions > 0)

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
                defect.id, lambda known: settled(known, run_id, outcomes, passes=passes, close=close, now=_now())
            )
            if after.status is not defect.status:
                moved.append(defect.id)
        return moved

    def defects(self, suite: str | None = None) -> list[Defect]:
        """All defects, or those of one suite; what changed last comes first."""
        keys = list(self._store.list_keys("defects/"))
        found = [Defect.model_validate_json(raw) for raw in read_all(self._store, keys) if raw is not None]
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
        return self._change(defect_id, lambda defect: moved(defect, status, by, _now(), tell=True))

    def erase(self, defect_id: str, workflow_id: str) -> Defect:
        """Take out of a defect what was said in one failing case.

        Raises:
            UnknownDefectError: there is none of that id.
        """
        return self._change(defect_id, lambda defect: erased(defect, workflow_id))

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
            return moved(defect, status, by, _now(), tell=False)

        return self._change(seen.id, move).status is status

    def _change(self, defect_id: str, edit: Callable[[Defect], Defect]) -> Defect:
        """Change a record as it stands.

        Raises:
            UnknownDefectError: there is none of that id.
        """
        after = change(self._store, defect_key(defect_id), Defect, lambda known: edit(known) if known else None)
        if after is None:
            raise UnknownDefectError(f"there is no defect {defect_id}; `voicewright defects list` shows what there is")
        return after


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
