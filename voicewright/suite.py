"""The suite format: what a QA lead writes.

    suite: clinic                      # name; run it by this name once it is pushed
    description: What a caller of our front desk can do
    agent:                             # whom to call
      channel: media_stream            # we play Twilio's part towards the agent's own endpoint
      url: ws://127.0.0.1:8765/media
      headers: {Authorization: "Bearer ${secret:CLINIC_TOKEN}"}
      parameters: {tenant: demo}       # customParameters of the stream's start message
    defaults:                          # for every case that says nothing else
      languages: [en]
      repeats: 1
      within_ms: 3000                  # time to first audio, for every answer
      voice: {engine: piper, name: en_US-joe-medium, speed: 1.0}
    limits:
      call_s: 120                      # a call longer than this is cut and fails
      answer_ms: 10000                 # an agent silent for longer than this has not answered
      end_of_turn_ms: 900              # so much silence ends the agent's turn
      overlap_ms: 600                  # an agent that talks over the caller for longer fails
    judge: {risk: 0.01}                # share of automatic verdicts on meaning that may be wrong
    review: {remind_after: 4h, expire_after: 3d}
    max_parallel: 4                    # calls that the agent can take at once
    cases:
      - id: book-tuesday
        title: Books a free slot and reads it back
        tags: [booking, smoke]
        turns:
          - expect: {meaning: "Riverside Clinic, how can I help you?"}     # the agent's greeting
          - say: I'd like to see Doctor Adams on Tuesday at nine thirty.
            expect:
              meaning: You are booked with Doctor Adams on Tuesday at half past nine.
              contains: [booked]                  # words that must be heard, in any spelling case
              absent: [sorry]                     # words that must not
              matches: ["doctor (adams|brown)"]   # regular expressions (RE2)
              entities: {times: ["9:30"], dates: [Tuesday], names: [Adams]}   # facts that must be right
              within_ms: 2000
              rubric: Confirms the booking and stays polite   # for an LLM, where one is set; else for a person

Every text (`say`, `meaning`, `rubric`, the lists) may be given per language: `say: {en: Hello, de: Hallo}`.
"""

from typing import Annotated, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from voicewright.duration import parse_duration_ms
from voicewright.languages import is_known
from voicewright.pattern import compile_pattern
from voicewright.review import ReviewPolicy

MAX_CASES = 20_000
MAX_TEXT = 2_000
_MAX_REVIEW_MS = 366 * 86_400_000
_MAX_REMINDERS = 1000


def without_query(url: str) -> str:
    """An address for messages, logs and results: its query or user part may hold a token."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rsplit('@', 1)[-1]}{parts.path}"


class _Part(BaseModel):
    """Strict, closed and frozen: a suite says what it means, and a misspelt key is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _known_language(tag: str) -> str:
    if not is_known(tag):
        msg = f"unknown language {tag!r}: use a code such as en, de, fr, es, pt-BR or zh"
        raise ValueError(msg)
    return tag


def _readable_pattern(pattern: str) -> str:
    compile_pattern(pattern)
    return pattern


Language = Annotated[str, BeforeValidator(lambda v: _known_language(v) if isinstance(v, str) else v)]
Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT, pattern=r"\S")]
LocalText = Text | dict[Language, Text]
LocalTexts = list[Text] | dict[Language, list[Text]]
Pattern = Annotated[Text, BeforeValidator(lambda v: _readable_pattern(v) if isinstance(v, str) else v)]
LocalPatterns = list[Pattern] | dict[Language, list[Pattern]]
Identifier = Annotated[
    str,
    Field(
        min_length=1,
        max_length=100,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="Letters, digits, `.`, `_` and `-`; starts with a letter or a digit.",
    ),
]


T = TypeVar("T", str, list[str])


def in_language(value: T | dict[str, T] | None, language: str) -> T | None:
    """The variant for `language`: exact tag first, then its base language."""
    if not isinstance(value, dict):
        return value
    return value.get(language) or value.get(language.split("-", 1)[0])


class Entities(_Part):
    """Facts that must be right in the agent's answer, in any spoken or written form."""

    times: list[Text] = Field(default=[], description="Clock times: `9:30`, `7 pm`.")
    dates: list[Text] = Field(default=[], description="Weekdays or dates: `Tuesday`, `March 3`, `2026-03-03`.")
    amounts: list[Text] = Field(default=[], description="Sums of money: `$250`, `80 euros`.")
    numbers: list[int | float | Text] = Field(default=[], description="Plain numbers: `12`, `4.5`.")
    names: list[Text] = Field(default=[], description="Names, forgiving what a recogniser misspells.")


class Expectation(_Part):
    """What the agent's answer must be like. All that is given must hold."""

    meaning: LocalText | None = Field(default=None, description="A reference answer; the meaning counts.")
    contains: LocalTexts = Field(default=[], description="Words or phrases that must be heard.")
    absent: LocalTexts = Field(default=[], description="Words or phrases that must not be heard.")
    matches: LocalPatterns = Field(default=[], description="Regular expressions (RE2), case-insensitive.")
    entities: Entities = Entities()
    rubric: LocalText | None = Field(default=None, description="What a good answer does, in words; an LLM judges it.")
    within_ms: Annotated[int, Field(gt=0, le=600_000)] | None = Field(
        default=None, description="Limit for the time to first audio."
    )


