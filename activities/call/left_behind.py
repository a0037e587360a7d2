"""What a call leaves, computed once it is over: the recording as a file, its timeline, its outline."""

from dataclasses import dataclass

from activities.audio.pcm import wav_bytes
from activities.call.held import Held
from activities.call.timeline import events, measure
from voicewright.contracts.call import CallEvent, Speech, TurnTiming, Waveform
from voicewright.report.waveform import outlines


@dataclass(frozen=True)
class LeftBehind:
    """Of one call."""

    wav: bytes
    """Left the caller, right the agent."""
    timings: tuple[TurnTiming, ...]
    speech: tuple[Speech, ...]
    events: tuple[CallEvent, ...]
    waveform: Waveform


def left_behind(held: Held) -> LeftBehind:
    """All that can be computed from a conversation alone."""
    wav = wav_bytes([held.caller, held.agent], held.rate_hz)
    timings, speech = measure(held)
    caller, agent = outlines(wav)
    return LeftBehind(wav, timings, speech, events(held), Waveform(caller=caller, agent=agent))
