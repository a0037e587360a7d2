"""A rubric: what a good answer does, in the author's words, judged by an LLM.

An LLM alone decides nothing. Its votes and their reasons are laid before a person, who decides.
"""

from collections.abc import Sequence

from activities.ports.judging import Ballot, RubricJudge, Vote
from voicewright.contracts.check import Check, CheckKind, CheckOutcome

_SHOWN = 300
_UNSET = "VOICEWRIGHT_LLM_URL and VOICEWRIGHT_LLM_MODEL"


def rubric_check(
    rubric: str,
    answer: str,
    *,
    turn: int,
    question: str | None,
    language: str,
    judge: RubricJudge | None,
) -> Check:
    """Hold an answer against a rubric. Blocking: asks the judge, which may take a minute.

    Args:
        rubric: what the suite demands of this answer.
        answer: the agent's words, as recognised.
        turn: index of the turn.
        question: what the caller had said; None for a greeting.
        language: language of the conversation.
        judge: who votes; None where nobody is set up.

    Raises:
        StoreError: the object store failed; worth trying again.
        ContendedError: it was too busy to keep count of what is spent.
    """
    if not answer:
        ballot = Ballot(judge="", votes=(), problem="no words were heard that could be judged")
    elif judge is None:
        ballot = Ballot(judge="", votes=(), problem=f"no LLM is set up to judge it: {_UNSET} not set")
    else:
        ballot = judge.vote(rubric, answer, question=question, language=language)
    confidence, evidence = _weigh(ballot)
    return Check(
        kind=CheckKind.RUBRIC,
        turn=turn,
        outcome=CheckOutcome.UNSURE,
        hard=False,
        expected=rubric,
        actual=answer if len(answer) <= _SHOWN else answer[:_SHOWN] + " ...",
        evidence=evidence,
        confidence=round(confidence, 3),
    )


def _weigh(ballot: Ballot) -> tuple[float, str]:
    """How much the votes speak for a pass, 0 to 1, and what they say."""
    holds = [vote for vote in ballot.votes if vote.holds]
    misses = [vote for vote in ballot.votes if vote.holds is False]
    if not ballot.votes:
        return 0.5, f"a person decides: {ballot.problem or 'nobody voted'}"
    asked = ballot.samples
    # A sample that did not say is half a vote for each side.
    confidence = (len(holds) + (asked - len(holds) - len(misses)) / 2) / asked
    votes = f"{len(holds)} of {asked} samples say that it holds, {len(misses)} that it does not"
    problem = f"; {ballot.problem}" if ballot.problem else ""
    return confidence, f"{votes}{_because(holds, misses)}; judge: {ballot.judge}{problem}; a person decides"


def _because(holds: Sequence[Vote], misses: Sequence[Vote]) -> str:
    """A reason of the larger side, of the doubting one where both are as large."""
    side = holds if len(holds) > len(misses) else misses
    return f" ({side[0].reason})" if side else ""
