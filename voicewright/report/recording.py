"""From what the object store holds of runs, cases and defects to their records, and into the tables.

Whatever is recorded is read from the store first. So it makes no difference when it is recorded, how often, and by
whom: a run that was recorded while it went on and one that is recorded years later have the same records.
"""

import json
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import islice
from typing import Protocol
from urllib.parse import unquote

from voicewright.contracts.blind import BLIND_FILE, BlindResult
from voicewright.contracts.call import CallRecord
from voicewright.contracts.case import CaseKey, CaseResult, Outcome
from voicewright.contracts.records import (
    BlindRecord,
    CaseRecord,
    CheckRecord,
    DefectRecord,
    OpinionRecord,
    ReviewRecord,
    RunRecord,
    TurnRecord,
)
from voicewright.contracts.review import Opinion
from voicewright.contracts.verdict import Verdict
from voicewright.defects.record import Defect
from voicewright.report.results import NoReportError, case_folders, key_of, run_facts, waits
from voicewright.store.keys import case_key, defect_key, run_key
from voicewright.store.port import Reader

_READERS = 16
_AT_ONCE = 200
_TRIES = 10


class Tables(Protocol):
    """What recording needs of `voicewright.records.Records`."""

    def record_run(self, run: RunRecord) -> None:
        """Note a run."""

    def record_cases(self, cases: Collection[CaseRecord]) -> bool:
        """Note cases of one run; False where the run is not known."""

    def record_defect(self, defect: DefectRecord) -> None:
        """Note a defect."""

    def run_ids(self) -> set[str]:
        """All runs."""

    def case_ids(self, run_id: str) -> set[str]:
        """All cases of a run."""

    def defect_ids(self) -> set[str]:
        """All defects."""

    def forget(self, *, runs: Collection[str] = (), cases: Collection[str] = (), defects: Collection[str] = ()) -> None:
        """Remove by id."""


class Recorder:
    """Blocking; thread-safe. Raises what the store and the tables raise."""

    def __init__(self, store: Reader, tables: Tables) -> None:
        self._store = store
        self._tables = tables

    def run(self, run_id: str) -> None:
        """Record what a run is about, and whether it has ended."""
        self._tables.record_run(run_record(self._store, run_id))

    def case(self, run_id: str, key: CaseKey) -> None:
        """Record a case that has ended or waits for a person."""
        record = case_record(self._store, run_id, key)
        if record is not None:
            self._cases(run_id, [record])

    def run_with_cases(self, run_id: str) -> None:
        """Record a run and all its cases; what is recorded and stored no more is removed."""
        before = self._tables.case_ids(run_id)
        self.run(run_id)
        stored = set()
        for some in case_records(self._store, run_id):
            self._cases(run_id, some)
            stored |= {record.workflow_id for record in some}
        self._tables.forget(cases=before - stored)

    def _cases(self, run_id: str, records: Collection[CaseRecord]) -> None:
        if not self._tables.record_cases(records):
            self.run(run_id)
            self._tables.record_cases(records)

    def defect(self, defect_id: str) -> None:
        """Record a defect as it stands.

        It is read once more afterwards: whoever writes an older state last would notice, and write again.
        """
        key = defect_key(defect_id)
        raw = self._store.get_if_present(key)
        for _ in range(_TRIES):
            if raw is None:
                self._tables.forget(defects=[defect_id])
                return
            self._tables.record_defect(defect_record(Defect.model_validate_json(raw)))
            written, raw = raw, self._store.get_if_present(key)
            if written == raw:
                return

    def everything(self, said: Callable[[str], None] = lambda _: None) -> list[str]:
        """Record all that is stored, and remove from the records what is not. Runs may go on meanwhile.

        Args:
            said: hears the id of each run and defect that was recorded.

        Returns:
            Ids of what is stored but cannot be read; their records stay as they are.
        """
        unreadable = []
        before = self._tables.run_ids()  # whatever is recorded after this moment is not for us to remove
        stored = set(ids_under(self._store, "runs/"))
        for run_id in sorted(stored):
            try:
                self.run_with_cases(run_id)
            except NoReportError:  # a folder with nothing in it that tells of a run
                stored.discard(run_id)
            except ValueError:
                unreadable.append(run_id)
            else:
                said(run_id)
        self._tables.forget(runs=before - stored)
        known, kept = (
            self._tables.defect_ids(),
            {one.removesuffix(".json") for one in ids_under(self._store, "defects/")},
        )
        for defect_id in sorted(kept):
            try:
                self.defect(defect_id)
            except ValueError:
                unreadable.append(defect_id)
            else:
                said(defect_id)
        self._tables.forget(defects=known - kept)
        return unreadable


def ids_under(store: Reader, prefix: str) -> list[str]:
    """What follows a prefix in keys, up to the next slash."""
    return list({unquote(key.removeprefix(prefix).split("/")[0]): None for key in store.list_keys(prefix)})


def run_record(store: Reader, run_id: str) -> RunRecord:
    """A run, by what is stored of it.

    Raises:
        NoReportError: there is no such run, or it is not planned yet.
    """
    facts = run_facts(store, run_id)
    channel, _, agent = facts.agent.partition(" ")
    raw = store.get_if_present(run_key(run_id, "results.json"))
    results = json.loads(raw) if raw is not None else {}
    return RunRecord(
        run_id=run_id,
        suite=facts.suite,
        channel=channel,
        agent=agent,
        total=facts.total,
        started_at=moment_of(facts.started_at),
        ended_at=moment_of(results.get("ended_at")),
        cancelled=results.get("cancelled", False),
        branch=facts.branch,
        commit=facts.commit,
        whole=facts.whole,
    )


