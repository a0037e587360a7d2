"""Bugs that a voice agent may have, to prove that a tester finds each. All are off until named.

Each bites in one situation only, as real bugs do, so that it can be seen which test finds it. What each does to an
answer is in `faults.py`.
"""

from enum import StrEnum
from typing import Self


class Kind(StrEnum):
    """What goes wrong for the caller."""

    WRONG_VALUE = "wrong_value"
    """A time, day, name, price or number is not the right one."""
    WRONG_POLARITY = "wrong_polarity"
    """Yes for no, done for not done."""
    OMITTED_FACT = "omitted_fact"
    """What the caller needs is left out."""
    INVENTED_FACT = "invented_fact"
    """Something is added that is not so."""
    OTHER_INTENT = "other_intent"
    """Another question is answered, another thing is done."""
    WRONG_LANGUAGE = "wrong_language"
    """The answer is right, in a language that the caller does not speak."""
    SLOW = "slow"
    """The answer comes too late."""
    SILENT = "silent"
    """Nothing comes that a caller could hear."""
    CUT_OFF = "cut_off"
    """The voice or the call ends before the answer does."""
    REPEATED = "repeated"
    """What was said is said again, unasked."""
    FORGOT_CONTEXT = "forgot_context"
    """What was said before counts no more."""
    TALKED_OVER = "talked_over"
    """The agent talks while the caller does."""
    LEAKED_DATA = "leaked_data"
    """The caller hears what is another patient's."""


