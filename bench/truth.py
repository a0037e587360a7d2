"""How far the judge can be trusted: on data that it was not fitted on, one command.

    python bench/truth.py --data DIR [--spoken-dev SPOKEN.jsonl] [--exchange] [--shift]

DIR holds the sets that docs/judge.md names. Tables, for the models as shipped: automatic verdicts at a stated risk,
whose thresholds come from a bound; the same with thresholds that only had the accuracy on the fitted data (point), and
with those that have it on the measured pairs themselves (the curve: what thresholds could do at best); and how often
the stated risk is exceeded in random splits. With --exchange, the judge of other languages is fitted on the other
half as well, and both halves are measured together, each by the judge that has not seen it: twice the pairs. With
--shift, a judge fitted on dialogues alone is applied to everything else. `right` has Wilson's 95 % interval. The
calibration error stands beside what a judge whose every probability is right would show on so many pairs, by chance.
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
from rich.console import Console
from rich.table import Table
from train_judge import fit_across
from truth_data import OTHERS, first_half, rows, scorer_dialogue, second_half

from activities.checks.meaning.encoder import Encoder
from activities.checks.meaning.family import ACROSS, ENGLISH
from activities.checks.meaning.features import Reading, read
from activities.checks.meaning.fitting import Sample, fit_family
from activities.checks.meaning.judgement import SHIPPED, MeaningJudge
from activities.checks.meaning.pair import Condition
from activities.checks.meaning.record import Bucket, Record, ResponseType, Row, bucket_of, row_of
from activities.checks.meaning.risk import calibration_error, share_over
from activities.checks.meaning.score import score
from activities.checks.meaning.sentence import Appetite, Judgement, Sentence
from activities.checks.meaning.truth import Labelled, read_lines
from voicewright.leave import leave

_RISKS = (0.003, 0.01, 0.02)
_ACCURACIES = (0.99, 0.9925, 0.995, 0.997)
_NEVER = 1e-9
"""A risk that no data can show: nothing is automatic but what needs no threshold."""
_ENOUGH = 200
_CONFIDENCE = 0.95
_DRAWS = 200
_HEADS = (
    "set", "pairs", "ROC-AUC", "ECE (chance)", "asked for", "automatic", "right (95 %)", "false passes", "false fails"
)  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """A set as a judge sees it."""

    name: str
    judge: MeaningJudge
    lines: Sequence[Labelled]
    readings: Sequence[Reading]
    p: NDArray[np.float64]
    distance: NDArray[np.float64]

    @classmethod
    def of(cls, name: str, judge: MeaningJudge, lines: Sequence[Labelled], condition: Condition) -> "Measured":
        """Read and measure the pairs of a set."""
        readings = [read(line.pair(condition)) for line in lines]
        return cls(name, judge, lines, readings, *judge.measure(readings))

    def at_risk(self, risk: float) -> list[Judgement]:
        """As the judge decides."""
        appetite = Appetite(risk=risk)
        return [
            self.judge.decide(reading, float(p), float(d), appetite)
            for reading, p, d in zip(self.readings, self.p, self.distance, strict=True)
        ]

    def at_point(self, accuracy: float) -> list[Judgement]:
        """As it would decide if thresholds had no bound: the accuracy is met on the fitted data, and that is all."""
        return self._from([threshold(self.judge, bucket_of(reading.pair), accuracy) for reading in self.readings])

    def on_curve(self, accuracy: float) -> list[Judgement]:
        """As it would decide if the labels of these very pairs had been known when one threshold was chosen."""
        wrong = np.array([(p > 0.5) != line.passed for p, line in zip(self.p, self.lines, strict=True)])
        return self._from([widest(self.sure, wrong, accuracy)] * len(self.lines))

    @cached_property
    def sure(self) -> NDArray[np.float64]:
        """How sure each likelier verdict is; 0 where no threshold could open it."""
        return np.array(
            [
                sureness(row_of(reading, float(p), passed=False))
                if d <= 1 and bucket_of(reading.pair).response is not ResponseType.EXPLANATION
                else 0.0
                for reading, p, d in zip(self.readings, self.p, self.distance, strict=True)
            ]
        )

    def _from(self, thresholds: Sequence[float]) -> list[Judgement]:
        return [
            self._likelier(said, float(p)) if said.sentence is Sentence.REVIEW and 0 < sure >= at else said
            for p, sure, said, at in zip(self.p, self.sure, self.at_risk(_NEVER), thresholds, strict=True)
        ]

    @staticmethod
    def _likelier(said: Judgement, p: float) -> Judgement:
        return Judgement(said.p_pass, Sentence.PASS if p > 0.5 else Sentence.FAIL, said.evidence)


AT_RISKS = [(f"{risk:.1%}", lambda measured, risk=risk: measured.at_risk(risk)) for risk in _RISKS]
AT_POINTS = [(f"{share:.2%}", lambda measured, share=share: measured.at_point(share)) for share in _ACCURACIES]
ON_CURVE = [(f"{share:.2%}, curve", lambda measured, share=share: measured.on_curve(share)) for share in _ACCURACIES]


def sureness(row: Row) -> float:
    """How sure the likelier verdict is; 0 where it is forbidden."""
    forbidden = row.vetoed if row.probability > 0.5 else row.twisted
    return 0.0 if forbidden else max(row.probability, 1 - row.probability)


@cache
def threshold(judge: MeaningJudge, bucket: Bucket, accuracy: float) -> float:
    """Least sureness from which the record's rows of a bucket have the accuracy; above 1 where they never have."""
    if bucket.response is ResponseType.EXPLANATION:
        return 2.0
    record = judge.family(ENGLISH if bucket.language == "en" else ACROSS).record
    wanted = [Condition.RECOGNISED] if bucket.condition is Condition.UNKNOWN else [bucket.condition]
    mine = [
        r
        for r in record.rows
        if (r.bucket.language, r.bucket.response) == (bucket.language, bucket.response) and r.bucket.condition in wanted
    ]
    if len(mine) < _ENOUGH:
        return 2.0
    sure = np.array([sureness(row) for row in mine])
    wrong = np.array([(row.probability > 0.5) != row.passed for row in mine])
    return widest(sure, wrong, accuracy)


