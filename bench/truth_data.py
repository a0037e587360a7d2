"""The public sets that the judge is fitted and measured on, and which part of each is used for what.

docs/judge.md says where to get them. None of their text is in this repository.
"""

import gzip
import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from voicewright.judge import LabelledPair, read_lines
from voicewright.judge.labelled import part_of

ENCODER_DOMAINS = frozenset({"Events", "Music", "Buses", "Calendar", "Media", "Travel"})
"""Domains that the encoder is trained on. The scorer is fitted on the others, so that it learns how far to trust the
encoder in a domain that is new to it."""
OTHERS = ("dialogue_zh_dev", "dialogue_xling_dev")
"""Sets of which the multilingual model is fitted on one half."""
_MAX_ENCODER_WORDS = 50


def rows(folder: Path, name: str) -> list[LabelledPair]:
    """All lines of a set, with the labels that the sources gave."""
    return list(read_lines(folder / f"{name}.jsonl.gz"))


def settled(folder: Path, lines: Iterable[LabelledPair]) -> list[LabelledPair]:
    """Lines with the labels that reading them again settled; lines whose label could not be settled are left out.

    `read_again.jsonl.gz` has the readings. Lines that nobody read again keep the label of their source.
    """
    with gzip.open(folder / "read_again.jsonl.gz", "rt", encoding="utf-8") as file:
        labels = {row["id"]: row["settled"] for row in map(json.loads, file)}
    relabelled = ((line, labels.get(_reading_id(line), line.label)) for line in lines)
    return [line.model_copy(update={"label": label}) for line, label in relabelled if label is not None]


def _reading_id(line: LabelledPair) -> str:
    """By which a line is found among the readings."""
    text = json.dumps([line.question, line.expected, line.actual], ensure_ascii=False)
    return hashlib.sha1(text.encode()).hexdigest()[:10]  # noqa: S324 - as the readings have it


def held_out_dialogue(folder: Path) -> list[LabelledPair]:
    """Dialogues on which nothing was fitted and nothing is measured: thresholds are chosen on them."""
    return settled(folder, rows(folder, "dialogue_en_test"))


def relabelled(written: Sequence[LabelledPair], heard: Iterable[LabelledPair]) -> list[LabelledPair]:
    """Lines that bench/spoken_pairs.py made from a set, with the labels that the set's lines have now."""
    labels = {line.number - 1: line.label for line in written}
    return [line.model_copy(update={"label": labels[line.row]}) for line in heard if line.actual and line.row in labels]


def encoder_rows(folder: Path) -> list[LabelledPair]:
    """What the encoder is trained on: 15,000 pairs."""
    dialogue = [line for line in rows(folder, "dialogue_en_train") if line.domain in ENCODER_DOMAINS]
    answers = [line for line in first_half(folder, "answers_en") if part_of(line.group, 2, "e") == 0]
    return dialogue + [line for line in answers if len(line.actual.split()) < _MAX_ENCODER_WORDS]


def scorer_dialogue(folder: Path) -> list[LabelledPair]:
    """Dialogues of domains that the encoder has not seen."""
    return [line for line in rows(folder, "dialogue_en_train") if line.domain not in ENCODER_DOMAINS]


def scorer_answers(folder: Path) -> list[LabelledPair]:
    """Answers that the encoder has not seen, of the half that is fitted on."""
    return [line for line in first_half(folder, "answers_en") if part_of(line.group, 2, "e") == 1]


def first_half(folder: Path, name: str) -> list[LabelledPair]:
    """The half that is fitted on."""
    return [line for line in rows(folder, name) if part_of(line.group, 2) == 0]


def second_half(folder: Path, name: str) -> list[LabelledPair]:
    """The half that is measured on."""
    return [line for line in rows(folder, name) if part_of(line.group, 2) == 1]
