"""Stored results of a run, and JUnit XML from them."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from voicewright.artifact import run_key
from voicewright.case import CaseKey, CaseResult, SuiteRef
from voicewright.contract import Contract
from voicewright.outcome import Outcome
from voicewright.verdict import Check

_READERS = 16


class Reader(Protocol):
    """The part of an object store that reading results needs."""

    def get_if_present(self, key: str) -> bytes | None:
        """Read, or None."""

    def list_keys(self, prefix: str) -> Iterator[str]:
        """Keys with a prefix."""


class RunReport(Contract):
    """Everything about a finished run, stored as `results.json`; without `started_at` what is done so far."""

    run_id: str
    suite: SuiteRef
    agent: str
    total: int
    counts: dict[Outcome, int]
    not_run: int
    cancelled: bool
    started_at: str
    ended_at: str
    branch: str = ""
    commit: str = ""
    cases: tuple[CaseResult, ...]


def case_results(store: Reader, run_id: str) -> list[CaseResult]:
    """The result of every finished case of a run, in the order of their ids."""
    keys = [key for key in store.list_keys(run_key(run_id, "cases/")) if key.endswith("/result.json")]
    with ThreadPoolExecutor(_READERS) as pool:
        raws = list(pool.map(store.get_if_present, keys))
    return [CaseResult.model_validate_json(raw) for raw in raws if raw is not None]


def junit_xml(suite: str, run_id: str, cases: Iterable[CaseResult], pending: Iterable[CaseKey] = ()) -> bytes:
    """JUnit XML: `failed` is a failure, `errored` an error, `unreviewed` skipped with its reason.

    A case that nobody reviewed is neither passed nor failed, and CI servers show a skipped test with its message; so
    do cases in `pending`, which still wait for a human.
    """
    suite_node = TestSuite(suite)
    suite_node.add_property("run_id", run_id)
    for case in cases:
        node = TestCase(f"{case.key.case} [{case.key.cell}] #{case.key.repeat}", classname=suite)
        node.time = (case.call.duration_ms if case.call is not None else 0) / 1000
        if case.outcome is Outcome.FAILED:
            node.result = [_with_text(Failure(_clean(case.reason), "failed"), case)]
        elif case.outcome is Outcome.ERRORED:
            kind = case.error.kind if case.error is not None else "errored"
            node.result = [_with_text(Error(_clean(case.reason), kind), case)]
        elif case.outcome is Outcome.UNREVIEWED:
            node.result = [Skipped(_clean(f"not reviewed in time: {case.reason}"), "unreviewed")]
        suite_node.add_testcase(node)
    for key in pending:
        node = TestCase(f"{key.case} [{key.cell}] #{key.repeat}", classname=suite)
        node.result = [Skipped("waits for a human: voicewright review list", "review")]
        suite_node.add_testcase(node)
    document = JUnitXml("voicewright")
    document.add_testsuite(suite_node)
    document.update_statistics()  # type: ignore[no-untyped-call]
    body: bytes = document.tostring()  # type: ignore[no-untyped-call]
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + body


def _with_text(result: Failure | Error, case: CaseResult) -> Failure | Error:
    checks = case.verdict.checks if case.verdict is not None else ()
    lines = [f"{check.outcome:7} {check.kind}{_turn(check)}: {check.evidence}" for check in checks]
    recording = [f"recording: {case.call.recording.uri}"] if case.call is not None else []
    result.text = _clean("\n".join([*lines, *recording, f"workflow: {case.workflow_id}"]))
    return result


def _turn(check: Check) -> str:
    """Counted from 1, as everywhere that people read; nothing for a check on the whole call."""
    return "" if check.turn is None else f" (turn {check.turn + 1})"


def _clean(text: str) -> str:
    """XML 1.0 has no place for control characters, and a recogniser or an agent may bring any."""
    return "".join(char for char in text if char in "\t\n" or char >= " ")
