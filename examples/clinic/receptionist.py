"""The receptionist's mind: decides what to answer to what a caller said."""

import re
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from examples.clinic.bugs import Bug
from examples.clinic.faults import patience_ms, spoil
from examples.clinic.slots import Slots, find_slots
from examples.clinic.wording import Reply, Topic


class _Task(Enum):
    NONE = auto()
    BOOK = auto()
    MOVE = auto()
    CANCEL = auto()


_REPEAT = ("repeat", "say that again", "say it again")
_OTHERS = ("neighbor", "neighbour", "other patient", "another patient", "someone else", "somebody else")
_GOODBYE = ("bye", "nothing", "thats all", "that is all")
_TASKS = {
    _Task.CANCEL: ("cancel",),
    _Task.MOVE: (" move", "reschedule", " change my"),
    _Task.BOOK: (" book", "appointment", "see doctor", "see dr"),
}
_QUESTIONS = {
    Topic.PARKING: ("parking", " park "),
    Topic.REFERRAL: ("referral", "referred"),
    Topic.BRING: (" bring ",),
    Topic.INSURANCE: ("insurance",),
    Topic.FOLLOW_UP: ("follow",),
    Topic.PRICE: ("cost", "price", "how much"),
    Topic.WEEKEND: ("saturday", "sunday", "weekend"),
    Topic.HOURS: ("open", "hours", "close"),
    Topic.PHONE: ("phone",),
    Topic.ADDRESS: ("where", "address", "located"),
}
"""Questions that need no appointment. The first that matches wins, so the more specific ones come first."""


def _hears(said: str, words: tuple[str, ...]) -> bool:
    return any(word in said for word in words)


@dataclass
class Receptionist:
    """One caller's conversation."""

    bugs: frozenset[Bug] = frozenset()
    answers: int = 0
    """Number of answers so far, without the greeting."""
    _task: _Task = _Task.NONE
    _slots: Slots = field(default_factory=Slots)
    _asked: bool = False
    """Whether the caller left something out, so that it had to be asked for."""
    _done: bool = False
    _last: Reply | None = None

    def greet(self) -> Reply:
        """What a caller hears first."""
        return self._reply(Topic.GREETING)

    def answer(self, said: str) -> Reply:
        """The reply to what a caller said, as the recogniser understood it. An empty answer means silence."""
        self.answers += 1
        heard = f" {re.sub(r'[^a-z0-9:. ]', '', said.lower())} "
        if self._last is not None and _hears(heard, _REPEAT):
            again = replace(self._last, topic=Topic.REPEAT, words=self._last.text)
            return spoil(again, self.bugs)
        return self._reply(self._topic(heard, find_slots(said)))

    def patience_ms(self) -> int | None:
        """How long a caller may speak before the receptionist talks over them."""
        return patience_ms(self.bugs, self.answers)

    def _reply(self, topic: Topic) -> Reply:
        reply = spoil(Reply(topic, replace(self._slots)), self.bugs)
        self._last, self._slots = reply, replace(reply.slots)
        return reply

    def _topic(self, said: str, slots: Slots) -> Topic:
        if _hears(said, _OTHERS):
            return Topic.PRIVACY
        for task, words in _TASKS.items():
            if _hears(said, words):
                self._task, self._slots, self._asked, self._done = task, slots, False, False
                return self._continue()
        for topic, words in _QUESTIONS.items():
            if _hears(said, words):
                return topic
        if self._task is not _Task.NONE and slots != Slots():
            self._slots.update(slots)
            return self._continue()
        return Topic.GOODBYE if _hears(said, _GOODBYE) else Topic.SORRY

    def _continue(self) -> Topic:
        """Ask for what is missing, or carry out the request and read it back."""
        if (question := self._missing()) is not None:
            self._asked = True
            return question
        corrected, self._done = self._done, True
        if self._task is _Task.CANCEL:
            return Topic.CANCELLED
        if self._task is _Task.MOVE:
            return Topic.MOVED
        if corrected:
            return Topic.CHANGED
        return Topic.BOOKED_IN_STEPS if self._asked else Topic.BOOKED

    def _missing(self) -> Topic | None:
        if self._slots.doctor is None:
            return Topic.ASK_DOCTOR if self._task is _Task.BOOK else Topic.ASK_WITH_WHOM
        if self._slots.day is None:
            return Topic.ASK_DAY
        if self._slots.time is None and self._task is not _Task.CANCEL:
            return Topic.ASK_TIME
        return None
