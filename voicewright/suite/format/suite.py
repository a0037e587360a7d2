"""The suite format: what a QA lead writes.

    suite: clinic                      # name; run it by this name once it is pushed
    description: What a caller of our front desk can do
    agent:                             # whom to call
      channel: media_stream            # we play Twilio's part towards the agent's own endpoint
      url: ws://127.0.0.1:8765/media
      headers: {Authorization: "Bearer ${secret:CLINIC_TOKEN}"}
      parameters: {tenant: demo}       # customParameters of the stream's start message
    vocabulary: [Citi Field, Shazam]   # more names that the agent says; those in `expect` are known
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
      dead_air_ms: 8000                # and any other measurement of docs/checks.md
      words_per_minute: {min: 110, max: 200}
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

from collections.abc import Callable, Iterator
from typing import Annotated

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from voicewright.contracts.review import ReviewPolicy
from voicewright.duration import parse_duration_ms
from voicewright.suite.format.agent import CHANNELS, AgentTarget
from voicewright.suite.format.channel import ChannelCapabilities, KeyPresses
from voicewright.suite.format.part import Identifier, Language, Part, Range, Text
from voicewright.suite.format.profile import PLAIN, Profile, Voice
from voicewright.suite.format.turn import MAX_DEPTH, Turn, depth, flat, misplaced, placed

MAX_CASES = 20_000
_MAX_REVIEW_MS = 366 * 86_400_000
_MAX_REMINDERS = 1000


_Place = tuple[str | int, ...]
"""Where in a suite something stands, as pydantic has it."""


class Defaults(Part):
    """What holds for every case that says nothing else."""

    languages: Annotated[list[Language], Field(min_length=1)] = ["en"]
    repeats: Annotated[int, Field(ge=1, le=1000)] = 1
    voice: Voice = Voice()
    profiles: Annotated[list[Identifier], Field(min_length=1)] = [PLAIN]
    within_ms: Annotated[int, Field(gt=0, le=600_000)] | None = None


class Limits(Part):
    """Bounds of every call of the suite."""

    call_s: Annotated[int, Field(ge=5, le=1800)] = 120
    answer_ms: Annotated[int, Field(ge=1000, le=120_000)] = 10_000
    end_of_turn_ms: Annotated[int, Field(ge=200, le=10_000)] = 900
    overlap_ms: Annotated[int, Field(ge=0, le=60_000)] = 600
    latency_p95_ms: Annotated[int, Field(gt=0, le=600_000)] | None = None
    dead_air_ms: Annotated[int, Field(ge=0, le=600_000)] | None = None
    false_interruptions: Annotated[int, Field(ge=0)] | None = None
    clipping: Annotated[float, Field(ge=0, le=1, strict=False)] | None = None
    talk_ratio: Range | None = None
    words_per_minute: Range | None = None
    level_dbfs: Range | None = None
    quality: Range | None = Field(default=None, description="DNSMOS, 1 to 5; compare within one channel only.")
    caller_error_rate: Annotated[float, Field(gt=0, le=1, strict=False)] | None = Field(
        default=None, description="Above it our own caller is to blame, and the case is errored; 0.6 where left out."
    )


class Judge(Part):
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


class Review(Part):
    """How long a case waits for a human."""

    remind_after: str = "4h"
    expire_after: str = "3d"
    opinions: Annotated[int, Field(ge=1, le=5)] = 1
    blind: Annotated[float, Field(ge=0, le=1)] = 0.0

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
            remind_ms=parse_duration_ms(self.remind_after),
            expire_ms=parse_duration_ms(self.expire_after),
            opinions=self.opinions,
            blind=self.blind,
        )


class Case(Part):
    """One conversation and what is expected of it."""

    id: Identifier
    title: str = ""
    tags: list[Identifier] = []
    languages: Annotated[list[Language], Field(min_length=1)] | None = None
    repeats: Annotated[int, Field(ge=1, le=1000)] | None = None
    voice: Voice | None = None
    profiles: Annotated[list[Identifier], Field(min_length=1)] | None = None
    turns: Annotated[list[Turn], Field(min_length=1, max_length=100)]

    @model_validator(mode="after")
    def _holdable(self) -> "Case":
        if depth(self.turns) > MAX_DEPTH:
            msg = f"branches lie at most {MAX_DEPTH} deep"
            raise ValueError(msg)
        problems = list(misplaced(self.turns))
        if self.turns[0].when is not None:
            problems.insert(0, "`when` goes by what the agent has said: let a turn with `expect` or `say` come first")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def steps(self) -> list[Turn]:
        """Every turn that may be held, by its number: those of all branches in reading order."""
        return list(flat(self.turns))


class Suite(Part):
    """A suite of spoken test cases."""

    suite: Identifier
    description: str = ""
    agent: AgentTarget
    profiles: dict[Identifier, Profile] = Field(default={}, description="Callers by name.")
    vocabulary: Annotated[list[Text], Field(max_length=200)] = Field(
        default=[], description="Names that the agent says, as you spell them: the recogniser hears them better then."
    )
    defaults: Defaults = Defaults()
    limits: Limits = Limits()
    judge: Judge = Judge()
    review: Review = Review()
    max_parallel: Annotated[int, Field(ge=1, le=500)] = 4
    cases: Annotated[list[Case], Field(min_length=1, max_length=MAX_CASES)]

    @model_validator(mode="after")
    def _sensible(self) -> "Suite":
        found = [*self._wrong_callers(), *self._wrong_channel()]
        if found:
            raise ValidationError.from_exception_data("Suite", [_at(*mistake) for mistake in dict.fromkeys(found)])
        return self

    def _wrong_callers(self) -> Iterator[tuple[_Place, str]]:
        known = {PLAIN, *self.profiles}
        if PLAIN in self.profiles:
            yield ("profiles", PLAIN), f"`{PLAIN}` is the caller without a profile: give yours another name"
        named: list[tuple[_Place, list[Identifier]]] = [(("defaults", "profiles"), self.defaults.profiles)]
        named += [(("cases", number, "profiles"), case.profiles or []) for number, case in enumerate(self.cases)]
        for place, names in named:
            for number, name in enumerate(names):
                if name not in known:
                    yield (*place, number), f"no profile {name}; there are {', '.join(sorted(known))}"
                elif name in names[:number]:
                    yield (*place, number), f"the profile {name} is named twice"

    def _wrong_channel(self) -> Iterator[tuple[_Place, str]]:
        """What this channel cannot show would fail every agent."""
        can = self.agent.capabilities
        for number, case in enumerate(self.cases):
            for place, turn in placed(case.turns, ("cases", number, "turns")):
                expect = turn.expect
                if expect is not None and expect.transfer is not None and not can.sees_transfer:
                    where = _channels(lambda one: one.sees_transfer)
                    yield (*place, "expect", "transfer"), f"{case.id}: `transfer` is seen on {where} alone"
                for key in ("intent", "result"):
                    if expect is not None and getattr(expect, key) and not can.structured_answers:
                        where = _channels(lambda one: one.structured_answers)
                        yield (*place, "expect", key), f"{case.id}: `intent` and `result` come on {where} alone"
                if turn.dtmf is not None and can.keys is KeyPresses.NONE:
                    yield (*place, "dtmf"), f"{case.id}: there is no keypad on the channel {self.agent.channel}"

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

    def profiles_of(self, case: Case) -> list[str]:
        """The callers by whom a case is spoken."""
        return case.profiles or self.defaults.profiles

    def profile(self, name: str) -> Profile:
        """A caller by name; `plain`, or no name, is one without peculiarities.

        Raises:
            KeyError: there is none.
        """
        return self.profiles[name] if name in self.profiles or name not in {"", PLAIN} else Profile()

    def voice_of(self, case: Case, profile: str = "") -> Voice:
        """The voice of a case's caller."""
        return self.profile(profile).voice or case.voice or self.defaults.voice

    def within_ms(self, turn: Turn) -> int | None:
        """The limit for the time to first audio of a turn, if any."""
        if turn.expect is None:
            return None
        return turn.expect.within_ms or self.defaults.within_ms


def _at(place: _Place, message: str) -> InitErrorDetails:
    return InitErrorDetails(type=PydanticCustomError("suite", message), loc=place, input=None)


def _channels(able: Callable[[ChannelCapabilities], bool]) -> str:
    """The channels that can do something, for a sentence."""
    return " and ".join(sorted(name for name, can in CHANNELS.items() if able(can)))
