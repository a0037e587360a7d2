"""The judge of meaning: pairs in, verdicts with a probability and reasons out.

A verdict is automatic only where data support it: the probability is past a threshold that was shown to keep the
share of wrong verdicts under the risk, the bucket has enough labelled pairs, and the pair is like them. All else is
for a person, and says why.
"""

from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from activities.checks.facts import explain
from activities.checks.meaning.embeddings import PACKAGED, Embeddings
from activities.checks.meaning.encoder import Encoder
from activities.checks.meaning.family import ACROSS, ENGLISH, Family, Reader, family_of
from activities.checks.meaning.features import CLEAR, Reading, read
from activities.checks.meaning.pair import Condition, Pair
from activities.checks.meaning.project import Calibration, ProjectCalibration
from activities.checks.meaning.record import Bucket, Limits, ResponseType, bucket_of
from activities.checks.meaning.sentence import Appetite, Judgement, Sentence

SHIPPED = Path(str(files("activities.checks.meaning") / "data"))
_SHOWN = 4
_SAME_WORDS = 0.999


class MeaningJudge:
    """Loads once per process; thread-safe. `folder` holds the encoder and the families' models."""

    def __init__(
        self,
        folder: Path = SHIPPED,
        *,
        appetite: Appetite | None = None,
        calibration: ProjectCalibration | None = None,
        embedding_model: str = PACKAGED,
        threads: int = 0,
    ) -> None:
        self._folder = folder
        self._appetite = appetite or Appetite()
        self._calibration = calibration
        self._encoder = Encoder(folder, threads)
        self._embeddings = Embeddings(folder, embedding_model)
        self._families: dict[str, Family] = {}
        self._lock = Lock()

    def family(self, name: str) -> Family:
        """The models for English pairs, or for all others; loaded when first asked for."""
        with self._lock:
            if name not in self._families:
                reader: Reader = self._encoder if name == ENGLISH else self._embeddings
                self._families[name] = Family.read(self._folder / f"{name}.json.gz", reader)
            return self._families[name]

    @property
    def name(self) -> str:
        """Version, for the record."""
        own = self._calibration.current() if self._calibration is not None else None
        version = f"meaning {self.family(ENGLISH).version}, languages {self.family(ACROSS).version}"
        return (
            f"{version}, calibration {self._calibration.project} {own.version}"
            if self._calibration and own
            else version
        )

    def warm_up(self) -> None:
        """Load now instead of with the first verdict."""
        self.judge([Pair("hello", "hello", condition=Condition.RECOGNISED)])

    def judge(self, pairs: Sequence[Pair], risk: float | None = None) -> list[Judgement]:
        """One judgement for each pair, in order. Blocking."""
        wanted = self._appetite if risk is None else replace(self._appetite, risk=risk)
        readings = [read(pair) for pair in pairs]
        probability, distance = self.measure(readings)
        own = self._calibration.current() if self._calibration is not None else None
        if own is not None:
            probability = own.probability(probability)
        return [
            self.decide(reading, float(p), float(d), wanted, own)
            for reading, p, d in zip(readings, probability, distance, strict=True)
        ]

    def measure(self, readings: Sequence[Reading]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Calibrated probabilities, and distances from the data as a share of what is allowed; shape (n,) each."""
        probability, distance = np.zeros(len(readings)), np.zeros(len(readings))
        for name in (ENGLISH, ACROSS):
            rows = [i for i, reading in enumerate(readings) if family_of(reading.pair) == name]
            if rows:
                probability[rows], distance[rows] = self.family(name).measure([readings[i] for i in rows])
        return probability, distance

    def limits(self, bucket: Bucket, appetite: Appetite, own: Calibration | None = None) -> Limits:
        """The thresholds of a bucket."""
        family = self.family(ENGLISH if bucket.language == "en" else ACROSS)
        shipped = family.record.limits(bucket, appetite.passing, appetite.failing, appetite.confidence)
        return shipped if own is None else own.limits(shipped, bucket, appetite)

    def decide(
        self, reading: Reading, p: float, distance: float, appetite: Appetite, own: Calibration | None = None
    ) -> Judgement:
        """What is said of a pair that was measured."""
        bucket = bucket_of(reading.pair)
        if (plain := _needs_no_model(reading)) is not None:
            return replace(plain, bucket=str(bucket))
        limits = self.limits(bucket, appetite, own)
        sentence, because = Sentence.REVIEW, ""
        if bucket.response is ResponseType.EXPLANATION:
            because = "an answer of this length is for a person to judge"
        elif limits.passing is None and limits.failing is None:
            because = f"too few labelled answers to decide ({bucket})"
        elif distance > 1:
            because = f"unlike the dialogues that the judge was fitted on ({distance:.1f} times the allowed distance)"
        elif limits.passing is not None and p >= limits.passing.at:
            if reading.vetoed:
                because = "something contradicts or was added, but the rest agrees"
            else:
                sentence = Sentence.PASS
        elif limits.failing is not None and 1 - p >= limits.failing.at:
            if reading.twisted:
                because = _why_not_failed(reading)
            else:
                sentence = Sentence.FAIL
        else:
            because = "not sure enough either way"
        return Judgement(round(p, 4), sentence, tuple(evidence_of(reading, p)), because, str(bucket))


def _needs_no_model(reading: Reading) -> Judgement | None:
    """What is said of silence, of signs without words, and of the expected words themselves."""
    if not reading.pair.actual.strip():
        return Judgement(0.0, Sentence.FAIL, ("nothing was said",))
    if not any(map(str.isalnum, reading.pair.actual)):
        return Judgement(0.5, Sentence.REVIEW, (), "there are no words to judge")
    if reading.verbatim:
        return Judgement(_SAME_WORDS, Sentence.PASS, ("said word for word",))
    return None


def _why_not_failed(reading: Reading) -> str:
    if reading.doubtful:
        return "the recogniser was unsure of the value that contradicts"
    if reading.misheard:
        return "the values that differ sound alike"
    if reading.exemplified:
        return "what is expected holds an example, which need not be said"
    return "one of the two denies, in other words: they may say the same"


def evidence_of(reading: Reading, p: float) -> list[str]:
    """What a person can check, the gravest first."""
    told = explain(reading.comparison)[:_SHOWN]
    told += [f"denied in one, not in the other: {word}" for word in reading.denied[:2]]
    told += [f"said twice: {reading.repeated} ..."] if reading.repeated else []
    if reading.odd_negation and not reading.denied:
        told.append("one of the two denies, the other does not")
    told += [f"opposite: expected {word}, heard {other}" for word, other in reading.opposed[:2]]
    told += [f"in its place: expected {word!r}, heard {other!r}" for word, other in reading.swapped[:2]]
    told += [f"{thing}: expected {wanted}, heard {heard}" for thing, wanted, heard in reading.miscounts[:2]]
    told += [f"name: heard {name}, not expected" for name in reading.strangers[:2]]
    lost = [word for word, near in reading.missing.missing if near < CLEAR]
    added = [word for word, near in reading.extra.missing if near < CLEAR]
    if lost:
        told.append(f"not heard: {', '.join(lost[:_SHOWN])}")
    if added:
        told.append(f"heard besides: {', '.join(added[:_SHOWN])}")
    told.append(f"probability of the same meaning {p:.3f}")
    return told
