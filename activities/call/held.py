"""What a conversation leaves behind. All times are in samples from the start of the recording."""

from dataclasses import dataclass, field

import numpy as np

from activities.audio.pcm import Samples
from activities.audio.voice_activity import Span
from activities.ports.line import MediaStats
from voicewright.contracts.call import CallEnd, CallEventKind, StructuredAnswer

EARLY_MS = 60
"""An answer to an interruption may begin so much before the caller is done; what begins earlier is no answer to it."""


@dataclass
class HeldTurn:
    """A turn that was held."""

    index: int
    began: int
    caller: Span | None = None
    interrupts: bool = False
    """Whether the agent was really speaking when the caller talked into it."""
    delay: int = 0
    """How much later than it was due the caller's sound began to leave."""
    delay_at_end: int = 0
    pressed: int | None = None
    """Where the caller presses keys: when the last one went down."""

    @property
    def asked(self) -> int:
        """From when on the agent may answer: the end of the caller's words, or the last key."""
        if self.pressed is not None:
            return self.pressed
        return self.caller.end if self.caller is not None else self.began

    def answers_from(self, rate_hz: int) -> int:
        """From when on what the agent begins to say may be its answer: not before a caller who interrupts it is done.

        A key may be answered as soon as it is pressed.
        """
        if self.caller is None or self.pressed is not None or not self.interrupts:
            return self.began
        return max(self.began, self.caller.end - rate_hz * EARLY_MS // 1000)


@dataclass
class HeldEvent:
    """Something besides audio."""

    kind: CallEventKind
    value: str
    at: int
    turn: int | None
    answer: StructuredAnswer | None = None


@dataclass
class Held:
    """The whole conversation. Both channels have the same length."""

    rate_hz: int
    caller: Samples
    agent: Samples
    turns: list[HeldTurn]
    agent_spans: list[Span]
    end: CallEnd
    end_detail: str
    lateness_ms: tuple[float, float, float]
    frames: int
    frames_lost: int
    events: list[HeldEvent] = field(default_factory=list)
    stats: MediaStats | None = None
    cuts: list[int] = field(default_factory=list)
    """Where the agent cut off what it was saying, as far as the channel knows."""


def as_it_left(caller: Samples, turns: list[HeldTurn]) -> Samples:
    """The caller's side with the delay that the line adds before a frame leaves, in sound and in the turns' times."""
    if not any(turn.delay or turn.delay_at_end for turn in turns):
        return caller
    moved = np.zeros_like(caller)
    for number, turn in enumerate(turns):
        until = turns[number + 1].began if number + 1 < len(turns) else len(caller)
        said = caller[turn.began if number else 0 : until]
        at = max(0, (turn.began if number else 0) + turn.delay)
        room = moved[at : at + len(said)]
        room[:] = said[: len(room)]
        if turn.caller is not None:
            turn.caller.start += turn.delay
            turn.caller.end += turn.delay_at_end
        if turn.pressed is not None:
            turn.pressed += turn.delay_at_end
    return moved
