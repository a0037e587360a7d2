"""What the recogniser hears of a side of a call, and where in the call its words belong.

Only the stretches of speech are recognised, joined by short pauses: a recogniser that is fed long silence invents
words, and one pass over a whole side costs a fraction of a pass per turn. Each word is then put back to where it was
said, and belongs to the turn of the stretch that it was heard in.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from activities.audio.pcm import Audio
from activities.ports.speech import HeardWord
from voicewright.contracts.call import Speech
from voicewright.contracts.transcript import Word

RATE_HZ = 16_000
"""Rate at which the recogniser hears."""
_PAD_MS = 120
"""Kept around each stretch: soft consonants lie outside its edges."""
_STRETCHED_MS = 300
"""How long before the end of a piece a word that belongs to the next one may seem to begin."""
_ECHO = 2
"""Fewer words are not taken for an echo."""
_PAUSE_MS = 400
_JOIN_MS = 500
"""Stretches of one turn that are nearer than this are heard as one."""


@dataclass
class Piece:
    """A stretch of one side: where it was in the recording and where it is in what the recogniser hears.

    `heard_at_ms` is noted by `lay_out`.
    """

    turn: int | None
    start_ms: int
    end_ms: int
    heard_at_ms: int = 0

    @property
    def heard_end_ms(self) -> int:
        """Where it ends in what the recogniser hears."""
        return self.heard_at_ms + self.end_ms - self.start_ms


def join(speech: Sequence[Speech], duration_ms: int) -> list[Piece]:
    """Stretches to recognise: padded, and joined where they are one turn's and close together."""
    pieces: list[Piece] = []
    for item in speech:
        start, end = max(0, item.start_ms - _PAD_MS), min(duration_ms, item.end_ms + _PAD_MS)
        last = pieces[-1] if pieces else None
        if last is not None and last.turn == item.turn and start - last.end_ms < _JOIN_MS:
            last.end_ms = end
        else:
            pieces.append(Piece(item.turn, start, end))
    return pieces


def lay_out(pieces: Sequence[Piece], audio: Audio) -> NDArray[np.float32]:
    """The pieces one after the other with pauses between; notes where each one went."""
    samples = audio.as_float()
    pause = np.zeros(RATE_HZ * _PAUSE_MS // 1000, np.float32)
    parts: list[NDArray[np.float32]] = []
    length = 0
    for piece in pieces:
        piece.heard_at_ms = length * 1000 // RATE_HZ
        cut = samples[piece.start_ms * RATE_HZ // 1000 : piece.end_ms * RATE_HZ // 1000]
        parts += [cut, pause]
        length += len(cut) + len(pause)
    return np.concatenate(parts)


def put_back(word: HeardWord, pieces: Sequence[Piece]) -> Word:
    """Where a word was said: in the last piece that began before its end.

    A recogniser lets the first word after a pause begin within the pause, by as much as all of it. What begins well
    within what was said before the pause is a last word, whose end was stretched.
    """
    start_ms, end_ms = word.start_s * 1000, word.end_s * 1000
    index = max((at for at, piece in enumerate(pieces) if piece.heard_at_ms + _PAD_MS / 2 < end_ms), default=0)
    while index and start_ms < pieces[index - 1].heard_end_ms - _STRETCHED_MS:
        index -= 1
    piece = pieces[index]
    shift = piece.start_ms - piece.heard_at_ms

    def place(seconds: float) -> int:
        return min(piece.end_ms, max(piece.start_ms, round(seconds * 1000) + shift))

    return Word(
        text=word.text,
        start_ms=place(word.start_s),
        end_ms=place(word.end_s),
        confidence=round(min(1.0, max(0.0, word.confidence)), 3),
        turn=piece.turn,
        first_heard=word.first_heard,
        may_be=word.may_be,
    )


def without_echoes(words: Sequence[Word]) -> tuple[Word, ...]:
    """Words without those that a recogniser wrote once more behind the end of what was said.

    Whisper sometimes goes on, and writes the last phrase again where there is no sound. Put back, such words take no
    time: they lie at the end of their piece. An agent that says the same again takes its time for it.
    """
    kept: list[Word] = []
    at = 0
    while at < len(words):
        size = 0
        while at + size < len(words) and words[at + size].start_ms == words[at + size].end_ms:
            size += 1
        echo = size >= _ECHO and [_bare(one) for one in kept[-size:]] == [_bare(one) for one in words[at : at + size]]
        if not echo:
            kept += words[at : at + max(1, size)]
        at += max(1, size)
    return tuple(kept)


def _bare(word: Word) -> tuple[int | None, str]:
    return word.turn, "".join(filter(str.isalnum, word.text)).casefold()
