"""Step 4: words, times and audio to a verdict."""

import asyncio
from dataclasses import replace

from temporalio import activity

from activities.audio.pcm import read_wav
from activities.checks.answer import Answer, answer_checks
from activities.checks.conversation import conversation_checks
from activities.checks.decide import decide
from activities.checks.doubt import doubt_words, language_checks
from activities.checks.gate import invalid_because
from activities.checks.heard.recogniser_faults import faults
from activities.checks.heard.sounds_like import either_reading
from activities.checks.heard.unclear_sound import doubt_silence
from activities.checks.heard.waited import unheard_in_time
from activities.checks.keypad import keypad_checks
from activities.checks.measurement.measuring import limit_checks, measurements
from activities.checks.recorded_call import Call
from activities.checks.rubric.rubric import rubric_check
from activities.checks.structured import structured_checks
from activities.heartbeat import heartbeats
from activities.ports.judging import MeaningJudge, RubricJudge
from activities.suites import SuiteLibrary
from voicewright.contracts.call import CallEnd, CallRecord
from voicewright.contracts.check import Check, CheckKind, CheckOutcome
from voicewright.contracts.steps import ValidateRequest
from voicewright.contracts.transcript import Transcript
from voicewright.contracts.verdict import Decision, Verdict, VerdictSummary
from voicewright.store.keys import case_file
from voicewright.store.port import ObjectStore
from voicewright.suite import Expectation, SpokenCase, Suite

JUDGE = "rules 7"
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
    async def validate(self, request: ValidateRequest) -> VerdictSummary:
        """First whether the test is valid, then every expectation. The verdict is stored, its summary returned.

        Raises:
            InstallationError: a model of the judge is missing.
        """
        suite, case, _ = await self._suites.case(request.case)
        async with heartbeats(lambda: "judging"):
            verdict = await asyncio.to_thread(self._judge, suite, case, request)
            body = verdict.model_dump_json(indent=1).encode()
            name = f"verdict-{request.correction}.json" if request.correction else "verdict.json"
            file = case_file(request.case, name)
            stored = await asyncio.to_thread(self._store.put, file, body, "application/json")
        activity.metric_meter().create_counter("voicewright_verdicts", "Verdicts by judge.").add(
            1, {"judge": verdict.judge, "decision": str(verdict.decision)}
        )
        return VerdictSummary.of(verdict, stored)

    def _judge(self, suite: Suite, case: SpokenCase, request: ValidateRequest) -> Verdict:
        call = read_call(self._store, request)
        return judge_call(suite, case, request.case.key.language, call, self._judge_of_meaning, self._rubrics)


def read_call(store: ObjectStore, request: ValidateRequest) -> Call:
    """All that is stored of a call."""
    record = CallRecord.model_validate_json(store.get(request.call.record.key))
    caller, agent = read_wav(store.get(record.recording.key))
    transcript = Transcript.model_validate_json(store.get(request.transcript.transcript.key))
    return Call(record, caller, agent, transcript)


def judge_call(
    suite: Suite, case: SpokenCase, language: str, call: Call, judge: MeaningJudge, rubrics: RubricJudge | None = None
) -> Verdict:
    """The verdict on a call that is over; calling again with the same input gives the same verdict."""
    name = f"{JUDGE}, {judge.name}"
    measured = measurements(suite, case, language, call)
    reason = invalid_because(case, language, call, most_error=suite.limits.caller_error_rate)
    reason = reason or unheard_in_time(case, language, call, judge)
    if reason is not None:
        return Verdict(decision=Decision.INVALID, confidence=0.0, reason=reason, judge=name, measured=measured)
    steps = case.steps
    checks = doubt_silence(list(conversation_checks(suite, case, call.record)), call)
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
        question = turn.say
        heard = [word for word in call.transcript.agent.words if word.turn == timing.turn]
        said = Answer(
            " ".join(word.text for word in heard),
            timing.turn,
            language,
            question or "",
            tuple(word.confidence for word in heard),
            call.record.day,
            written=timing.turn in call.transcript.agent.certain,
        )
        rubric = turn.expect.rubric
        if rubric is not None:
            checks.append(
                rubric_check(rubric, said.text, turn=timing.turn, question=question, language=language, judge=rubrics)
            )
        answered = list(answer_checks(turn.expect, said, judge=judge, limits=suite.judge))
        other = call.transcript.agent.other_text(timing.turn)
        if other != said.text:
            otherwise = answer_checks(
                turn.expect, replace(said, text=other, confidence=()), judge=judge, limits=suite.judge
            )
            answered = either_reading(answered, list(otherwise), heard)
        checks += answered
    found = faults(call.transcript.agent, call.record.speech, call.agent)
    checks += language_checks(found, language)
    verdict = decide(doubt_words(checks, call.transcript.agent, found, call.record.network), name)
    return verdict.model_copy(update={"measured": measured})


def _answers(expect: Expectation) -> bool:
    """Whether words are expected, and not only that the agent presses keys or ends the call."""
    return not (expect.ends_call or expect.dtmf)


def _unanswered(turn: int) -> Check:
    """The driver heard an answer that cannot be found in the recording: nobody but a person can say what it was."""
    return Check(
        kind=CheckKind.CONVERSATION,
        turn=turn,
        outcome=CheckOutcome.UNSURE,
        hard=True,
        expected="an answer",
        actual="none found in the recording",
        evidence="the agent was heard during the call, but its answer was not found in the recording",
        confidence=0.5,
    )
