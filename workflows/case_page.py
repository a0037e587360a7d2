"""How a case presents itself: to queries, to the steps that end it, and on its page in the Temporal UI."""

from voicewright.contracts.blind import BlindRequest
from voicewright.contracts.case import CaseMemory, CaseRequest, CaseState, CaseSummary

_REFUSALS = 5


def state_of(request: CaseRequest | BlindRequest, memory: CaseMemory) -> CaseState:
    """The answer of the query `state`."""
    return CaseState(
        key=request.key,
        step=memory.step,
        outcome=memory.outcome,
        verdict=memory.verdict,
        call=memory.call,
        transcript=memory.transcript,
        review=memory.review,
        reminders=memory.reminders,
        refused=tuple(memory.refused),
        suite=request.suite,
        run_id=request.run_id,
        waiting=memory.waiting and not memory.decided,
        opinions=tuple(memory.opinions),
        corrections=tuple(memory.corrections),
        opinions_wanted=request.review.opinions,
        lease=memory.lease,
        error=memory.error,
    )


def summary_of(request: CaseRequest, memory: CaseMemory, workflow_id: str, ended_at: str) -> CaseSummary:
    """What is known of a case that has an outcome. `ended_at` is ISO 8601, UTC."""
    assert memory.outcome is not None
    return CaseSummary(
        run_id=request.run_id,
        suite=request.suite,
        key=request.key,
        workflow_id=workflow_id,
        outcome=memory.outcome,
        verdict=memory.verdict,
        review=memory.review,
        opinions=tuple(memory.opinions) if memory.review is None else (),
        corrections=tuple(memory.corrections),
        error=memory.error,
        defect=memory.defects[0] if memory.defects else "",
        more_defects=memory.defects[1:],
        call=memory.call,
        transcript=memory.transcript,
        started_at=memory.started_at,
        ended_at=ended_at,
        step_ms=dict(memory.step_ms),
    )


def details_of(memory: CaseMemory) -> str:
    """Markdown for the page of a case in the Temporal UI."""
    lines = [f"**{memory.outcome or memory.step}**"]
    lines += ["", f"Waits: {memory.waits_for}"] if memory.waits_for else []
    verdict = memory.verdict
    if verdict is not None:
        lines += ["", f"Verdict: {verdict.decision}, {verdict.headline}", ""]
        lines += ["| check | turn | outcome |", "|---|---|---|"]
        lines += [
            f"| {check.kind} | {'' if check.turn is None else check.turn + 1} | {check.outcome} |"
            for check in verdict.checks
        ]
    lines += [f"Words corrected by {one.reviewer}" for one in memory.corrections[-_REFUSALS:]]
    if memory.waiting and not memory.decided:
        lines += ["", f"Claimed by {memory.lease.reviewer}"] if memory.lease is not None else []
        lines += ["", f"Opinions so far: {len(memory.opinions)}"] if memory.opinions else []
        lines += ["", 'Decide by signal `submit_review`: `{"verdict": "pass", "reviewer": "your name", "note": ""}`']
        lines += [f"Reminders so far: {memory.reminders}"] if memory.reminders else []
    lines += [f"Refused: {reason}" for reason in memory.refused[-_REFUSALS:]]
    return "\n".join(lines)
