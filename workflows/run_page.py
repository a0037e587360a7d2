"""How a run presents itself: to queries, to people outside, and on its page in the Temporal UI."""

from voicewright.contracts.artifact import ArtifactRef
from voicewright.contracts.case import Outcome, SuiteRef
from voicewright.contracts.run import GitHubTarget, RunPlan, RunProgress, RunState
from voicewright.contracts.steps import RunNotice

RECENT = 100
"""Finished cases, and waiting ones, that a query answers with."""
_SHOWN = 20


def progress_of(run_id: str, state: RunState, report: ArtifactRef | None, *, finished: bool) -> RunProgress:
    """The answer of the query `progress`."""
    plan, reviewing = state.plan, state.reviewing
    return RunProgress(
        run_id=run_id,
        suite=plan.suite if plan is not None else None,
        agent=plan.agent if plan is not None else "",
        total=plan.total if plan is not None else 0,
        running=state.running,
        reviewing=tuple(reviewing[:RECENT]),
        reviewing_total=len(reviewing),
        counts=state.counts,
        quarantined=state.quarantined,
        reviewing_quarantined=sum(state.in_quarantine(key) for key in reviewing),
        recent=tuple(state.recent),
        news=state.news,
        cancelled=state.cancelled,
        finished=finished,
        report=report,
    )


def notice_of(run_id: str, plan: RunPlan, state: RunState, github: GitHubTarget | None, *, finished: bool) -> RunNotice:
    """How the run stands, for people and for the commit that it tests."""
    reviewing = state.reviewing
    return RunNotice(
        run_id=run_id,
        suite=plan.suite,
        agent=plan.agent,
        total=plan.total,
        counts=state.counts,
        quarantined=state.quarantined,
        reviewing=tuple(reviewing[:_SHOWN]),
        reviewing_total=len(reviewing),
        finished=finished,
        cancelled=state.cancelled,
        wrong=tuple(state.wrong[-_SHOWN:]),
        github=github,
    )


def refusal_of(run_id: str, suite: str, problem: str, github: GitHubTarget) -> RunNotice:
    """A commit that waits for this run's status must hear that there will be none."""
    return RunNotice(
        run_id=run_id,
        suite=SuiteRef(name=suite.partition("@")[0], version=""),
        agent="",
        total=0,
        counts={},
        finished=True,
        problem=problem,
        github=github,
    )


def details_of(state: RunState) -> str:
    """Markdown for the run's page in the Temporal UI."""
    assert state.plan is not None
    cancelled = "cancelled, " if state.cancelled else ""
    reviewing = state.reviewing
    cells = [str(state.counts.get(outcome, 0)) for outcome in Outcome] + [str(state.running), str(len(reviewing))]
    lines = [
        f"**{state.plan.suite.name}**: {cancelled}{state.done} of {state.plan.total} cases done",
        "",
        "| passed | failed | errored | unreviewed | running | waiting for review |",
        "|---|---|---|---|---|---|",
        f"| {' | '.join(cells)} |",
        "",
    ]
    if state.plan.quarantined:
        lines += [f"In quarantine, and gating nothing: {len(state.plan.quarantined)} cases of the suite", ""]
    lines += [f"- waits for review: `{key}`" for key in reviewing[:_SHOWN]]
    lines += [f"- {update.outcome}: `{update.key}`: {update.reason}" for update in state.wrong[-_SHOWN:]]
    return "\n".join(lines)
