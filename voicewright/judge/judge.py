"""The judge of meaning: takes pairs and gives verdicts, each with a probability and its reasons.

A verdict is automatic only if labelled data support it: the probability is past a threshold that keeps the share of
wrong verdicts under the risk, the bucket has enough labelled pairs, and the pair is like them. Every other pair goes to
a person, with the reason.
"""

from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from voicewright.contracts.check import Finding, FindingKind
from voicewright.judge.evidence import findings_of
from voicewright.judge.model.calibration_set import Bucket, ResponseType, Thresholds, bucket_of
from voicewright.judge.model.encoders.english import EnglishEncoder
from voicewright.judge.model.encoders.multilingual import PACKAGED, MultilingualEncoder
from voicewright.judge.model.encoders.other_engine import EmbeddingEngine
from voicewright.judge.model.pair_model import ENGLISH, MULTILINGUAL, PairEncoder, PairModel, model_name
from voicewright.judge.model.project_calibration import Calibration, Calibrations
from voicewright.judge.model.reading import Reading, read
from voicewright.judge.pair import Condition, Pair
from voicewright.judge.verdict import Judgement, MeaningVerdict, ReviewReason, RiskPolicy

SHIPPED = Path(str(files("voicewright.judge.model") / "data"))
_SAME_WORDS = 0.999


