"""A run in few lines: the slowest turns, the failed checks grouped, and a Markdown page for CI."""

from collections.abc import Sequence

from voicewright.contracts.base import Contract
from voicewright.contracts.case import Outcome
from voicewright.defects.cause import failures_of
from voicewright.report.latency import answer_times, percentile
from voicewright.report.results import RunReport
from voicewright.report.view import CaseView

_SLOWEST = 10


class SlowTurn(Contract):
    """A turn that took long to be answered. `turn` counts from 0."""

    workflow_id: str
    name: str
    turn: int
    ttfa_ms: int


class FailureGroup(Contract):
    """Failures that look like one cause."""

    check: str
    evidence: str
    """Of the first of them."""
    cases: tuple[str, ...]
    """Workflow ids."""
    defect: str = ""


class Cell(Contract):
    """One field of the matrix of languages and callers."""

    name: str
    counts: dict[Outcome, int]
    ttfa_p50_ms: int | None = None
    ttfa_p95_ms: int | None = None


class Summary(Contract):
    """Figures of a run. TTFA in ms, over all turns that were answered."""

    ttfa_p50_ms: int | None = None
    ttfa_p90_ms: int | None = None
    ttfa_p95_ms: int | None = None
    ttfa_p99_ms: int | None = None
    turns: int = 0
    cells: tuple[Cell, ...] = ()
    """By language and caller; empty where there is but one."""
    slowest: tuple[SlowTurn, ...] = ()
    groups: tuple[FailureGroup, ...] = ()


def summarise(report: RunReport, views: Sequence[CaseView]) -> Summary:
    """Figures from the results and the calls behind them."""
    turns = [
        SlowTurn(workflow_id=view.workflow_id, name=str(view.key), turn=turn, ttfa_ms=ttfa_ms)
        for view in views
        for turn, ttfa_ms in answer_times(view.turns)
    ]
    turns.sort(key=lambda turn: turn.ttfa_ms, reverse=True)
    times = [turn.ttfa_ms for turn in turns]
    return Summary(
        ttfa_p50_ms=percentile(times, 50),
        ttfa_p90_ms=percentile(times, 90),
        ttfa_p95_ms=percentile(times, 95),
        ttfa_p99_ms=percentile(times, 99),
        turns=len(turns),
        cells=tuple(_cells(report, views)),
        slowest=tuple(turns[:_SLOWEST]),
        groups=tuple(_groups(report)),
    )


def _cells(report: RunReport, views: Sequence[CaseView]) -> list[Cell]:
    names = list(dict.fromkeys(result.key.cell for result in report.cases))
    if len(names) < 2:  # noqa: PLR2004 - one is no matrix
        return []
    found: list[Cell] = []
    for name in names:
        outcomes = [result.outcome for result in report.cases if result.key.cell == name]
        times = [ttfa_ms for view in views if view.key.cell == name for _, ttfa_ms in answer_times(view.turns)]
        found.append(
            Cell(
                name=name,
                counts={outcome: outcomes.count(outcome) for outcome in Outcome if outcome in outcomes},
                ttfa_p50_ms=percentile(times, 50),
                ttfa_p95_ms=percentile(times, 95),
            )
        )
    return found


def _groups(report: RunReport) -> list[FailureGroup]:
    found: dict[str, FailureGroup] = {}
    for result in report.cases:
        if result.outcome is not Outcome.FAILED:
            continue
        filed = {result.defect, *result.more_defects}
        for failure in failures_of(result):
            kind = failure.signature.check.partition("@")[0]
            defect = failure.defect_id if failure.defect_id in filed else ""
            new = FailureGroup(check=kind, evidence=failure.evidence, cases=(), defect=defect)
            known = found.setdefault(failure.defect_id, new)
            found[failure.defect_id] = known.model_copy(update={"cases": (*known.cases, result.workflow_id)})
    return sorted(found.values(), key=lambda group: -len(group.cases))
