"""What each rule of the judge is worth: how often it fires, and which automatic passes it prevents.

    python bench/rules.py --data DIR [--labels FILE] [--cases FILE ...] [--out FIRED.jsonl]

DIR holds the sets that docs/judge.md names. A rule forbids an automatic pass. It is *right* if it alone keeps a wrong
answer from a pass that it would have got otherwise, and *wrong* if it alone keeps a right answer from one. `likely`
counts pairs whose probability is over a half, `automatic` those that would pass at the risk. Sets that the models were
fitted on are counted apart: there, probabilities follow the labels. The same is printed for entries of the word lists.

`--labels` replaces labels by corrected ones: lines of `{"id", "settled"}`, where `id` is the first ten hex digits of
SHA-1 over the JSON list of question, expected and actual answer; a pair whose `settled` is null is left out.
"""

import argparse
import gzip
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from outset import start
from rich.console import Console
from rich.table import Table
from truth_data import first_half, rows, second_half

from voicewright.judge import Condition, LabelledPair, MeaningJudge, RiskPolicy, read_lines
from voicewright.judge.contradictions import Rule
from voicewright.judge.contradictions.data.word_lists import denies
from voicewright.judge.model.calibration_set import bucket_of
from voicewright.judge.model.reading import Reading, read
from voicewright.judge.pair import canonical

FITTED, UNSEEN, CASES = "fitted", "unseen", "cases"
_BATCH = 512
_LISTED = (Rule.INCOMPATIBLE, Rule.OPPOSITE, Rule.DIRECTION)
"""Rules whose findings are also counted one by one."""


@dataclass(frozen=True)
class Fired:
    """A labelled pair in which at least one rule fired."""

    part: str
    passed: bool
    rules: tuple[str, ...]
    """Rules, and entries of word lists as `rule: entry`."""
    likely: bool
    automatic: bool

    @property
    def alone(self) -> bool:
        """Whether one rule alone forbids the pass."""
        return sum(": " not in rule for rule in self.rules) == 1


@dataclass
class Worth:
    """Counts of one rule or entry, by part."""

    fired_on_fails: Counter[str]
    fired_on_passes: Counter[str]
    likely_right: Counter[str]
    likely_wrong: Counter[str]
    automatic_right: Counter[str]
    automatic_wrong: Counter[str]


def corrected(lines: Iterable[LabelledPair], labels: dict[str, str | None]) -> Iterator[LabelledPair]:
    """Lines with corrected labels, without those whose label could not be settled."""
    for line in lines:
        text = json.dumps([line.question, line.expected, line.actual], ensure_ascii=False)
        label = labels.get(hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()[:10], line.label)
        if label is not None:
            yield line.model_copy(update={"label": label})


def fired(judge: MeaningJudge, part: str, lines: Sequence[LabelledPair], policy: RiskPolicy) -> Iterator[Fired]:
    """The pairs in which a rule fires, with what the judge would decide without rules."""
    for at in range(0, len(lines), _BATCH):
        batch = [(line, read(line.pair(Condition.WRITTEN))) for line in lines[at : at + _BATCH]]
        batch = [(line, reading) for line, reading in batch if reading.forbids_pass]
        if not batch:
            continue
        for (line, reading), p, distance in zip(batch, *judge.predict([reading for _, reading in batch]), strict=True):
            passing = judge.thresholds(bucket_of(reading.pair), policy).passing
            automatic = passing is not None and p >= passing.at and distance <= 1
            yield Fired(part, line.passed, names(reading), bool(p > 0.5), bool(automatic))


def names(reading: Reading) -> tuple[str, ...]:
    """The rules that fired, and the entries that made them fire."""
    found = {str(one.rule) for one in reading.contradictions if one.forbids_pass}
    for one in reading.by_rule(*_LISTED):
        if not one.forbids_pass:
            continue
        entry = one.of if one.rule is Rule.INCOMPATIBLE else f"{one.expected} / {one.heard}"
        if one.rule is Rule.DIRECTION:
            entry = f"{one.expected.split()[0]} / {one.heard.split()[0]}"
        found.add(f"{one.rule}: {entry}")
    if reading.by_rule(Rule.NEGATION):
        texts = (reading.pair.expected, reading.pair.actual)
        found |= {f"denying: {word}" for text in texts for word in canonical(text, "en").split() if denies(word)}
    return tuple(sorted(found))


