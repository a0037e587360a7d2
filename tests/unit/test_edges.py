"""Where speech begins and ends: real speech, with clicks before and after it, quiet, and in noise."""

import numpy as np
import pytest
from numpy.typing import NDArray

from activities.audio import g711
from activities.audio.edges import refine
from activities.audio.pcm import Samples, to_int16
from activities.audio.voice_activity import Detectors, Span, VoiceActivity
from activities.speech.level import trim_silence
from activities.speech.voices.piper import PiperEngine
from voicewright.settings import Settings

RATE = 8000
DETECTORS = Detectors()
Sound = NDArray[np.float64]


@pytest.fixture(scope="module")
def words() -> Sound:
    settings = Settings()
    spoken = PiperEngine(settings.piper_voice, settings.models_dir).speak("Yes, of course.", "en", None, 1)
    sound = trim_silence(spoken).at_rate(RATE).samples.astype(np.float64)
    loud = np.flatnonzero(np.abs(sound) > 500)
    return sound[loud[0] : loud[-1] + 1]


def heard(parts: dict[int, Sound], *, noise: float = 0, seconds: int = 6) -> list[Span]:
    """Speech found on a line that carries these sounds at these times, in ms; the result too."""
    line = np.random.default_rng(5).normal(0, noise, RATE * seconds) if noise else np.zeros(RATE * seconds)
    for start, sound in parts.items():
        line[start * 8 : start * 8 + len(sound)] += sound
    samples: Samples = g711.decode(g711.encode(to_int16(line)))
    with DETECTORS.borrow(RATE) as detector:
        activity = VoiceActivity(detector, RATE)
        for at in range(0, len(samples), 160):
            activity.hear(samples[at : at + 160])
    return [Span(span.start // 8, span.end // 8) for span in refine(activity.spans, samples, RATE)]


def click(kind: str, ms: int) -> Sound:
    count = RATE * ms // 1000
    time = np.arange(count) / RATE
    sounds: dict[str, Sound] = {
        "noise": np.random.default_rng(1).normal(0, 6000, count),
        "tone": 8000 * np.sin(2 * np.pi * 400 * time),
        "crack": 12000 * np.exp(-time * 100),
        "buzz": np.asarray(sum(3000 / n * np.sin(2 * np.pi * 140 * n * time) for n in range(1, 15))),
    }
    return sounds[kind]


CLICKS = [(kind, ms) for kind in ("noise", "tone", "crack", "buzz") for ms in (10, 30, 45)]


@pytest.mark.parametrize(("kind", "ms"), CLICKS)
def test_a_click_after_speech_is_none(words: Sound, kind: str, ms: int) -> None:
    first = len(words) // 8
    for gap in (300, 800, 2500):
        found = heard({1000: words, 1000 + first + gap: click(kind, ms)})
        assert found, "the words themselves"
        assert found[-1].end <= 1000 + first + 60


@pytest.mark.parametrize(("kind", "ms"), CLICKS)
def test_a_click_before_an_answer_is_not_its_beginning(words: Sound, kind: str, ms: int) -> None:
    for gap in (100, 250, 700):
        found = heard({500: words, 4000 - gap - ms: click(kind, ms), 4000: words})
        answer = [span for span in found if span.start > 3000]
        assert abs(answer[0].start - 4000) <= 10


@pytest.mark.parametrize("noise", [0, 8])
@pytest.mark.parametrize("dbfs", [-35, -44, -47])
def test_quiet_words_are_whole(words: Sound, dbfs: int, noise: int) -> None:
    gain = 10 ** (dbfs / 20) * 32768 / np.sqrt(np.mean(words**2))
    for said in (words * gain, np.concatenate([words, np.zeros(1200), words * gain])):
        found = heard({2000: said}, noise=noise)
        assert abs(found[0].start - 2000) <= 25
        assert abs(found[-1].end - 2000 - len(said) // 8) <= 75


def test_a_sound_of_its_own_before_words_is_told_apart_from_them(words: Sound) -> None:
    hiss = np.random.default_rng(2).normal(0, 250, RATE // 5)
    found = heard({1000: hiss, 1000 + 200 + 90: words})
    assert abs(found[0].start - 1290) <= 25


def test_noise_alone_is_no_speech() -> None:
    assert heard({}, noise=300) == []
    assert heard({1000: click("noise", 400)}) == []
