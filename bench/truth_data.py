"""The public sets that the judge was fitted and measured on, and which part of each serves what.

Where users get them: docs/judge.md. None of their text is in this repository.
"""

from pathlib import Path

from activities.checks.meaning.truth import Labelled, part_of, read_lines

ENCODER_DOMAINS = frozenset({"Events", "Music", "Buses", "Calendar", "Media", "Travel"})
"""Domains of the dialogues that the encoder is trained on; the scorer is fitted on the others, so that it learns how
much to trust the encoder where it has not been."""
OTHERS = ("dialogue_zh_dev", "dialogue_xling_dev")
"""Sets that the judge of other languages is fitted on, by halves."""
_MAX_ENCODER_WORDS = 50


def rows(folder: Path, name: str) -> list[Labelled]:
    """All lines of a set."""
    return list(read_lines(folder / f"{name}.jsonl.gz"))


def domain(line: Labelled) -> str:
    """`Restaurants_2` is of the domain Restaurants."""
    return line.service.split("_")[0]


def encoder_rows(folder: Path) -> list[Labelled]:
    """What the encoder is trained on: 15,000 pairs."""
    dialogue = [line for line in rows(folder, "dialogue_en_train") if domain(line) in ENCODER_DOMAINS]
    answers = [line for line in first_half(folder, "answers_en") if part_of(line.group, 2, "e") == 0]
    return dialogue + [line for line in answers if len(line.actual.split()) < _MAX_ENCODER_WORDS]


def scorer_dialogue(folder: Path) -> list[Labelled]:
    """Dialogues of domains that the encoder has not seen."""
    return [line for line in rows(folder, "dialogue_en_train") if domain(line) not in ENCODER_DOMAINS]


def scorer_answers(folder: Path) -> list[Labelled]:
    """Answers that the encoder has not seen, of the half that is fitted on."""
    return [line for line in first_half(folder, "answers_en") if part_of(line.group, 2, "e") == 1]


def first_half(folder: Path, name: str) -> list[Labelled]:
    """The half that is fitted on."""
    return [line for line in rows(folder, name) if part_of(line.group, 2) == 0]


def second_half(folder: Path, name: str) -> list[Labelled]:
    """The half that is measured on."""
    return [line for line in rows(folder, name) if part_of(line.group, 2) == 1]
