"""The receptionist's mind: from what a caller said to what to answer."""

import re
from dataclasses import dataclass, field
from enum import Enum, auto

from examples.clinic.bugs import Bug
from examples.clinic.slots import Slots, find_slots, say_time

GREETING = "Riverside Clinic, good morning. How can I help you?"
_HOURS = "We are here from Monday to Friday. We open at eight in the morning and close at six in the evening."
_ADDRESS = "We are at twelve Harbour Street, right next to the public library."
_PARKING = "Yes, patients can park behind the building for free."
_INSURANCE = "Yes, we accept all major insurance plans."
_PRICE = "A first visit costs eighty dollars, and you can pay by card."
_SORRY = "I am sorry, I cannot help you with that. I can book, move or cancel an appointment for you."
_GOODBYE = "Thank you for calling Riverside Clinic. Goodbye."
_SLOW_S = 6.0


class _Task(Enum):
    NONE = auto()
    BOOK = auto()
    MOVE = auto()
    CANCEL = auto()


_TASKS = {
    _Task.CANCEL: ("cancel",),
    _Task.MOVE: (" move", "reschedule", " change my"),
    _Task.BOOK: (" book", "appointment", "see doctor", "see dr"),
}


def _hears(said: str, *words: str) -> bool:
    return any(word in said for word in words)


@dataclass(frozen=True)
class Reply:
    """What to say, and how."""

    text: str
    after_s: float = 0.0
    mumbled: bool = False
    hang_up: bool = False


@dataclass
class Receptionist:
    """One caller's conversation."""

    bugs: frozenset[Bug] = frozenset()
    _task: _Task = _Task.NONE
    _slots: Slots = field(default_factory=Slots)
    _last: Reply = field(default_factory=lambda: Reply(GREETING))

    def answer(self, said: str) -> Reply:
        """The reply to what a caller said, as the recogniser understood it. An empty text means silence."""
        reply = self._answer(f" {re.sub(r'[^a-z0-9:. ]', '', said.lower())} ", find_slots(said))
        self._last = reply
        return reply

    def _answer(self, said: str, slots: Slots) -> Reply:
        if _hears(said, "repeat", "say that again", "say it again"):
            return self._last
        for task, words in _TASKS.items():
            if _hears(said, *words):
                self._task, self._slots = task, slots
                return self._continue()
        for words, reply in self._information().items():
            if _hears(said, *words):
                return reply
        if self._task is not _Task.NONE and slots != Slots():
            self._slots.update(slots)
            return self._continue()
        return Reply(_GOODBYE) if _hears(said, "bye", "nothing", "thats all", "that is all") else Reply(_SORRY)

    def _information(self) -> dict[tuple[str, ...], Reply]:
        """Questions that need no appointment; the more special words come first."""
        return {
            ("parking", " park "): Reply(_PARKING, mumbled=Bug.MUMBLES in self.bugs),
            ("insurance",): Reply(_INSURANCE),
            ("cost", "price", "how much"): Reply(_PRICE),
            ("open", "hours", "close"): Reply(_HOURS, after_s=_SLOW_S if Bug.SLOW in self.bugs else 0.0),
            ("where", "address", "located"): Reply("" if Bug.SILENT in self.bugs else _ADDRESS),
        }

    def _continue(self) -> Reply:
        """Ask for what is missing, or do it and read it back."""
        slots = self._slots
        if self._task is _Task.CANCEL and Bug.DROPS_CALL in self.bugs:
            return Reply("", hang_up=True)
        if (question := self._missing(slots)) is not None:
            return Reply(question)
        who = f"Doctor {slots.doctor}"
        if self._task is _Task.CANCEL:
            return Reply(f"Your appointment with {who} on {slots.day} has been cancelled.")
        assert slots.time is not None
        when = f"on {slots.day} at {self._read_back(*slots.time)}"
        if self._task is _Task.MOVE:
            return Reply(f"Your appointment with {who} has been moved. It is now {when}.")
        return Reply(f"You are booked with {who} {when}. Is there anything else?")

    def _missing(self, slots: Slots) -> str | None:
        if slots.doctor is None:
            return "Which doctor would you like to see?" if self._task is _Task.BOOK else "With which doctor is it?"
        if slots.day is None:
            if Bug.FORGETS_CONTEXT in self.bugs:
                slots.doctor = None
            return "On which day would you like to come?"
        if slots.time is None and self._task is not _Task.CANCEL:
            return f"And at what time on {slots.day}?"
        return None

    def _read_back(self, hour: int, minute: int) -> str:
        wrong = Bug.WRONG_TIME in self.bugs and minute == 30  # noqa: PLR2004 - half past, taken for half to
        return say_time(hour + 1 if wrong else hour, minute)
