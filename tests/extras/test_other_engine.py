"""sentence-transformers in the place of the packaged engines gives the same verdicts."""

from collections.abc import Iterator
from importlib import import_module
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from voicewright.judge import Condition, MeaningJudge, MeaningVerdict, ModelMissingError, Pair
from voicewright.judge.model.reading import read
from voicewright.settings import Settings
from workers.build import meaning_judge

pytestmark = pytest.mark.extras

RISK = 0.05
LANGUAGES = ("es", "fr", "it", "pt-BR", "ja", "zh")
NEIGHBOURS = 2
"""How many sentences each is compared with, itself among them."""
QUESTIONS = (
    "When do you open?", "What does it cost?", "Is there a doctor who speaks Spanish?", "Name the capital of Peru.",
    "What is the derivative of a cube?",
)  # fmt: skip


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """multilingual-e5-small, for sentence-transformers."""
    pytest.importorskip("sentence_transformers", reason="`make extras` installs it beside .venv")
    folder: Path = import_module("multilingual_e5").write_model(tmp_path_factory.mktemp("e5"))
    return folder


@pytest.fixture(scope="session")
def judge(original: Path) -> Iterator[MeaningJudge]:
    """As a worker builds it whose settings choose the engine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VOICEWRIGHT_EMBEDDING_ENGINE", "sentence-transformers")
        patch.setenv("VOICEWRIGHT_EMBEDDING_MODEL", str(original))
        yield meaning_judge(Settings(), None)


def said() -> dict[str, list[str]]:
    """The same ten sentences in every language."""
    found: dict[str, list[str]] = YAML(typ="safe").load(Path("bench/sentences.yaml").read_text())
    return found


def pairs() -> list[Pair]:
    """Some right, most wrong: first the English ones, then in one other language and across two."""
    english = said()["en"]
    found = [
        Pair(one, other, question, condition=Condition.WRITTEN)
        for (one, other), question in zip(product(english, english), QUESTIONS * 20, strict=True)
    ]
    for language in LANGUAGES:
        here = said()[language]
        for at, step in product(range(len(here)), range(NEIGHBOURS)):
            actual = here[(at + step) % len(here)]
            found.append(Pair(here[at], actual.rstrip(".。"), "", language, Condition.WRITTEN))
            found.append(Pair(english[at], actual, "", language, Condition.WRITTEN, "en"))
    return found


def test_verdicts_do_not_depend_on_the_engine(judge: MeaningJudge) -> None:
    both = list(zip(MeaningJudge().judge(pairs(), RISK), judge.judge(pairs(), RISK), strict=True))
    apart = np.array([abs(ours.p_pass - theirs.p_pass) for ours, theirs in both])
    english = len(said()["en"]) ** 2
    moved = [(ours, theirs) for ours, theirs in both if ours.verdict is not theirs.verdict]
    typical, most, furthest = np.quantile(apart[english:], [0.5, 0.95, 1])
    print(  # noqa: T201 - figures for docs/figures.md
        f"English: {english} pairs, {apart[:english].max():.4f} apart at most. Other languages: {len(both) - english} "
        f"pairs, {typical:.4f}, {most:.4f}, {furthest:.4f} apart (median, 95 %, most), {len(moved)} verdicts moved"
    )
    assert len(both) > 300
    assert {ours.verdict for ours, _ in both} == set(MeaningVerdict)
    assert apart[:english].max() < 0.001
    assert most < 0.05
    # 4-bit arithmetic and floats do not agree to the last digit, so a pair on a threshold may go to a person by one.
    assert len(moved) <= len(both) / 100
    assert all(MeaningVerdict.REVIEW in {ours.verdict, theirs.verdict} for ours, theirs in moved)
    assert [ours.verdict for ours, _ in both[:english]] == [theirs.verdict for _, theirs in both[:english]]


def test_it_was_the_other_engine_that_ran(judge: MeaningJudge) -> None:
    english = judge._english._by_sentence_transformers(QUESTIONS)
    assert np.abs(english - MeaningJudge()._english._sentences(QUESTIONS)).max() > 1e-6
    assert np.abs(judge._multilingual.vector("hola") - MeaningJudge()._multilingual.vector("hola")).max() > 1e-6


def test_questions_lie_where_the_packaged_engine_puts_them(judge: MeaningJudge) -> None:
    readings = [read(Pair("a", "b", question)) for question in QUESTIONS]
    ours, theirs = (one._english.encode_questions(readings) for one in (MeaningJudge(), judge))
    assert (ours * theirs).sum(axis=1).min() > 0.98


def test_another_model_is_refused(original: Path) -> None:
    other = str(import_module("voicewright.judge.model.encoders.other_engine").packaged_minilm())
    assert original.is_dir()
    with pytest.raises(ModelMissingError, match="not those that the judge was fitted on"):
        MeaningJudge(embedding_model=other).judge([Pair("abrimos a las ocho", "a las ocho", "", "es")], RISK)
