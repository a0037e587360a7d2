"""From a held conversation to times: who spoke when, how soon the agent answered, who talked over whom."""

from activities.audio.edges import refine
from activities.audio.pcm import FRAME_MS
from activities.audio.voice_activity import Span
from activities.call.held import Held, HeldTurn
from voicewright.contracts.call import CallEvent, CallEventKind, Side, Speech, TurnTiming


def measure(held: Held) -> tuple[tuple[TurnTiming, ...], tuple[Speech, ...]]:
    """Timings per turn and every stretch of speech, in order of time.

    The caller's edges are exact: they are the frames that were sent. The agent's are found in the recording by
    `edges.refine`. A stretch of agent speech belongs to the turn in which it began; what an agent says before
    a caller who interrupts it is done belongs to the answer that is interrupted.
    """
    borders = [turn.answers_from(held.rate_hz) for turn in held.turns]
    spans = refine(held.agent_spans, held.agent, held.rate_hz, apart=borders, cuts=held.cuts)
    # What was said before a caller who speaks first is a greeting, and nobody's answer.
    first = borders[0] if held.turns and held.turns[0].caller is not None else 0
    speech = [_speech(Side.AGENT, span, None, held.rate_hz) for span in spans if span.start < first]
    timings: list[TurnTiming] = []
    for number, turn in enumerate(held.turns):
        until = borders[number + 1] if number + 1 < len(held.turns) else len(held.agent) + 1
        since = 0 if number == 0 and turn.caller is None else borders[number]
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
        Span(event.at, event.at) for event in held.events if event.kind is CallEventKind.ANSWER and event.turn == turn
    ]


def _timing(turn: HeldTurn, answers: list[Span], spans: list[Span], rate_hz: int) -> TurnTiming:
    asked = turn.asked
    # What ended before the caller had finished was an interruption, not the answer.
    answer = next((span for span in answers if span.end > asked or span.start == span.end), None)
    overlap = 0
    stop: int | None = None
    resumed = False
    if turn.caller is not None:
        overlap = sum(min(span.end, asked) - span.start for span in spans if turn.caller.start <= span.start < asked)
        stop, resumed = _stop(turn, turn.caller, spans, rate_hz)
    return TurnTiming(
        turn=turn.index,
        caller_start_ms=_ms(turn.caller.start, rate_hz) if turn.caller is not None else None,
        caller_end_ms=_ms(turn.caller.end, rate_hz) if turn.caller is not None else None,
        agent_start_ms=_ms(answer.start, rate_hz) if answer is not None else None,
        agent_end_ms=_ms(answers[-1].end, rate_hz) if answer is not None else None,
        ttfa_ms=_ms(answer.start - _left(turn, rate_hz), rate_hz) if answer is not None else None,
        overlap_ms=_ms(overlap, rate_hz),
        interrupts=turn.interrupts,
        stop_ms=_ms(stop, rate_hz) if stop is not None else None,
        resumed=resumed,
    )


def _left(turn: HeldTurn, rate_hz: int) -> int:
    """When what the agent answers had left. A packet leaves as a whole: its last sound leaves when its first does."""
    if turn.caller is None or turn.pressed is not None:
        return turn.asked
    frame = rate_hz * FRAME_MS // 1000
    grown = turn.delay_at_end - turn.delay
    said = turn.caller.end - grown - turn.caller.start
    return turn.caller.start + grown + max(0, said - 1) // frame * frame


def _stop(turn: HeldTurn, caller: Span, spans: list[Span], rate_hz: int) -> tuple[int | None, bool]:
    """How long an interrupted agent spoke on, and whether it fell silent in between.

    It has stopped when it is silent until the caller is done: a pause that ends before is none.
    """
    until = turn.answers_from(rate_hz)
    old = [span for span in spans if span.end >= caller.start and span.start < until]
    if not turn.interrupts or not old:
        return None, False
    return old[-1].end - caller.start, old[-1].start > caller.start


def events(held: Held) -> tuple[CallEvent, ...]:
    """What came and went besides audio, in order of time."""
    return tuple(
        CallEvent(
            kind=event.kind,
            value=event.value,
            at_ms=_ms(event.at, held.rate_hz),
            turn=event.turn,
            answer=event.answer,
        )
        for event in sorted(held.events, key=lambda event: event.at)
    )


def _speech(side: Side, span: Span, turn: int | None, rate_hz: int) -> Speech:
    return Speech(side=side, start_ms=_ms(span.start, rate_hz), end_ms=_ms(span.end, rate_hz), turn=turn)


def _ms(samples: int, rate_hz: int) -> int:
    return round(samples * 1000 / rate_hz)