class Turn(_Part):
    """The caller says something and the agent answers; or the agent speaks first (`expect` alone)."""

    say: LocalText | None = None
    expect: Expectation | None = None

    @model_validator(mode="after")
    def _says_or_expects(self) -> "Turn":
        if self.say is None and self.expect is None:
            msg = "a turn needs `say`, `expect` or both"
            raise ValueError(msg)
        return self


class Voice(_Part):
    """Who speaks for the caller. What is not given, the installation's settings decide."""

    engine: Literal["piper", "kokoro", "espeak", "gtts"] | None = None
    name: Text | None = Field(default=None, description="A voice of the engine.")
    speed: Annotated[float, Field(ge=0.5, le=2.0, strict=False)] = 1.0


class Defaults(_Part):
    """What holds for every case that says nothing else."""

    languages: Annotated[list[Language], Field(min_length=1)] = ["en"]
    repeats: Annotated[int, Field(ge=1, le=1000)] = 1
    voice: Voice = Voice()
    within_ms: Annotated[int, Field(gt=0, le=600_000)] | None = None


class Limits(_Part):
    """Bounds of every call of the suite."""

    call_s: Annotated[int, Field(ge=5, le=1800)] = 120
    answer_ms: Annotated[int, Field(ge=1000, le=120_000)] = 10_000
    end_of_turn_ms: Annotated[int, Field(ge=200, le=10_000)] = 900
    overlap_ms: Annotated[int, Field(ge=0, le=60_000)] = 600


class Judge(_Part):
    """How sure the machine must be to decide by itself; the rest goes to people.

    `risk` replaces the installation's. `pass_at` and `review_at` only add strictness: an automatic pass needs a
    probability of `pass_at` or more, an automatic fail one under `review_at`.
    """

    risk: Annotated[float, Field(gt=0, le=0.2, strict=False)] | None = None
    pass_at: Annotated[float, Field(ge=0, le=1, strict=False)] | None = None
    review_at: Annotated[float, Field(ge=0, le=1, strict=False)] | None = None

    @model_validator(mode="after")
    def _ordered(self) -> "Judge":
        if self.pass_at is not None and self.review_at is not None and self.review_at > self.pass_at:
            msg = f"review_at ({self.review_at}) must not be above pass_at ({self.pass_at})"
            raise ValueError(msg)
        return self


class Review(_Part):
    """How long a case waits for a human."""

    remind_after: str = "4h"
    expire_after: str = "3d"

    @field_validator("remind_after", "expire_after")
    @classmethod
    def _duration(cls, value: str) -> str:
        if parse_duration_ms(value) <= 0:
            msg = f"{value!r} is no time at all"
            raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _bounded(self) -> "Review":
        policy = self.policy()
        if policy.expire_ms > _MAX_REVIEW_MS:
            msg = "expire_after is at most 366d"
            raise ValueError(msg)
        if policy.expire_ms > _MAX_REMINDERS * policy.remind_ms:
            msg = f"remind_after is too short for expire_after: at most {_MAX_REMINDERS} reminders"
            raise ValueError(msg)
        return self

    def policy(self) -> ReviewPolicy:
        """The same in milliseconds."""
        return ReviewPolicy(
            remind_ms=parse_duration_ms(self.remind_after), expire_ms=parse_duration_ms(self.expire_after)
        )


class MediaStreamTarget(_Part):
    """An agent that speaks Twilio Media Streams at a WebSocket endpoint of its own."""

    channel: Literal["media_stream"]
    url: Annotated[Text, Field(pattern=r"^wss?://[^\s/]+")]
    headers: dict[str, Text] = Field(
        default={}, description="Sent with the handshake; `${secret:NAME}` is filled in by the calls worker."
    )
    parameters: dict[str, Text] = Field(default={}, description="customParameters of the start message.")
    auth_token: Text | None = Field(
        default=None, description="Twilio auth token to sign the handshake with, as `${secret:NAME}`."
    )


AgentTarget = MediaStreamTarget
"""Whom to call. A union by `channel` once there is more than one."""


class Case(_Part):
    """One conversation and what is expected of it."""

    id: Identifier
    title: str = ""
    tags: list[Identifier] = []
    languages: Annotated[list[Language], Field(min_length=1)] | None = None
    repeats: Annotated[int, Field(ge=1, le=1000)] | None = None
    voice: Voice | None = None
    turns: Annotated[list[Turn], Field(min_length=1, max_length=100)]


class Suite(_Part):
    """A suite of spoken test cases."""

    suite: Identifier
    description: str = ""
    agent: AgentTarget
    defaults: Defaults = Defaults()
    limits: Limits = Limits()
    judge: Judge = Judge()
    review: Review = Review()
    max_parallel: Annotated[int, Field(ge=1, le=500)] = 4
    cases: Annotated[list[Case], Field(min_length=1, max_length=MAX_CASES)]

    def case(self, case_id: str) -> Case:
        """The case of that id.

        Raises:
            KeyError: there is none.
        """
        for case in self.cases:
            if case.id == case_id:
                return case
        raise KeyError(case_id)

    def languages_of(self, case: Case) -> list[str]:
        """The languages in which a case is spoken."""
        return case.languages or self.defaults.languages

    def voice_of(self, case: Case) -> Voice:
        """The voice of a case's caller."""
        return case.voice or self.defaults.voice

    def within_ms(self, turn: Turn) -> int | None:
        """The limit for the time to first audio of a turn, if any."""
        if turn.expect is None:
            return None
        return turn.expect.within_ms or self.defaults.within_ms
