"""What our own caller says is recognised once, and again where a call may have changed its sound."""

import hashlib
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from activities.audio.pcm import Audio
from activities.ports.speech import HeardWord
from activities.speech.recognition.caller_words import CallerWords
from voicewright.contracts.artifact import ArtifactRef
from voicewright.contracts.call import CallEnd, CallRecord, Network, Pacing, Side, Speech
from voicewright.contracts.steps import CallerSpeech, Utterance
from voicewright.contracts.transcript import Word
from voicewright.suite.format.profile import Noise, Profile

PLAIN = Profile()
LENGTH_MS = 1_000


class Stored(dict[str, bytes]):
    """As much of an object store as callers' words need."""

    def get_if_present(self, key: str) -> bytes | None:
        return self.get(key)

    def put_if_absent(self, key: str, body: bytes, media_type: str) -> None:
        self.setdefault(key, body)


class OneWordEach:
    """Hears one word in every second of sound, and counts how often it was asked."""

    def __init__(self, name: str = "ears 1") -> None:
        self.name = name
        self.heard_s: list[float] = []

    def recognise(
        self, samples: NDArray[np.float32], language: str, *, careful: bool = True, names: Sequence[str] = ()
    ) -> list[HeardWord]:
        self.heard_s.append(round(len(samples) / 16_000, 1))
        return [
            HeardWord(f"word{at}", at * 1.6 + 0.3, at * 1.6 + 0.9, 0.8) for at in range(round(len(samples) / 25_600))
        ]


def utterance(turn: int, text: str) -> Utterance:
    digest = hashlib.sha256(text.encode()).hexdigest()
    audio = ArtifactRef(uri=f"s3://x/speech/{digest}.wav", sha256=digest, size_bytes=1, media_type="audio/wav")
    return Utterance(turn=turn, audio=audio, duration_ms=LENGTH_MS)


SPEECH = CallerSpeech(utterances=(utterance(0, "Hello."), utterance(1, "Goodbye.")))


def record(
    starts: Sequence[int] = (1_000, 5_000),
    *,
    last_ms: int = LENGTH_MS,
    lost: int = 0,
    late_ms: float = 1.0,
    gone: int = 0,
) -> CallRecord:
    lengths = [*[LENGTH_MS] * (len(starts) - 1), last_ms][: len(starts)]
    return CallRecord(
        channel="media_stream",
        end=CallEnd.COMPLETED,
        recording=SPEECH.utterances[0].audio,
        sample_rate_hz=8_000,
        duration_ms=10_000,
        dials=1,
        turns=(),
        speech=tuple(
            Speech(side=Side.CALLER, turn=turn, start_ms=start, end_ms=start + length)
            for turn, (start, length) in enumerate(zip(starts, lengths, strict=True))
        ),
        pacing=Pacing(frames=500, frames_lost=lost, late_p50_ms=0, late_p99_ms=late_ms, late_max_ms=late_ms),
        network=Network(packets=500, packets_lost=gone),
    )


def hear(
    store: Stored,
    ears: OneWordEach,
    held: CallRecord,
    speech: CallerSpeech | None = SPEECH,
    profile: Profile = PLAIN,
    language: str = "en",
) -> tuple[Word, ...]:
    audio = Audio(np.zeros(160_000, np.int16), 16_000)
    return CallerWords(store, ears).heard(held, audio, language, speech, profile)  # type: ignore[arg-type]


def test_an_utterance_is_recognised_in_its_first_call_and_placed_in_the_others() -> None:
    store, ears = Stored(), OneWordEach()
    first = hear(store, ears, record())
    again = hear(store, ears, record((2_000, 7_500)))
    assert len(ears.heard_s) == 1
    assert [(word.text, word.turn) for word in first] == [("word0", 0), ("word1", 1)]
    assert [(word.text, word.turn) for word in again] == [("word0", 0), ("word1", 1)]
    assert [after.start_ms - before.start_ms for before, after in zip(first, again, strict=True)] == [1_000, 2_500]


def test_only_what_is_new_is_recognised() -> None:
    store, ears = Stored(), OneWordEach()
    hear(store, ears, record())
    other = CallerSpeech(utterances=(SPEECH.utterances[0], utterance(1, "One more thing.")))
    words = hear(store, ears, record(), other)
    assert ears.heard_s == [3.3, 1.6]
    assert [word.turn for word in words] == [0, 1]


@pytest.mark.parametrize(
    ("held", "profile", "heard_s"),
    [
        (record(lost=1), PLAIN, 3.3),
        (record(late_ms=60.0), PLAIN, 3.3),
        (record(gone=9), PLAIN, 3.3),
        (record(), Profile(loss=0.1), 3.3),
        (record(), Profile(jitter_ms=80), 3.3),
        (record(), Profile(noise=Noise(snr_db=5)), 3.3),
        (record(last_ms=400), PLAIN, 1.0),  # the agent hung up on the caller
    ],
)
def test_what_a_call_may_have_changed_is_recognised_again(held: CallRecord, profile: Profile, heard_s: float) -> None:
    store, ears = Stored(), OneWordEach()
    hear(store, ears, record())
    ears.heard_s.clear()
    hear(store, ears, held, profile=profile)
    assert ears.heard_s == [heard_s]


def test_what_may_be_harmed_is_not_kept() -> None:
    store, ears = Stored(), OneWordEach()
    hear(store, ears, record(lost=1))
    assert not store
    hear(store, ears, record(last_ms=400))
    assert len(store) == 1


def test_other_ears_other_languages_and_older_workflows_ask_again() -> None:
    store, ears, others = Stored(), OneWordEach(), OneWordEach("ears 2")
    hear(store, ears, record())
    hear(store, others, record())
    hear(store, ears, record(), language="es")
    hear(store, ears, record(), speech=None)
    assert (len(ears.heard_s), len(others.heard_s)) == (3, 1)


def test_a_call_in_which_the_caller_said_nothing_needs_no_ears() -> None:
    ears = OneWordEach()
    assert hear(Stored(), ears, record(())) == ()
    assert not ears.heard_s
