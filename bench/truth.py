"""Measures the judge on data that it was not fitted on.

    python bench/truth.py --data DIR [--spoken-dev SPOKEN.jsonl] [--exchange] [--shift]

DIR holds the sets that docs/judge.md names. Prints tables for the shipped models: automatic verdicts at a risk, with
thresholds from a bound; at an accuracy, with thresholds that reached it on the fitted data (point) or on the measured
pairs themselves (curve: the best that one threshold could do); and how often the risk is exceeded in random splits.
With --exchange, the multilingual model is also fitted on the other half, and both halves are measured together, each by
the model that has not seen it. With --shift, a judge fitted on dialogues alone is measured on everything else. `right`
has Wilson's 95 % interval. Beside the calibration error (ECE) stands the one that perfect probabilities would show by
chance on as many pairs.
"""

import argparse
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from outset import start
from rich.console import Console
from rich.table import Table
from train_judge import fit_multilingual
from truth_data import OTHERS, first_half, relabelled, rows, scorer_dialogue, second_half, settled

from voicewright.judge import (
    SHIPPED,
    Condition,
    Judgement,
    LabelledPair,
    MeaningJudge,
    MeaningVerdict,
    RiskPolicy,
    measure,
    read_lines,
)
from voicewright.judge.metrics import calibration_error, share_over
from voicewright.judge.model.calibration_set import (
    Bucket,
    CalibrationRow,
    CalibrationSet,
    ResponseType,
    bucket_of,
    calibration_row,
)
from voicewright.judge.model.encoders.english import EnglishEncoder
from voicewright.judge.model.pair_model import ENGLISH, MULTILINGUAL
from voicewright.judge.model.reading import Reading, read
from voicewright.judge.training.dataset import Dataset
from voicewright.judge.training.fit import fit_model

_RISKS = (0.003, 0.01, 0.02)
_ACCURACIES = (0.99, 0.9925, 0.995, 0.997)
_NEVER = 1e-9
"""A risk that no data can support, so that only verdicts without a threshold are automatic."""
_ENOUGH = 200
_CONFIDENCE = 0.95
_DRAWS = 200
_HEADS = (
    "set", "pairs", "ROC-AUC", "ECE (chance)", "asked for", "automatic", "right (95 %)", "false passes", "false fails"
)  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """A set with its readings, probabilities `p` and distances, shape (n,) each."""

    name: str
    judge: MeaningJudge
    lines: Sequence[LabelledPair]
    readings: Sequence[Reading]
    p: NDArray[np.float64]
    distance: NDArray[np.float64]

    @classmethod
    def of(cls, name: str, judge: MeaningJudge, lines: Sequence[LabelledPair], condition: Condition) -> "Measured":
        """Read and measure the pairs of a set."""
        readings = [read(line.pair(condition)) for line in lines]
        return cls(name, judge, lines, readings, *judge.predict(readings))

    def at_risk(self, risk: float) -> list[Judgement]:
        """The judge's decisions at a risk."""
        policy = RiskPolicy(risk=risk)
        return [
            self.judge.decide(reading, float(p), float(d), policy)
            for reading, p, d in zip(self.readings, self.p, self.distance, strict=True)
        ]

    def at_point(self, accuracy: float) -> list[Judgement]:
        """Decisions with thresholds that reach the accuracy on the calibration set, without a bound."""
        return self._from([threshold(self.judge, bucket_of(reading.pair), accuracy) for reading in self.readings])

    def on_curve(self, accuracy: float) -> list[Judgement]:
        """Decisions with the one threshold that reaches the accuracy on these very pairs."""
        wrong = np.array([(p > 0.5) != line.passed for p, line in zip(self.p, self.lines, strict=True)])
        return self._from([widest(self.sure, wrong, accuracy)] * len(self.lines))

    @cached_property
    def sure(self) -> NDArray[np.float64]:
        """The confidence of each likelier verdict, shape (n,); 0 if no threshold could make it automatic."""
        return np.array(
            [
                confidence(calibration_row(reading, float(p), passed=False))
                if d <= 1 and bucket_of(reading.pair).response is not ResponseType.EXPLANATION
                else 0.0
                for reading, p, d in zip(self.readings, self.p, self.distance, strict=True)
            ]
        )

    def _from(self, thresholds: Sequence[float]) -> list[Judgement]:
        return [
            self._likelier(said, float(p)) if said.verdict is MeaningVerdict.REVIEW and 0 < sure >= at else said
            for p, sure, said, at in zip(self.p, self.sure, self.at_risk(_NEVER), thresholds, strict=True)
        ]

    @staticmethod
    def _likelier(said: Judgement, p: float) -> Judgement:
        return Judgement(said.p_pass, MeaningVerdict.PASS if p > 0.5 else MeaningVerdict.FAIL, said.findings)


