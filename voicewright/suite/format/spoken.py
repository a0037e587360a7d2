"""A case in the one language in which it is spoken: texts are plain, and no step need choose among languages again."""

from typing import Any

from pydantic import Field

from voicewright.suite.format.part import in_language
from voicewright.suite.format.suite import Case
from voicewright.suite.format.turn import LOCAL_TEXTS, Expectation, Said, Turn, WaitFor, When, flat


class SpokenSaid(Said):
    """See `Said`."""

    matches: list[str] = []
    contains: list[str] = []
    meaning: str | None = None


class SpokenWaitFor(WaitFor):
    """See `WaitFor`."""

    matches: list[str] = []
    contains: list[str] = []
    meaning: str | None = None


SpokenCondition = SpokenSaid | SpokenWaitFor
"""What a branch or a wait listens for."""


class SpokenExpectation(Expectation):
    """See `Expectation`."""

    meaning: str | None = None
    contains: list[str] = []
    absent: list[str] = []
    matches: list[str] = []
    rubric: str | None = None


class SpokenWhen(When):
    """See `When`."""

    said: SpokenSaid
    then: list["SpokenTurn"]  # type: ignore[assignment]  # a list of spoken turns is never written to


class SpokenTurn(Turn):
    """See `Turn`."""

    say: str | None = None
    wait_for: SpokenWaitFor | None = None
    expect: SpokenExpectation | None = None
    when: list[SpokenWhen] | None = None  # type: ignore[assignment]  # the same
    otherwise: list["SpokenTurn"] = Field(default=[], alias="else")  # type: ignore[assignment]  # the same


class SpokenCase(Case):
    """See `Case`."""

    turns: list[SpokenTurn]  # type: ignore[assignment]  # the same

    @property
    def steps(self) -> list[SpokenTurn]:  # type: ignore[override]  # the same
        """Every turn that may be held, by its number: those of all branches in reading order."""
        return list(flat(self.turns))


def spoken(case: Case, language: str) -> SpokenCase:
    """The case with the texts of one language: the exact tag's, else those of its base language."""
    plain = case.model_dump(exclude_unset=True)
    plain["turns"] = [_turn(turn, language) for turn in plain["turns"]]
    return SpokenCase.model_validate(plain)


def _turn(turn: dict[str, Any], language: str) -> dict[str, Any]:
    chosen = _texts(turn, LOCAL_TEXTS["turn"], language)
    for part in ("expect", "wait_for"):
        if isinstance(chosen.get(part), dict):
            chosen[part] = _texts(chosen[part], LOCAL_TEXTS[part], language)
    if chosen.get("when") is not None:
        chosen["when"] = [
            {
                **way,
                "said": _texts(way["said"], LOCAL_TEXTS["said"], language),
                "then": [_turn(one, language) for one in way["then"]],
            }
            for way in chosen["when"]
        ]
    if "otherwise" in chosen:
        chosen["else"] = [_turn(one, language) for one in chosen.pop("otherwise")]
    return chosen


def _texts(part: dict[str, Any], fields: tuple[str, ...], language: str) -> dict[str, Any]:
    chosen = {name: in_language(value, language) if name in fields else value for name, value in part.items()}
    # A list that has no entry in this language is empty, as one that was left out.
    return {name: value for name, value in chosen.items() if value is not None}