class MeaningJudge:
    """Judges pairs. Load one per process; it is thread-safe.

    Args:
        folder: the encoders' files, and one `.json.gz` for each `PairModel`.
        policy: the risk that is allowed when `judge` is not given one.
        calibration: where the project's own calibration is read from.
        embedding_model: the packaged multilingual model, or its original for sentence-transformers, by its hub name or
            as a folder.
        engine: what computes vectors of English questions: the packaged one, or sentence-transformers.
        threads: threads of the English encoder; 0 lets onnxruntime choose.
    """

    def __init__(
        self,
        folder: Path = SHIPPED,
        *,
        policy: RiskPolicy | None = None,
        calibration: Calibrations | None = None,
        embedding_model: str = PACKAGED,
        engine: EmbeddingEngine = "packaged",
        threads: int = 0,
    ) -> None:
        self._folder = folder
        self._policy = policy or RiskPolicy()
        self._calibration = calibration
        self._english = EnglishEncoder(folder, threads, engine)
        self._multilingual = MultilingualEncoder(folder, embedding_model)
        self._models: dict[str, PairModel] = {}
        self._lock = Lock()

    def model(self, name: str) -> PairModel:
        """The model called `ENGLISH` or `MULTILINGUAL`; loaded on first use.

        Raises:
            ModelMissingError: its file is not there.
        """
        with self._lock:
            if name not in self._models:
                encoder: PairEncoder = self._english if name == ENGLISH else self._multilingual
                self._models[name] = PairModel.read(self._folder / f"{name}.json.gz", encoder)
            return self._models[name]

    @property
    def name(self) -> str:
        """The versions of the models and of the calibration; verdicts are stored with it."""
        own = self._calibration.current() if self._calibration is not None else None
        version = f"meaning {self.model(ENGLISH).version}, languages {self.model(MULTILINGUAL).version}"
        return (
            f"{version}, calibration {self._calibration.project} {own.version}"
            if self._calibration and own
            else version
        )

    def warm_up(self) -> None:
        """Load the English models now, not with the first verdict."""
        self.judge([Pair("hello", "hello", condition=Condition.RECOGNISED)])

    def judge(self, pairs: Sequence[Pair], risk: float | None = None) -> list[Judgement]:
        """One judgement for each pair, in order. Blocks. `risk` replaces the policy's.

        Raises:
            ModelMissingError: a model is not installed.
        """
        allowed = self._policy if risk is None else replace(self._policy, risk=risk)
        readings = [read(pair) for pair in pairs]
        probability, distance = self.predict(readings)
        own = self._calibration.current() if self._calibration is not None else None
        if own is not None:
            probability = own.probability(probability)
        return [
            self.decide(reading, float(p), float(d), allowed, own)
            for reading, p, d in zip(readings, probability, distance, strict=True)
        ]

    def predict(self, readings: Sequence[Reading]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Calibrated probabilities of a pass, and distances from the fitted data; shape (n,) each.

        A distance is divided by its limit: a pair above 1 is out of distribution.
        """
        probability, distance = np.zeros(len(readings)), np.zeros(len(readings))
        for name in (ENGLISH, MULTILINGUAL):
            rows = [i for i, reading in enumerate(readings) if model_name(reading.pair) == name]
            if rows:
                probability[rows], distance[rows] = self.model(name).predict([readings[i] for i in rows])
        return probability, distance

    def thresholds(self, bucket: Bucket, policy: RiskPolicy, own: Calibration | None = None) -> Thresholds:
        """The thresholds of a bucket: the shipped ones, or those of the project's own calibration."""
        model = self.model(ENGLISH if bucket.language == "en" else MULTILINGUAL)
        shipped = model.calibration_set.thresholds(bucket, policy.passing, policy.failing, policy.confidence)
        return shipped if own is None else own.thresholds(shipped, bucket, policy)

    def decide(
        self, reading: Reading, p: float, distance: float, policy: RiskPolicy, own: Calibration | None = None
    ) -> Judgement:
        """The judgement of a pair whose probability and distance are known from `predict`."""
        bucket = bucket_of(reading.pair)
        if (plain := _without_model(reading)) is not None:
            return replace(plain, bucket=str(bucket))
        thresholds = self.thresholds(bucket, policy, own)
        verdict, reason = MeaningVerdict.REVIEW, None
        if bucket.response is ResponseType.EXPLANATION:
            reason = ReviewReason.TOO_LONG
        elif thresholds.passing is None and thresholds.failing is None:
            reason = ReviewReason.FEW_LABELS
        elif distance > 1:
            reason = ReviewReason.OUT_OF_DISTRIBUTION
        elif thresholds.passing is not None and p >= thresholds.passing.at:
            verdict, reason = _unless_forbidden(
                MeaningVerdict.PASS, ReviewReason.CONTRADICTED if reading.forbids_pass else None
            )
        elif thresholds.failing is not None and 1 - p >= thresholds.failing.at:
            verdict, reason = _unless_forbidden(MeaningVerdict.FAIL, _why_not_fail(reading))
        else:
            reason = ReviewReason.UNSURE
        return Judgement(round(p, 4), verdict, findings_of(reading), reason, str(bucket))


def _unless_forbidden(
    verdict: MeaningVerdict, reason: ReviewReason | None
) -> tuple[MeaningVerdict, ReviewReason | None]:
    return (verdict, None) if reason is None else (MeaningVerdict.REVIEW, reason)


def _without_model(reading: Reading) -> Judgement | None:
    """The judgement of silence, of signs without words and of the expected words themselves; None for the rest."""
    if not reading.pair.actual.strip():
        return Judgement(0.0, MeaningVerdict.FAIL, (Finding(kind=FindingKind.NOTHING_SAID),))
    if not any(map(str.isalnum, reading.pair.actual)):
        return Judgement(0.5, MeaningVerdict.REVIEW, (), ReviewReason.NO_WORDS)
    if reading.verbatim:
        return Judgement(_SAME_WORDS, MeaningVerdict.PASS, (Finding(kind=FindingKind.SAME_WORDS),))
    return None


def _why_not_fail(reading: Reading) -> ReviewReason | None:
    """Why an automatic fail is forbidden; None if it is allowed."""
    if not reading.forbids_fail:
        return None
    if reading.doubtful:
        return ReviewReason.DOUBTFUL_VALUE
    if reading.misheard:
        return ReviewReason.SOUNDS_ALIKE
    if reading.exemplified:
        return ReviewReason.EXAMPLE
    return ReviewReason.OTHER_WORDS