AT_RISKS = [(f"{risk:.1%}", lambda measured, risk=risk: measured.at_risk(risk)) for risk in _RISKS]
AT_POINTS = [(f"{share:.2%}", lambda measured, share=share: measured.at_point(share)) for share in _ACCURACIES]
ON_CURVE = [(f"{share:.2%}, curve", lambda measured, share=share: measured.on_curve(share)) for share in _ACCURACIES]


def confidence(row: CalibrationRow) -> float:
    """The confidence of the likelier verdict; 0 if it is forbidden."""
    forbidden = row.forbids_pass if row.probability > 0.5 else row.forbids_fail
    return 0.0 if forbidden else max(row.probability, 1 - row.probability)


@cache
def threshold(judge: MeaningJudge, bucket: Bucket, accuracy: float) -> float:
    """Least confidence at which a bucket's calibration rows have the accuracy; 2 if they never have."""
    if bucket.response is ResponseType.EXPLANATION:
        return 2.0
    calibration_set = judge.model(ENGLISH if bucket.language == "en" else MULTILINGUAL).calibration_set
    wanted = [Condition.RECOGNISED] if bucket.condition is Condition.UNKNOWN else [bucket.condition]
    mine = [
        r
        for r in calibration_set.rows
        if (r.bucket.language, r.bucket.response) == (bucket.language, bucket.response) and r.bucket.condition in wanted
    ]
    if len(mine) < _ENOUGH:
        return 2.0
    sure = np.array([confidence(row) for row in mine])
    wrong = np.array([(row.probability > 0.5) != row.passed for row in mine])
    return widest(sure, wrong, accuracy)


def widest(sure: NDArray[np.float64], wrong: NDArray[np.bool_], accuracy: float) -> float:
    """Least confidence at which the accuracy is kept; 2 if it never is."""
    order = np.argsort(-sure)
    good = np.flatnonzero(np.cumsum(wrong[order]) / np.arange(1, len(order) + 1) <= 1 - accuracy)
    return float(sure[order][good[-1]]) if len(good) else 2.0


def show(
    table: Table, parts: Sequence[Measured], ways: Sequence[tuple[str, Callable[[Measured], list[Judgement]]]]
) -> None:
    """Add the rows for one set to a table. A set may have been measured in parts."""
    passed = [line.passed for part in parts for line in part.lines]
    chance = error_by_chance(np.concatenate([part.p for part in parts]))
    for number, (asked, decided) in enumerate(ways):
        metrics = measure([judgement for part in parts for judgement in decided(part)], passed)
        auc = "-" if metrics.auc is None else f"{metrics.auc:.4f}"
        head = (parts[0].name, str(metrics.pairs), auc, f"{metrics.calibration_error:.4f} ({chance:.4f})")
        table.add_row(*(head if number == 0 else ("",) * len(head)), asked, *metrics.cells())


def error_by_chance(p: NDArray[np.float64]) -> float:
    """Mean calibration error of labels that are drawn with these very probabilities."""
    rng = np.random.default_rng(7)
    return float(np.mean([calibration_error(p, rng.random(len(p)) < p) for _ in range(_DRAWS)]))


