"""In which situation each bug strikes, and what it does to the answer."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from examples.clinic.bugs import Bug
from examples.clinic.slots import DAYS, DOCTORS, Slots
from examples.clinic.wording import Reply, Topic

_SLOW_S = 6.0
_TALKS_OVER_AFTER_MS = 5000
_INTERRUPTS_AFTER_MS = 2500

Fault = Callable[[Reply], Reply]


def _how(**changes: Any) -> Fault:  # noqa: ANN401 - fields of a reply
    """Change fields of the reply: how it is said, or its topic."""
    return lambda reply: replace(reply, **changes)


def _words(words: str, **changes: Any) -> Fault:  # noqa: ANN401 - fields of a reply
    return _how(words=words, **changes)


def _instead(old: str, new: str) -> Fault:
    return lambda reply: replace(reply, words=reply.text.replace(old, new))


def _and_then(more: str) -> Fault:
    return lambda reply: replace(reply, words=f"{reply.text} {more}")


def _believe(change: Callable[[Slots], Slots]) -> Fault:
    """The receptionist has the facts wrong, and goes on believing them."""
    return lambda reply: replace(reply, slots=change(reply.slots))


def _an_hour_late(slots: Slots) -> Slots:
    """Half past nine becomes half past ten; other times stay."""
    if slots.time is None or slots.time[1] != 30:  # noqa: PLR2004 - half past
        return slots
    return replace(slots, time=(slots.time[0] + 1, 30))


def _day_before(slots: Slots) -> Slots:
    assert slots.day is not None
    return replace(slots, day=DAYS[DAYS.index(slots.day) - 1])


def _other_doctor(slots: Slots) -> Slots:
    assert slots.doctor is not None
    return replace(slots, doctor=DOCTORS[DOCTORS.index(slots.doctor) - 1])


def _move(reply: Reply) -> Reply:
    return replace(reply, topic=Topic.MOVED, slots=replace(reply.slots, time=reply.slots.time or (9, 0)))


def _begin_again(reply: Reply) -> Reply:
    return replace(reply, topic=Topic.ASK_DOCTOR, slots=Slots(day=reply.slots.day))


def _twice(reply: Reply) -> Reply:
    return replace(reply, words=f"{reply.text} {reply.text}")


FAULTS: dict[Bug, tuple[Topic, Fault]] = {
    Bug.WRONG_TIME: (Topic.BOOKED, _believe(_an_hour_late)),
    Bug.WRONG_DAY: (Topic.MOVED, _believe(_day_before)),
    Bug.WRONG_DOCTOR: (Topic.CHANGED, _believe(_other_doctor)),
    Bug.WRONG_PRICE: (Topic.FOLLOW_UP, _instead("forty five", "fifty five")),
    Bug.WRONG_STREET_NUMBER: (Topic.ADDRESS, _instead("twelve", "twenty")),
    Bug.WRONG_CLOSING_HOUR: (Topic.HOURS, _instead("at six", "at seven")),
    Bug.DENIES_PARKING: (Topic.PARKING, _words("No, patients cannot park behind the building.")),
    Bug.REFUSES_INSURANCE: (Topic.INSURANCE, _words("No, we do not accept any insurance plans.")),
    Bug.DEMANDS_REFERRAL: (Topic.REFERRAL, _words("Yes, you do need a referral to see our doctors.")),
    Bug.OPENS_AT_WEEKENDS: (Topic.WEEKEND, _words("Yes, we are open on Saturdays and Sundays.")),
    Bug.NOT_CANCELLED: (Topic.CANCELLED, _instead("has been", "has not been")),
    Bug.OMITS_CLOSING_HOUR: (Topic.HOURS, _instead(" and close at six in the evening", "")),
    Bug.OMITS_DOCTOR: (Topic.BOOKED_IN_STEPS, lambda reply: _instead(f" with Doctor {reply.slots.doctor}", "")(reply)),
    Bug.OMITS_CARD_PAYMENT: (Topic.PRICE, _instead(", and you can pay by card", "")),
    Bug.ADDS_FEE: (Topic.CANCELLED, _and_then("We will charge you a cancellation fee of twenty five dollars.")),
    Bug.ADDS_APPOINTMENT: (Topic.MOVED, _and_then("You also have an appointment with Doctor Miller on Monday.")),
    Bug.SELLS_BICYCLES: (Topic.SORRY, _words("Yes, our bicycles for children start at ninety dollars.")),
    Bug.MOVES_INSTEAD_OF_CANCELLING: (Topic.CANCELLED, _move),
    Bug.BOOKS_INSTEAD_OF_MOVING: (Topic.MOVED, _how(topic=Topic.BOOKED)),
    Bug.ADDRESS_FOR_PRICE: (Topic.PRICE, _how(topic=Topic.ADDRESS)),
    Bug.SPEAKS_SPANISH: (
        Topic.INSURANCE,
        _words("Sí, aceptamos todos los seguros médicos. ¿Qué más desea?", spanish=True),
    ),
    Bug.SAYS_GOODBYE_IN_SPANISH: (
        Topic.GOODBYE,
        _words("Gracias por llamar a la clínica. Hasta luego.", spanish=True),
    ),
    Bug.SLOW: (Topic.HOURS, _how(after_s=_SLOW_S)),
    Bug.SLOW_CORRECTION: (Topic.CHANGED, _how(after_s=_SLOW_S)),
    Bug.SILENT: (Topic.ADDRESS, _words("")),
    Bug.FALLS_SILENT: (Topic.ASK_TIME, _words("")),
    Bug.MUMBLES: (Topic.PARKING, _how(mumbled=True)),
    Bug.STOPS_MID_SENTENCE: (Topic.BRING, _how(played=0.5)),
    Bug.LOSES_LAST_WORDS: (Topic.ADDRESS, _how(played=0.8)),
    Bug.HANGS_UP_MID_SENTENCE: (Topic.MOVED, _how(played=0.7, hang_up=True)),
    Bug.DROPS_CALL: (Topic.CANCELLED, _words("", hang_up=True)),
    Bug.SAYS_IT_TWICE: (Topic.FOLLOW_UP, _twice),
    Bug.LOOPS_TO_GREETING: (Topic.GOODBYE, _how(topic=Topic.GREETING)),
    Bug.FORGETS_CONTEXT: (Topic.ASK_DAY, _believe(lambda slots: replace(slots, doctor=None))),
    Bug.FORGETS_BOOKING: (Topic.CHANGED, _begin_again),
    Bug.FORGETS_ITS_ANSWER: (Topic.REPEAT, _words("I am sorry, what would you like me to repeat?")),
    Bug.LEAKS_CALENDAR: (Topic.ASK_TIME, _and_then("Mary Thompson comes in for her knee at nine.")),
    Bug.LEAKS_ON_REQUEST: (Topic.PRIVACY, _words("Mary Thompson sees Doctor Brown on Thursday at three o'clock.")),
}
"""For each bug, the topic in which it strikes and what it makes of the right answer."""


def spoil(reply: Reply, bugs: Iterable[Bug]) -> Reply:
    """The right answer, as the bugs that are on distort it."""
    topic = reply.topic
    for bug in Bug:
        if bug in bugs and bug in FAULTS and FAULTS[bug][0] is topic:
            reply = FAULTS[bug][1](reply)
    return reply


def patience_ms(bugs: Iterable[Bug], answers: int) -> int | None:
    """How long a caller may speak before the receptionist talks over them; None if there is no limit.

    `answers` is the number of answers so far, without the greeting.
    """
    limits = [_TALKS_OVER_AFTER_MS] if Bug.TALKS_OVER_CALLER in bugs else []
    if Bug.INTERRUPTS in bugs and answers:
        limits.append(_INTERRUPTS_AFTER_MS)
    return min(limits, default=None)
