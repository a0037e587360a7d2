"""What a rule finds."""

from dataclasses import dataclass
from enum import StrEnum


class Rule(StrEnum):
    """The rules; docs/rules.md shows what each is worth."""

    VALUE = "value"
    """Another value was heard in the place of an expected one; all languages."""
    DENIED = "denied"
    """One text denies a word that the other affirms: `not furnished`."""
    NEGATION = "negation"
    """One text negates once more than the other, or three times more."""
    OPPOSITE = "opposite"
    """`closed` for `open`."""
    INCOMPATIBLE = "incompatible"
    """Another word of the same class: `bus` for `train`."""
    DIRECTION = "direction"
    """`from Leeds` for `to Leeds`."""
    TENSE = "tense"
    """`will be shipped` for `was shipped`."""
    MISCOUNT = "miscount"
    """`3 bedrooms` for `2 bedrooms`."""
    INVENTED_FACT = "invented fact"
    """A critical value that is neither expected nor in the question; all languages."""
    STRANGER = "stranger"
    """A full name that is neither expected nor in the question."""
    NAME = "name"
    """Another name: `Phoenix` for `Sausalito`; or one name of a list is left out."""
    DATE = "date"
    """A date in another form, which nothing here can compare: `tomorrow` for `March 4th`."""
    REPORT = "report"
    """Only one text says that something was done: `it has been booked`."""
    CONFIRMATION = "confirmation"
    """Only one text asks for a confirmation: `please confirm: play it` for `I am playing it`."""
    UNANSWERED = "unanswered"
    """Words of the question that the expected answer takes up are missing: one of two things was not answered."""
    ROLE = "role"
    """Two words, or two values, have changed places: `from Chicago to Boston` for `from Boston to Chicago`."""
    ALL_FOR_SOME = "all for some"
    """`neither of them` for `this one, but not that one`."""
    REPEATED = "repeated"
    """Most of the answer is said twice; all languages."""


@dataclass(frozen=True)
class Contradiction:
    """One contradiction: the rule, and the expected and the heard words if the rule has any.

    `of` is what a value belongs to: the kind of a fact, the thing that is counted, the class of a word.
    """

    rule: Rule
    expected: str = ""
    heard: str = ""
    of: str = ""
    forbids_pass: bool = True
    """Whether it forbids an automatic pass. If not, it is only a feature for the scorer."""
