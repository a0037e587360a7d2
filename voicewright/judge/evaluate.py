"""`judge eval`: judges the pairs of a file, and measures the verdicts if the pairs have labels."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TextIO

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from tqdm import tqdm

from voicewright.judge.evidence import evidence_lines, reason_text
from voicewright.judge.judge import MeaningJudge
from voicewright.judge.labelled import LabelledPair
from voicewright.judge.metrics import measure
from voicewright.judge.pair import Condition, styled
from voicewright.judge.rules import check_facts, check_phrases, rule_text
from voicewright.judge.verdict import Judgement, MeaningVerdict, ReviewReason

_BATCH = 256
_COLUMNS = (
    "language", "source", "pairs", "ROC-AUC", "calibration error", "automatic", "right (95 %)", "false passes",
    "false fails",
)  # fmt: skip


@dataclass(frozen=True)
class Evaluated:
    """A line and its judgement."""

    line: LabelledPair
    judgement: Judgement


def evaluate(
    judge: MeaningJudge, lines: Sequence[LabelledPair], out: TextIO, condition: Condition | None
) -> list[Evaluated]:
    """Judge every line, in batches, and write one line of JSON for each to `out`.

    `condition` is that of every pair; None guesses it from how the text is written.
    """
    found: list[Evaluated] = []
    began = time.monotonic()
    with tqdm(total=len(lines), unit="pair", file=sys.stderr, disable=None) as bar:
        for at in range(0, len(lines), _BATCH):
            batch = lines[at : at + _BATCH]
            pairs = [line.pair(condition or styled(line.actual)) for line in batch]
            for line, judgement in zip(batch, judge.judge(pairs), strict=True):
                final, broken = _with_rules(line, judgement, line.condition or condition)
                found.append(Evaluated(line, final))
                said = {
                    "p_pass": final.p_pass,
                    "verdict": str(final.verdict),
                    "evidence": broken + evidence_lines(final),
                }
                if final.reason is not None:
                    said["because"] = reason_text(final)
                out.write(json.dumps(said, ensure_ascii=False) + "\n")
            bar.update(len(batch))
    took = time.monotonic() - began
    sys.stderr.write(f"{len(lines)} pairs in {took:.1f} s: {len(lines) / max(took, 1e-9):.0f} a second\n")
    return found


def _with_rules(line: LabelledPair, judgement: Judgement, condition: Condition | None) -> tuple[Judgement, list[str]]:
    """The judgement after the line's hard rules, and what those found, in words.

    A rule that does not hold makes a fail. A rule that cannot be decided sends a pass to a person.
    """
    if line.rules is None:
        return judgement, []
    rules, spoken = line.rules, condition is not Condition.WRITTEN
    said = {"contain": rules.contains, "lack": rules.absent, "match": rules.matches}
    today = line.today or datetime.now().astimezone().date()
    found = [
        *check_phrases(line.actual, line.lang, **said, spoken=spoken),
        *check_facts(rules.entities, line.actual, line.lang, today, spoken=spoken),
    ]
    evidence = [rule_text(one) for one in found if not one.holds]
    if any(one.holds is False for one in found):
        return replace(judgement, p_pass=0.0, verdict=MeaningVerdict.FAIL, reason=None), evidence
    if evidence and judgement.verdict is MeaningVerdict.PASS:
        return replace(judgement, verdict=MeaningVerdict.REVIEW, reason=ReviewReason.RULE_UNSURE), evidence
    return judgement, evidence


def summary(found: Sequence[Evaluated], console: Console) -> None:
    """Print a table by language and source; nothing if no line has a label."""
    labelled = [one for one in found if one.line.label is not None]
    if not labelled:
        return
    table = Table(*_COLUMNS)
    for name, part in _parts(labelled):
        _row(table, name, part)
    console.print(table)


def _parts(found: Sequence[Evaluated]) -> Iterator[tuple[tuple[str, str], list[Evaluated]]]:
    keys = sorted({(one.line.lang, one.line.source or "-") for one in found})
    for key in keys:
        yield key, [one for one in found if (one.line.lang, one.line.source or "-") == key]
    if len(keys) > 1:
        yield ("all", ""), list(found)


def _row(table: Table, name: tuple[str, str], part: Sequence[Evaluated]) -> None:
    metrics = measure([one.judgement for one in part], [one.line.passed for one in part])
    auc = f"{metrics.auc:.4f}" if metrics.auc is not None else "-"
    table.add_row(*map(escape, name), str(metrics.pairs), auc, f"{metrics.calibration_error:.4f}", *metrics.cells())


def plot(found: Sequence[Evaluated], path: Path, progress: Callable[[str], None]) -> None:
    """Plot reliability, and risk over coverage, as a PNG; nothing if no line has a label. `progress` gets one line."""
    labelled = [one for one in found if one.line.label is not None]
    if not labelled:
        progress("no labels, so nothing to plot")
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
        xlabel="predicted probability of a pass",
        ylabel="share that passed",
        title=f"Reliability, {len(p)} pairs",
        xlim=(0, 1),
        ylim=(0, 1),
    )
    confidence = np.maximum(p, 1 - p)
    wrong = ((p > 0.5) != passed)[np.argsort(-confidence, kind="stable")]  # noqa: PLR2004 - the likelier verdict
    count = np.arange(1, len(wrong) + 1)
    right.plot(count / len(wrong), np.cumsum(wrong) / count)
    taken = [one for one in labelled if one.judgement.verdict is not MeaningVerdict.REVIEW]
    if taken:
        errors = sum((one.judgement.verdict is MeaningVerdict.PASS) != one.line.passed for one in taken)
        right.plot(
            [len(taken) / len(labelled)], [errors / len(taken)], marker="o", linestyle="", label="automatic verdicts"
        )
        right.legend()
    right.set(
        xlabel="coverage (most confident first)",
        ylabel="share wrong",
        title="Risk and coverage",
        xlim=(0, 1),
        ylim=(0, None),
    )
    figure.savefig(path, dpi=120)
    plt.close(figure)
    progress(f"plot: {path}")
