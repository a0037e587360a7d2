"""Words of one pass over a whole side, put back to the turns in which they were said."""

import numpy as np
import pytest

from activities.audio import Audio
from activities.ports import HeardWord
from activities.transcribe import join, lay_out, put_back
from voicewright.call import Side, Speech


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
