"""From a case to the script that the caller holds: turns with their speech ready, branches with their conditions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from activities.audio.pcm import Samples
from voicewright.suite.format.spoken import SpokenCase, SpokenCondition, SpokenTurn


class Awaits(StrEnum):
    """What ends a turn."""

    NOTHING = "nothing"
    ANSWER = "answer"
    HANGUP = "hangup"
    TRANSFER = "transfer"
    KEYS = "keys"


@dataclass(frozen=True)
class PlannedTurn:
    """A turn of the suite, ready to be held. `speech` is at the line's rate; None where the caller does not speak."""

    index: int
    speech: Samples | None
    judged: bool
    """Whether the answer is expected to be anything; if not, the last turn does not wait for one."""
    text: str | None = None
    """What `speech` says."""
    keys: str = ""
    tones: bool = False
    silence_ms: int | None = None
    interrupt_ms: int | None = None
    wait_for: SpokenCondition | None = None
    wait_ms: int = 60_000
    hangs_up: bool = False
    awaits: Awaits = Awaits.ANSWER

    @property
    def acts(self) -> bool:
        """Whether the caller does anything that the agent could hear."""
        return self.speech is not None or bool(self.keys)


@dataclass(frozen=True)
class PlannedBranch:
    """Ways to go on, tried in order."""

    ways: tuple[tuple[SpokenCondition, tuple["Planned", ...]], ...]
    otherwise: tuple["Planned", ...]


Planned = PlannedTurn | PlannedBranch


def plan(case: SpokenCase, speech: Mapping[int, Samples]) -> list[Planned]:
    """The script of a case. `speech` has the caller's words by the turn's number in `Case.steps`."""
    numbers = iter(range(len(case.steps)))
    return list(_planned(case.turns, numbers, speech))


def _planned(turns: Sequence[SpokenTurn], numbers: Iterator[int], speech: Mapping[int, Samples]) -> Iterator[Planned]:
    for turn in turns:
        if turn.when is not None:
            ways = tuple((way.said, tuple(_planned(way.then, numbers, speech))) for way in turn.when)
            yield PlannedBranch(ways, tuple(_planned(turn.otherwise, numbers, speech)))
        else:
            yield _turn(turn, next(numbers), speech)


def _turn(turn: SpokenTurn, index: int, speech: Mapping[int, Samples]) -> PlannedTurn:
    expect = turn.expect
    awaits = Awaits.ANSWER
    if turn.hangup:
        awaits = Awaits.NOTHING
    elif expect is not None and expect.hangup:
        awaits = Awaits.HANGUP
    elif expect is not None and expect.transfer is not None:
        awaits = Awaits.TRANSFER
    elif expect is not None and expect.dtmf is not None:
        awaits = Awaits.KEYS
    return PlannedTurn(
        index=index,
        speech=speech.get(index),
        text=turn.say,
        judged=expect is not None,
        keys=turn.dtmf or "",
        tones=turn.tones,
        silence_ms=round(turn.silence_s * 1000) if turn.silence_s is not None else None,
        interrupt_ms=turn.interrupt.after_ms if turn.interrupt is not None else None,
        wait_for=turn.wait_for,
        wait_ms=round(turn.wait_for.within_s * 1000) if turn.wait_for is not None else 0,
        hangs_up=turn.hangup,
        awaits=awaits,
    )
