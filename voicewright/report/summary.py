"""A run in few lines: the slowest turns, the failed checks grouped, and a Markdown page for CI."""

from collections.abc import Sequence

from voicewright.contract import Contract
from voicewright.defect import failure_of
from voicewright.measurement import percentile
from voicewright.outcome import Outcome
from voicewright.report.view import CaseView
from voicewright.results import RunReport

_SLOWEST = 10
_SHOWN = 30


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
        for turn, ttfa_ms in _timed(view)
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


def _timed(view: CaseView) -> list[tuple[int, int]]:
    """Turns in which the caller spoke, with their times to first audio in ms: a greeting answers nobody."""
    return [
        (turn.turn, turn.ttfa_ms) for turn in view.turns if turn.ttfa_ms is not None and turn.caller_end_ms is not None
    ]


def _cells(report: RunReport, views: Sequence[CaseView]) -> list[Cell]:
    names = list(dict.fromkeys(result.key.cell for result in report.cases))
    if len(names) < 2:  # noqa: PLR2004 - one is no matrix
        return []
    found: list[Cell] = []
    for name in names:
        outcomes = [result.outcome for result in report.cases if result.key.cell == name]
        times = [ttfa_ms for view in views if view.key.cell == name for _, ttfa_ms in _timed(view)]
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
        failure = failure_of(result)
        known = found.get(failure.defect_id)
        if known is None:
            kind = failure.signature.check.partition("@")[0]
            known = FailureGroup(check=kind, evidence=failure.evidence, cases=(), defect=result.defect)
        found[failure.defect_id] = known.model_copy(update={"cases": (*known.cases, result.workflow_id)})
    return sorted(found.values(), key=lambda group: -len(group.cases))


def markdown(report: RunReport, summary: Summary, *, link: str = "") -> str:
    """A page for a CI job: GitHub's step summary, a check run, a merge request's note."""
    counts = report.counts
    icon = "✅" if set(counts) <= {Outcome.PASSED} and not report.not_run else "❌"
    lines = [f"## {icon} {_cell(report.suite.name)}: {counts.get(Outcome.PASSED, 0)} of {report.total} passed", ""]
    lines += ["| passed | failed | errored | unreviewed | not run |", "|---|---|---|---|---|"]
    cells = [str(counts.get(outcome, 0)) for outcome in Outcome] + [str(report.not_run)]
    lines += [f"| {' | '.join(cells)} |", ""]
    if summary.ttfa_p50_ms is not None:
        lines.append(
            f"Time to first audio: median {summary.ttfa_p50_ms} ms, 90 % within {summary.ttfa_p90_ms} ms, 95 % within "
            f"{summary.ttfa_p95_ms} ms, 99 % within {summary.ttfa_p99_ms} ms ({summary.turns} turns)."
        )
    lines.append(
        f"Agent: `{_code(report.agent)}` · run `{_code(report.run_id)}`" + (f" · [report]({link})" if link else "")
    )
    if summary.cells:
        lines += ["", "| language and caller | passed | failed | errored | unreviewed | median | 95 % within |"]
        lines += ["|---|---|---|---|---|---|---|"]
        lines += [
            f"| {_cell(cell.name)} | {' | '.join(str(cell.counts.get(outcome, 0)) for outcome in Outcome)} "
            f"| {_ms(cell.ttfa_p50_ms)} | {_ms(cell.ttfa_p95_ms)} |"
            for cell in summary.cells
        ]
    wrong = [result for result in report.cases if result.outcome is not Outcome.PASSED]
    if wrong:
        lines += ["", "| outcome | case | why | defect |", "|---|---|---|---|"]
        lines += [
            f"| {result.outcome} | `{_code(str(result.key))}` | {_cell(result.reason)} | {result.defect} |"
            for result in wrong[:_SHOWN]
        ]
        if len(wrong) > _SHOWN:
            lines.append(f"\n... and {len(wrong) - _SHOWN} more")
    several = [group for group in summary.groups if len(group.cases) > 1]
    if several:
        lines += ["", "**Probably one cause each**", ""]
        lines += [f"- {len(group.cases)} cases: {group.check}: {_cell(group.evidence)}" for group in several]
    return "\n".join(lines) + "\n"


_LONGEST = 300
_ACTIVE = str.maketrans({char: f"\\{char}" for char in "\\`*_{}[]<>#|~"} | {"\n": " ", "\r": " ", "@": "@\u200b"})


def _cell(text: str) -> str:
    """What an agent said must not become markup, a link or a mention."""
    return text[:_LONGEST].translate(_ACTIVE)


def _ms(value: int | None) -> str:
    return f"{value} ms" if value is not None else ""


def _code(text: str) -> str:
    return text.replace("`", "'").replace("|", "\\|").replace("\n", " ")
