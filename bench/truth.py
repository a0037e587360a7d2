"""How far the judge can be trusted: on data that it was not fitted on, one table, one command.

    python bench/truth.py --data DIR [--spoken-dev SPOKEN.jsonl]

DIR holds the sets that docs/judge.md names. Prints ROC-AUC, calibration error, coverage and accuracy of automatic
verdicts (with Wilson's interval), for the shipped models; the coverage that is possible at a given accuracy when the
threshold is chosen on the fitted half; and the share of random splits in which the stated risk is exceeded.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from sklearn.metrics import roc_auc_score
from truth_data import rows, second_half

from activities.checks.meaning.family import ACROSS, ENGLISH
from activities.checks.meaning.features import read
from activities.checks.meaning.judgement import MeaningJudge
from activities.checks.meaning.pair import Condition
from activities.checks.meaning.record import Bucket, Record, ResponseType, Row
from activities.checks.meaning.risk import calibration_error, share_over, wilson
from activities.checks.meaning.sentence import Appetite, Judgement, Sentence
from activities.checks.meaning.truth import Labelled, read_lines
from voicewright.leave import leave

_RISKS = (0.003, 0.01, 0.02)


def judged(judge: MeaningJudge, lines: Sequence[Labelled], condition: Condition) -> dict[float, list[Judgement]]:
    """Judgements at each risk; the pairs are read once."""
    readings = [read(line.pair(condition)) for line in lines]
    probability, distance = judge.measure(readings)
    return {
        risk: [
            judge.decide(reading, float(p), float(d), Appetite(risk=risk))
            for reading, p, d in zip(readings, probability, distance, strict=True)
        ]
        for risk in _RISKS
    }


def measure(table: Table, name: str, lines: Sequence[Labelled], found: dict[float, list[Judgement]]) -> None:
    """Lines of the table for one set."""
    passed = np.array([line.passed for line in lines])
    p = np.array([judgement.p_pass for judgement in found[_RISKS[0]]])
    auc, error = roc_auc_score(passed, p), calibration_error(p, passed)
    for risk, judgements in found.items():
        yes = np.array([j.sentence is Sentence.PASS for j in judgements])
        no = np.array([j.sentence is Sentence.FAIL for j in judgements])
        count, wrong = int(yes.sum() + no.sum()), int((yes & ~passed).sum() + (no & passed).sum())
        low, high = wilson(count - wrong, count)
        right = f"{1 - wrong / count:.2%} ({low:.2%} to {high:.2%})" if count else "-"
        table.add_row(
            name if risk == _RISKS[0] else "", str(len(lines)) if risk == _RISKS[0] else "",
            f"{auc:.4f}" if risk == _RISKS[0] else "", f"{error:.4f}" if risk == _RISKS[0] else "",
            f"{risk:.1%}", f"{count / len(lines):.1%}", right,
            f"{int((yes & ~passed).sum())} of {int(yes.sum())}", f"{int((no & passed).sum())} of {int(no.sum())}",
        )  # fmt: skip


def point_coverage(
    rows_: Sequence[Row], lines: Sequence[Labelled], p: NDArray[np.float64], veto: NDArray[np.bool_], accuracy: float
) -> tuple[float, float]:
    """Threshold for an accuracy chosen on the fitted half (no bound), applied to the other: coverage and accuracy."""
    sure = np.array(
        [0.0 if row.vetoed and row.probability > 0.5 else max(row.probability, 1 - row.probability) for row in rows_]
    )
    wrong = np.array([(row.probability > 0.5) != row.passed for row in rows_])
    order = np.argsort(-sure)
    share = np.cumsum(wrong[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(share <= 1 - accuracy)
    if not len(good):
        return 0.0, 1.0
    at = sure[order][good[-1]]
    passed = np.array([line.passed for line in lines])
    taken = (np.maximum(p, 1 - p) >= at) & ~(veto & (p > 0.5))
    right = ((p > 0.5) == passed)[taken]
    return float(taken.mean()), float(right.mean()) if len(right) else 1.0


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
        limits = fit.limits(mine[0].bucket, risk, risk, 0.95)
        taken = wrong = 0
        for row in held:
            if limits.passing is not None and row.probability >= limits.passing.at and not row.vetoed:
                taken, wrong = taken + 1, wrong + (not row.passed)
            elif limits.failing is not None and 1 - row.probability >= limits.failing.at:
                taken, wrong = taken + 1, wrong + row.passed
        risks.append(wrong / taken if taken else 0.0)
        covers.append(taken / len(held))
    return share_over(risks, risk), float(np.mean(covers)), float(np.mean(risks))


_SETS = {
    "dialogue_en_dev": rows,
    "answers_en": second_half,
    "dialogue_zh_dev": second_half,
    "dialogue_xling_dev": second_half,
    "graded_en_de": rows,
    "negation_en": rows,
}
_HEADS = ("set", "pairs", "ROC-AUC", "ECE", "risk", "coverage", "right (95 %)", "false passes", "false fails")


def fitted_rows(judge: MeaningJudge, name: str) -> list[Row]:
    """The record's rows that are of a kind with a set."""
    if name in {"dialogue_en_dev", "answers_en"}:
        kind = ResponseType.SENTENCE if name == "dialogue_en_dev" else ResponseType.BARE
        wanted = Bucket("en", kind, Condition.WRITTEN)
        return [row for row in judge.family(ENGLISH).record.rows if row.bucket == wanted]
    return [row for row in judge.family(ACROSS).record.rows if (row.bucket.language == "zh") == ("zh" in name)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--spoken-dev", type=Path)
    parser.add_argument("--only", nargs="*", default=list(_SETS), choices=list(_SETS))
    parser.add_argument("--splits", type=int, default=200)
    given = parser.parse_args()
    judge, console = MeaningJudge(threads=2), Console(width=150)
    table = Table(*_HEADS)
    for name in given.only:
        lines = _SETS[name](given.data, name)
        found = judged(judge, lines, Condition.WRITTEN)
        measure(table, name + (", held half" if _SETS[name] is second_half else ""), lines, found)
        if name not in {"graded_en_de", "negation_en"}:
            p = np.array([j.p_pass for j in found[_RISKS[0]]])
            veto = np.array([j.vetoed for j in found[_RISKS[0]]])
            for accuracy in (0.99, 0.997):
                cover, right = point_coverage(fitted_rows(judge, name), lines, p, veto, accuracy)
                console.print(
                    f"{name}: threshold for {accuracy:.1%} on fitted data: coverage {cover:.1%}, right {right:.2%}"
                )
    if given.spoken_dev:
        spoken(judge, table, given.data, given.spoken_dev)
    console.print(table)
    for response in (ResponseType.SENTENCE, ResponseType.BARE):
        for condition in (Condition.WRITTEN, Condition.RECOGNISED):
            bucket = Bucket("en", response, condition)
            mine = [row for row in judge.family(ENGLISH).record.rows if row.bucket == bucket]
            for risk in _RISKS if mine else ():
                over, cover, mean = splits(mine, risk, given.splits)
                console.print(
                    f"{given.splits} splits of {len(mine)}, {bucket}, risk {risk:.1%}: over it in {over:.1%}; "
                    f"coverage {cover:.1%}, mean risk {mean:.3%}"
                )
    return 0


def spoken(judge: MeaningJudge, table: Table, data: Path, path: Path) -> None:
    """Pairs that went through our own voice and recogniser, and the same pairs as they were written."""
    lines = list(read_lines(path))
    bare = [line.model_copy(update={"condition": None}) for line in lines]
    for name, condition in (("known", Condition.RECOGNISED), ("unknown", Condition.UNKNOWN)):
        measure(table, f"spoken, condition {name}", bare, judged(judge, bare, condition))
    written = rows(data, "dialogue_en_dev")
    same = [written[line.row] for line in lines if line.row is not None]
    measure(table, "the same, written", same, judged(judge, same, Condition.WRITTEN))


if __name__ == "__main__":
    leave(main())
