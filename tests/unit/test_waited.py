"""A wait in vain is the agent's fault only if the words are not in the recording either."""

from collections.abc import Sequence
from typing import Any

import pytest
from test_gate import call

from activities.checks.heard.waited import unheard_in_time
from voicewright.contracts.call import CallEnd, Side
from voicewright.contracts.transcript import SideTranscript, Word
from voicewright.judge.pair import Pair
from voicewright.judge.verdict import Judgement, MeaningVerdict
from voicewright.suite.format.spoken import SpokenCase


class Likeness:
    """A judge that finds equal what shares its first word."""

    name = "likeness"

    def judge(self, pairs: Sequence[Pair], risk: float | None = None) -> list[Judgement]:
        same = [pair.expected.split()[0].lower() == pair.actual.split()[0].lower() for pair in pairs]
        return [Judgement(float(one), MeaningVerdict.PASS if one else MeaningVerdict.FAIL) for one in same]


def because(said: str, wait: dict[str, Any], *, end: CallEnd = CallEnd.WAITED_IN_VAIN, turn: int = 0) -> str | None:
    case = SpokenCase.model_validate(
        {"id": "x", "turns": [{"say": "Hello."}, {"wait_for": {**wait, "within_s": 5}, "dtmf": "1"}]}
    )
    held = call(end=end)
    words = tuple(Word(text=text, start_ms=5_000, end_ms=6_000, confidence=0.9, turn=turn) for text in said.split())
    agent = SideTranscript(side=Side.AGENT, language="en", words=words)
    transcript = held.transcript.model_copy(update={"agent": agent})
    return unheard_in_time(case, "en", type(held)(held.record, held.caller, held.agent, transcript), Likeness())


@pytest.mark.parametrize(
    ("said", "wait"),
    [
        ("For sales press 1.", {"matches": ["press (one|1)"]}),
        ("For sales press one.", {"contains": ["sales", "support"]}),
        ("Sales? Press one.", {"meaning": "Sales? has number one"}),
    ],
)
def test_words_that_are_in_the_recording_are_our_fault(said: str, wait: dict[str, Any]) -> None:
    reason = because(said, wait)
    assert reason is not None
    assert "what turn 2 waited for (its words end at 6.0 s)" in reason


@pytest.mark.parametrize(
    ("said", "wait", "more"),
    [
        ("We are closed.", {"contains": ["sales"]}, {}),
        ("For sales press two.", {"contains": ["sales"], "matches": ["press (one|1)"]}, {}),
        ("Nobody is here.", {"meaning": "Sales has number one"}, {}),
        ("", {"contains": ["sales"]}, {}),
        ("For sales press one.", {"contains": ["sales"]}, {"turn": 3}),  # said before the last turn was answered
        ("For sales press one.", {"contains": ["sales"]}, {"end": CallEnd.AGENT_HUNG_UP}),
    ],
)
def test_words_that_are_not_are_the_agents(said: str, wait: dict[str, Any], more: dict[str, Any]) -> None:
    assert because(said, wait, **more) is None
