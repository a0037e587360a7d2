"""What the receptionist can talk about, and the words that she uses."""

from dataclasses import dataclass
from enum import StrEnum, auto

from examples.clinic.slots import Slots, say_time


class Topic(StrEnum):
    """A situation in a call. Each has one answer."""

    GREETING = auto()
    GOODBYE = auto()
    SORRY = auto()
    REPEAT = auto()
    """Whatever was said last."""
    PRIVACY = auto()

    HOURS = auto()
    WEEKEND = auto()
    ADDRESS = auto()
    PHONE = auto()
    PARKING = auto()
    INSURANCE = auto()
    REFERRAL = auto()
    BRING = auto()
    PRICE = auto()
    FOLLOW_UP = auto()

    ASK_DOCTOR = auto()
    ASK_WITH_WHOM = auto()
    ASK_DAY = auto()
    ASK_TIME = auto()
    BOOKED = auto()
    """The caller named everything in one sentence."""
    BOOKED_IN_STEPS = auto()
    """The caller was asked for what was missing."""
    CHANGED = auto()
    """The caller has corrected a booking."""
    MOVED = auto()
    CANCELLED = auto()


_BOOKED = "You are booked with Doctor {doctor} on {day} at {time}. Is there anything else?"
_TEXTS = {
    Topic.GREETING: "Riverside Clinic, good morning. How can I help you?",
    Topic.GOODBYE: "Thank you for calling Riverside Clinic. Goodbye.",
    Topic.SORRY: "I am sorry, I cannot help you with that. I can book, move or cancel an appointment for you.",
    Topic.PRIVACY: "I am sorry, I cannot tell you anything about other patients.",
    Topic.HOURS: "We are here from Monday to Friday. We open at eight in the morning and close at six in the evening.",
    Topic.WEEKEND: "No, we are closed on Saturdays and Sundays.",
    Topic.ADDRESS: "We are at twelve Harbour Street, right next to the public library.",
    Topic.PHONE: "Our phone number is five five five, zero one four seven.",
    Topic.PARKING: "Yes, patients can park behind the building for free.",
    Topic.INSURANCE: "Yes, we accept all major insurance plans.",
    Topic.REFERRAL: "No, you do not need a referral to see our doctors.",
    Topic.BRING: "Please bring your passport, your insurance card and a list of your medicines.",
    Topic.PRICE: "A first visit costs eighty dollars, and you can pay by card.",
    Topic.FOLLOW_UP: "A follow-up visit costs forty five dollars.",
    Topic.ASK_DOCTOR: "Which doctor would you like to see?",
    Topic.ASK_WITH_WHOM: "With which doctor is it?",
    Topic.ASK_DAY: "On which day would you like to come?",
    Topic.ASK_TIME: "And at what time on {day}?",
    Topic.BOOKED: _BOOKED,
    Topic.BOOKED_IN_STEPS: _BOOKED,
    Topic.CHANGED: _BOOKED,
    Topic.MOVED: "Your appointment with Doctor {doctor} has been moved. It is now on {day} at {time}.",
    Topic.CANCELLED: "Your appointment with Doctor {doctor} on {day} has been cancelled.",
}


def say(topic: Topic, slots: Slots) -> str:
    """The answer in words, with the names and times from `slots`."""
    time = say_time(*slots.time) if slots.time is not None else ""
    return _TEXTS[topic].format(doctor=slots.doctor, day=slots.day, time=time)


@dataclass(frozen=True)
class Reply:
    """What to say, and how. From then on the receptionist believes `slots`."""

    topic: Topic
    slots: Slots
    words: str | None = None
    """Said instead of the usual words; None means the usual ones."""
    spanish: bool = False
    after_s: float = 0.0
    mumbled: bool = False
    played: float = 1.0
    """The share of the speech that is played before the voice stops."""
    hang_up: bool = False
    """Whether to hang up afterwards."""
    deaf: bool = False
    """Whether the caller is not listened to while this is said."""

    @property
    def text(self) -> str:
        """The words to say; an empty text means silence."""
        return say(self.topic, self.slots) if self.words is None else self.words
