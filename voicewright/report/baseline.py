"""A run against its baseline, from what is stored of both."""

from voicewright.contracts.call import CallRecord
from voicewright.report.compare import Comparison, case_rates, compare, first_audio_ms
from voicewright.report.results import NoReportError, RunReport, read_report
from voicewright.store.keys import baseline_key, planned_key
from voicewright.store.port import Reader
from voicewright.store.reading import read_all


def read_baseline(store: Reader, name: str, suite: str | None) -> RunReport:
    """The run `name`, or the newest run of `suite` on the branch `name`: one that has finished, if there is any.

    Raises:
        NoReportError: there is no such run, or nothing of it is judged.
    """
    finished = store.get_if_present(baseline_key(suite, name)) if suite is not None else None
    if finished is not None:
        return read_report(store, finished.decode())
    planned = store.get_if_present(planned_key(suite, name)) if suite is not None else None
    try:
        report = read_report(store, planned.decode() if planned is not None else name)
    except NoReportError:
        if suite is None:
            message = f"there is no run {name!r}; if that is a branch, add --suite"
        else:
            message = (
                f"{suite} has no run {name!r} and none on a branch {name!r}; "
                f"`voicewright run {suite} --branch {name}` starts one"
            )
        raise NoReportError(message) from None
    if not judged(report):
        message = f"no case of the run {report.run_id!r} is judged yet: there is nothing to compare with"
        raise NoReportError(message)
    return report


def compare_reports(store: Reader, before: RunReport, after: RunReport) -> Comparison:
    """Outcomes, latencies and confidence."""
    both = judged(before) & judged(after)
    return compare(before, after, times=(_times(store, before, both), _times(store, after, both)))


def judged(report: RunReport) -> set[tuple[str, str]]:
    """Cases, with their languages, of which at least one repeat was judged."""
    return {(rate.case, rate.language) for rate in case_rates(report.cases) if rate.judged}


def _times(store: Reader, report: RunReport, cases: set[tuple[str, str]]) -> list[int]:
    """Times to first audio of these cases alone: different questions take different time to answer."""
    results = [one for one in report.cases if (one.key.case, one.key.cell) in cases]
    keys = [one.call.record.key for one in results if one.call is not None]
    calls = (CallRecord.model_validate_json(raw) for raw in read_all(store, keys) if raw is not None)
    return first_audio_ms(calls)
