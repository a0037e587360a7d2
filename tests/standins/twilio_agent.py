"""The far end of the Twilio stand-in's calls: 20 ms frames of mu-law, and who says and hears them."""

import array
import io
import math
import wave
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

RATE_HZ = 8000
FRAME_MS = 20
FRAME_BYTES = RATE_HZ * FRAME_MS // 1000
SILENCE = b"\xff"
SILENT_FRAME = SILENCE * FRAME_BYTES
LOUD = 1000
"""Of 32,768: a frame that peaks above this is speech to a `Parrot`."""


def _linear(code: int) -> int:
    code = ~code & 0xFF
    size = ((((code & 0x0F) << 3) + 0x84) << ((code & 0x70) >> 4)) - 0x84
    return -size if code & 0x80 else size


LINEAR = [_linear(code) for code in range(256)]
LOUD_CODES = bytes(code for code in range(256) if abs(LINEAR[code]) > LOUD)


def is_loud(frame: bytes) -> bool:
    return len(frame.translate(None, LOUD_CODES)) < len(frame)


def wav(first: bytes, second: bytes, channels: int) -> bytes:
    """16-bit PCM of two mu-law tracks: side by side, or mixed into one channel."""
    length = max(len(first), len(second))
    one, two = ([LINEAR[code] for code in track.ljust(length, SILENCE)] for track in (first, second))
    samples = array.array("h", bytes(2 * length * channels))
    if channels == 1:
        samples[:] = array.array("h", (max(-32768, min(32767, a + b)) for a, b in zip(one, two, strict=True)))
    else:
        samples[0::2], samples[1::2] = array.array("h", one), array.array("h", two)
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(2)
        writer.setframerate(RATE_HZ)
        writer.writeframes(samples.tobytes())
    return file.getvalue()


@dataclass
class CallLeg:
    """The callee's telephone, as the agent at the far end has it in hand."""

    call_sid: str
    to: str
    digits: deque[str] = field(default_factory=deque)
    hung_up: bool = False

    def press(self, digits: str) -> None:
        """Keys, one a frame."""
        self.digits.extend(digits)

    def hang_up(self) -> None:
        """After the frame that is being said."""
        self.hung_up = True


class Agent(Protocol):
    def frame(self, heard: bytes) -> bytes:
        """Called for every 20 ms of the stream, in time: what the callee hears and says in the same 20 ms."""
        ...


class Mute:
    def __init__(self, leg: CallLeg) -> None:
        self.leg = leg

    def frame(self, heard: bytes) -> bytes:
        return SILENT_FRAME


class Parrot:
    """Greets at once; after whatever it hears it waits `delay_ms` of quiet, then gives the next answer.

    Exact to the frame: in the recording, `delay_ms` lie between the end of the last loud frame that it heard and the
    start of its answer. What it hears while it speaks it ignores. The last answer serves for all further turns.
    """

    def __init__(
        self,
        leg: CallLeg,
        *,
        greeting: bytes = b"",
        answers: Sequence[bytes] = (),
        delay_ms: int = 500,
        dtmf: str = "",
        dtmf_after_s: float = 0.0,
        hang_up_after_s: float = math.inf,
    ) -> None:
        if delay_ms % FRAME_MS:
            raise ValueError("delay_ms is in whole frames of 20 ms")
        self._leg = leg
        self._speech = _whole_frames(greeting)
        self._answers = deque(_whole_frames(answer) for answer in answers)
        self._delay = delay_ms // FRAME_MS
        self._dtmf, self._dtmf_frame = dtmf, round(dtmf_after_s * 1000 / FRAME_MS)
        self._last_frame = hang_up_after_s * 1000 / FRAME_MS
        self._number = 0
        self._heard_at: int | None = None
        self.turns: list[tuple[int, int]] = []
        """The last loud frame that it heard, and the first frame of its answer."""

    def frame(self, heard: bytes) -> bytes:
        number, self._number = self._number, self._number + 1
        if number == self._dtmf_frame:
            self._leg.press(self._dtmf)
        if number + 1 >= self._last_frame:
            self._leg.hang_up()
        if not self._speech:
            self._listen(heard, number)
        said, self._speech = self._speech[:FRAME_BYTES], self._speech[FRAME_BYTES:]
        return said or SILENT_FRAME

    def _listen(self, heard: bytes, number: int) -> None:
        if is_loud(heard):
            self._heard_at = number
        elif self._answers and self._heard_at is not None and number == self._heard_at + 1 + self._delay:
            self.turns.append((self._heard_at, number))
            self._heard_at = None
            self._speech = self._answers.popleft() if len(self._answers) > 1 else self._answers[0]


def _whole_frames(audio: bytes) -> bytes:
    return audio + SILENCE * (-len(audio) % FRAME_BYTES)
