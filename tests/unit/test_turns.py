"""Suites with all that callers can do: what is accepted, what is refused and why, and how turns are numbered."""

import pytest

from activities.call.script import Awaits, PlannedBranch, PlannedTurn, plan
from activities.checks.conversation import conversation_checks
from activities.checks.measurement.measuring import _dead_air
from activities.checks.structured import structured_checks
from voicewright.contracts.artifact import ArtifactRef
from voicewright.contracts.call import (
    CallEnd,
    CallEvent,
    CallEventKind,
    CallRecord,
    Pacing,
    Side,
    Speech,
    StructuredAnswer,
    TurnTiming,
)
from voicewright.contracts.check import CheckOutcome
from voicewright.suite import Suite
from voicewright.suite.format.spoken import spoken
from voicewright.suite.format.turn import straight
from voicewright.suite.reading.file import SuiteError, parse_suite

HEAD = """\
suite: s
agent: {channel: CHANNEL}
profiles: {street: {volume_db: -3}}
cases:
  - id: a
    turns:
"""
CHANNELS = {
    "ws": 'media_stream, url: "ws://x/y"',
    "sip": 'sip, uri: "sip:a@b"',
    "houndify": "houndify",
}


def suite(turns: str, channel: str = "ws", more: str = "") -> Suite:
    body = "".join(f"      {line}\n" for line in turns.strip().splitlines())
    return parse_suite((HEAD.replace("CHANNEL", CHANNELS[channel]) + body + more).encode(), "s")


def refused(turns: str, channel: str = "ws", more: str = "") -> str:
    with pytest.raises(SuiteError) as error:
        suite(turns, channel, more)
    return str(error.value)


WHOLE = """
- expect: {contains: [welcome]}
- wait_for: {matches: ["press one"], within_s: 30}
  dtmf: "1#"
  expect: {contains: [booking]}
- say: Tell me about all your doctors.
- interrupt: {after_ms: 1200}
  say: Never mind. When do you open?
  expect: {stops_within_ms: 600}
- silence_s: 6
  expect: {meaning: Are you still there?}
- when:
    - said: {matches: ["which doctor"]}
      then: [{say: "Adams, please."}, {when: [{said: {contains: [free]}, then: [{say: Good.}]}], else: [{say: Bad.}]}]
    - said: {meaning: We have no free slots.}
      then: [{say: "Goodbye.", hangup: true}]
  else:
    - say: Nothing else.
      expect: {hangup: true}
"""


def test_every_turn_of_every_branch_has_a_number() -> None:
    case = suite(WHOLE).cases[0]
    said = [turn.say for turn in case.steps]
    assert said[5:] == ["Adams, please.", "Good.", "Bad.", "Goodbye.", "Nothing else."]
    script = plan(spoken(case, "en"), {})
    branch = script[-1]
    assert isinstance(branch, PlannedBranch)
    (first, inner), (bye,), (last,) = branch.ways[0][1], branch.ways[1][1], branch.otherwise
    assert isinstance(first, PlannedTurn)
    assert isinstance(inner, PlannedBranch)
    assert isinstance(bye, PlannedTurn)
    assert isinstance(last, PlannedTurn)
    assert [first.index, bye.index, last.index] == [5, 8, 9]
    assert bye.hangs_up
    assert last.awaits is Awaits.HANGUP


