"""One expectation held against what was heard: what kind of check, what came of it, and why in fields."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from pydantic import model_validator

from voicewright.contracts.base import Contract
from voicewright.contracts.text import Passage, Sentence


class CheckKind(StrEnum):
    """Every kind of check. `TRAITS` says what each depends on; docs/checks.md explains them to users."""

    CONTAINS = "contains"
    ABSENT = "absent"
    MATCHES = "matches"
    TIME = "time"
    DATE = "date"
    AMOUNT = "amount"
    NUMBER = "number"
    NAME = "name"
    MEANING = "meaning"
    RUBRIC = "rubric"
    LANGUAGE = "language"
    CONVERSATION = "conversation"
    WITHIN_MS = "within_ms"
    OVERLAP = "overlap"
    INTERRUPT = "interrupt"
    HANGUP = "hangup"
    TRANSFER = "transfer"
    DTMF = "dtmf"
    INTENT = "intent"
    RESULT = "result"
    DEAD_AIR_MS = "dead_air_ms"
    LATENCY_P95_MS = "latency_p95_ms"
    CLIPPING = "clipping"
    FALSE_INTERRUPTIONS = "false_interruptions"
    TALK_RATIO = "talk_ratio"
    WORDS_PER_MINUTE = "words_per_minute"
    LEVEL_DBFS = "level_dbfs"
    QUALITY = "quality"

    @property
    def traits(self) -> "Traits":
        """What a check of this kind depends on."""
        return TRAITS[self]


class Basis(StrEnum):
    """What a check is held against."""

    WORDS = "words"
    """The recogniser's words: as doubtful as they are."""
    SOUND = "sound"
    """The recording and its timeline."""
    PROTOCOL = "protocol"
    """What the agent's protocol says by itself."""


class Concern(StrEnum):
    """What a check is about; what stands first is told first."""

    ANSWER = "answer"
    """What the agent said."""
    CONDUCT = "conduct"
    """What it did in the call."""
    MEASURE = "measure"
    """How fast, how long, how loud."""


@dataclass(frozen=True)
class Traits:
    """What a kind of check depends on."""

    basis: Basis
    concern: Concern = Concern.ANSWER
    seeks: bool = False
    """It fails because something was not among the words, so a misheard word may be what was sought."""
    whole: bool = False
    """All words of the expectation are sought; otherwise one value, however it is written."""
    figures: bool = False
    """What is sought is written in figures."""
    per_expectation: bool = True
    """Failures with different expectations have different causes; a slow answer is slow whatever the limit."""


_CONDUCT = Traits(Basis.SOUND, Concern.CONDUCT, per_expectation=False)
_MEASURE = Traits(Basis.SOUND, Concern.MEASURE, per_expectation=False)
_PROTOCOL = Traits(Basis.PROTOCOL)
TRAITS: dict[CheckKind, Traits] = {
    CheckKind.CONTAINS: Traits(Basis.WORDS, seeks=True, whole=True),
    CheckKind.ABSENT: Traits(Basis.WORDS),
    CheckKind.MATCHES: Traits(Basis.WORDS, seeks=True, whole=True),
    CheckKind.TIME: Traits(Basis.WORDS, seeks=True, figures=True),
    CheckKind.DATE: Traits(Basis.WORDS, seeks=True),
    CheckKind.AMOUNT: Traits(Basis.WORDS, seeks=True, figures=True),
    CheckKind.NUMBER: Traits(Basis.WORDS, seeks=True, figures=True),
    CheckKind.NAME: Traits(Basis.WORDS, seeks=True, whole=True),
    CheckKind.MEANING: Traits(Basis.WORDS),
    CheckKind.RUBRIC: Traits(Basis.WORDS),
    CheckKind.LANGUAGE: _CONDUCT,
    CheckKind.CONVERSATION: _CONDUCT,
    CheckKind.WITHIN_MS: _MEASURE,
    CheckKind.OVERLAP: _MEASURE,
    CheckKind.INTERRUPT: _CONDUCT,
    CheckKind.HANGUP: _CONDUCT,
    CheckKind.TRANSFER: Traits(Basis.SOUND, Concern.CONDUCT),
    CheckKind.DTMF: Traits(Basis.SOUND, Concern.CONDUCT),
    CheckKind.INTENT: _PROTOCOL,
    CheckKind.RESULT: _PROTOCOL,
    CheckKind.DEAD_AIR_MS: _MEASURE,
    CheckKind.LATENCY_P95_MS: _MEASURE,
    CheckKind.CLIPPING: _MEASURE,
    CheckKind.FALSE_INTERRUPTIONS: _MEASURE,
    CheckKind.TALK_RATIO: _MEASURE,
    CheckKind.WORDS_PER_MINUTE: Traits(Basis.WORDS, Concern.MEASURE, per_expectation=False),
    CheckKind.LEVEL_DBFS: _MEASURE,
    CheckKind.QUALITY: _MEASURE,
}


_CONCERNS = list(Concern)


