"""What came over a line besides audio, until the conversation takes it."""

import time

from activities.ports.line import LineEvent
from voicewright.contracts.call import CallEventKind, StructuredAnswer
from voicewright.contracts.text import MAX_PASSAGE, MAX_SENTENCE, clean, cut

MAX_EVENTS = 1_000
MAX_CHARACTERS = 400_000
"""Of all events of one call."""
_ONCE = {CallEventKind.TRANSFER, CallEventKind.WENT_ON}
"""Ends of calls, which are kept however much came before."""
_LONGEST = {CallEventKind.KEY: 1, CallEventKind.ANSWER: MAX_PASSAGE}


class EventQueue:
    """Events of one line, in the order in which they came: their text is clean, and has a size, alone and together."""

    def __init__(self) -> None:
        self._waiting: list[LineEvent] = []
        self._events = MAX_EVENTS
        self._characters = MAX_CHARACTERS

    def put(
        self, kind: CallEventKind, value: str, *, at_s: float | None = None, answer: StructuredAnswer | None = None
    ) -> bool:
        """Something came: at `at_s` on the monotonic clock, or now. False: the call holds no more of it."""
        longest = _LONGEST.get(kind, MAX_SENTENCE)
        text = clean(value[: 2 * longest])
        text = text[:longest] if kind is CallEventKind.KEY else cut(text, longest)
        if kind not in _ONCE:
            size = len(text) + (len(answer.model_dump_json()) if answer is not None else 0)
            if self._events <= 0 or self._characters < size:
                self._full()
                return False
            self._events -= 1
            self._characters -= size
        self._waiting.append(LineEvent(kind, text, time.monotonic() if at_s is None else at_s, answer))
        return True

    def _full(self) -> None:
        """Say so once, and keep nothing more."""
        if self._events > -1:
            self._events = -1
            note = (
                f"more came besides audio: {MAX_EVENTS:,} events and {MAX_CHARACTERS:,} characters of a call are kept"
            )
            self._waiting.append(LineEvent(CallEventKind.NOTE, note, time.monotonic()))

    def take(self) -> list[LineEvent]:
        """What came since the last time; see `Line.events`."""
        taken, self._waiting = self._waiting, []
        return taken
