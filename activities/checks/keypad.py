"""Keys that the agent should press: by event where the channel has them, and as tones in the recording."""

from collections.abc import Iterator, Sequence

from activities.audio.dtmf import find_keys
from activities.checks.hard import hard
from activities.checks.recorded_call import Call
from voicewright.contracts.call import CallEventKind, TurnTiming
from voicewright.contracts.check import Check, CheckKind
from voicewright.suite.format.turn import Turn


def keypad_checks(steps: Sequence[Turn], call: Call) -> Iterator[Check]:
    """One check for every turn that expects keys."""
    for number, timing in enumerate(call.record.turns):
        expect = steps[timing.turn].expect
        if expect is None or expect.dtmf is None:
            continue
        after = call.record.turns[number + 1] if number + 1 < len(call.record.turns) else None
        pressed = pressed_in(call, timing, after)
        yield hard(
            CheckKind.DTMF,
            timing.turn,
            passed=pressed == expect.dtmf,
            heard=tuple(pressed),
            expected=f"keys {expect.dtmf}",
            actual=f"keys {pressed}" if pressed else "no keys",
            evidence=f"the agent pressed {pressed or 'nothing'}, expected was {expect.dtmf}",
        )


def pressed_in(call: Call, timing: TurnTiming, after: TurnTiming | None) -> str:
    """The keys of one turn; events are believed, tones are looked for where there were none."""
    events = [
        event.value for event in call.record.events if event.kind is CallEventKind.KEY and event.turn == timing.turn
    ]
    if events:
        return "".join(events)
    start = timing.caller_start_ms or 0
    end = after.caller_start_ms if after is not None and after.caller_start_ms is not None else call.record.duration_ms
    rate = call.agent.rate_hz
    sound = call.agent.samples[start * rate // 1000 : end * rate // 1000]
    return "".join(press.key for press in find_keys(sound, rate))