class _OfAKind(Protocol):
    @property
    def kind(self) -> CheckKind: ...


C = TypeVar("C", bound=_OfAKind)


def facts_first(checks: Iterable[C]) -> list[C]:
    """What the agent said before what it did, and both before what was measured; otherwise in their order."""
    return sorted(checks, key=lambda check: _CONCERNS.index(check.kind.traits.concern))


class CheckOutcome(StrEnum):
    """What one check says."""

    PASSED = "passed"
    FAILED = "failed"
    UNSURE = "unsure"


class Breach(StrEnum):
    """How something that was measured lies outside its limits; two ways are two causes."""

    TOO_LOW = "too_low"
    TOO_HIGH = "too_high"
    NOTHING_THERE = "nothing_there"
    """There was nothing to measure: an agent that was to be interrupted did not speak."""


class FindingKind(StrEnum):
    """What two answers may differ in."""

    OTHER_VALUE = "other_value"
    VALUE_MISSING = "value_missing"
    VALUE_ADDED = "value_added"
    DENIED = "denied"
    NEGATED = "negated"
    REPEATED = "repeated"
    OPPOSITE = "opposite"
    IN_ITS_PLACE = "in_its_place"
    MISCOUNTED = "miscounted"
    STRANGER = "stranger"
    REPORTED = "reported"
    CONFIRMED = "confirmed"
    ALL_FOR_SOME = "all_for_some"
    WORDS_MISSING = "words_missing"
    WORDS_ADDED = "words_added"
    SAME_WORDS = "same_words"
    NOTHING_SAID = "nothing_said"


CONTRADICTIONS = frozenset(
    {
        FindingKind.OTHER_VALUE,
        FindingKind.VALUE_ADDED,
        FindingKind.OPPOSITE,
        FindingKind.IN_ITS_PLACE,
        FindingKind.MISCOUNTED,
        FindingKind.STRANGER,
    }
)
"""Findings whose `heard` words, if they were misheard, may have been the expected ones."""


class Finding(Contract):
    """One difference. `of` is the kind of value (`time`), or the thing that was counted."""

    kind: FindingKind
    of: Sentence = ""
    expected: Sentence = ""
    heard: Sentence = ""


class DoubtKind(StrEnum):
    """Why words decide nothing without a person."""

    LANGUAGE_UNMEASURED = "language_unmeasured"
    LANGUAGE_WEAK = "language_weak"
    RECOGNISER_FAULT = "recogniser_fault"
    NO_WORDS = "no_words"
    LOW_CONFIDENCE = "low_confidence"
    DOUBTFUL_VALUE = "doubtful_value"
    """The word that decides was hardly heard."""
    MAY_HIDE_IT = "may_hide_it"
    """A word that was hardly heard may be the one that was sought."""
    SOUNDS_LIKE_IT = "sounds_like_it"
    """What was heard sounds like what was sought, or is heard as that by a recogniser that expects it."""
    LINE_LOSS = "line_loss"
    """So much of the agent's sound was lost that words may have gone with it."""
    BUSY_MACHINE = "busy_machine"
    """The agent runs on the machine that called it, which had more to do than it has processors."""
    UNCLEAR_SOUND = "unclear_sound"
    """The agent made sounds in which no speech was found."""
    MAY_BE_MISHEARD = "may_be_misheard"
    """Our chain mishears this language too often to fail an agent for what was not heard."""


class Doubt(Contract):
    """Why a check was left to a person, and the words that it hangs on."""

    kind: DoubtKind
    words: Sentence = ""
    confidence: float | None = None
    because: Sentence = ""
    """A sentence for people."""


class Check(Contract):
    """One expectation held against what was heard.

    `turn` is None for checks on the whole call. A `hard` check that fails decides the case. `evidence` is a sentence
    for people, made from the other fields and read by nobody else.
    """

    kind: CheckKind
    turn: int | None
    outcome: CheckOutcome
    hard: bool
    expected: Passage
    actual: Passage
    heard: tuple[Sentence, ...] = ()
    """What decided: the phrase that was found, or the values of the expected kind that were heard."""
    findings: tuple[Finding, ...] = ()
    """What the judge of meaning found."""
    end: str = ""
    """Of a check on the conversation: how the call ended (`CallEnd`)."""
    breach: Breach | None = None
    """Of a measurement that is not as it should be: on which side."""
    doubt: Doubt | None = None
    """Why the outcome is unsure although the words alone would decide."""
    evidence: Passage
    confidence: float
    """How much this check alone speaks for a pass, 0 to 1."""

    @model_validator(mode="before")
    @classmethod
    def _by_an_older_worker(cls, given: Any) -> Any:  # noqa: ANN401 - whatever is validated
        """Older workers told how a call ended in `actual` alone: `2 turns held, agent_hung_up`."""
        if isinstance(given, dict) and given.get("kind") == CheckKind.CONVERSATION and "end" not in given:
            _, found, end = str(given.get("actual", "")).partition(" turns held, ")
            return {**given, "end": end} if found else given
        return given
