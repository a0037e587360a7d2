"""From a held conversation to times: who spoke when, how soon the agent answered, who talked over whom."""

from activities.telephony.conversation import Held, HeldTurn
from activities.telephony.voice_activity import Span, refine
from voicewright.call import Side, Speech, TurnTiming


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
        timings.append(_timing(turn, answers, held.rate_hz))
        if turn.caller is not None:
            speech.append(_speech(Side.CALLER, turn.caller, turn.index, held.rate_hz))
        speech += [_speech(Side.AGENT, span, turn.index, held.rate_hz) for span in answers]
    return tuple(timings), tuple(sorted(speech, key=lambda item: item.start_ms))


def _timing(turn: HeldTurn, answers: list[Span], rate_hz: int) -> TurnTiming:
    asked = turn.caller.end if turn.caller is not None else turn.began
    # What ended before the caller had finished was an interruption, not the answer.
    answer = next((span for span in answers if span.end > asked), None)
    overlap = 0
    if turn.caller is not None:
        overlap = sum(
            min(span.end, turn.caller.end) - span.start
            for span in answers
            if turn.caller.start <= span.start < turn.caller.end
        )
    return TurnTiming(
        turn=turn.index,
        caller_start_ms=_ms(turn.caller.start, rate_hz) if turn.caller is not None else None,
        caller_end_ms=_ms(turn.caller.end, rate_hz) if turn.caller is not None else None,
        agent_start_ms=_ms(answer.start, rate_hz) if answer is not None else None,
        agent_end_ms=_ms(answers[-1].end, rate_hz) if answer is not None else None,
        ttfa_ms=_ms(answer.start - asked, rate_hz) if answer is not None else None,
        overlap_ms=_ms(overlap, rate_hz),
    )


def _speech(side: Side, span: Span, turn: int | None, rate_hz: int) -> Speech:
    return Speech(side=side, start_ms=_ms(span.start, rate_hz), end_ms=_ms(span.end, rate_hz), turn=turn)


def _ms(samples: int, rate_hz: int) -> int:
    return round(samples * 1000 / rate_hz)
