"""JUnit XML of a run, for CI servers."""

from collections.abc import Collection, Iterable

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from voicewright.contracts.case import CaseKey, CaseResult, Outcome
from voicewright.contracts.check import Check
from voicewright.contracts.text import clean
from voicewright.report.results import PendingCase


def junit_xml(
    suite: str,
    run_id: str,
    cases: Iterable[CaseResult],
    pending: Iterable[PendingCase] = (),
    quarantined: Collection[str] = (),
) -> bytes:
    """JUnit XML: `failed` is a failure, `errored` an error, `unreviewed` skipped with its reason.

    A case that nobody reviewed is neither passed nor failed, and CI servers show a skipped test with its message; so
    do cases in `pending`, which still wait for a human, and those in quarantine that did not pass: a CI server that
    reads this file gates by it.
    """
    suite_node = TestSuite(clean(suite))
    suite_node.add_property("run_id", clean(run_id))
    for case in cases:
        node = TestCase(_name(case.key), classname=clean(suite))
        node.time = (case.call.duration_ms if case.call is not None else 0) / 1000
        if case.key.case in quarantined and case.outcome is not Outcome.PASSED:
            node.result = [Skipped(clean(f"in quarantine; {case.outcome}: {case.reason}"), "quarantine")]
        elif case.outcome is Outcome.FAILED:
            node.result = [_with_text(Failure(clean(case.reason), "failed"), case)]
        elif case.outcome is Outcome.ERRORED:
            kind = case.error.kind if case.error is not None else "errored"
            node.result = [_with_text(Error(clean(case.reason), kind), case)]
        elif case.outcome is Outcome.UNREVIEWED:
            node.result = [Skipped(clean(f"nobody reviewed it in time: {case.reason}"), "unreviewed")]
        suite_node.add_testcase(node)
    for waiting in pending:
        node = TestCase(_name(waiting.key), classname=clean(suite))
        why = f": {waiting.reason}" if waiting.reason else ""
        node.result = [Skipped(clean(f"waits for a person; run: voicewright review list{why}"), "review")]
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
    result.text = clean("\n".join([*lines, *recording, f"workflow: {case.workflow_id}"]))
    return result


def _turn(check: Check) -> str:
    """Counted from 1, as everywhere that people read; nothing for a check on the whole call."""
    return "" if check.turn is None else f" (turn {check.turn + 1})"


def _name(key: CaseKey) -> str:
    return clean(f"{key.case} [{key.cell}] #{key.repeat}")
