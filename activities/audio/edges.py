"""Where speech begins and ends in a recording: the detector says that there is some, the sound itself says where."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from activities.audio.pcm import Samples
from activities.audio.voice_activity import Span

_STEP_MS = 5
_LOOK_BACK_MS = 240
_LOOK_AHEAD_MS = 100
_WINDOW_MS = 32
_SAME_SOUND_MS = 20
"""A stop consonant is such a gap and ends no sound."""
_CLICK_MS, _APART_MS = 45, 60
"""Sound shorter than this, with so much silence after it, is a click before speech, and no part of a word."""
_WORD_MS = 100
"""Sound shorter than this, with nothing after it, is no word."""
_EDGE_MS = 300
"""What is beyond an edge tells how loud the speech is there."""
_NOISE_PERCENTILE, _SPEECH_PERCENTILE = 10, 90
_ABOVE_NOISE_DB = 12.0
_AUDIBLE_DB = 6.0
"""Speech is at least so much louder than noise."""
_UNDER_SPEECH_DB = 30.0
_USUAL_DBFS = -50.0
_LEAST_DBFS = -65.0
_NO_NOISE_DBFS = -80.0

Loud = NDArray[np.bool_]


def refine(
    spans: Sequence[Span],
    samples: Samples,
    rate_hz: int,
    *,
    join_ms: int = 200,
    apart: Sequence[int] = (),
    cuts: Sequence[int] = (),
) -> list[Span]:
    """Move each span's edges to where the sound really starts and stops, and join spans that are close.

    An edge is where the level, in steps of 5 ms, crosses a threshold near the detector's edge: 12 dB above the noise of
    the recording (its 10th percentile), and at least -50 dBFS, or 30 dB under the speech at that edge where that is
    less; half-way between both where noise and speech are closer than that. A click is no speech, alone or before it.

    Args:
        spans: as the detector found them, in samples.
        samples: the recording, shape (n,).
        rate_hz: its rate.
        join_ms: spans closer than this are one.
        apart: points in samples; spans that begin on different sides of one are never joined.
        cuts: points in samples at which the sound was cut and other sound may follow at once.
    """
    step = rate_hz * _STEP_MS // 1000
    level = _level(samples, step)
    noise = max(_NO_NOISE_DBFS, float(np.percentile(level, _NOISE_PERCENTILE))) if len(level) else _NO_NOISE_DBFS
    border = sorted([*apart, *cuts])
    refined: list[Span] = []
    parts = list(_split(spans, sorted(cuts)))
    for number, span in enumerate(parts):
        from_step = refined[-1].end // step if refined else 0
        # What the next one begins with, up to a window of the detector before it, is no end of this one.
        after = parts[number + 1].start if number + 1 < len(parts) else len(samples)
        until_step = max(span.end, after - rate_hz * _WINDOW_MS // 1000) // step
        found = _edges(level, noise, span, step, from_step, until_step)
        if found is None:
            continue
        together = bool(refined) and not any(refined[-1].start < point <= found.start for point in border)
        if together and (found.start - refined[-1].end) * 1000 < join_ms * rate_hz:
            refined[-1].end = max(refined[-1].end, found.end)
        else:
            refined.append(found)
    return refined


def _level(samples: Samples, step: int) -> NDArray[np.float64]:
    """In dBFS, of each step."""
    count = len(samples) // step
    blocks = samples[: count * step].astype(np.float64).reshape(count, step) / 32768
    return np.asarray(10 * np.log10(np.mean(np.square(blocks), axis=1) + 1e-12))


def _split(spans: Sequence[Span], cuts: Sequence[int]) -> Iterator[Span]:
    for span in spans:
        start = span.start
        for cut in cuts:
            if start < cut < span.end:
                yield Span(start, cut)
                start = cut
        yield Span(start, span.end)


def _edges(
    level: NDArray[np.float64], noise: float, span: Span, step: int, from_step: int, until_step: int
) -> Span | None:
    """The sound of a span, within these steps; None where there is none but clicks."""
    at, end = span.start // step, max(span.start // step + 1, span.end // step)
    near = _EDGE_MS // _STEP_MS
    start = _onset(level > _threshold(level[at : min(end, at + near)], noise), at, from_step, min(end, until_step))
    if start is None:
        return None
    loud = level > _threshold(level[max(at, end - near) : end], noise)
    latest = min(len(level), until_step, end + _LOOK_AHEAD_MS // _STEP_MS)
    last = next((index for index in range(latest - 1, start, -1) if loud[index]), None)
    return None if last is None else Span(start * step, (last + 1) * step)


def _threshold(speech: NDArray[np.float64], noise: float) -> float:
    loudest = float(np.percentile(speech, _SPEECH_PERCENTILE)) if len(speech) else noise
    if loudest < noise + _AUDIBLE_DB:
        return max(_USUAL_DBFS, noise + _ABOVE_NOISE_DB)
    usual = max(noise + _ABOVE_NOISE_DB, min(_USUAL_DBFS, loudest - _UNDER_SPEECH_DB), _LEAST_DBFS)
    return min(usual, (noise + loudest) / 2)


def _onset(loud: Loud, at: int, earliest: int, end: int) -> int | None:
    """First loud step of the speech in which the detector fired, or that begins shortly after; clicks are left out."""
    first_step = max(earliest, at - _LOOK_BACK_MS // _STEP_MS)
    latest = min(len(loud), max(end, at + _LOOK_AHEAD_MS // _STEP_MS))
    sounds = _sounds(loud, first_step, latest)
    # What ended before the detector fired is another sound.
    sounds = [(start, stop) for start, stop in sounds if stop > at or stop == latest]
    for number, (start, stop) in enumerate(sounds):
        after = sounds[number + 1][0] if number + 1 < len(sounds) else None
        length_ms = (stop - start) * _STEP_MS
        if after is None:
            return start if length_ms >= _WORD_MS or stop == latest else None
        if length_ms >= _CLICK_MS or (after - stop) * _STEP_MS < _APART_MS:
            return start
    return None


def _sounds(loud: Loud, start: int, stop: int) -> list[tuple[int, int]]:
    """Loud stretches, in steps, ends exclusive; a gap of up to 20 ms is part of one."""
    found: list[tuple[int, int]] = []
    for index in np.flatnonzero(loud[start:stop]) + start:
        if found and (index - found[-1][1]) * _STEP_MS <= _SAME_SOUND_MS:
            found[-1] = (found[-1][0], int(index) + 1)
        else:
            found.append((int(index), int(index) + 1))
    return found