def widest(sure: NDArray[np.float64], wrong: NDArray[np.bool_], accuracy: float) -> float:
    """Least sureness from which the accuracy is kept; 2 where it never is."""
    order = np.argsort(-sure)
    good = np.flatnonzero(np.cumsum(wrong[order]) / np.arange(1, len(order) + 1) <= 1 - accuracy)
    return float(sure[order][good[-1]]) if len(good) else 2.0


def show(
    table: Table, parts: Sequence[Measured], told: Sequence[tuple[str, Callable[[Measured], list[Judgement]]]]
) -> None:
    """Lines of a table for one set, which may have been measured in parts."""
    passed = [line.passed for part in parts for line in part.lines]
    chance = error_by_chance(np.concatenate([part.p for part in parts]))
    for number, (asked, decided) in enumerate(told):
        scored = score([judgement for part in parts for judgement in decided(part)], passed)
        auc = "-" if scored.auc is None else f"{scored.auc:.4f}"
        head = (parts[0].name, str(scored.pairs), auc, f"{scored.error:.4f} ({chance:.4f})")
        table.add_row(*(head if number == 0 else ("",) * len(head)), asked, *scored.cells())


def error_by_chance(p: NDArray[np.float64]) -> float:
    """Mean calibration error of labels that are drawn with these very probabilities."""
    rng = np.random.default_rng(7)
    return float(np.mean([calibration_error(p, rng.random(len(p)) < p) for _ in range(_DRAWS)]))


