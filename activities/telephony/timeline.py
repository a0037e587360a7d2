"""From a held conversation to times: who spoke when, how soon the agent answered, who talked over whom."""

from activities.ports import FRAME_MS, LineEventKind
from activities.telephony.conversation import Held, HeldTurn
from activities.telephony.voice_activity import Span, refine
from voicewright.call import CallEvent, Side, Speech, TurnTiming


def measure(held: Held) -> tuple[tuple[TurnTiming, ...], tuple[Speech, ...]]:
    """Timings per turn and every stretch of speech, in order of time.

    The caller's edges are exact: they are the frames that were sent. The agent's are found in the recording by
    `voice_activity.refine`. A stretch of agent speech belongs to the turn in which it began.
    """
    spans = refine(held.agent_spans, held.agent, held.rate_hz)
    # What was said before a caller who speaks first is a greeting, and nobody's answer.
    first = held.turns[0].began if held.turns and held.turns[0].caller is not None else 0
    speech = [_speech(Side.AGENT, span, None, held.rate_hz) for span in spans if span.start < first]
    timings: list[TurnTiming] = []
    for number, turn in enumerate(held.turns):
        until = held.turns[number + 1].began if number + 1 < len(held.turns) else len(held.agent) + 1
        since = 0 if number == 0 and turn.caller is None else turn.began
        answers = [span for span in spans if since <= span.start < until]
        if not answers:
            answers = _in_writing(held, turn.index)
        timings.append(_timing(turn, answers, spans, held.rate_hz))
        if turn.caller is not None:
            speech.append(_speech(Side.CALLER, turn.caller, turn.index, held.rate_hz))
        speech += [_speech(Side.AGENT, span, turn.index, held.rate_hz) for span in answers if span.end > span.start]
    return tuple(timings), tuple(sorted(speech, key=lambda item: item.start_ms))


def _in_writing(held: Held, turn: int) -> list[Span]:
    """Answers that came without sound: points in time."""
    return [
        Span(event.at, event.at) for event in held.events if event.kind == LineEventKind.ANSWER and event.turn == turn
    ]


def _timing(turn: HeldTurn, answers: list[Span], before: list[Span], rate_hz: int) -> TurnTiming:
    asked = turn.caller.end if turn.caller is not None else turn.began
    # A packet leaves as a whole: the caller's last sound is with the agent when its packet is, not a frame later.
    frame = rate_hz * FRAME_MS // 1000
    left = asked
    if turn.caller is not None:
        grown = turn.delay_at_end - turn.delay
        left = turn.caller.start + grown + max(0, asked - grown - turn.caller.start - 1) // frame * frame
    # What ended before the caller had finished was an interruption, not the answer.
    answer = next((span for span in answers if span.end > asked or span.start == span.end), None)
    overlap = 0
    stop: int | None = None
    if turn.caller is not None:
        overlap = sum(
            min(span.end, turn.caller.end) - span.start
            for span in answers
            if turn.caller.start <= span.start < turn.caller.end
        )
        cut = next((span for span in before if span.start < turn.caller.start < span.end), None)
        if turn.interrupts and cut is not None:
            stop = cut.end - turn.caller.start
    return TurnTiming(
        turn=turn.index,
        caller_start_ms=_ms(turn.caller.start, rate_hz) if turn.caller is not None else None,
        caller_end_ms=_ms(turn.caller.end, rate_hz) if turn.caller is not None else None,
        agent_start_ms=_ms(answer.start, rate_hz) if answer is not None else None,
        agent_end_ms=_ms(answers[-1].end, rate_hz) if answer is not None else None,
        ttfa_ms=_ms(answer.start - left, rate_hz) if answer is not None else None,
        overlap_ms=_ms(overlap, rate_hz),
        interrupts=turn.interrupts,
        stop_ms=_ms(stop, rate_hz) if stop is not None else None,
    )


def events(held: Held) -> tuple[CallEvent, ...]:
    """What came and went besides audio, in order of time."""
    return tuple(
        CallEvent(
            kind=event.kind,
            value=event.value,
            at_ms=_ms(event.at, held.rate_hz),
            turn=event.turn,
            data=event.data or {},
        )
        for event in sorted(held.events, key=lambda event: event.at)
    )


def _speech(side: Side, span: Span, turn: int | None, rate_hz: int) -> Speech:
    return Speech(side=side, start_ms=_ms(span.start, rate_hz), end_ms=_ms(span.end, rate_hz), turn=turn)


def _ms(samples: int, rate_hz: int) -> int:
    return round(samples * 1000 / rate_hz)