def splits(mine: Sequence[CalibrationRow], risk: float, count: int) -> tuple[float, float, float]:
    """Halve rows at random, choose thresholds on one half, look at the risk on the other.

    Returns the share of splits over the risk, the mean coverage and the mean risk.
    """
    rng = np.random.default_rng(7)
    risks, covers = [], []
    for _ in range(count):
        order = rng.permutation(len(mine))
        fit = CalibrationSet([mine[i] for i in order[: len(mine) // 2]])
        held = [mine[i] for i in order[len(mine) // 2 :]]
        thresholds = fit.thresholds(mine[0].bucket, risk, risk, _CONFIDENCE)
        taken = wrong = 0
        for row in held:
            if thresholds.passing is not None and row.probability >= thresholds.passing.at and not row.forbids_pass:
                taken, wrong = taken + 1, wrong + (not row.passed)
            elif (
                thresholds.failing is not None and 1 - row.probability >= thresholds.failing.at and not row.forbids_fail
            ):
                taken, wrong = taken + 1, wrong + row.passed
        risks.append(wrong / taken if taken else 0.0)
        covers.append(taken / len(held))
    return share_over(risks, risk), float(np.mean(covers)), float(np.mean(risks))


def show_splits(judge: MeaningJudge, count: int, console: Console) -> None:
    """Print a line for each bucket of the calibration sets and each risk."""
    for name in (ENGLISH, MULTILINGUAL):
        rows_of: dict[Bucket, list[CalibrationRow]] = {}
        for row in judge.model(name).calibration_set.rows:
            rows_of.setdefault(row.bucket, []).append(row)
        for bucket, mine in rows_of.items():
            for risk in _RISKS if bucket.response is not ResponseType.EXPLANATION and count else ():
                over, cover, mean = splits(mine, risk, count)
                console.print(
                    f"{count} splits of {len(mine)}, {bucket}, risk {risk:.1%}: over it in {over:.1%}; "
                    f"coverage {cover:.1%}, mean risk {mean:.3%}"
                )


_SETS = {
    "dialogue_en_dev": rows,
    "answers_en": second_half,
    "dialogue_zh_dev": second_half,
    "dialogue_xling_dev": second_half,
    "graded_en_de": rows,
    "negation_en": rows,
}
_SHIFTED = ("answers_en", "graded_en_de", "negation_en")


def copy_models(folder: Path) -> None:
    """Copy the shipped models, so that some of them can be replaced."""
    for file in SHIPPED.iterdir():
        if file.is_file():
            shutil.copyfile(file, folder / file.name)


def dialogue_judge(data: Path, folder: Path) -> MeaningJudge:
    """A judge whose scorer, calibration and thresholds are fitted on English dialogues alone."""
    copy_models(folder)
    sample = Dataset.of(scorer_dialogue(data), Condition.WRITTEN)
    fit_model("dialogues", EnglishEncoder(folder), sample).write(folder / f"{ENGLISH}.json.gz")
    return MeaningJudge(folder)


def exchange(judge: MeaningJudge, data: Path) -> Table:
    """Measure both halves of the multilingual sets, each by the model that was fitted on the other half."""
    table = Table(*_HEADS, title="halves exchanged: both measured, neither by a judge that has seen it")
    with tempfile.TemporaryDirectory() as path:
        folder = Path(path)
        copy_models(folder)
        fit_multilingual([line for name in OTHERS for line in second_half(data, name)], folder)
        other = MeaningJudge(folder)
        for name in OTHERS:
            halves = [(judge, second_half(data, name)), (other, first_half(data, name))]
            measured = [Measured.of(name, one, lines, Condition.WRITTEN) for one, lines in halves]
            show(table, measured, [*AT_RISKS, *AT_POINTS])
    return table


def shift(data: Path) -> Table:
    """Measure the other sets by a judge that was fitted on English dialogues alone."""
    table = Table(*_HEADS, title="fitted on dialogues alone, at a risk (bound)")
    with tempfile.TemporaryDirectory() as folder:
        judge = dialogue_judge(data, Path(folder))
        for name in ("dialogue_en_dev", *_SHIFTED):
            show(table, [Measured.of(name, judge, rows(data, name), Condition.WRITTEN)], AT_RISKS)
    return table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--spoken-dev", type=Path, help="what bench/spoken_pairs.py made of dialogue_en_dev")
    parser.add_argument("--only", nargs="*", default=list(_SETS), choices=list(_SETS))
    parser.add_argument("--shift", action="store_true", help="fit on dialogues alone, measure on everything else")
    parser.add_argument("--exchange", action="store_true", help="measure both halves of the other languages' sets")
    parser.add_argument("--settled", action="store_true", help="by the labels that reading them again settled")
    parser.add_argument("--splits", type=int, default=200)
    parser.add_argument("--models", type=Path, default=SHIPPED, help="what bench/train_judge.py made")
    given = parser.parse_args()
    judge, console = MeaningJudge(given.models, threads=2), Console(width=150)
    bound, point = Table(*_HEADS, title="at a risk (bound)"), Table(*_HEADS, title="at an accuracy (point)")

    def add(measured: Measured) -> None:
        show(bound, [measured], AT_RISKS)
        show(point, [measured], AT_POINTS)
        show(point, [measured], ON_CURVE)

    for name in given.only:
        half = ", held half" if _SETS[name] is second_half else ""
        lines = _SETS[name](given.data, name)
        add(Measured.of(name + half, judge, settled(given.data, lines) if given.settled else lines, Condition.WRITTEN))
    written = rows(given.data, "dialogue_en_dev")
    written = settled(given.data, written) if given.settled else written
    for measured in spoken(judge, written, given.spoken_dev) if given.spoken_dev else ():
        add(measured)
    console.print(bound, point)
    if given.exchange:
        console.print(exchange(judge, given.data))
    if given.shift:
        console.print(shift(given.data))
    show_splits(judge, given.splits, console)
    return 0


def spoken(judge: MeaningJudge, written: Sequence[LabelledPair], path: Path) -> Iterator[Measured]:
    """Measure pairs that went through our own voice and recogniser, and the same pairs as written."""
    lines = relabelled(written, read_lines(path))
    bare = [line.model_copy(update={"condition": None}) for line in lines]
    yield Measured.of("spoken, condition known", judge, bare, Condition.RECOGNISED)
    yield Measured.of("spoken, condition unknown", judge, bare, Condition.UNKNOWN)
    by_number = {line.number - 1: line for line in written}
    same = [by_number[line.row] for line in lines if line.row is not None]
    yield Measured.of("the same, written", judge, same, Condition.WRITTEN)


if __name__ == "__main__":
    start(main)