def splits(mine: Sequence[Row], risk: float, count: int) -> tuple[float, float, float]:
    """Halve rows at random, choose thresholds on one half, look at the risk on the other.

    Returns the share of splits over the risk, the mean coverage and the mean risk.
    """
    rng = np.random.default_rng(7)
    risks, covers = [], []
    for _ in range(count):
        order = rng.permutation(len(mine))
        fit = Record([mine[i] for i in order[: len(mine) // 2]])
        held = [mine[i] for i in order[len(mine) // 2 :]]
        limits = fit.limits(mine[0].bucket, risk, risk, _CONFIDENCE)
        taken = wrong = 0
        for row in held:
            if limits.passing is not None and row.probability >= limits.passing.at and not row.vetoed:
                taken, wrong = taken + 1, wrong + (not row.passed)
            elif limits.failing is not None and 1 - row.probability >= limits.failing.at and not row.twisted:
                taken, wrong = taken + 1, wrong + row.passed
        risks.append(wrong / taken if taken else 0.0)
        covers.append(taken / len(held))
    return share_over(risks, risk), float(np.mean(covers)), float(np.mean(risks))


def show_splits(judge: MeaningJudge, count: int, console: Console) -> None:
    """A line for each bucket of the record and each risk."""
    for family in (ENGLISH, ACROSS):
        rows_of: dict[Bucket, list[Row]] = {}
        for row in judge.family(family).record.rows:
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
    """What ships, for a part of it to be replaced."""
    for file in SHIPPED.iterdir():
        if file.is_file():
            shutil.copyfile(file, folder / file.name)


def dialogue_judge(data: Path, folder: Path) -> MeaningJudge:
    """A judge whose scorer, calibration and thresholds know English dialogues alone."""
    copy_models(folder)
    sample = Sample.of(scorer_dialogue(data), Condition.WRITTEN)
    fit_family("dialogues", Encoder(folder), sample).write(folder / f"{ENGLISH}.json.gz")
    return MeaningJudge(folder)


def exchange(judge: MeaningJudge, data: Path) -> Table:
    """Both halves of the other languages' sets, each as the judge sees it that was fitted on the other half."""
    table = Table(*_HEADS, title="halves exchanged: both measured, neither by a judge that has seen it")
    with tempfile.TemporaryDirectory() as path:
        folder = Path(path)
        copy_models(folder)
        fit_across([line for name in OTHERS for line in second_half(data, name)], folder)
        other = MeaningJudge(folder)
        for name in OTHERS:
            halves = [(judge, second_half(data, name)), (other, first_half(data, name))]
            measured = [Measured.of(name, one, lines, Condition.WRITTEN) for one, lines in halves]
            show(table, measured, [*AT_RISKS, *AT_POINTS])
    return table


def shift(data: Path) -> Table:
    """Other sets, as the judge sees them that knows English dialogues alone."""
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
        add(Measured.of(name + half, judge, _SETS[name](given.data, name), Condition.WRITTEN))
    for measured in spoken(judge, given.data, given.spoken_dev) if given.spoken_dev else ():
        add(measured)
    console.print(bound, point)
    if given.exchange:
        console.print(exchange(judge, given.data))
    if given.shift:
        console.print(shift(given.data))
    show_splits(judge, given.splits, console)
    return 0


def spoken(judge: MeaningJudge, data: Path, path: Path) -> Iterator[Measured]:
    """Pairs that went through our own voice and recogniser, and the same pairs as they were written."""
    lines = list(read_lines(path))
    bare = [line.model_copy(update={"condition": None}) for line in lines]
    yield Measured.of("spoken, condition known", judge, bare, Condition.RECOGNISED)
    yield Measured.of("spoken, condition unknown", judge, bare, Condition.UNKNOWN)
    written = rows(data, "dialogue_en_dev")
    same = [written[line.row] for line in lines if line.row is not None]
    yield Measured.of("the same, written", judge, same, Condition.WRITTEN)


if __name__ == "__main__":
    leave(main())
