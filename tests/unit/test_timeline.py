"""Who spoke when, on recordings made of tones: what is an interruption's end, and whose answer is what."""

import numpy as np
import pytest

from activities.audio.voice_activity import Span
from activities.call.held import Held, HeldTurn
from activities.call.timeline import measure
from activities.checks.conversation import conversation_checks
from voicewright.contracts.artifact import ArtifactRef
from voicewright.contracts.call import CallEnd, CallRecord, Pacing, TurnTiming
from voicewright.contracts.check import CheckOutcome
from voicewright.suite import Suite

RATE = 8000
SECONDS = 12
BEGAN, DONE = 3000, 5200
"""When the caller of these tests talks into the answer, and is done, in ms."""
REF = ArtifactRef(uri="s3://b/k", sha256="0", size_bytes=1, media_type="audio/wav")


def at(ms: int) -> int:
    return ms * RATE // 1000


def held(agent: list[tuple[int, int]], *turns: HeldTurn, cuts: tuple[int, ...] = ()) -> Held:
    """A call in which the agent sounds in these stretches, in ms."""
    sound = np.zeros(at(SECONDS * 1000), np.int16)
    for start, end in agent:
        length = at(end) - at(start)
        sound[at(start) : at(end)] = (6000 * np.sin(np.arange(length) * 2 * np.pi * 300 / RATE + 1)).astype(np.int16)
    return Held(
        rate_hz=RATE,
        caller=np.zeros_like(sound),
        agent=sound,
        turns=list(turns),
        agent_spans=[Span(at(start), at(end)) for start, end in agent],
        end=CallEnd.COMPLETED,
        end_detail="",
        lateness_ms=(0, 0, 0),
        frames=0,
        frames_lost=0,
        cuts=[at(cut) for cut in cuts],
    )


def greeting() -> HeldTurn:
    return HeldTurn(0, 0)


def cutting_in(began: int = BEGAN, done: int = DONE) -> HeldTurn:
    return HeldTurn(1, at(began), Span(at(began), at(done)), interrupts=True)


def interrupted(agent: list[tuple[int, int]], done: int = DONE) -> TurnTiming:
    return measure(held(agent, greeting(), cutting_in(done=done)))[0][1]


def outcomes(timing: TurnTiming, within_ms: int | None) -> dict[str, CheckOutcome]:
    expect = {} if within_ms is None else {"expect": {"stops_within_ms": within_ms}}
    suite = Suite.model_validate(
        {
            "suite": "s",
            "agent": {"channel": "media_stream", "url": "ws://x"},
            "cases": [{"id": "c", "turns": [{"say": "a"}, {"interrupt": {"after_ms": 500}, "say": "b", **expect}]}],
        }
    )
    record = CallRecord(
        channel="media_stream",
        end=CallEnd.COMPLETED,
        recording=REF,
        sample_rate_hz=RATE,
        duration_ms=SECONDS * 1000,
        dials=1,
        turns=(TurnTiming(turn=0), timing),
        speech=(),
        pacing=Pacing(frames=1, frames_lost=0, late_p50_ms=0, late_p99_ms=0, late_max_ms=0),
    )
    return {check.kind: check.outcome for check in conversation_checks(suite, suite.cases[0], record)}


GOOD, BAD = CheckOutcome.PASSED, CheckOutcome.FAILED