class Bug(StrEnum):
    """Switch on with `--bugs a,b`, or for one caller with `?bugs=a,b` in the address."""

    kind: Kind

    def __new__(cls, name: str, kind: Kind) -> Self:
        """A member is its name; the kind comes along."""
        bug = str.__new__(cls, name)
        bug._value_ = name
        bug.kind = kind
        return bug

    WRONG_TIME = "wrong_time", Kind.WRONG_VALUE
    """Books an hour late who asks for half past: ten thirty where the caller said nine thirty."""
    WRONG_DAY = "wrong_day", Kind.WRONG_VALUE
    """Moves an appointment to the day before the one that was asked for."""
    WRONG_DOCTOR = "wrong_doctor", Kind.WRONG_VALUE
    """Takes a correction for a change of doctor too."""
    WRONG_PRICE = "wrong_price", Kind.WRONG_VALUE
    """Fifty five dollars for a follow-up visit, which costs forty five."""
    WRONG_STREET_NUMBER = "wrong_street_number", Kind.WRONG_VALUE
    """Twenty Harbour Street for twelve."""
    WRONG_CLOSING_HOUR = "wrong_closing_hour", Kind.WRONG_VALUE
    """Closes at seven, by its own account; the doors are locked at six."""

    DENIES_PARKING = "denies_parking", Kind.WRONG_POLARITY
    """Patients cannot park behind the building, it says."""
    REFUSES_INSURANCE = "refuses_insurance", Kind.WRONG_POLARITY
    """Says that no insurance plan is accepted, where all are."""
    DEMANDS_REFERRAL = "demands_referral", Kind.WRONG_POLARITY
    """Says that a referral is needed, where none is."""
    OPENS_AT_WEEKENDS = "opens_at_weekends", Kind.WRONG_POLARITY
    """Says that the clinic is open on Saturdays and Sundays."""
    NOT_CANCELLED = "not_cancelled", Kind.WRONG_POLARITY
    """Says that the appointment has not been cancelled."""

    OMITS_CLOSING_HOUR = "omits_closing_hour", Kind.OMITTED_FACT
    """Says when the clinic opens, and no more."""
    OMITS_DOCTOR = "omits_doctor", Kind.OMITTED_FACT
    """Reads back day and time of an appointment made step by step, but not the doctor."""
    OMITS_CARD_PAYMENT = "omits_card_payment", Kind.OMITTED_FACT
    """Names the price of a first visit but not how to pay it."""

    ADDS_FEE = "adds_fee", Kind.INVENTED_FACT
    """Announces a fee for cancelling; there is none."""
    ADDS_APPOINTMENT = "adds_appointment", Kind.INVENTED_FACT
    """Moves an appointment and speaks of a second one that nobody asked for."""
    SELLS_BICYCLES = "sells_bicycles", Kind.INVENTED_FACT
    """Has an answer, and a price, for whatever it is asked."""

    MOVES_INSTEAD_OF_CANCELLING = "moves_instead_of_cancelling", Kind.OTHER_INTENT
    """Moves an appointment that was to be cancelled."""
    BOOKS_INSTEAD_OF_MOVING = "books_instead_of_moving", Kind.OTHER_INTENT
    """Books a new appointment where one was to be moved: the old one stays."""
    ADDRESS_FOR_PRICE = "address_for_price", Kind.OTHER_INTENT
    """Says where the clinic is when asked for the price of a first visit."""

    SPEAKS_SPANISH = "speaks_spanish", Kind.WRONG_LANGUAGE
    """Answers in Spanish whether insurance is accepted."""
    SAYS_GOODBYE_IN_SPANISH = "says_goodbye_in_spanish", Kind.WRONG_LANGUAGE
    """Falls into Spanish at the end of the call."""

    SLOW = "slow", Kind.SLOW
    """Takes six seconds to look up the opening hours."""
    SLOW_CORRECTION = "slow_correction", Kind.SLOW
    """Takes six seconds to change a booking."""

    SILENT = "silent", Kind.SILENT
    """Says nothing when asked for the address; the line stays open."""
    FALLS_SILENT = "falls_silent", Kind.SILENT
    """Says nothing more in the middle of a booking, where it should ask for the time."""
    MUMBLES = "mumbles", Kind.SILENT
    """Mumbles its answer about parking."""

    STOPS_MID_SENTENCE = "stops_mid_sentence", Kind.CUT_OFF
    """Its voice stops half-way through the list of what to bring."""
    LOSES_LAST_WORDS = "loses_last_words", Kind.CUT_OFF
    """Its voice stops shortly before the end of the address."""
    HANGS_UP_MID_SENTENCE = "hangs_up_mid_sentence", Kind.CUT_OFF
    """Hangs up in the middle of the sentence that says where an appointment was moved to."""
    DROPS_CALL = "drops_call", Kind.CUT_OFF
    """Hangs up when asked to cancel an appointment."""

    SAYS_IT_TWICE = "says_it_twice", Kind.REPEATED
    """Says twice what a follow-up visit costs."""
    LOOPS_TO_GREETING = "loops_to_greeting", Kind.REPEATED
    """Greets the caller once more, who has just said goodbye."""

    FORGETS_CONTEXT = "forgets_context", Kind.FORGOT_CONTEXT
    """Forgets the doctor when it has to ask for the day."""
    FORGETS_BOOKING = "forgets_booking", Kind.FORGOT_CONTEXT
    """Begins again, with the doctor, when the caller corrects the day."""
    FORGETS_ITS_ANSWER = "forgets_its_answer", Kind.FORGOT_CONTEXT
    """Does not know what it has just said when asked to repeat it."""

    TALKS_OVER_CALLER = "talks_over_caller", Kind.TALKED_OVER
    """Starts to talk into an utterance of more than five seconds."""
    INTERRUPTS = "interrupts", Kind.TALKED_OVER
    """Starts to talk into the second question of a call, if that takes more than two and a half seconds."""

    LEAKS_CALENDAR = "leaks_calendar", Kind.LEAKED_DATA
    """Tells who comes at nine o'clock while it asks for a time."""
    LEAKS_ON_REQUEST = "leaks_on_request", Kind.LEAKED_DATA
    """Tells anybody who asks when another patient comes."""


def parse_bugs(text: str) -> frozenset[Bug]:
    """Read a comma-separated list.

    Raises:
        ValueError: a name is no bug; the message lists those that there are.
    """
    known = {bug.value: bug for bug in Bug}
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in known]
    if unknown:
        message = f"unknown bug {', '.join(unknown)}: there are {', '.join(Bug)}"
        raise ValueError(message)
    return frozenset(known[name] for name in names)
