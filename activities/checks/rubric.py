"""A rubric: what a good answer does, in the author's words, judged by an LLM.

An LLM alone decides nothing. Its votes are one more feature with a confidence; they pass or fail an answer by
themselves only from the agreement on that people's own decisions have shown it to be right.
"""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from activities.ports import Ballot, RubricJudge, Vote
from voicewright.contract import Contract
from voicewright.verdict import Check, CheckOutcome

_SHOWN = 300
_UNSET = "VOICEWRIGHT_LLM_URL and VOICEWRIGHT_LLM_MODEL"


class RubricSupport(Contract):
    """From which agreement on people's decisions bear a judge out; None: never.

    `judge` is the `Ballot.judge` that was measured: another model, prompt or number of samples has no support yet.
    Agreement is the share of the samples asked for, 0 to 1, so that a vote that is missing weakens it.
    """

    judge: str
    pass_at: Annotated[float, Field(gt=0, le=1)] | None = None
    fail_at: Annotated[float, Field(gt=0, le=1)] | None = None


def rubric_check(
    rubric: str,
    answer: str,
    *,
    turn: int,
    question: str | None,
    language: str,
    judge: RubricJudge | None,
    supported: RubricSupport | None = None,
) -> Check:
    """Hold an answer against a rubric. Blocking: asks the judge, which may take a minute.

    Args:
        rubric: what the suite demands of this answer.
        answer: the agent's words, as recognised.
        turn: index of the turn.
        question: what the caller had said; None for a greeting.
        language: language of the conversation.
        judge: who votes; None where nobody is set up.
        supported: what people's decisions say about this judge.

    Raises:
        StoreError: the object store failed; worth trying again.
        UnavailableError: it was too busy to keep count of what is spent.
    """
    if not answer:
        ballot = Ballot(judge="", votes=(), problem="no words were heard that could be judged")
    elif judge is None:
        ballot = Ballot(judge="", votes=(), problem=f"no LLM is set up to judge it: {_UNSET} not set")
    else:
        ballot = judge.vote(rubric, answer, question=question, language=language)
    outcome, confidence, evidence = _weigh(ballot, supported)
    return Check(
        kind="rubric",
        turn=turn,
        outcome=outcome,
        hard=False,
        expected=rubric,
        actual=answer if len(answer) <= _SHOWN else answer[:_SHOWN] + " ...",
        evidence=evidence,
        confidence=round(confidence, 3),
    )


def _weigh(ballot: Ballot, supported: RubricSupport | None) -> tuple[CheckOutcome, float, str]:
    holds = [vote for vote in ballot.votes if vote.holds]
    misses = [vote for vote in ballot.votes if vote.holds is False]
    if not ballot.votes:
        return CheckOutcome.UNSURE, 0.5, f"a person decides: {ballot.problem or 'nobody voted'}"
    asked = ballot.samples
    # A sample that did not say is half a vote for each side.
    confidence = (len(holds) + (asked - len(holds) - len(misses)) / 2) / asked
    votes = f"{len(holds)} of {asked} samples say that it holds, {len(misses)} that it does not"
    evidence = f"{votes}{_because(holds, misses)}; judge: {ballot.judge}"
    if ballot.problem:
        evidence += f"; {ballot.problem}"
    if supported is None or supported.judge != ballot.judge:
        return CheckOutcome.UNSURE, confidence, f"{evidence}; a person decides until decisions bear this judge out"
    if supported.pass_at is not None and not misses and len(holds) / asked >= supported.pass_at:
        return CheckOutcome.PASSED, confidence, evidence
    if supported.fail_at is not None and not holds and len(misses) / asked >= supported.fail_at:
        return CheckOutcome.FAILED, confidence, evidence
    return CheckOutcome.UNSURE, confidence, f"{evidence}; a person decides"


def _because(holds: Sequence[Vote], misses: Sequence[Vote]) -> str:
    """A reason of the larger side, of the doubting one where both are as large."""
    side = holds if len(holds) > len(misses) else misses
    return f" ({side[0].reason})" if side else ""
