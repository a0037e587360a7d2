"""Step 4: words, times and audio to a verdict."""

import asyncio

from temporalio import activity

from activities.audio import read_wav
from activities.checks.answer import Answer, answer_checks
from activities.checks.conversation import conversation_checks
from activities.checks.gate import Call, invalid_because
from activities.checks.judge import decide, doubt_words, language_checks
from activities.checks.keypad import keypad_checks
from activities.checks.measuring import limit_checks, measurements
from activities.checks.recogniser_faults import faults
from activities.checks.rubric import rubric_check
from activities.checks.structured import structured_checks
from activities.heartbeat import heartbeats
from activities.ports import MeaningJudge, ObjectStore, RubricJudge
from activities.suites import SuiteLibrary
from voicewright.call import CallEnd, CallRecord
from voicewright.steps import ValidateRequest
from voicewright.suite import Case, Expectation, Suite, in_language
from voicewright.transcript import Transcript
from voicewright.verdict import Check, CheckOutcome, Decision, Verdict

JUDGE = "rules 5"
"""Version of the checks; recorded with every verdict, raised when a verdict could come out differently."""


class ValidateStep:
    """The judge."""

    def __init__(
        self, store: ObjectStore, suites: SuiteLibrary, judge: MeaningJudge, rubrics: RubricJudge | None = None
    ) -> None:
        self._store = store
        self._suites = suites
        self._judge_of_meaning = judge
        self._rubrics = rubrics

    @activity.defn(name="validate")
    async def validate(self, request: ValidateRequest) -> Verdict:
        """First whether the test is valid, then every expectation.

        Raises:
            InstallationError: a model of the judge is missing.
        """
        suite, case, _ = await self._suites.case(request.case)
        async with heartbeats(lambda: "judging"):
            verdict = await asyncio.to_thread(self._judge, suite, case, request)
        activity.metric_meter().create_counter("voicewright_verdicts", "Verdicts by judge.").add(
            1, {"judge": verdict.judge, "decision": str(verdict.decision)}
        )
        return verdict

    def _judge(self, suite: Suite, case: Case, request: ValidateRequest) -> Verdict:
        call = read_call(self._store, request)
        return judge_call(suite, case, request.case.key.language, call, self._judge_of_meaning, self._rubrics)


def read_call(store: ObjectStore, request: ValidateRequest) -> Call:
    """All that is stored of a call."""
    record = CallRecord.model_validate_json(store.get(request.call.record.key))
    caller, agent = read_wav(store.get(record.recording.key))
    transcript = Transcript.model_validate_json(store.get(request.transcript.transcript.key))
    return Call(record, caller, agent, transcript)


def judge_call(
    suite: Suite, case: Case, language: str, call: Call, judge: MeaningJudge, rubrics: RubricJudge | None = None
) -> Verdict:
    """The verdict on a call that is over; calling again with the same input gives the same verdict."""
    name = f"{JUDGE}, {judge.name}"
    measured = measurements(suite, case, language, call)
    if (reason := invalid_because(case, language, call, most_error=suite.limits.caller_error_rate)) is not None:
        return Verdict(decision=Decision.INVALID, confidence=0.0, reason=reason, judge=name, measured=measured)
    steps = case.steps
    checks: list[Check] = list(conversation_checks(suite, case, call.record))
    checks += keypad_checks(steps, call)
    checks += structured_checks(steps, call.record)
    checks += limit_checks(suite, case, language, call, measured)
    for timing in call.record.turns:
        turn = steps[timing.turn]
        if turn.expect is None:
            continue
        if timing.agent_start_ms is None:
            if call.record.end is CallEnd.COMPLETED and _answers(turn.expect):
                checks.append(_unanswered(timing.turn))
            continue
        question = in_language(turn.say, language)
        heard = [word for word in call.transcript.agent.words if word.turn == timing.turn]
        said = Answer(
            " ".join(word.text for word in heard),
            timing.turn,
            language,
            question or "",
            tuple(word.confidence for word in heard),
        )
        rubric = in_language(turn.expect.rubric, language)
        if rubric is not None:
            checks.append(
                rubric_check(rubric, said.text, turn=timing.turn, question=question, language=language, judge=rubrics)
            )
        checks += answer_checks(turn.expect, said, judge=judge, limits=suite.judge)
    found = faults(call.transcript.agent, call.record.speech, call.agent)
    checks += language_checks(found, language)
    verdict = decide(doubt_words(checks, call.transcript.agent, found), name)
    return verdict.model_copy(update={"measured": measured})


def _answers(expect: Expectation) -> bool:
    """Whether words are expected, and not only that the agent presses keys or ends the call."""
    return not (expect.ends_call or expect.dtmf)


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
