"""What a call needs: a line to the agent, a way to dial it, and ears that understand it.

A `Line` carries audio. What some lines can do besides is one small protocol each below it; `Abilities` asks a line for
all of them, once.
"""

from dataclasses import dataclass
from typing import Protocol, Self, runtime_checkable

from activities.audio.pcm import Samples
from voicewright.contracts.call import CallEventKind, StructuredAnswer
from voicewright.suite.format.agent import AgentTarget
from voicewright.suite.format.spoken import SpokenCondition


@dataclass(frozen=True)
class LineEvent:
    """Something besides audio that came at `at_s` on the monotonic clock."""

    kind: CallEventKind
    value: str
    at_s: float
    answer: StructuredAnswer | None = None


@dataclass(frozen=True)
class MediaStats:
    """How the network treated the audio, as far as the channel can know."""

    received: int = 0
    lost: int = 0
    jitter_ms: float = 0.0
    codec: str = ""


class Line(Protocol):
    """A live call. Time is counted in frames of `FRAME_MS`; nothing here waits for the far end to speak."""

    @property
    def rate_hz(self) -> int:
        """Rate of the samples both ways; 8000 or 16000."""

    @property
    def hung_up(self) -> str | None:
        """Why the far end ended the call, once it has; None while it is up."""

    async def send(self, frame: Samples) -> Samples:
        """Send one frame of caller audio; returns it as the codec left it, for the recording.

        Raises:
            LineDiedError: the connection is broken.
        """

    def receive(self) -> Samples:
        """The frame of agent audio that a telephone would play now; silence where there is none."""

    def events(self) -> list[LineEvent]:
        """What came besides audio since the last time this was asked."""

    async def hang_up(self) -> None:
        """End the call from our side; harmless when it is over already."""


@runtime_checkable
class SendsByItsOwnClock(Protocol):
    """A line that takes frames before they are due and lets each one leave in its time."""

    @property
    def early_frames(self) -> int:
        """How many frames may be given to `send_early` before they are due."""

    def left(self, number: int) -> tuple[float, float] | None:
        """When the first and the last sample of a frame left this machine, on the monotonic clock.

        Frames are counted from 0 as they are given; None for one that did not leave.
        """

    async def send_early(self, frame: Samples) -> Samples:
        """Send a frame that is not due yet: it leaves after those before it. See `Line.send`."""


@runtime_checkable
class MayBeHeld(Protocol):
    """A line whose far end may stop listening for a while."""

    @property
    def on_hold(self) -> bool:
        """Whether what is sent now reaches nobody."""


@runtime_checkable
class PressesKeys(Protocol):
    """A line on which keys travel as events. On any other they are pressed as tones in the audio."""

    async def press(self, key: str) -> None:
        """Press a key.

        Raises:
            LineDiedError: the connection is broken.
        """


@runtime_checkable
class LaysOut(Protocol):
    """A line that knows when each part of the agent's side arrived."""

    def heard(self, began_s: float, samples: int) -> Samples:
        """The agent's side as it arrived: a track of `samples` that begins at `began_s` on the monotonic clock."""


@runtime_checkable
class KnowsCuts(Protocol):
    """A line that is told when the agent cuts off what it was saying."""

    def cuts(self, began_s: float) -> list[int]:
        """Where, in samples of a track that begins at `began_s` on the monotonic clock. Other sound may follow."""


@runtime_checkable
class KnowsItsNetwork(Protocol):
    """A line that counts packets."""

    def stats(self) -> MediaStats:
        """What is known of the network; whole only after the call."""


@runtime_checkable
class TakesTurns(Protocol):
    """A line that is told when the caller begins to speak."""

    @property
    def takes_text(self) -> bool:
        """Whether the caller's words go over it in writing, and are not spoken."""

    async def turn_begins(self, text: str | None) -> None:
        """The caller is about to say `text`."""


@runtime_checkable
class RecordsItself(Protocol):
    """A line whose channel makes a recording of its own."""

    async def recordings(self) -> dict[str, bytes]:
        """What the channel recorded, by file name; asked for after the call."""


@runtime_checkable
class KnowsWhyUnheard(Protocol):
    """A line that knows what the agent sent and nobody could hear."""

    def unheard(self) -> str:
        """What of the agent's was not played, for a sentence; empty where all was.

        Raises:
            StepError: it may be our fault that the agent was not heard.
        """


@dataclass(frozen=True)
class Abilities:
    """What one line can do besides carrying audio; None is what it cannot."""

    own_clock: SendsByItsOwnClock | None
    hold: MayBeHeld | None
    keys: PressesKeys | None
    layout: LaysOut | None
    cuts: KnowsCuts | None
    network: KnowsItsNetwork | None
    turns: TakesTurns | None
    recorder: RecordsItself | None
    unheard: KnowsWhyUnheard | None

    @classmethod
    def of(cls, line: Line) -> Self:
        """Ask a line."""
        return cls(
            own_clock=line if isinstance(line, SendsByItsOwnClock) else None,
            hold=line if isinstance(line, MayBeHeld) else None,
            keys=line if isinstance(line, PressesKeys) else None,
            layout=line if isinstance(line, LaysOut) else None,
            cuts=line if isinstance(line, KnowsCuts) else None,
            network=line if isinstance(line, KnowsItsNetwork) else None,
            turns=line if isinstance(line, TakesTurns) else None,
            recorder=line if isinstance(line, RecordsItself) else None,
            unheard=line if isinstance(line, KnowsWhyUnheard) else None,
        )


class LiveEars(Protocol):
    """Understands the agent while the call goes on, for scripts that depend on its words."""

    async def understand(self, samples: Samples, rate_hz: int) -> str:
        """The words in a stretch of the agent's side."""

    async def holds(self, said: SpokenCondition, text: str) -> bool:
        """Whether words fit a condition of the suite."""


class Dialler(Protocol):
    """A way to reach agents of one channel."""

    async def dial(self, target: AgentTarget, *, call_id: str, caller_id: str = "", language: str = "en") -> Line:
        """Set up a call.

        Args:
            target: whom to call.
            call_id: names the call in the agent's logs, where the channel can say it.
            caller_id: the number that was reserved for it, on channels that have any.
            language: in which the caller will speak.

        Raises:
            LineError: no connection; worth another try.
            BadInputError: the far end refused us for good, or the target makes no sense.
        """
