"""`judge eval`: pairs from a file to verdicts, and how good they are where labels are known."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from tqdm import tqdm

from activities.checks.answer import Answer, answer_checks
from activities.checks.meaning.judgement import MeaningJudge
from activities.checks.meaning.pair import Condition, styled
from activities.checks.meaning.score import score
from activities.checks.meaning.sentence import Judgement, Sentence
from activities.checks.meaning.truth import Labelled
from voicewright.suite import Judge
from voicewright.verdict import CheckOutcome

_BATCH = 256
_COLUMNS = (
    "language", "source", "pairs", "ROC-AUC", "calibration error", "automatic", "right (95 %)", "false passes",
    "false fails",
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """A line and what is said of it."""

    line: Labelled
    judgement: Judgement


def evaluate(judge: MeaningJudge, lines: Sequence[Labelled], out: TextIO, condition: Condition | None) -> list[Found]:
    """Judge every line, in batches, writing one line of JSON for each."""
    found: list[Found] = []
    began = time.monotonic()
    with tqdm(total=len(lines), unit="pair", file=sys.stderr, disable=None) as bar:
        for at in range(0, len(lines), _BATCH):
            batch = lines[at : at + _BATCH]
            pairs = [line.pair(condition or styled(line.actual)) for line in batch]
            for line, judgement in zip(batch, judge.judge(pairs), strict=True):
                final = _with_rules(line, judgement)
                found.append(Found(line, final))
                said = {"p_pass": final.p_pass, "verdict": str(final.sentence), "evidence": list(final.evidence)}
                if final.because:
                    said["because"] = final.because
                out.write(json.dumps(said, ensure_ascii=False) + "\n")
            bar.update(len(batch))
    took = time.monotonic() - began
    sys.stderr.write(f"{len(lines)} pairs in {took:.1f} s: {len(lines) / max(took, 1e-9):.0f} a second\n")
    return found


def _with_rules(line: Labelled, judgement: Judgement) -> Judgement:
    """A hard rule that fails overrides; one that cannot be told asks a person."""
    if line.rules is None:
        return judgement
    said = Answer(line.actual, 0, line.lang, line.question or "")
    checks = list(answer_checks(line.rules.expectation(), said, judge=None, limits=Judge()))
    evidence = tuple(check.evidence for check in checks if check.outcome is not CheckOutcome.PASSED)
    if any(check.outcome is CheckOutcome.FAILED for check in checks):
        return Judgement(0.0, Sentence.FAIL, (*evidence, *judgement.evidence), "", judgement.bucket)
    if evidence and judgement.sentence is Sentence.PASS:
        return Judgement(
            judgement.p_pass,
            Sentence.REVIEW,
            (*evidence, *judgement.evidence),
            "a rule cannot be told",
            judgement.bucket,
        )
    return judgement


def summary(found: Sequence[Found], console: Console) -> None:
    """A table by language and source; needs labels."""
    labelled = [one for one in found if one.line.label is not None]
    if not labelled:
        return
    table = Table(*_COLUMNS)
    for name, part in _parts(labelled):
        _row(table, name, part)
    console.print(table)


def _parts(found: Sequence[Found]) -> Iterator[tuple[tuple[str, str], list[Found]]]:
    keys = sorted({(one.line.lang, one.line.source or "-") for one in found})
    for key in keys:
        yield key, [one for one in found if (one.line.lang, one.line.source or "-") == key]
    if len(keys) > 1:
        yield ("all", ""), list(found)


def _row(table: Table, name: tuple[str, str], part: Sequence[Found]) -> None:
    scored = score([one.judgement for one in part], [one.line.passed for one in part])
    auc = f"{scored.auc:.4f}" if scored.auc is not None else "-"
    table.add_row(*map(escape, name), str(scored.pairs), auc, f"{scored.error:.4f}", *scored.cells())


def plot(found: Sequence[Found], path: Path, told: Callable[[str], None]) -> None:
    """Reliability and risk-coverage, side by side, as PNG; needs labels."""
    labelled = [one for one in found if one.line.label is not None]
    if not labelled:
        told("no labels, so nothing to plot")
        return
    import matplotlib as mpl  # noqa: PLC0415 - half a second, for plots alone

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    p = np.array([one.judgement.p_pass for one in labelled])
    passed = np.array([one.line.passed for one in labelled])
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.8), layout="constrained")
    bins = np.minimum((p * 10).astype(int), 9)
    at = [b for b in range(10) if (bins == b).any()]
    left.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    left.plot([p[bins == b].mean() for b in at], [passed[bins == b].mean() for b in at], marker="o")
    left.bar([b / 10 + 0.05 for b in range(10)], [(bins == b).mean() for b in range(10)], width=0.09, alpha=0.2)
    left.set(
        xlabel="probability said",
        ylabel="share that passed",
        title=f"Reliability, {len(p)} pairs",
        xlim=(0, 1),
        ylim=(0, 1),
    )
    sure = np.maximum(p, 1 - p)
    wrong = ((p > 0.5) != passed)[np.argsort(-sure, kind="stable")]  # noqa: PLR2004 - the likelier verdict
    count = np.arange(1, len(wrong) + 1)
    right.plot(count / len(wrong), np.cumsum(wrong) / count)
    taken = [one for one in labelled if one.judgement.sentence is not Sentence.REVIEW]
    if taken:
        errors = sum((one.judgement.sentence is Sentence.PASS) != one.line.passed for one in taken)
        right.plot(
            [len(taken) / len(labelled)], [errors / len(taken)], marker="o", linestyle="", label="automatic verdicts"
        )
        right.legend()
    right.set(
        xlabel="coverage (surest first)", ylabel="share wrong", title="Risk and coverage", xlim=(0, 1), ylim=(0, None)
    )
    figure.savefig(path, dpi=120)
    plt.close(figure)
    told(f"plot: {path}")
