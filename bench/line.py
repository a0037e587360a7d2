"""The telephone line and the recogniser's passes, for benches that need no call."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from activities.audio.g711 import RATE_HZ as LINE_HZ
from activities.audio.g711 import decode, encode
from activities.audio.pcm import Audio

RATE_HZ = 16_000
"""Rate at which the recogniser hears."""
PAUSE_S = 0.4
"""Between the answers of a call, about."""
_WINDOW_S = 28.0
_Label = TypeVar("_Label")


def over_the_line(audio: Audio) -> Audio:
    """What is left at 16 kHz of a voice that went through G.711."""
    return Audio(decode(encode(audio.at_rate(LINE_HZ).samples)), LINE_HZ).at_rate(RATE_HZ)


def windows(spoken: Iterable[tuple[_Label, Audio]]) -> Iterator[list[tuple[_Label, Audio]]]:
    """Utterances that fit into one pass of the recogniser with pauses between them, as those of one call do."""
    batch: list[tuple[_Label, Audio]] = []
    length_s = 0.0
    for label, audio in spoken:
        takes_s = audio.duration_ms / 1000 + PAUSE_S
        if batch and length_s + takes_s > _WINDOW_S:
            yield batch
            batch, length_s = [], 0.0
        batch.append((label, audio))
        length_s += takes_s
    if batch:
        yield batch
