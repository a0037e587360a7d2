"""Makes the models that ship with the judge: `activities/checks/meaning/data/`.

    python bench/train_judge.py --data DIR --spoken SPOKEN.jsonl            # scorer, calibration, thresholds
    python bench/train_judge.py --data DIR --spoken SPOKEN.jsonl --encoder  # the cross-encoder as well

The encoder takes 35 minutes on 2 cores, the rest 10. DIR holds the sets that docs/judge.md names; SPOKEN is what
bench/spoken_pairs.py made of the scorer's dialogues. Seeds are fixed in the recipes.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from truth_data import OTHERS, encoder_rows, first_half, scorer_answers, scorer_dialogue

from activities.checks.meaning.embeddings import WORDS, Embeddings
from activities.checks.meaning.encoder import Encoder
from activities.checks.meaning.family import ACROSS, ENGLISH
from activities.checks.meaning.fitting import Sample, fit_family
from activities.checks.meaning.judgement import SHIPPED
from activities.checks.meaning.pair import Condition
from activities.checks.meaning.scorer import FINE
from activities.checks.meaning.truth import Labelled, read_lines
from activities.checks.meaning.word_vectors import Words
from activities.speech.models import minilm
from voicewright.leave import leave
from voicewright.settings import Settings

VERSIONS = {ENGLISH: "5", ACROSS: "5"}


def train_encoder(data: Path, out: Path) -> None:
    """Both stages of the recipe."""
    from activities.checks.meaning.encoder_training import STAGES, SentenceModel, export, train  # noqa: PLC0415 - torch is heavy

    base = minilm(Settings().models_dir)
    lines = encoder_rows(data)
    pairs, labels = [line.pair(Condition.WRITTEN) for line in lines], [int(line.passed) for line in lines]
    model = None
    for stage in STAGES:
        model = train(pairs, labels, base, stage, start=model)
    assert model is not None
    export(model, base, out / "encoder.onnx")
    export(SentenceModel(str(base)), base, out / "sentences.onnx")


def fit_across(lines: Sequence[Labelled], folder: Path) -> None:
    """The word model and the family of other languages, into a folder that holds the sentence model."""
    embeddings = Embeddings(folder)
    Words.fit([line.pair(Condition.WRITTEN) for line in lines], embeddings.vector).write(folder / WORDS)
    family = fit_family(VERSIONS[ACROSS], embeddings, Sample.of(lines, Condition.WRITTEN), recipe=FINE)
    family.write(folder / f"{ACROSS}.json.gz")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--spoken", type=Path)
    parser.add_argument("--encoder", action="store_true")
    parser.add_argument("--families", nargs="*", default=[ENGLISH, ACROSS], choices=[ENGLISH, ACROSS])
    parser.add_argument("--out", type=Path, default=SHIPPED)
    given = parser.parse_args()
    if given.encoder:
        train_encoder(given.data, given.out)
    if ENGLISH in given.families:
        lines = scorer_dialogue(given.data) + scorer_answers(given.data)
        if given.spoken:
            lines += [line for line in read_lines(given.spoken) if line.actual]
        family = fit_family(VERSIONS[ENGLISH], Encoder(given.out), Sample.of(lines, Condition.WRITTEN))
        family.write(given.out / f"{ENGLISH}.json.gz")
    if ACROSS in given.families:
        fit_across([line for name in OTHERS for line in first_half(given.data, name)], given.out)
    return 0


if __name__ == "__main__":
    leave(main())
