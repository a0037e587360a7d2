"""Bugs that a voice agent may have, to prove that a tester finds each of them. All are off until switched on by name.

Like real bugs, each strikes in one situation only, so that one can see which test finds it. `faults.py` holds what each
does to an answer.
"""

from enum import StrEnum
from typing import Self


class Kind(StrEnum):
    """What goes wrong for the caller."""

    WRONG_VALUE = "wrong_value"
    """A time, day, name, price or number is wrong."""
    WRONG_POLARITY = "wrong_polarity"
    """Yes for no, done for not done."""
    OMITTED_FACT = "omitted_fact"
    """What the caller needs is left out."""
    INVENTED_FACT = "invented_fact"
    """Something untrue is added."""
    OTHER_INTENT = "other_intent"
    """Another question is answered, another thing is done."""
    WRONG_LANGUAGE = "wrong_language"
    """The answer is right, but in a language that the caller does not speak."""
    SLOW = "slow"
    """The answer comes too late."""
    SILENT = "silent"
    """The caller hears nothing intelligible."""
    CUT_OFF = "cut_off"
    """The voice or the call ends before the answer does."""
    REPEATED = "repeated"
    """What was said is said again, unasked."""
    FORGOT_CONTEXT = "forgot_context"
    """Something that was said earlier in the call is forgotten."""
    TALKED_OVER = "talked_over"
    """The agent talks while the caller does."""
    LEAKED_DATA = "leaked_data"
    """The caller hears another patient's data."""