def worth(pairs: Iterable[Fired]) -> dict[str, Worth]:
    """Counts by rule and entry."""
    found: defaultdict[str, Worth] = defaultdict(lambda: Worth(*(Counter() for _ in range(6))))
    for pair in pairs:
        for name in pair.rules:
            counts = found[name]
            (counts.fired_on_passes if pair.passed else counts.fired_on_fails)[pair.part] += 1
            if pair.alone and pair.likely:
                (counts.likely_wrong if pair.passed else counts.likely_right)[pair.part] += 1
            if pair.alone and pair.automatic:
                (counts.automatic_wrong if pair.passed else counts.automatic_right)[pair.part] += 1
    return dict(found)


def show(found: dict[str, Worth], title: str, parts: Sequence[str]) -> Table:
    """A line for each rule or entry, the most frequent first; cells are `on fails / on passes`, by part."""
    table = Table("", title=title)
    for part in parts:
        for head in ("fires", "likely: right / wrong", "automatic: right / wrong"):
            table.add_column(f"{part}: {head}")
    for name in sorted(found, key=lambda one: -sum(found[one].fired_on_fails.values())):
        one = found[name]
        cells = []
        for part in parts:
            cells += [
                f"{one.fired_on_fails[part]} / {one.fired_on_passes[part]}",
                f"{one.likely_right[part]} / {one.likely_wrong[part]}",
                f"{one.automatic_right[part]} / {one.automatic_wrong[part]}",
            ]
        table.add_row(name, *cells)
    return table


def sets(data: Path) -> Iterator[tuple[str, list[LabelledPair]]]:
    """The English sets, each as fitted on or unseen. A test set that is not there is left out."""
    yield UNSEEN, rows(data, "dialogue_en_dev")
    if (data / "dialogue_en_test.jsonl.gz").exists():
        yield UNSEEN, rows(data, "dialogue_en_test")
    yield UNSEEN, second_half(data, "answers_en")
    yield FITTED, first_half(data, "answers_en")
    yield FITTED, rows(data, "dialogue_en_train")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--labels", type=Path, help="corrected labels")
    parser.add_argument("--cases", type=Path, nargs="*", default=[], help="more files of labelled pairs")
    parser.add_argument("--risk", type=float, default=0.02)
    parser.add_argument("--out", type=Path, help="one line for each pair in which a rule fired, without its text")
    given = parser.parse_args()
    labels: dict[str, str | None] = {}
    if given.labels:
        with gzip.open(given.labels, "rt", encoding="utf-8") as file:
            labels = {row["id"]: row["settled"] for row in map(json.loads, file)}
    judge, policy, pairs, console = MeaningJudge(), RiskPolicy(risk=given.risk), list[Fired](), Console(width=190)
    cases = [(CASES, [line for line in read_lines(file) if line.label]) for file in given.cases]
    for part, lines in (*sets(given.data), *cases):
        kept = list(corrected(lines, labels))
        found = list(fired(judge, part, kept, policy))
        console.print(f"{part}: {len(kept)} pairs, rules fired in {len(found)}", highlight=False)
        pairs += found
    if given.out:
        given.out.write_text("".join(json.dumps(vars(pair)) + "\n" for pair in pairs))
    parts = [part for part in (FITTED, UNSEEN, CASES) if any(pair.part == part for pair in pairs)]
    worths = worth(pairs)
    console.print(show({name: one for name, one in worths.items() if ": " not in name}, "rules", parts))
    console.print(show({name: one for name, one in worths.items() if ": " in name}, "entries", parts))
    return 0


if __name__ == "__main__":
    start(main)
