"""Turns of a case: what the caller does, what the agent is expected to do, and where the conversation may branch.

turns:
  - expect: {meaning: "Welcome. For bookings press one."}
  - wait_for: {matches: ["press one"], within_s: 30}   # until the agent has said it
    dtmf: "1"                                          # then press keys
    expect: {contains: [booking]}
  - say: Tell me about all your doctors.
  - interrupt: {after_ms: 1200}                        # talk into that long answer
    say: Never mind. When do you open?
    expect: {stops_within_ms: 600, entities: {times: ["8:00"]}}
  - silence_s: 6                                       # say nothing; the agent should ask again
    expect: {meaning: Are you still there?}
  - when:                                              # by what the agent said last
      - said: {matches: ["which (doctor|physician)"]}
        then:
          - say: Doctor Adams, please.
      - said: {meaning: We have no free slots.}
        then:
          - {say: "Thank you, goodbye.", hangup: true}
    else:
      - say: Nothing else, thank you.
        expect: {hangup: true}                         # the agent ends the call
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal, TypeVar, cast

from pydantic import Field, JsonValue, model_validator

from voicewright.suite.format.part import (
    JsonPath,
    Keys,
    LocalPatterns,
    LocalText,
    LocalTexts,
    Part,
    Pattern,
    Range,
    Text,
)

MAX_DEPTH = 5
"""Branches within branches."""


LOCAL_TEXTS: dict[str, tuple[str, ...]] = {
    "turn": ("say",),
    "expect": ("meaning", "contains", "absent", "matches", "rubric"),
    "wait_for": ("meaning", "contains", "matches"),
    "said": ("meaning", "contains", "matches"),
}
"""Fields of a turn and of its parts that may hold a text per language."""


class Entities(Part):
    """Facts that must be right in the agent's answer, in any spoken or written form."""

    times: list[Text] = Field(default=[], description="Clock times: `9:30`, `7 pm`.")
    dates: list[Text] = Field(default=[], description="Weekdays or dates: `Tuesday`, `March 3`, `2026-03-03`.")
    amounts: list[Text] = Field(default=[], description="Sums of money: `$250`, `80 euros`.")
    numbers: list[int | float | Text] = Field(default=[], description="Plain numbers: `12`, `4.5`.")
    names: list[Text] = Field(default=[], description="Names, forgiving what a recogniser misspells.")


Milliseconds = Annotated[int, Field(gt=0, le=600_000)]


class Expectation(Part):
    """What the agent's answer must be like. All that is given must hold."""

    meaning: LocalText | None = Field(default=None, description="A reference answer; the meaning counts.")
    contains: LocalTexts = Field(default=[], description="Words or phrases that must be heard.")
    absent: LocalTexts = Field(default=[], description="Words or phrases that must not be heard.")
    matches: LocalPatterns = Field(default=[], description="Regular expressions (RE2), case-insensitive.")
    entities: Entities = Entities()
    rubric: LocalText | None = Field(default=None, description="What a good answer does, in words; an LLM judges it.")
    within_ms: Milliseconds | None = Field(default=None, description="Limit for the time to first audio.")
    stops_within_ms: Milliseconds | None = Field(
        default=None, description="How soon the agent falls silent once this turn interrupts it."
    )
    hangup: Literal[True] | None = Field(default=None, description="The agent ends the call.")
    transfer: Literal[True] | Pattern | None = Field(
        default=None, description="The agent transfers the call; a regular expression says where to."
    )
    dtmf: Keys | None = Field(default=None, description="Keys that the agent presses, by event or as tones.")
    intent: Text | None = Field(default=None, description="The command that the agent understood (`houndify`).")
    result: dict[JsonPath, JsonValue] = Field(
        default={}, description="JSONPath to expected value in the agent's structured result (`houndify`)."
    )
    words_per_minute: Range | None = Field(default=None, description="The agent's speech rate.")
    level_dbfs: Range | None = Field(default=None, description="Level of the agent's speech.")

    @property
    def wants_all(self) -> list[str]:
        """What is expected of the answer that only a whole answer can have."""
        names = ("meaning", "rubric", "entities", "dtmf", "intent", "result")
        return [name for name in names if name in self.model_fields_set]

    @property
    def ends_call(self) -> bool:
        """Whether the agent is expected to end the call or to hand it on."""
        return self.hangup is not None or self.transfer is not None


class Said(Part):
    """A condition on what the agent said. One that holds is enough within a list; all given kinds must hold."""

    matches: LocalPatterns = Field(default=[], description="One of these regular expressions (RE2).")
    contains: LocalTexts = Field(default=[], description="One of these words or phrases.")
    meaning: LocalText | None = Field(default=None, description="A sentence of this meaning.")

    @model_validator(mode="after")
    def _says_something(self) -> "Said":
        if not self.matches and not self.contains and self.meaning is None:
            msg = "give matches, contains or meaning"
            raise ValueError(msg)
        return self


class WaitFor(Said):
    """Listen until the agent has said something."""

    within_s: Annotated[float, Field(gt=0, le=600, strict=False)] = 60


class Interrupt(Part):
    """Begin to talk while the agent talks."""

    after_ms: Annotated[int, Field(ge=0, le=60_000)] = Field(description="Into the agent's turn.")


class When(Part):
    """One way that the conversation may go."""

    said: Said
    then: Annotated[list["Turn"], Field(min_length=1, max_length=100)]


