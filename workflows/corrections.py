"""Words that people correct while a case waits for them: it is judged again by what they heard."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.steps.validate import ValidateStep
    from voicewright.contracts.case import CaseRequest
    from voicewright.contracts.correction import MARK, CorrectedVerdict, Correction, WordsCorrection
    from voicewright.contracts.review import ReviewClaim, ReviewSubmission, ReviewVerdict
    from voicewright.contracts.steps import ValidateRequest
    from voicewright.contracts.verdict import Decision
    from workflows import policies
    from workflows.desk import ReviewDesk, refused

_SETTLED = "this case was settled by corrected words: there is nothing left to decide"
_MAX = 50
"""Corrections of one case."""


class CorrectableDesk(ReviewDesk):
    """A case whose words people may correct."""

    _request: CaseRequest
    _judging_again: bool = False

    @workflow.update
    async def correct_words(self, correction: WordsCorrection) -> CorrectedVerdict:
        """Judge the case by words that a person corrected.

        Where one opinion is enough and none was given yet, a verdict that is sure ends the case. Refused with a reason
        where the case waits no more, or somebody else reviews it.
        """
        memory, request = self._memory, self._request
        assert memory.call is not None
        judged = ValidateRequest(
            case=request.model_copy(update={"resume": None}),
            call=memory.call,
            transcript=correction.transcript,
            correction=correction.transcript.transcript.sha256[:MARK],
        )
        self._judging_again = True
        try:
            verdict = await workflow.execute_activity_method(ValidateStep.validate, judged, **policies.JUDGE_AGAIN)
        except ActivityError as error:
            reason = f"the corrected words could not be judged, and nothing was changed: {error.cause}"
            raise refused(reason) from None
        finally:
            self._judging_again = False
        if memory.review is not None or not memory.waiting:
            raise refused("the case was decided while the corrected words were judged")
        memory.transcript, memory.verdict = correction.transcript, verdict
        by = Correction(reviewer=correction.reviewer.strip(), at=workflow.now().isoformat(timespec="seconds"))
        memory.corrections.append(by)
        decided = verdict.decision in {Decision.PASS, Decision.FAIL}
        memory.settled_by_words = decided and self._policy.opinions == 1 and not memory.opinions
        if memory.settled_by_words and memory.lease is not None:
            self._hand_to(None)
        self._show()
        return CorrectedVerdict(decision=verdict.decision, settled=memory.settled_by_words)

    @correct_words.validator
    def _correct_words_validator(self, correction: WordsCorrection) -> None:
        if not correction.reviewer.strip():
            raise refused("a correction needs the reviewer's name: write yours first")
        sent = ReviewSubmission(verdict=ReviewVerdict.PASS, reviewer=correction.reviewer)
        reason = self._refusal(sent)
        if reason is None and self._judging_again:
            reason = "the case is being judged by corrected words just now: look again in a moment"
        heard = self._memory.transcript
        if reason is None and correction.replaces not in {"", heard.transcript.sha256 if heard is not None else ""}:
            reason = "somebody corrected words of this case since you opened it: open it again"
        if reason is None and len(self._memory.corrections) >= _MAX:
            reason = f"words were corrected {_MAX} times: decide the case by what you hear"
        if reason is not None:
            raise refused(reason)

    def _refusal(self, submission: ReviewSubmission) -> str | None:
        return _SETTLED if self._memory.settled_by_words else super()._refusal(submission)

    def _refuse_claim(self, claim: ReviewClaim) -> None:
        if self._memory.settled_by_words:
            raise refused(_SETTLED)
        super()._refuse_claim(claim)