@pytest.mark.parametrize(
    ("agent", "stop_ms", "resumed", "by_limit"),
    [
        # It stops, and answers once the caller is done.
        ([(0, 3420), (5900, 7000)], 420, False, {None: GOOD, 600: GOOD, 400: BAD}),
        # A pause of a sentence is no stop: what it says after it counts.
        ([(0, 3170), (3480, 4010), (5900, 7000)], 1010, True, {None: GOOD, 800: BAD, 1500: GOOD}),
        # Two pauses are none either.
        ([(0, 3170), (3480, 3900), (4200, 4600), (5900, 7000)], 1600, True, {800: BAD, 1500: BAD, 1700: GOOD}),
        # It reads on to the end of its menu: no limit makes that giving way.
        ([(0, 3300), (3605, 5900), (7000, 7800)], 2900, True, {None: BAD, 1500: BAD, 4000: BAD}),
        # It falls silent for long and begins again shortly before the caller is done.
        ([(0, 3200), (5000, 6500), (7000, 7800)], 3500, True, {None: BAD, 1500: BAD, 4000: BAD}),
        # It never pauses.
        ([(0, 6600), (7200, 7800)], 3600, False, {None: BAD, 1500: BAD}),
    ],
)
def test_giving_way_is_silence_until_the_caller_is_done(
    agent: list[tuple[int, int]], stop_ms: int, resumed: bool, by_limit: dict[int | None, CheckOutcome]
) -> None:
    timing = interrupted(agent)
    assert timing.stop_ms is not None
    assert abs(timing.stop_ms - stop_ms) <= 5
    assert timing.resumed is resumed
    assert {limit: outcomes(timing, limit)["interrupt"] for limit in by_limit} == by_limit


def test_a_short_interruption_may_be_over_before_the_agent_stops() -> None:
    timing = interrupted([(0, 3700), (4500, 5000)], done=3400)
    assert outcomes(timing, 800)["interrupt"] is GOOD
    assert outcomes(timing, None)["interrupt"] is GOOD
    assert timing.ttfa_ms is not None
    assert abs(timing.ttfa_ms - 1100) <= 25


def test_what_begins_over_an_interrupting_caller_is_an_overlap_and_no_answer() -> None:
    call = held([(0, 3300), (3605, 5900), (7000, 7800)], greeting(), cutting_in())
    timings, speech = measure(call)
    assert abs(timings[1].overlap_ms - (DONE - 3605)) <= 5
    assert outcomes(timings[1], 4000)["overlap"] is BAD
    assert timings[1].agent_start_ms is not None
    assert abs(timings[1].agent_start_ms - 7000) <= 5
    turns = [(item.turn, item.start_ms) for item in speech if item.side == "agent"]
    assert [turn for turn, _ in turns] == [0, 0, 1]


def test_an_answer_that_the_interruption_never_got_is_missing() -> None:
    timing = interrupted([(0, 3300), (3605, 5900)])
    assert timing.agent_start_ms is None
    assert timing.ttfa_ms is None


def pressing(began: int = 4000, keys: int = 1, *, interrupts: bool = False) -> HeldTurn:
    last = began + (keys - 1) * 200
    return HeldTurn(1, at(began), Span(at(began), at(last + 100)), interrupts=interrupts, pressed=at(last))


@pytest.mark.parametrize("delay_ms", [0, 30, 95, 100, 400])
def test_a_key_is_answered_from_its_press_on(delay_ms: int) -> None:
    call = held([(0, 3000), (4000 + delay_ms, 6000)], greeting(), pressing())
    timings, speech = measure(call)
    assert timings[1].ttfa_ms is not None
    assert abs(timings[1].ttfa_ms - delay_ms) <= 5
    assert timings[1].overlap_ms == 0
    assert [item.turn for item in speech if item.side == "agent"] == [0, 1]


def test_of_several_keys_the_last_counts() -> None:
    timing = measure(held([(0, 3000), (4495, 6000)], greeting(), pressing(keys=3)))[0][1]
    assert timing.ttfa_ms is not None
    assert abs(timing.ttfa_ms - 95) <= 5


def test_an_answer_right_after_the_menu_that_a_key_cut_is_the_keys_own() -> None:
    close = held([(0, 4030), (4095, 6000)], greeting(), pressing(interrupts=True))
    timings, _ = measure(close)
    assert timings[1].stop_ms is not None
    assert abs(timings[1].stop_ms - 30) <= 5
    assert timings[1].agent_start_ms is not None
    assert abs(timings[1].agent_start_ms - 4095) <= 5
    # Where the line knows that the menu was cut, no gap is needed at all.
    whole = held([(0, 6000)], greeting(), pressing(interrupts=True), cuts=(4050,))
    timings, speech = measure(whole)
    assert (timings[1].stop_ms, timings[1].agent_start_ms) == (50, 4050)
    assert [(item.turn, item.end_ms) for item in speech if item.side == "agent"] == [(0, 4050), (1, 6000)]
