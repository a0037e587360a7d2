"""The receptionist's mind: from what a caller said to what to answer."""

import re
from dataclasses import dataclass, field
from enum import Enum, auto

from examples.clinic.bugs import Bug
from examples.clinic.slots import Slots, find_slots, say_time

GREETING = "Riverside Clinic, good morning. How can I help you?"
_HOURS = "We are open from Monday to Friday, from eight in the morning until six in the evening."
_ADDRESS = "We are at fourteen Harbour Street, right next to the public library."
_PARKING = "Yes, there is free parking for patients behind the building."
_PRICE = "A first visit costs eighty dollars, and you can pay by card."
_SORRY = "I am sorry, I cannot help you with that. I can book, move or cancel an appointment for you."
_GOODBYE = "Thank you for calling Riverside Clinic. Goodbye."
_SLOW_S = 6.0


class _Task(Enum):
    NONE = auto()
    BOOK = auto()
    MOVE = auto()
    CANCEL = auto()


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
        def hears(*words: str) -> bool:
            return any(word in said for word in words)

        if hears("repeat", "say that again", "say it again"):
            return self._last
        if hears("cancel"):
            self._task, self._slots = _Task.CANCEL, slots
        elif hears(" move", "reschedule", " change my"):
            self._task, self._slots = _Task.MOVE, slots
        elif hears(" book", "appointment", "see doctor", "see dr"):
            self._task, self._slots = _Task.BOOK, slots
        elif hears("open", "hours", "close"):
            return Reply(_HOURS, after_s=_SLOW_S if Bug.SLOW in self.bugs else 0.0)
        elif hears("where", "address", "located"):
            return Reply("" if Bug.SILENT in self.bugs else _ADDRESS)
        elif hears("parking", " park "):
            return Reply(_PARKING, mumbled=Bug.MUMBLES in self.bugs)
        elif hears("cost", "price", "how much"):
            return Reply(_PRICE)
        elif self._task is not _Task.NONE and slots != Slots():
            self._slots.update(slots)
        elif hears("bye", "nothing", "thats all", "that is all"):
            return Reply(_GOODBYE)
        else:
            return Reply(_SORRY)
        return self._continue()

    def _continue(self) -> Reply:
        """Ask for what is missing, or do it and read it back."""
        slots = self._slots
        if self._task is _Task.CANCEL and Bug.DROPS_CALL in self.bugs:
            return Reply("", hang_up=True)
        if slots.doctor is None:
            return Reply(
                "Which doctor would you like to see?" if self._task is _Task.BOOK else "With which doctor is it?"
            )
        if slots.day is None:
            if Bug.FORGETS_CONTEXT in self.bugs:
                slots.doctor = None
            return Reply("On which day would you like to come?")
        if self._task is _Task.CANCEL:
            return Reply(f"Your appointment with Doctor {slots.doctor} on {slots.day} has been cancelled.")
        if slots.time is None:
            return Reply(f"And at what time on {slots.day}?")
        when = f"on {slots.day} at {self._read_back(*slots.time)}"
        if self._task is _Task.MOVE:
            return Reply(f"Your appointment with Doctor {slots.doctor} has been moved. It is now {when}.")
        return Reply(f"You are booked with Doctor {slots.doctor} {when}. Is there anything else?")

    def _read_back(self, hour: int, minute: int) -> str:
        wrong = Bug.WRONG_TIME in self.bugs and minute == 30  # noqa: PLR2004 - thirty, heard as thirteen
        return say_time(hour, 13 if wrong else minute)
