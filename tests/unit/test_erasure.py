"""What is left of a stored result once it is erased, and which calls are due."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr
from test_report import EVIL, Shelf, check, result

from voicewright.contracts.artifact import ArtifactRef
from voicewright.contracts.call import CallEvent, CallEventKind, StructuredAnswer
from voicewright.contracts.case import CaseError, CaseResult, Outcome, Step
from voicewright.contracts.check import CheckOutcome, Doubt, DoubtKind, Finding, FindingKind
from voicewright.contracts.erasure import ERASED, ErasureRequest, without_words
from voicewright.contracts.review import FailCategory, Opinion, ReviewDecision, ReviewVerdict
from voicewright.defects.changes import erased, opened, seen_again
from voicewright.defects.record import Failure, Signature
from voicewright.erasure.cases import Eraser, NothingToEraseError
from voicewright.erasure.due import due
from voicewright.report.build import Links, publish
from voicewright.report.results import RunReport, stored_cases
from voicewright.settings import Settings
from workers.outside.schedules import ERASE, RECONCILE, REMIND, chores

SAID = "zebra crossing"
AT = "2026-01-01T00:00:00+00:00"
_JSON = "application/json"


class Store(Shelf):
    """What erasing needs of a store."""

    def __init__(self) -> None:
        super().__init__()
        self.forgotten: list[str] = []

    def get(self, key: str) -> bytes:
        return self.objects[key]

    def put(self, key: str, body: bytes, media_type: str = "x/y") -> ArtifactRef:
        return super().put(key, body)

    def put_if_absent(self, key: str, body: bytes, media_type: str) -> ArtifactRef | None:
        return None if key in self.objects else self.put(key, body)

    def get_versioned(self, key: str) -> tuple[bytes, str] | None:
        return (self.objects[key], "tag") if key in self.objects else None

    def put_if_unchanged(self, key: str, body: bytes, media_type: str, tag: str) -> bool:
        self.put(key, body)
        return True

    def reference(self, key: str, body: bytes, media_type: str) -> ArtifactRef:
        return ArtifactRef(uri=f"s3://b/{key}", sha256="0" * 64, size_bytes=len(body), media_type=media_type)

    def delete(self, key: str) -> None:
        self.objects.pop(key, None)

    def forget_versions(self, prefix: str) -> None:
        self.forgotten.append(prefix)

    def holding(self, text: str) -> Iterator[str]:
        return (key for key, body in self.objects.items() if text.encode() in body)


def failed(shelf: Shelf, case: str = "a") -> CaseResult:
    """A case in every text of which somebody said something."""
    doubted = check("contains", CheckOutcome.FAILED, f"heard {SAID}", actual=SAID).model_copy(
        update={
            "heard": (SAID,),
            "findings": (Finding(kind=FindingKind.OTHER_VALUE, of="time", expected="5", heard=SAID),),
            "doubt": Doubt(kind=DoubtKind.LOW_CONFIDENCE, words=SAID, confidence=0.4, because=f"{SAID} was vague"),
        }
    )
    opinion = Opinion(verdict=ReviewVerdict.FAIL, reviewer="Ada", note=f"they said {SAID}", given_at=AT)
    return result(shelf, case, Outcome.FAILED, (doubted,)).model_copy(
        update={
            "review": ReviewDecision(
                verdict=ReviewVerdict.FAIL,
                reviewer="Ada",
                note=SAID,
                decided_at=AT,
                category=FailCategory.WRONG_ANSWER,
                opinions=(opinion,),
            ),
            "error": CaseError(kind="LineError", message=f"the line broke at {SAID}", step=Step.CALL),
        }
    )


def test_what_was_said_is_erased_and_numbers_names_and_outcomes_stay() -> None:
    whole = failed(Shelf())
    left = without_words(whole)
    assert SAID in whole.model_dump_json()
    assert SAID not in left.model_dump_json()
    assert CaseResult.model_validate_json(left.model_dump_json()) == left
    assert (left.outcome, left.key, left.call, left.started_at) == (whole.outcome, whole.key, whole.call, AT)
    assert left.review is not None
    assert (left.review.reviewer, left.review.note, left.review.category) == ("Ada", ERASED, FailCategory.WRONG_ANSWER)
    assert left.error is not None
    assert (left.error.kind, left.error.step) == ("LineError", Step.CALL)
    assert left.verdict is not None
    [kept] = left.verdict.checks
    assert (kept.kind, kept.outcome, kept.confidence, kept.heard) == ("contains", "failed", 0.1, (ERASED,))


def test_what_an_agents_protocol_said_is_erased_whatever_its_form() -> None:
    answer = StructuredAnswer(intent=SAID, result={"name": [SAID, 1]}, understood=SAID)
    event = CallEvent(kind=CallEventKind.ANSWER, value=SAID, at_ms=7, turn=1, answer=answer)
    left = without_words(event)
    assert SAID not in left.model_dump_json()
    assert (left.kind, left.at_ms, left.turn) == (CallEventKind.ANSWER, 7, 1)
    assert left.answer == StructuredAnswer(intent=ERASED, result=None, understood=ERASED)
    assert without_words(CallEvent(kind=CallEventKind.KEY, value="", at_ms=1)).value == ""  # nothing was said


def failure(case: str, evidence: str) -> Failure:
    key = failed(Shelf(), case).key
    return Failure(
        signature=Signature(suite="s", case=case, language="en", check="contains@0"),
        cause="c",
        workflow_id=f"run-1/{key}",
        run_id="run-1",
        key=key,
        evidence=evidence,
    )


def test_a_defect_keeps_what_other_cases_showed() -> None:
    defect = seen_again(opened("VW-1", failure("a", f"heard {SAID}"), AT), failure("b", "heard a lion"), AT)
    left = erased(defect, "run-1/a/en/1")
    assert SAID not in left.model_dump_json()
    assert left.title == f"s: a: {ERASED}"
    assert [one.evidence for one in left.occurrences] == [ERASED, "heard a lion"]
    assert "heard a lion" in left.events[1].text
    assert (left.seen, left.status, left.cases) == (defect.seen, defect.status, defect.cases)
    assert erased(left, "run-1/a/en/1") == left
    older = defect.model_copy(
        update={"events": tuple(event.model_copy(update={"workflow_id": ""}) for event in defect.events)}
    )
    assert SAID not in erased(older, "run-1/a/en/1").model_dump_json()  # its events do not say of which case


def stored(store: Store, *results: CaseResult, run: str = "run-1") -> RunReport:
    """A run that has ended, as its steps store it."""
    for one in results:
        folder = f"runs/{run}/cases/{one.key.case}/en/1"
        assert one.call is not None
        assert one.transcript is not None
        call, heard = store.get(one.call.record.key), store.get(one.transcript.transcript.key)
        refs = (
            store.put(f"{folder}/call.json", call, _JSON),
            store.put(f"{folder}/recording.wav", store.get(one.call.recording.key), "audio/wav"),
            store.put(f"{folder}/transcript.json", heard, _JSON),
        )
        for loose in (one.call.record.key, one.transcript.transcript.key, one.call.recording.key):
            store.delete(loose)
        store.put(f"{folder}/verdict.json", b'{"reason": "' + SAID.encode() + b'"}', _JSON)
        asked = f'{{"asked_at": "{AT}", "run_id": "{run}", "key": {one.key.model_dump_json()}, "workflow_id": "w", '
        store.put(f"{folder}/review-0.json", (asked + f'"reason": "{SAID}", "reminder": 0}}').encode(), _JSON)
        call_summary = one.call.model_copy(update={"record": refs[0], "recording": refs[1]})
        heard_summary = one.transcript.model_copy(update={"transcript": refs[2]})
        ended = one.model_copy(
            update={
                "run_id": run,
                "workflow_id": f"{run}/{one.key}",
                "call": call_summary,
                "transcript": heard_summary,
            }
        )
        store.put(f"{folder}/result.json", ended.model_dump_json().encode(), _JSON)
        store.put(f"judge/default/decisions/{run}%2F{one.key.case}%2Fen%2F1.jsonl", SAID.encode(), _JSON)
    cases, _ = stored_cases(store, run)
    report = RunReport(
        run_id=run, suite=cases[0].suite, agent="media_stream ws://a", total=len(cases), started_at=AT, ended_at=AT,
        counts={Outcome.FAILED: len(cases)}, not_run=0, cancelled=False, cases=tuple(cases),
    )  # fmt: skip
    publish(store, report, Links())
    return report


def test_a_case_is_erased_everywhere_and_its_neighbour_is_not() -> None:
    store = Store()
    report = stored(store, failed(store, "a"), failed(store, "b"))
    eraser = Eraser(store, Links())
    receipt, [key] = eraser.erase(
        ErasureRequest(run_id="run-1", cases=("run-1/a/en/1",), by="Ada", reason="asked by the caller")
    )
    assert "runs/run-1/cases/a/en/1/erased.json" not in store.objects  # others are to follow first
    eraser.confirm(receipt, [key])
    assert (receipt.cases, receipt.objects, receipt.waiting, key.case) == (("run-1/a/en/1",), 3, (), "a")
    assert store.forgotten == ["runs/run-1/"]
    left = [one for one in store.holding(SAID) if "/a/" in one]
    assert left == []
    assert sorted(one.rsplit("/", 1)[1] for one in store.objects if "/a/" in one) == [
        "call.json", "erased.json", "result.json", "review-0.json",
    ]  # fmt: skip
    assert "runs/run-1/cases/b/en/1/transcript.json" in store.objects
    after = RunReport.model_validate_json(store.get("runs/run-1/results.json"))
    assert (after.counts, after.ended_at, after.total) == (report.counts, report.ended_at, 2)
    first, second = after.cases
    assert first.erased_at
    assert SAID not in first.model_dump_json()
    assert second == report.cases[1]
    assert store.get("runs/run-1/junit.xml").count(SAID.encode()) > 0  # of the neighbour
    again, keys = eraser.erase(ErasureRequest(run_id="run-1", by="Bob"))
    eraser.confirm(again, keys)
    assert (again.cases, again.objects) == (("run-1/a/en/1", "run-1/b/en/1"), 3)
    assert not [*store.holding(SAID), *store.holding(EVIL)]
    assert b"Ada" in store.get("runs/run-1/cases/a/en/1/erased.json")  # the first receipt stands


def test_what_does_not_exist_or_has_not_ended_is_not_erased() -> None:
    store = Store()
    eraser = Eraser(store, Links())
    with pytest.raises(NothingToEraseError, match="nothing of a run 'run-9' is stored"):
        eraser.erase(ErasureRequest(run_id="run-9", by="Ada"))
    stored(store, failed(store, "a"))
    with pytest.raises(NothingToEraseError, match="has no case run-1/x/en/1"):
        eraser.erase(ErasureRequest(run_id="run-1", cases=("run-1/x/en/1",), by="Ada"))
    store.delete("runs/run-1/cases/a/en/1/result.json")
    receipt, keys = eraser.erase(ErasureRequest(run_id="run-1", by="Ada"))
    assert (receipt.cases, receipt.waiting, keys) == ((), ("run-1/a/en/1",), [])
    assert "runs/run-1/cases/a/en/1/transcript.json" in store.objects


def test_calls_are_due_once_they_are_older_than_they_are_kept() -> None:
    store = Store()
    stored(store, failed(store, "a"), failed(store, "b"))
    at = datetime(2026, 1, 31, 0, 0, 1, tzinfo=UTC)
    assert list(due(store, 30, at)) == []
    later = at.replace(second=3)
    assert list(due(store, 30, later)) == [("run-1", ["run-1/a/en/1", "run-1/b/en/1"])]
    eraser = Eraser(store, Links())
    done = eraser.erase(ErasureRequest(run_id="run-1", cases=("run-1/a/en/1",), by="retention"))
    assert len(next(iter(due(store, 30, later)))[1]) == 2  # who dies here begins again
    eraser.confirm(*done)
    assert list(due(store, 30, later)) == [("run-1", ["run-1/b/en/1"])]


def test_a_result_that_cannot_be_read_is_told_and_keeps_no_other() -> None:
    store = Store()
    told: list[str] = []
    stored(store, failed(store, "a"), failed(store, "b"))
    store.put("runs/run-1/cases/a/en/1/result.json", b"{")
    late = datetime(2027, 1, 1, tzinfo=UTC)
    assert list(due(store, 30, late, told.append)) == [("run-1", ["run-1/b/en/1"])]
    assert told == ["runs/run-1/cases/a/en/1"]


def test_of_a_run_that_began_lately_no_case_is_read() -> None:
    store = Store()
    report = stored(store, failed(store, "a"))
    store.put(
        "runs/run-1/run.json",
        report.model_copy(update={"started_at": "2026-12-31T00:00:00Z"}).model_dump_json().encode(),
    )
    assert list(due(store, 30, datetime(2027, 1, 1, tzinfo=UTC))) == []
    store.put("runs/run-1/run.json", report.model_dump_json().encode())
    assert len(list(due(store, 30, datetime(2027, 1, 1, tzinfo=UTC)))) == 1


def test_an_installation_has_the_chores_of_its_settings() -> None:
    assert chores(Settings()) == []
    assert chores(Settings(retention_days=30, jira_url="https://j", slack_token=SecretStr("t"))) == [
        RECONCILE, REMIND, ERASE,
    ]  # fmt: skip
