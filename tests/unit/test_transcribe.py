"""Words of one pass over a whole side, put back to the turns in which they were said."""

import numpy as np
import pytest

from activities.audio.pcm import Audio
from activities.ports.speech import HeardWord
from activities.speech.recognition.pieces import join, lay_out, put_back, without_echoes
from activities.speech.recognition.whisper import join_fragments, pauses_end_s
from voicewright.contracts.call import Side, Speech
from voicewright.contracts.transcript import Word


@pytest.mark.parametrize(
    ("start_s", "end_s", "turn", "start_ms", "end_ms"),
    [
        (0.2, 1.1, 1, 1080, 1980),
        (0.8, 1.5, 1, 1680, 2120),  # the last word, held into the pause
        (1.4, 1.8, 2, 4880, 5040),  # `I`: begins in the pause, as recognisers say, but ends within the answer
        (1.9, 9.0, 2, 5140, 6120),
        (0.9, 1.76, 1, 1780, 2120),  # a last word whose end was stretched to where the next begins
        (0.0, 0.0, 1, 880, 880),
    ],
)
def test_a_word_belongs_to_the_turn_in_which_it_ends(
    start_s: float, end_s: float, turn: int, start_ms: int, end_ms: int
) -> None:
    speech = [
        Speech(side=Side.AGENT, turn=1, start_ms=1000, end_ms=2000),
        Speech(side=Side.AGENT, turn=2, start_ms=5000, end_ms=6000),
    ]
    pieces = join(speech, 10_000)
    assert len(lay_out(pieces, Audio(np.zeros(80_000, np.int16), 8_000).at_rate(16_000))) == 16_000 * 328 // 100
    assert [piece.heard_at_ms for piece in pieces] == [0, 1640]
    word = put_back(HeardWord("I", start_s, end_s, 0.9), pieces)
    assert (word.turn, word.start_ms, word.end_ms) == (turn, start_ms, end_ms)


def test_numbers_are_joined_within_an_answer_and_not_over_a_pause() -> None:
    sound = np.zeros(32_000, np.float32)
    sound[:12_000] = sound[20_000:] = 0.1
    assert pauses_end_s(sound) == [1.25]
    assert pauses_end_s(sound[:12_000]) == []

    def heard(*pieces: tuple[str, float]) -> list[str]:
        found = [HeardWord(text, end_s - 0.3, end_s, 0.9) for text, end_s in pieces]
        return [word.text for word in join_fragments(found, pauses_end_s(sound))]

    assert heard((" $10", 0.4), (".50", 0.7)) == ["$10.50"]
    assert heard((" $112", 0.7), (".58", 1.7), (" degrees", 1.9)) == ["$112", "58", "degrees"]
    assert heard((" 510", 0.4), ("-524", 0.7), ("-102", 1.7)) == ["510-524", "102"]
    assert heard((" twelve", 1.6), (".50", 1.9)) == ["twelve.50"]
    assert pauses_end_s(np.where(sound, sound, 1e-4)) == []  # silence on a line is no joint between answers
    assert heard((" done", 0.7), (".", 1.3), (" -5", 1.7)) == ["done.", "-5"]


def at(text: str, start_ms: int, end_ms: int, turn: int = 2) -> Word:
    return Word(text=text, start_ms=start_ms, end_ms=end_ms, confidence=0.9, turn=turn)


def test_what_is_written_once_more_behind_the_end_was_not_said() -> None:
    said = [at("A", 0, 90), at("visit", 90, 300), at("costs", 300, 500), at("$45.", 500, 1100)]
    echo = [at("a", 1100, 1100), at("visit", 1100, 1100), at("costs,", 1100, 1100), at("$45", 1100, 1100)]
    after = [at("Yes.", 2000, 2300, turn=3)]
    assert without_echoes([*said, *echo, *after]) == (*said, *after)
    again = [at(word.text, word.start_ms + 1200, word.end_ms + 1200) for word in said]
    assert without_echoes([*said, *again]) == (*said, *again)  # an agent that says it twice
    other = [at("Or", 1100, 1100), at("fifty.", 1100, 1100)]
    assert without_echoes([*said, *other]) == (*said, *other)  # other words: whatever they are, they are shown
    assert without_echoes([*said, at("$45", 1100, 1100)])[-1].text == "$45"  # a single one may be a stammer
    assert without_echoes([]) == ()
