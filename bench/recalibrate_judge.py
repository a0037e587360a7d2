"""Chooses anew what English thresholds are chosen from, without fitting a model.

    python bench/spoken_pairs.py DIR/dialogue_en_test.jsonl.gz SPOKEN.jsonl --limit 5000 --held-out
    python bench/recalibrate_judge.py --data DIR --spoken SPOKEN.jsonl

The calibration set that ships is made of pairs as cross-fitted scorers judged them. Here their labels become those that
reading again settled, their marks those of today's rules, and the dialogues of the test split come in, written and
spoken, judged by the shipped scorer, which has not seen them. Older spoken rows stay as they are: their text is not
kept, so that nothing about them can be settled any more. Run it on a set that it has not changed yet. Prints, for each
bucket, the share of its rows that would be decided before and after.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from outset import start
from truth_data import held_out_dialogue, relabelled, scorer_answers, scorer_dialogue, settled

from voicewright.judge import SHIPPED, Condition, LabelledPair, read_lines
from voicewright.judge.model.calibration_set import Bucket, CalibrationRow, CalibrationSet, calibration_row
from voicewright.judge.model.encoders.english import EnglishEncoder
from voicewright.judge.model.pair_model import ENGLISH, PairModel, matrix, platt_key
from voicewright.judge.model.reading import read
from voicewright.judge.model.scorer import sigmoid

VERSION = "6"
_LEFT_OUT = 0.5
"""What it costs to hold a line for one that is no row: half of the whole range of probabilities."""
_HOPELESS = 30.0
"""A way that is dearer by so much than the cheapest is not followed."""
_RISKS = (0.003, 0.01, 0.02)
_AT_ONCE = 500


class MisalignedError(Exception):
    """The shipped rows are not those of these data."""


def realigned(model: PairModel, lines: Sequence[LabelledPair], folder: Path) -> Iterator[CalibrationRow]:
    """The shipped rows of written lines, with settled labels.

    The set keeps no text. Its rows are those lines, in their order, that were near what the model was fitted on: all
    but a few. Which ones these were is seen from label, bucket and probability.

    Args:
        model: whose calibration set it is.
        lines: what it was fitted on, in the order in which it was.
        folder: of the data.

    Raises:
        MisalignedError: they do not belong together.
    """
    labels = {(line.source, line.number): line.label for line in settled(folder, lines)}
    shipped = [row for row in model.calibration_set.rows if row.bucket.condition is Condition.WRITTEN]
    now = _now(model, lines)
    chosen = _aligned(now, shipped)
    for line, row, at in zip(lines, now, chosen, strict=True):
        label = labels.get((line.source, line.number))
        if at is not None and label is not None:
            yield replace(row, probability=shipped[at].probability, passed=label == "pass")


def _now(model: PairModel, lines: Sequence[LabelledPair]) -> list[CalibrationRow]:
    """Each line as the whole model judges it."""
    rows: list[CalibrationRow] = []
    for some in _batches(lines):
        readings = [read(line.pair(Condition.WRITTEN)) for line in some]
        features, _ = matrix(readings, model.encoder, [line.group for line in some])
        margins = model.scorer.margin(features)
        for line, reading, margin in zip(some, readings, margins, strict=True):
            slope, shift = model.platt[platt_key(reading.pair)]
            rows.append(calibration_row(reading, float(sigmoid(slope * margin + shift)), passed=line.passed))
    return rows


def _aligned(lines: Sequence[CalibrationRow], shipped: Sequence[CalibrationRow]) -> list[int | None]:
    """Which shipped row each line is, if any: the cheapest way through all, by labels and probabilities."""
    ways: dict[int, tuple[float, _Way | None]] = {0: (0.0, None)}
    for place, line in enumerate(lines):
        after: dict[int, tuple[float, _Way | None]] = {}
        for taken, (cost, way) in ways.items():
            if cost + _LEFT_OUT < after.get(taken, (float("inf"), None))[0]:
                after[taken] = (cost + _LEFT_OUT, way)
            row = shipped[taken] if taken < len(shipped) else None
            if row is not None and (row.passed, row.bucket) == (line.passed, line.bucket):
                dearer = cost + abs(row.probability - line.probability)
                if dearer < after.get(taken + 1, (float("inf"), None))[0]:
                    after[taken + 1] = (dearer, _Way(place, taken, way))
        least = min(cost for cost, _ in after.values())
        ways = {taken: found for taken, found in after.items() if found[0] < least + _HOPELESS}
    if len(shipped) not in ways:
        raise MisalignedError(f"{len(shipped)} rows are shipped, of which these lines explain {max(ways)}")
    cost, way = ways[len(shipped)]
    difference = (cost - _LEFT_OUT * (len(lines) - len(shipped))) / len(shipped)
    print(f"aligned: {len(shipped):,} rows of {len(lines):,} lines; their probabilities differ by {difference:.4f}")
    found: list[int | None] = [None] * len(lines)
    while way is not None:
        found[way.line], way = way.row, way.before
    return found


@dataclass(frozen=True)
class _Way:
    """A line that is a row, and what came before."""

    line: int
    row: int
    before: "_Way | None"


def judged(model: PairModel, lines: Sequence[LabelledPair], condition: Condition) -> Iterator[CalibrationRow]:
    """Rows of lines that no part of the model has seen."""
    for some in _batches(lines):
        readings = [read(line.pair(condition)) for line in some]
        probability, distance = model.predict(readings)
        for line, reading, p, d in zip(some, readings, probability, distance, strict=True):
            if d <= 1:
                yield calibration_row(reading, float(p), passed=line.passed)


def _batches(lines: Sequence[LabelledPair]) -> Iterator[Sequence[LabelledPair]]:
    for first in range(0, len(lines), _AT_ONCE):
        yield lines[first : first + _AT_ONCE]
        print(f"{min(len(lines), first + _AT_ONCE):,} of {len(lines):,}", flush=True)


def automatic(calibration: CalibrationSet, bucket: Bucket, risk: float) -> float:
    """The share of a bucket's rows that its thresholds decide."""
    found = calibration.thresholds(bucket, risk, risk, 0.95)
    mine = [row for row in calibration.rows if row.bucket == bucket]
    decided = sum(
        (found.passing is not None and row.probability >= found.passing.at and not row.forbids_pass)
        or (found.failing is not None and 1 - row.probability >= found.failing.at and not row.forbids_fail)
        for row in mine
    )
    return decided / len(mine) if mine else 0.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--spoken", type=Path)
    parser.add_argument("--out", type=Path, default=SHIPPED)
    given = parser.parse_args()
    model = PairModel.read(SHIPPED / f"{ENGLISH}.json.gz", EnglishEncoder(SHIPPED))
    before = model.calibration_set
    fitted = scorer_dialogue(given.data) + scorer_answers(given.data)
    made = [*realigned(model, fitted, given.data), *judged(model, held_out_dialogue(given.data), Condition.WRITTEN)]
    heard = list(read_lines(given.spoken)) if given.spoken else []
    lines = relabelled(held_out_dialogue(given.data), heard)
    made += judged(model, lines, Condition.RECOGNISED)
    made += (row for row in before.rows if row.bucket.condition is Condition.RECOGNISED)
    after = CalibrationSet(made)
    for bucket in sorted({row.bucket for row in before.rows}, key=str):
        shares = [f"{automatic(one, bucket, risk):.1%}" for risk in _RISKS for one in (before, after)]
        count = sum(row.bucket == bucket for row in made)
        print(f"{bucket}: {count:,} rows; automatic at 0.3 %, 1 %, 2 %, before and after: {', '.join(shares)}")
    replace(model, version=VERSION, calibration_set=after).write(given.out / f"{ENGLISH}.json.gz")
    return 0


if __name__ == "__main__":
    start(main)