class Turn(Part):
    """The caller says or does something and the agent answers; or the agent speaks first (`expect` alone)."""

    say: LocalText | None = None
    dtmf: Keys | None = Field(default=None, description="Keys that the caller presses, as the channel does that.")
    tones: bool = Field(default=False, description="Press the keys as tones in the audio, whatever the channel has.")
    silence_s: Annotated[float, Field(gt=0, le=300, strict=False)] | None = Field(
        default=None, description="The caller says nothing for so long, or until the agent speaks."
    )
    interrupt: Interrupt | None = Field(default=None, description="Talk into the agent's answer to the turn before.")
    wait_for: WaitFor | None = Field(default=None, description="What the agent must have said first.")
    hangup: bool = Field(default=False, description="The caller hangs up after this.")
    expect: Expectation | None = None
    when: Annotated[list[When], Field(min_length=1, max_length=20)] | None = Field(
        default=None, description="Go on by what the agent said last: the first condition that holds."
    )
    otherwise: list["Turn"] = Field(default=[], alias="else", description="Where no condition of `when` holds.")

    @property
    def act(self) -> str:
        """What the caller does besides speaking, for people."""
        acts = [
            "waits for the agent's words" if self.wait_for is not None else "",
            f"interrupts after {self.interrupt.after_ms} ms" if self.interrupt is not None else "",
            f"presses {self.dtmf}" if self.dtmf is not None else "",
            f"is silent for up to {self.silence_s:g} s" if self.silence_s is not None else "",
            "hangs up" if self.hangup else "",
        ]
        return ", ".join(act for act in acts if act)

    @model_validator(mode="after")
    def _one_thing(self) -> "Turn":
        acts = [name for name in ("say", "dtmf", "silence_s") if getattr(self, name) is not None]
        if self.when is not None:
            others = self.model_fields_set - {"when", "otherwise"}
            if others:
                msg = f"`when` stands alone in its turn: move {', '.join(sorted(others))} to a turn of its own"
                raise ValueError(msg)
            return self
        if self.otherwise:
            msg = "`else` belongs to a `when`"
            raise ValueError(msg)
        if not acts and self.expect is None and not self.hangup:
            msg = "a turn needs `say`, `expect` or both; or `dtmf`, `silence_s`, `hangup`, `when`"
            raise ValueError(msg)
        if len(acts) > 1:
            msg = f"one thing a turn: `{acts[0]}` and `{acts[1]}` are two"
            raise ValueError(msg)
        if self.interrupt is not None and self.say is None and self.dtmf is None:
            msg = "`interrupt` needs something to interrupt with: `say` or `dtmf`"
            raise ValueError(msg)
        if self.expect is not None and self.expect.stops_within_ms is not None and self.interrupt is None:
            msg = "`stops_within_ms` is for a turn with `interrupt`"
            raise ValueError(msg)
        if self.tones and self.dtmf is None:
            msg = "`tones` says how to press `dtmf`"
            raise ValueError(msg)
        if self.hangup and self.expect is not None:
            msg = "nobody hears an answer after `hangup`: expect it in the turn before"
            raise ValueError(msg)
        return self


AnyTurn = TypeVar("AnyTurn", bound=Turn)


def flat(turns: Sequence[AnyTurn]) -> Iterator[AnyTurn]:
    """Every turn in reading order, those of all branches included; a turn's index in it is its number everywhere."""
    for turn in turns:
        if turn.when is None:
            yield turn
            continue
        for way in turn.when:
            yield from flat(cast("Sequence[AnyTurn]", way.then))
        yield from flat(cast("Sequence[AnyTurn]", turn.otherwise))


def placed(turns: Sequence[AnyTurn], place: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], AnyTurn]]:
    """Every turn with where it stands in the file; `place` is that of `turns`."""
    for number, turn in enumerate(turns):
        here = (*place, number)
        if turn.when is None:
            yield here, turn
            continue
        for way, branch in enumerate(turn.when):
            yield from placed(cast("Sequence[AnyTurn]", branch.then), (*here, "when", way, "then"))
        yield from placed(cast("Sequence[AnyTurn]", turn.otherwise), (*here, "else"))


def straight(turns: Sequence[Turn]) -> set[int]:
    """Numbers of the turns outside all branches: those that every conversation should come to."""
    found: set[int] = set()
    number = 0
    for turn in turns:
        if turn.when is None:
            found.add(number)
        number += len(list(flat([turn])))
    return found


def depth(turns: Sequence[Turn]) -> int:
    """How many branches lie within each other; 0 for a straight conversation."""
    return max((1 + max(depth(t.otherwise), *(depth(way.then) for way in t.when)) for t in turns if t.when), default=0)


def misplaced(turns: Sequence[Turn]) -> Iterator[str]:
    """What no turn can know of its neighbours."""
    for number, turn in enumerate(turns):
        last = number == len(turns) - 1
        if not last and (turn.hangup or (turn.expect is not None and turn.expect.ends_call)):
            yield f"turn {number + 1} ends the call: nothing can follow it"
        if turn.interrupt is not None:
            before = turns[number - 1] if number else None
            if before is None or before.when is not None:
                yield f"turn {number + 1} interrupts: it must follow a turn whose answer it talks into"
            elif before.expect is not None and (whole := before.expect.wants_all):
                yield f"turn {number + 1} cuts the answer to turn {number}, so that cannot expect {', '.join(whole)}"
        for way in turn.when or ():
            yield from misplaced(way.then)
        yield from misplaced(turn.otherwise)
