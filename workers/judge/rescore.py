"""`judge rescore`: stored calls of a run judged again by today's judge, without calling anybody."""

from collections.abc import Iterator
from dataclasses import dataclass

from activities.checks.meaning.judgement import MeaningJudge
from activities.errors import BadInputError
from activities.ports import ObjectStore
from activities.suites import SuiteLibrary
from activities.validate import judge_call, read_call
from voicewright.case import CaseRequest, CaseResult
from voicewright.results import case_results
from voicewright.steps import ValidateRequest
from voicewright.suite import Suite
from voicewright.verdict import Verdict


@dataclass(frozen=True)
class Rescored:
    """A case with the verdict that it had and the one that it would have; `skipped` says why there is none."""

    result: CaseResult
    verdict: Verdict | None
    skipped: str = ""

    @property
    def changed(self) -> bool:
        """Whether the decision would be another."""
        before = self.result.verdict
        return self.verdict is not None and before is not None and self.verdict.decision is not before.decision


async def rescore(store: ObjectStore, run_id: str, judge: MeaningJudge) -> list[Rescored]:
    """Every finished case of a run.

    Raises:
        BadInputError: no such run, or nothing of it is stored.
    """
    results = case_results(store, run_id)
    if not results:
        raise BadInputError(f"no finished case of a run {run_id!r} is stored; `voicewright runs` lists runs")
    library = SuiteLibrary(store)
    return list(_each(store, results, await library.suite(results[0].suite), judge))


def _each(store: ObjectStore, results: list[CaseResult], suite: Suite, judge: MeaningJudge) -> Iterator[Rescored]:
    for result in results:
        if result.call is None or result.transcript is None:
            yield Rescored(result, None, f"{result.outcome}: {result.reason}")
            continue
        request = ValidateRequest(
            case=CaseRequest(run_id=result.run_id, suite=result.suite, key=result.key),
            call=result.call,
            transcript=result.transcript,
        )
        call = read_call(store, request)
        yield Rescored(result, judge_call(suite, suite.case(result.key.case), result.key.language, call, judge))