@pytest.mark.parametrize(
    ("turns", "why"),
    [
        ("- {say: a, dtmf: '1'}", "one thing a turn"),
        ("- {when: [{said: {contains: [a]}, then: [{say: b}]}], say: c}", "stands alone"),
        ("- {say: a}\n- {say: b, else: [{say: c}]}", "`else` belongs to a `when`"),
        ("- {say: a}\n- {interrupt: {after_ms: 1}, expect: {contains: [x]}}", "needs something to interrupt with"),
        ("- {interrupt: {after_ms: 1}, say: b}", "must follow a turn"),
        ("- {say: a, expect: {meaning: x}}\n- {interrupt: {after_ms: 1}, say: b}", "cannot expect meaning"),
        ("- {say: a, expect: {stops_within_ms: 5}}", "for a turn with `interrupt`"),
        ("- {say: a, hangup: true}\n- {say: b}", "nothing can follow it"),
        ("- {say: a, hangup: true, expect: {contains: [x]}}", "nobody hears an answer"),
        ("- {say: a, expect: {hangup: true}}\n- {say: b}", "nothing can follow it"),
        ("- {when: [{said: {contains: [a]}, then: [{say: b}]}]}", "let a turn with `expect` or `say` come first"),
        ("- {say: a}\n- {when: [{said: {}, then: [{say: b}]}]}", "give matches, contains or meaning"),
        ("- {say: a, expect: {intent: x}}", "houndify and openai_realtime alone"),
        ("- {dtmf: 12E}", "keys of a telephone"),
        ("- {say: a, expect: {result: {'$.a[': 1}}}", "not a JSONPath"),
        ("- {say: a, otherwise: [{say: b}]}", "unknown key `otherwise`"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(turns: str, why: str) -> None:
    assert why in refused(turns)


def test_a_transfer_is_expected_where_it_can_be_seen() -> None:
    transfers = "- {say: a, expect: {transfer: true}}"
    assert suite(transfers, "ws").cases
    assert suite(transfers, "sip").cases
    assert "media_stream and sip alone" in refused(transfers, "houndify")


def test_branches_lie_only_so_deep_and_never_within_themselves() -> None:
    turns = "- {say: a}\n- "
    for _ in range(6):
        turns += "{when: [{said: {contains: [a]}, then: [{say: b}, "
    turns += "{say: c}" + "]}]}" * 6
    assert "5 deep" in refused(turns)
    loop = "- say: a\n- when: &again\n    - said: {contains: [a]}\n      then: [{say: b}, {when: *again}]"
    assert refused(loop)


def test_callers_must_exist() -> None:
    assert "no profile stret" in refused("- {say: a}", more="defaults: {profiles: [plain, stret]}\n")
    assert "named twice" in refused("- {say: a}", more="defaults: {profiles: [street, street]}\n")
    spoken = suite("- {say: a}", more="defaults: {profiles: [plain, street]}\n")
    assert spoken.profiles_of(spoken.cases[0]) == ["plain", "street"]


def test_keys_on_houndify_are_refused() -> None:
    assert "no keypad" in refused("- {dtmf: '1'}", "houndify")


NOTHING = ArtifactRef(uri="s3://b/k", sha256="0" * 64, size_bytes=1, media_type="audio/wav")


def record(end: CallEnd, turns: list[TurnTiming], events: tuple[CallEvent, ...] = ()) -> CallRecord:
    return CallRecord(
        channel="sip",
        end=end,
        recording=NOTHING,
        sample_rate_hz=8000,
        duration_ms=9000,
        dials=1,
        turns=tuple(turns),
        speech=(),
        pacing=Pacing(frames=1, frames_lost=0, late_p50_ms=0, late_p99_ms=0, late_max_ms=0),
        events=events,
    )


def outcomes(turns: str, call: CallRecord) -> dict[str, CheckOutcome]:
    found = suite(turns, "sip")
    return {check.kind: check.outcome for check in conversation_checks(found, found.cases[0], call)}


def timing(turn: int, start: int = 1000, **more: object) -> TurnTiming:
    said = {"turn": turn, "caller_start_ms": start, "caller_end_ms": start + 1000, "agent_start_ms": start + 1500}
    return TurnTiming.model_validate({**said, "agent_end_ms": start + 2500, "ttfa_ms": 500, **more})


def test_endings_that_are_expected_pass_and_others_fail() -> None:
    hangup = "- {say: a, expect: {hangup: true}}"
    assert set(outcomes(hangup, record(CallEnd.AGENT_HUNG_UP, [timing(0)])).values()) == {CheckOutcome.PASSED}
    assert outcomes(hangup, record(CallEnd.COMPLETED, [timing(0)]))["hangup"] is CheckOutcome.FAILED
    transfer = "- {say: a, expect: {transfer: desk}}"
    to = CallEvent(kind=CallEventKind.TRANSFER, value="sip:desk@example.com", at_ms=1, turn=0)
    other = to.model_copy(update={"value": "sip:else@example.com"})
    handed = record(CallEnd.TRANSFERRED, [timing(0)], (to,))
    assert set(outcomes(transfer, handed).values()) == {CheckOutcome.PASSED}
    assert outcomes(transfer, record(CallEnd.TRANSFERRED, [timing(0)], (other,)))["transfer"] is CheckOutcome.FAILED
    assert outcomes(transfer, record(CallEnd.COMPLETED, [timing(0)]))["transfer"] is CheckOutcome.FAILED


def test_a_hang_up_in_the_middle_of_a_branch_is_dropping_the_caller() -> None:
    turns = "- {say: a}\n- {when: [{said: {contains: [x]}, then: [{say: b}, {say: c}]}], else: [{say: d}]}"
    dropped = record(CallEnd.AGENT_HUNG_UP, [timing(0), timing(1, 4000)])
    assert outcomes(turns, dropped)["conversation"] is CheckOutcome.FAILED
    for last in (2, 3):
        bye = record(CallEnd.AGENT_HUNG_UP, [timing(0), timing(last, 4000)])
        assert outcomes(turns, bye)["conversation"] is CheckOutcome.PASSED


def test_who_talks_into_a_menu_is_not_talked_over() -> None:
    over = {"overlap_ms": 3000}
    plain = outcomes("- {say: a}", record(CallEnd.COMPLETED, [timing(0, **over)]))
    assert plain["overlap"] is CheckOutcome.FAILED
    waits = "- {wait_for: {contains: [x]}, say: a}"
    assert "overlap" not in outcomes(waits, record(CallEnd.COMPLETED, [timing(0, **over)]))


def test_an_interruption_is_held_to_its_limit() -> None:
    turns = "- {say: a}\n- {interrupt: {after_ms: 500}, say: b, expect: {stops_within_ms: 600}}"
    for stop, outcome in ((600, CheckOutcome.PASSED), (620, CheckOutcome.FAILED), (None, CheckOutcome.UNSURE)):
        cut = timing(1, 4000, interrupts=stop is not None, stop_ms=stop)
        assert outcomes(turns, record(CallEnd.COMPLETED, [timing(0), cut]))["interrupt"] is outcome


def test_one_of_several_functions_is_enough() -> None:
    found = suite("- {say: a, expect: {intent: book, result: {'$.time': 9}}}", "houndify").cases[0]
    answers = [
        StructuredAnswer(intent="look", result={"time": "8"}),
        StructuredAnswer(intent="book", result={"time": "9"}),
    ]
    events = tuple(CallEvent(kind=CallEventKind.NOTE, value="", at_ms=1, turn=0, answer=answer) for answer in answers)
    checks = structured_checks(found.steps, record(CallEnd.COMPLETED, [timing(0)], events))
    assert [check.outcome for check in checks] == [CheckOutcome.PASSED] * 2
    checks = structured_checks(found.steps, record(CallEnd.COMPLETED, [timing(0)], events[:1]))
    assert [check.outcome for check in checks] == [CheckOutcome.FAILED] * 2


def test_calls_that_older_workers_recorded_are_still_judged() -> None:
    stored = {"kind": "answer", "value": "Booked", "at_ms": 1, "turn": 0}
    data = {"intent": "book", "result": {"time": 9}, "understood": "a table", "sounds": True}
    assert CallEvent.model_validate({**stored, "data": data}) == CallEvent(
        kind=CallEventKind.ANSWER,
        value="Booked",
        at_ms=1,
        turn=0,
        answer=StructuredAnswer(intent="book", result={"time": 9}, understood="a table"),
    )
    assert CallEvent.model_validate({**stored, "data": {}}).answer is None
    now = CallEvent(kind=CallEventKind.NOTE, value="", at_ms=1, answer=StructuredAnswer(intent="book"))
    assert CallEvent.model_validate_json(now.model_dump_json()) == now


def test_dead_air_is_the_agents() -> None:
    steps = suite("- {say: a}\n- {silence_s: 20, expect: {contains: [x]}}\n- {say: b}").cases[0].steps

    def spoken(side: Side, start: int, end: int, turn: int) -> Speech:
        return Speech(side=side, start_ms=start, end_ms=end, turn=turn)

    speech = (
        spoken(Side.CALLER, 0, 1000, 0),
        spoken(Side.AGENT, 4000, 5000, 0),
        spoken(Side.AGENT, 17_000, 18_000, 1),  # after a silence that was ours
        spoken(Side.CALLER, 27_000, 28_000, 2),  # so was this
        spoken(Side.AGENT, 29_000, 30_000, 2),
    )
    assert _dead_air(speech, steps) == 3000


def test_turns_outside_branches_are_known_by_number() -> None:
    assert straight(suite(WHOLE).cases[0].turns) == {0, 1, 2, 3, 4}
    assert [turn.act for turn in suite(WHOLE).cases[0].steps][1:5] == [
        "waits for the agent's words, presses 1#",
        "",
        "interrupts after 1200 ms",
        "is silent for up to 6 s",
    ]
