"""A run as a Markdown page for CI jobs."""

from collections import Counter

from voicewright.contracts.case import CaseResult, Outcome
from voicewright.contracts.quarantine import gating
from voicewright.report.results import RunReport
from voicewright.report.summary import Summary

_SHOWN = 30


def markdown(report: RunReport, summary: Summary, *, link: str = "") -> str:
    """A page for a CI job: GitHub's step summary, a check run, a merge request's note."""
    counts = report.counts
    waiting = len(report.pending)
    excused = [case for case in report.cases if case.key.case in report.quarantined]
    left = gating(counts, Counter(case.outcome for case in excused))
    good = set(left) <= {Outcome.PASSED} and (not report.not_run or not report.finished)
    icon = "❌" if not good else "✅" if report.finished else "⏳"
    lines = [f"## {icon} {_cell(report.suite.name)}: {counts.get(Outcome.PASSED, 0)} of {report.total} passed", ""]
    cells = {str(outcome): counts.get(outcome, 0) for outcome in Outcome}
    cells |= {"not run": report.not_run} if report.finished else {"waiting": waiting, "not finished": report.not_run}
    lines += [f"| {' | '.join(cells)} |", "|---" * len(cells) + "|"]
    lines += [f"| {' | '.join(str(count) for count in cells.values())} |", ""]
    if excused:
        lines += [f"{len(excused)} of them are in quarantine and gate nothing.", ""]
    if not report.finished:
        lines += [f"The run goes on; this is how far it was on {report.ended_at}.", ""]
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
        lines += ["", "| outcome | case | reason | defect |", "|---|---|---|---|"]
        lines += [
            f"| {result.outcome}{_aside(report, result)} | `{_code(str(result.key))}` | {_cell(result.reason)} "
            f"| {_defects(result)} |"
            for result in wrong[:_SHOWN]
        ]
        if len(wrong) > _SHOWN:
            lines.append(f"\n... and {len(wrong) - _SHOWN} more")
    if waiting:
        lines += ["", "| waits for a person | why |", "|---|---|"]
        lines += [f"| `{_code(str(case.key))}` | {_cell(case.reason)} |" for case in report.pending[:_SHOWN]]
        if waiting > _SHOWN:
            lines.append(f"\n... and {waiting - _SHOWN} more")
    several = [group for group in summary.groups if len(group.cases) > 1]
    if several:
        lines += ["", "**Failures that probably share a cause**", ""]
        lines += [f"- {len(group.cases)} cases: {group.check}: {_cell(group.evidence)}" for group in several]
    return "\n".join(lines) + "\n"


_LONGEST = 300

_ACTIVE = str.maketrans({char: f"\\{char}" for char in "\\`*_{}[]<>#|~"} | {"\n": " ", "\r": " ", "@": "@\u200b"})


def _cell(text: str) -> str:
    """What an agent said must not become markup, a link or a mention."""
    return text[:_LONGEST].translate(_ACTIVE)


def _aside(report: RunReport, result: CaseResult) -> str:
    return " (in quarantine)" if result.key.case in report.quarantined else ""


def _defects(result: CaseResult) -> str:
    return " ".join([result.defect, *result.more_defects])


def _ms(value: int | None) -> str:
    return f"{value} ms" if value is not None else ""


def _code(text: str) -> str:
    return text.replace("`", "'").replace("|", "\\|").replace("\n", " ")