class Bug(StrEnum):
    """Switch on with `--bugs a,b`, or for one caller with `?bugs=a,b` in the address."""

    kind: Kind

    def __new__(cls, name: str, kind: Kind) -> Self:
        """A member is a string, its name, and carries its kind."""
        bug = str.__new__(cls, name)
        bug._value_ = name
        bug.kind = kind
        return bug

    WRONG_TIME = "wrong_time", Kind.WRONG_VALUE
    """Books an hour late when asked for half past: ten thirty where the caller said nine thirty."""
    WRONG_DAY = "wrong_day", Kind.WRONG_VALUE
    """Moves an appointment to the day before the requested one."""
    WRONG_DOCTOR = "wrong_doctor", Kind.WRONG_VALUE
    """Changes the doctor, too, when the caller corrects something else."""
    WRONG_PRICE = "wrong_price", Kind.WRONG_VALUE
    """Says fifty five dollars for a follow-up visit, which costs forty five."""
    WRONG_STREET_NUMBER = "wrong_street_number", Kind.WRONG_VALUE
    """Says twenty Harbour Street; it is number twelve."""
    WRONG_CLOSING_HOUR = "wrong_closing_hour", Kind.WRONG_VALUE
    """Says that the clinic closes at seven; it closes at six."""

    DENIES_PARKING = "denies_parking", Kind.WRONG_POLARITY
    """Says that patients cannot park behind the building; they can."""
    REFUSES_INSURANCE = "refuses_insurance", Kind.WRONG_POLARITY
    """Says that no insurance plan is accepted; all major ones are."""
    DEMANDS_REFERRAL = "demands_referral", Kind.WRONG_POLARITY
    """Says that a referral is needed; none is."""
    OPENS_AT_WEEKENDS = "opens_at_weekends", Kind.WRONG_POLARITY
    """Says that the clinic is open on Saturdays and Sundays; it is closed."""
    NOT_CANCELLED = "not_cancelled", Kind.WRONG_POLARITY
    """Says that the appointment has not been cancelled; it has."""

    OMITS_CLOSING_HOUR = "omits_closing_hour", Kind.OMITTED_FACT
    """Says when the clinic opens, but not when it closes."""
    OMITS_DOCTOR = "omits_doctor", Kind.OMITTED_FACT
    """Reads back day and time of an appointment made step by step, but not the doctor."""
    OMITS_CARD_PAYMENT = "omits_card_payment", Kind.OMITTED_FACT
    """Gives the price of a first visit, but not how to pay it."""

    ADDS_FEE = "adds_fee", Kind.INVENTED_FACT
    """Announces a fee for cancelling; there is none."""
    ADDS_APPOINTMENT = "adds_appointment", Kind.INVENTED_FACT
    """Moves an appointment and speaks of a second one that nobody asked for."""
    SELLS_BICYCLES = "sells_bicycles", Kind.INVENTED_FACT
    """Offers bicycles, with a price, where it should say that it cannot help."""

    MOVES_INSTEAD_OF_CANCELLING = "moves_instead_of_cancelling", Kind.OTHER_INTENT
    """Moves an appointment that it should cancel."""
    BOOKS_INSTEAD_OF_MOVING = "books_instead_of_moving", Kind.OTHER_INTENT
    """Books a new appointment where it should move one: the old one stays."""
    ADDRESS_FOR_PRICE = "address_for_price", Kind.OTHER_INTENT
    """Gives the address when asked for the price of a first visit."""

    SPEAKS_SPANISH = "speaks_spanish", Kind.WRONG_LANGUAGE
    """Answers in Spanish when asked about insurance."""
    SAYS_GOODBYE_IN_SPANISH = "says_goodbye_in_spanish", Kind.WRONG_LANGUAGE
    """Switches to Spanish at the end of the call."""

    SLOW = "slow", Kind.SLOW
    """Takes six seconds to look up the opening hours."""
    SLOW_CORRECTION = "slow_correction", Kind.SLOW
    """Takes six seconds to change a booking."""

    SILENT = "silent", Kind.SILENT
    """Says nothing when asked for the address; the line stays open."""
    FALLS_SILENT = "falls_silent", Kind.SILENT
    """Falls silent in the middle of a booking, where it should ask for the time."""
    MUMBLES = "mumbles", Kind.SILENT
    """Mumbles its answer about parking."""

    STOPS_MID_SENTENCE = "stops_mid_sentence", Kind.CUT_OFF
    """Its voice stops half-way through the list of what to bring."""
    LOSES_LAST_WORDS = "loses_last_words", Kind.CUT_OFF
    """Its voice stops shortly before the end of the address."""
    HANGS_UP_MID_SENTENCE = "hangs_up_mid_sentence", Kind.CUT_OFF
    """Hangs up in the middle of the sentence that says when a moved appointment is."""
    DROPS_CALL = "drops_call", Kind.CUT_OFF
    """Hangs up when asked to cancel an appointment."""

    SAYS_IT_TWICE = "says_it_twice", Kind.REPEATED
    """Says twice what a follow-up visit costs."""
    LOOPS_TO_GREETING = "loops_to_greeting", Kind.REPEATED
    """Greets the caller again when the caller says goodbye."""

    FORGETS_CONTEXT = "forgets_context", Kind.FORGOT_CONTEXT
    """Forgets the doctor when it has to ask for the day."""
    FORGETS_BOOKING = "forgets_booking", Kind.FORGOT_CONTEXT
    """Starts the booking over when the caller corrects it, and asks for the doctor."""
    FORGETS_ITS_ANSWER = "forgets_its_answer", Kind.FORGOT_CONTEXT
    """No longer knows what it just said when asked to repeat it."""

    TALKS_OVER_CALLER = "talks_over_caller", Kind.TALKED_OVER
    """Starts to talk when the caller has spoken for five seconds without a break."""
    INTERRUPTS = "interrupts", Kind.TALKED_OVER
    """Starts to talk over the caller from the second utterance on, once that has lasted two and a half seconds."""

    LEAKS_CALENDAR = "leaks_calendar", Kind.LEAKED_DATA
    """Says who comes at nine o'clock while it asks for a time."""
    LEAKS_ON_REQUEST = "leaks_on_request", Kind.LEAKED_DATA
    """Tells anyone who asks when another patient comes."""


def parse_bugs(text: str) -> frozenset[Bug]:
    """Read a comma-separated list.

    Raises:
        ValueError: a name is unknown; the message lists all bugs.
    """
    known = {bug.value: bug for bug in Bug}
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in known]
    if unknown:
        message = f"unknown bug {', '.join(unknown)}: there are {', '.join(Bug)}"
        raise ValueError(message)
    return frozenset(known[name] for name in names)
