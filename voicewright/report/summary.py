"""A run in few lines: the slowest turns, the failed checks grouped, and a Markdown page for CI."""

from collections.abc import Sequence
from statistics import quantiles

from voicewright.contract import Contract
from voicewright.defect import failure_of
from voicewright.outcome import Outcome
from voicewright.report.view import CaseView
from voicewright.results import RunReport

_SLOWEST = 10
_SHOWN = 30
_PERCENT = 100


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


class Summary(Contract):
    """Figures of a run. TTFA in ms, over all turns that were answered."""

    ttfa_p50_ms: int | None = None
    ttfa_p95_ms: int | None = None
    turns: int = 0
    slowest: tuple[SlowTurn, ...] = ()
    groups: tuple[FailureGroup, ...] = ()


def summarise(report: RunReport, views: Sequence[CaseView]) -> Summary:
    """Figures from the results and the calls behind them."""
    turns = [
        SlowTurn(workflow_id=view.workflow_id, name=str(view.key), turn=turn.turn, ttfa_ms=turn.ttfa_ms)
        for view in views
        for turn in view.turns
        if turn.ttfa_ms is not None
    ]
    turns.sort(key=lambda turn: turn.ttfa_ms, reverse=True)
    times = [turn.ttfa_ms for turn in turns]
    return Summary(
        ttfa_p50_ms=_percentile(times, 50),
        ttfa_p95_ms=_percentile(times, 95),
        turns=len(turns),
        slowest=tuple(turns[:_SLOWEST]),
        groups=tuple(_groups(report)),
    )


def _percentile(values: Sequence[int], percent: int) -> int | None:
    if len(values) < 2:  # noqa: PLR2004 - `quantiles` wants two
        return values[0] if values else None
    return round(quantiles(values, n=_PERCENT, method="inclusive")[percent - 1])


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
            f"Time to first audio: median {summary.ttfa_p50_ms} ms, 95 % within {summary.ttfa_p95_ms} ms "
            f"({summary.turns} turns)."
        )
    lines.append(
        f"Agent: `{_code(report.agent)}` · run `{_code(report.run_id)}`" + (f" · [report]({link})" if link else "")
    )
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


def _code(text: str) -> str:
    return text.replace("`", "'").replace("|", "\\|").replace("\n", " ")
