"""Chooses anew what English thresholds are chosen from, without fitting a model.

    python bench/spoken_pairs.py DIR/dialogue_en_test.jsonl.gz SPOKEN.jsonl --limit 5000 --held-out
    python bench/recalibrate_judge.py --data DIR --spoken SPOKEN.jsonl

The calibration set that ships is made of pairs as cross-fitted scorers judged them. Here their labels become those that
reading again settled, and the dialogues of the test split come in, written and spoken, judged by the shipped scorer,
which has not seen them. Of a spoken bucket that has enough of these, the older rows leave: their labels cannot be
settled any more. Prints, for each bucket, the share of its rows that would be decided before and after.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from outset import start
from truth_data import held_out_dialogue, scorer_answers, scorer_dialogue, settled, spoken

from voicewright.judge import SHIPPED, Condition, LabelledPair, read_lines
from voicewright.judge.model.calibration_set import Bucket, CalibrationRow, CalibrationSet, calibration_row
from voicewright.judge.model.encoders.english import EnglishEncoder
from voicewright.judge.model.pair_model import ENGLISH, PairModel, matrix
from voicewright.judge.model.reading import read

VERSION = "6"
_ENOUGH = 1_500
"""Rows of a bucket that do without older ones."""
_RISKS = (0.003, 0.01, 0.02)
_AT_ONCE = 500


class MisalignedError(Exception):
    """The shipped rows are not those of these data."""


def relabelled(model: PairModel, lines: Sequence[LabelledPair], folder: Path) -> Iterator[CalibrationRow]:
    """The shipped rows of written lines, with settled labels.

    Args:
        model: whose calibration set it is.
        lines: what it was fitted on, in the order in which it was.
        folder: of the data.

    Raises:
        MisalignedError: they do not belong together.
    """
    labels = {line.number: line.label for line in settled(folder, lines)}
    shipped = iter(row for row in model.calibration_set.rows if row.bucket.condition is Condition.WRITTEN)
    for some in _batches(lines):
        readings = [read(line.pair(Condition.WRITTEN)) for line in some]
        _, vectors = matrix(readings, model.encoder, [line.group for line in some])
        near = model.pairs.distance(vectors) <= model.pairs.limit
        for line, reading, kept in zip(some, readings, near, strict=True):
            if not kept:
                continue
            row = next(shipped, None)
            now = calibration_row(reading, 0.5, passed=line.passed)
            if row is None or (row.bucket, row.passed) != (now.bucket, now.passed):
                raise MisalignedError(f"{line.source} {line.group}: shipped {row}, now {now}")
            if line.number in labels:
                yield replace(now, probability=row.probability, passed=labels[line.number] == "pass")


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
    made = [*relabelled(model, fitted, given.data), *judged(model, held_out_dialogue(given.data), Condition.WRITTEN)]
    heard = list(read_lines(given.spoken)) if given.spoken else []
    lines = spoken(held_out_dialogue(given.data), heard)
    new = list(judged(model, lines, Condition.RECOGNISED))
    for bucket in {row.bucket for row in before.rows if row.bucket.condition is Condition.RECOGNISED}:
        own = [row for row in new if row.bucket == bucket]
        made += own if len(own) >= _ENOUGH else [*own, *(row for row in before.rows if row.bucket == bucket)]
    after = CalibrationSet(made)
    for bucket in sorted({row.bucket for row in before.rows}, key=str):
        shares = [f"{automatic(one, bucket, risk):.1%}" for risk in _RISKS for one in (before, after)]
        count = sum(row.bucket == bucket for row in made)
        print(f"{bucket}: {count:,} rows; automatic at 0.3 %, 1 %, 2 %, before and after: {', '.join(shares)}")
    replace(model, version=VERSION, calibration_set=after).write(given.out / f"{ENGLISH}.json.gz")
    return 0


if __name__ == "__main__":
    start(main)
