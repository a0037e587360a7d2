"""Fits the models that ship with the judge: `voicewright/judge/model/data/`.

    python bench/train_judge.py --data DIR --spoken SPOKEN.jsonl            # scorer, calibration, thresholds
    python bench/train_judge.py --data DIR --spoken SPOKEN.jsonl --encoder  # the cross-encoder as well

The encoder takes 35 minutes on 2 cores, the rest 10. DIR holds the sets that docs/judge.md names; SPOKEN is what
bench/spoken_pairs.py made from the scorer's dialogues. Seeds are fixed in the recipes.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from outset import start
from truth_data import OTHERS, encoder_rows, first_half, scorer_answers, scorer_dialogue

from activities.speech.models import minilm
from voicewright.judge import SHIPPED, Condition, LabelledPair, read_lines
from voicewright.judge.model.encoders.english import EnglishEncoder
from voicewright.judge.model.encoders.multilingual import WORDS, MultilingualEncoder
from voicewright.judge.model.encoders.word_vectors import WordFrequencies
from voicewright.judge.model.pair_model import ENGLISH, MULTILINGUAL
from voicewright.judge.model.scorer import FINE
from voicewright.judge.training.dataset import Dataset
from voicewright.judge.training.fit import fit_model
from voicewright.settings import Settings

VERSIONS = {ENGLISH: "5", MULTILINGUAL: "5"}


def train_encoder(data: Path, out: Path) -> None:
    """Train the cross-encoder in both stages, and export it and the sentence model."""
    from voicewright.judge.training.encoder import STAGES, SentenceModel, export, train  # noqa: PLC0415

    base = minilm(Settings().models_dir)
    lines = encoder_rows(data)
    pairs, labels = [line.pair(Condition.WRITTEN) for line in lines], [int(line.passed) for line in lines]
    model = None
    for stage in STAGES:
        model = train(pairs, labels, base, stage, start=model)
    assert model is not None
    export(model, base, out / "encoder.onnx")
    export(SentenceModel(str(base)), base, out / "sentences.onnx")


def fit_multilingual(lines: Sequence[LabelledPair], folder: Path) -> None:
    """Fit the word frequencies and the multilingual model, and write both into a folder."""
    embeddings = MultilingualEncoder(folder)
    WordFrequencies.fit([line.pair(Condition.WRITTEN) for line in lines], embeddings.vector).write(folder / WORDS)
    model = fit_model(VERSIONS[MULTILINGUAL], embeddings, Dataset.of(lines, Condition.WRITTEN), recipe=FINE)
    model.write(folder / f"{MULTILINGUAL}.json.gz")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--spoken", type=Path)
    parser.add_argument("--encoder", action="store_true")
    parser.add_argument("--models", nargs="*", default=[ENGLISH, MULTILINGUAL], choices=[ENGLISH, MULTILINGUAL])
    parser.add_argument("--out", type=Path, default=SHIPPED)
    given = parser.parse_args()
    if given.encoder:
        train_encoder(given.data, given.out)
    if ENGLISH in given.models:
        lines = scorer_dialogue(given.data) + scorer_answers(given.data)
        if given.spoken:
            lines += [line for line in read_lines(given.spoken) if line.actual]
        model = fit_model(VERSIONS[ENGLISH], EnglishEncoder(given.out), Dataset.of(lines, Condition.WRITTEN))
        model.write(given.out / f"{ENGLISH}.json.gz")
    if MULTILINGUAL in given.models:
        fit_multilingual([line for name in OTHERS for line in first_half(given.data, name)], given.out)
    return 0


if __name__ == "__main__":
    start(main)