def case_record(store: Reader, run_id: str, key: CaseKey) -> CaseRecord | None:
    """A case, by what is stored of it; None where it has not ended and waits for nobody."""

    def read(file: str) -> bytes | None:
        return store.get_if_present(case_key(run_id, key, file))

    raw, asked = read("result.json"), read("review-0.json")
    result = CaseResult.model_validate_json(raw) if raw is not None else None
    if result is None:
        raw = read("verdict.json")
        verdict = Verdict.model_validate_json(raw) if raw is not None else None
        if not waits(asked, verdict):
            return None
        workflow_id = json.loads(asked).get("workflow_id") if asked is not None else None
        ended = CaseRecord(run_id=run_id, key=key, workflow_id=workflow_id or f"{run_id}/{key}")
        raw = read("call.json")
    else:
        verdict, ended = result.verdict, _ended(result)
        # A case that was given up on has no call, even if one is stored later.
        raw = store.get_if_present(result.call.record.key) if result.call is not None else None
    call = CallRecord.model_validate_json(raw) if raw is not None else None
    return ended.model_copy(
        update={
            "decision": verdict.decision if verdict is not None else None,
            "confidence": verdict.confidence if verdict is not None else None,
            "checks": _checks(verdict),
            "review": _review(result, asked),
            "opinions": _opinions(result),
            "blind": _blind(read(BLIND_FILE)) if result is not None else None,
            **(_call(call) if call is not None else {}),
        }
    )


def _ended(result: CaseResult) -> CaseRecord:
    """What its result says of a case."""
    error = result.error
    return CaseRecord(
        run_id=result.run_id,
        key=result.key,
        workflow_id=result.workflow_id,
        outcome=result.outcome,
        started_at=moment_of(result.started_at),
        ended_at=moment_of(result.ended_at),
        error_kind=error.kind if error is not None else "",
        error_step=error.step if error is not None else None,
        defects=tuple(one for one in (result.defect, *result.more_defects) if one),
    )


def moment_of(text: str | None) -> datetime | None:
    """A time in ISO 8601; UTC where it says nothing else. None where there is none."""
    moment = datetime.fromisoformat(text) if text else None
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def _call(call: CallRecord) -> dict[str, object]:
    turns = tuple(TurnRecord.model_validate(dict(turn)) for turn in call.turns)
    length = {"call_end": call.end, "call_ms": call.duration_ms, "dials": call.dials}
    return {**length, "recording": call.recording.key, "turns": turns}


def _checks(verdict: Verdict | None) -> tuple[CheckRecord, ...]:
    return tuple(
        CheckRecord(
            kind=check.kind,
            turn=check.turn,
            outcome=check.outcome,
            hard=check.hard,
            breach=check.breach,
            doubt=check.doubt.kind if check.doubt is not None else None,
            confidence=check.confidence,
        )
        for check in (verdict.checks if verdict is not None else ())
    )


def _review(result: CaseResult | None, asked: bytes | None) -> ReviewRecord | None:
    """That a person was asked, and what they decided; None where nobody was needed."""
    decision = result.review if result is not None else None
    if asked is None and decision is None and result is not None and result.outcome is not Outcome.UNREVIEWED:
        return None
    at = moment_of(json.loads(asked).get("asked_at")) if asked is not None else None
    if decision is None:
        return ReviewRecord(asked_at=at)
    return ReviewRecord(
        asked_at=at, decided_at=moment_of(decision.decided_at), verdict=decision.verdict, reviewer=decision.reviewer
    )


def _blind(raw: bytes | None) -> BlindRecord | None:
    if raw is None:
        return None
    blind = BlindResult.model_validate_json(raw)
    review = blind.review
    return BlindRecord(
        decided=blind.decided,
        verdict=review.verdict,
        reviewer=review.reviewer,
        decided_at=moment_of(review.decided_at),
    )


def _opinions(result: CaseResult | None) -> tuple[OpinionRecord, ...]:
    """All that people said of a case; where only the decision is stored, that."""
    if result is None:
        return ()
    decision = result.review
    given = (
        result.opinions
        if decision is None
        else decision.opinions or (Opinion.model_validate({**dict(decision), "given_at": decision.decided_at}),)
    )
    return tuple(
        OpinionRecord(
            reviewer=one.reviewer,
            verdict=one.verdict,
            category=one.category,
            severity=one.severity,
            overrules=one.overrules,
            given_at=moment_of(one.given_at),
        )
        for one in given
    )


def case_records(store: Reader, run_id: str) -> Iterator[list[CaseRecord]]:
    """All cases of a run that have ended or wait for a person, some at a time."""
    keys = (key_of(folder) for folder in case_folders(store, run_id))
    with ThreadPoolExecutor(_READERS) as pool:
        while some := list(islice(keys, _AT_ONCE)):
            found = pool.map(lambda key: case_record(store, run_id, key), some)
            yield [record for record in found if record is not None]


def defect_record(defect: Defect) -> DefectRecord:
    """A defect, without its title and events: they quote what was said."""
    return DefectRecord(
        defect=defect.id,
        suite=defect.suite,
        check=defect.check,
        status=defect.status,
        seen=defect.seen,
        regressions=defect.regressions,
        opened_at=datetime.fromisoformat(defect.opened_at),
        changed_at=datetime.fromisoformat(defect.changed_at),
        issue=defect.issue.key if defect.issue is not None else "",
    )
