"""`judge rescore`: stored calls of a run judged again by today's judge, without calling anybody."""

from collections.abc import Iterator
from dataclasses import dataclass

from activities.errors import BadInputError
from activities.steps.validate import judge_call, read_call
from activities.suites import SuiteLibrary, spoken_case
from voicewright.contracts.call import CallRecord, CallSummary
from voicewright.contracts.case import CaseKey, CaseRequest, CaseResult, SuiteRef
from voicewright.contracts.steps import ValidateRequest
from voicewright.contracts.transcript import Transcript, TranscriptSummary
from voicewright.contracts.verdict import Verdict
from voicewright.judge import MeaningJudge
from voicewright.report.results import NoReportError, PendingCase, RunReport, read_report
from voicewright.store.keys import case_key
from voicewright.store.port import ObjectStore
from voicewright.suite import Suite


@dataclass(frozen=True)
class Rescored:
    """A case with the verdict that it had and the one that it would have; `skipped` says why there is none."""

    case: CaseResult | PendingCase
    verdict: Verdict | None
    skipped: str = ""

    @property
    def was(self) -> str:
        """Its outcome now."""
        return str(self.case.outcome) if isinstance(self.case, CaseResult) else "waits for a person"

    @property
    def changed(self) -> bool:
        """Whether the decision would be another."""
        before = self.case.verdict
        return self.verdict is not None and before is not None and self.verdict.decision is not before.decision


async def rescore(store: ObjectStore, run_id: str, judge: MeaningJudge) -> list[Rescored]:
    """Every case of a run whose call is stored, also those that still wait for a person.

    Raises:
        BadInputError: no such run, or nothing of it is stored.
    """
    try:
        report = read_report(store, run_id)
    except NoReportError as error:
        raise BadInputError(str(error)) from None
    if not report.cases and not report.pending:
        raise BadInputError(f"no case of the run {run_id!r} is judged yet; `voicewright runs show` tells how far it is")
    suite = await SuiteLibrary(store).suite(report.suite)
    return list(_each(store, report, suite, judge))


def _each(store: ObjectStore, report: RunReport, suite: Suite, judge: MeaningJudge) -> Iterator[Rescored]:
    cases: list[CaseResult | PendingCase] = [*report.cases, *report.pending]
    for case in cases:
        request = _request(store, report.run_id, report.suite, case)
        if request is None:
            why = f"{case.outcome}: {case.reason}" if isinstance(case, CaseResult) else "its call is not stored"
            yield Rescored(case, None, why)
            continue
        call = read_call(store, request)
        yield Rescored(case, judge_call(suite, spoken_case(suite, case.key), case.key.language, call, judge))


def _request(
    store: ObjectStore, run_id: str, suite: SuiteRef, case: CaseResult | PendingCase
) -> ValidateRequest | None:
    """What the step `validate` was asked; None where there was nothing to judge."""
    if isinstance(case, CaseResult):
        call, heard = case.call, case.transcript
    else:
        call, heard = _call(store, run_id, case.key), _heard(store, run_id, case.key)
    if call is None or heard is None:
        return None
    return ValidateRequest(case=CaseRequest(run_id=run_id, suite=suite, key=case.key), call=call, transcript=heard)


def _call(store: ObjectStore, run_id: str, key: CaseKey) -> CallSummary | None:
    file = case_key(run_id, key, "call.json")
    raw = store.get_if_present(file)
    if raw is None:
        return None
    record = CallRecord.model_validate_json(raw)
    return CallSummary(
        record=store.reference(file, raw, "application/json"),
        recording=record.recording,
        end=record.end,
        duration_ms=record.duration_ms,
        dials=record.dials,
        turns_held=len(record.turns),
    )


def _heard(store: ObjectStore, run_id: str, key: CaseKey) -> TranscriptSummary | None:
    file = case_key(run_id, key, "transcript.json")
    raw = store.get_if_present(file)
    if raw is None:
        return None
    heard = Transcript.model_validate_json(raw)
    words = len(heard.caller.words), len(heard.agent.words)
    reference = store.reference(file, raw, "application/json")
    return TranscriptSummary(transcript=reference, caller_words=words[0], agent_words=words[1])
