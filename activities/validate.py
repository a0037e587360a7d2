"""Step 4: words, times and audio to a verdict."""

import asyncio

from temporalio import activity

from activities.audio import read_wav
from activities.checks.answer import answer_checks
from activities.checks.conversation import conversation_checks
from activities.checks.gate import Call, invalid_because
from activities.checks.judge import decide, doubt_words
from activities.heartbeat import heartbeats
from activities.ports import MeaningModel, ObjectStore
from activities.suites import SuiteLibrary
from voicewright.call import CallEnd, CallRecord
from voicewright.steps import ValidateRequest
from voicewright.suite import Case, Suite
from voicewright.transcript import Transcript
from voicewright.verdict import Check, CheckOutcome, Decision, Verdict

JUDGE = "rules 1"
"""Version of the checks; recorded with every verdict, raised when a verdict could come out differently."""


class ValidateStep:
    """The judge."""

    def __init__(self, store: ObjectStore, suites: SuiteLibrary, model: MeaningModel) -> None:
        self._store = store
        self._suites = suites
        self._model = model

    @activity.defn(name="validate")
    async def validate(self, request: ValidateRequest) -> Verdict:
        """First whether the test is valid, then every expectation.

        Raises:
            InstallationError: the embedding model is missing.
        """
        suite, case, _ = await self._suites.case(request.case)
        async with heartbeats(lambda: "judging"):
            verdict = await asyncio.to_thread(self._judge, suite, case, request)
        activity.metric_meter().create_counter("voicewright_verdicts", "Verdicts by judge.").add(
            1, {"judge": verdict.judge, "decision": str(verdict.decision)}
        )
        return verdict

    def _judge(self, suite: Suite, case: Case, request: ValidateRequest) -> Verdict:
        language = request.case.key.language
        call = self._read(request)
        name = f"{JUDGE}, {self._model.name}"
        if (reason := invalid_because(case, language, call)) is not None:
            return Verdict(decision=Decision.INVALID, confidence=0.0, reason=reason, judge=name)
        checks: list[Check] = list(conversation_checks(suite, case, call.record))
        for timing in call.record.turns:
            expect = case.turns[timing.turn].expect
            if expect is None:
                continue
            if timing.agent_start_ms is None:
                if call.record.end is CallEnd.COMPLETED:
                    checks.append(_unanswered(timing.turn))
                continue
            answer = call.transcript.agent.text(timing.turn)
            checks += answer_checks(
                expect, answer, turn=timing.turn, language=language, model=self._model, judge=suite.judge
            )
        return decide(doubt_words(checks, call.transcript.agent), suite.judge, name)

    def _read(self, request: ValidateRequest) -> Call:
        record = CallRecord.model_validate_json(self._store.get(request.call.record.key))
        caller, agent = read_wav(self._store.get(record.recording.key))
        transcript = Transcript.model_validate_json(self._store.get(request.transcript.transcript.key))
        return Call(record, caller, agent, transcript)


def _unanswered(turn: int) -> Check:
    """The driver heard an answer that cannot be found in the recording: nobody but a person can say what it was."""
    return Check(
        kind="conversation",
        turn=turn,
        outcome=CheckOutcome.UNSURE,
        hard=True,
        expected="an answer",
        actual="none found in the recording",
        evidence="the agent was heard during the call, but its answer was not found in the recording",
        confidence=0.5,
    )
