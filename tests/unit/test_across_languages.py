"""Pairs in other languages than English: what is written alike, and which word has no counterpart."""

from pathlib import Path

import numpy as np
import pytest

from activities.checks.meaning import exact_tokens, word_vectors
from activities.checks.meaning.embeddings import Embeddings
from activities.checks.meaning.judgement import SHIPPED, MeaningJudge
from activities.checks.meaning.pair import Condition, Pair
from activities.checks.meaning.word_vectors import Words, align, tokens
from activities.errors import InstallationError


def exact(expected: str, actual: str, language: str, expected_language: str | None = None) -> dict[str, float]:
    pair = Pair(expected, actual, "", language, Condition.WRITTEN, expected_language)
    return dict(zip(exact_tokens.COLUMNS, exact_tokens.exact(pair), strict=True))


def test_a_code_is_whole_or_another() -> None:
    other = exact("The processor is an i7-9700.", "Le processeur est un i7-9700F.", "fr", "en")
    assert (other["models_missing"], other["models_extra"], other["codes_swapped"]) == (1, 1, 1)
    same = exact("It costs 7,999.0 yuan.", "它7999元。", "zh", "en")
    assert (same["codes_expected"], same["codes_missing"], same["codes_extra"]) == (1, 0, 0)
    assert exact("Call 0512-67603337.", "请拨051267603337。", "zh", "en")["codes_missing"] == 0


def test_an_item_of_a_list_that_is_another_shows() -> None:
    same = exact("有天坛、故宫、北海公园。", "附近有北海公园,故宫和天坛", "zh")
    other = exact("有天坛、故宫、北海公园。", "附近有颐和园,故宫和天坛", "zh")
    assert same["part_least"] > 0.7 > other["part_least"]
    assert (same["parts_missing"], other["parts_missing"]) == (0, 1)


def test_parts_of_two_languages_and_words_of_latin_ones_are_not_compared() -> None:
    row = exact("Yes.", "Oui.", "fr", "en")
    assert np.isnan(row["part_least"])
    assert np.isnan(row["latin_extra"])
    assert exact("It has USB.", "它有HDMI和USB。", "zh", "en")["latin_extra"] == 1


@pytest.mark.parametrize("text", ["", "。。。", "!?"])
def test_a_text_without_a_word_gives_numbers_all_the_same(text: str) -> None:
    assert len(exact_tokens.exact(Pair("有的。", text, "", "zh"))) == len(exact_tokens.COLUMNS)
    row = align(Pair("有的。", text, "", "zh"), Embeddings(SHIPPED).vector, Words.read(SHIPPED / "words.npz"))
    assert np.isnan(row).all()


def test_the_word_without_a_counterpart_shows() -> None:
    vector, known = Embeddings(SHIPPED).vector, Words.read(SHIPPED / "words.npz")

    def least(actual: str) -> float:
        row = align(Pair("You can buy milk at the hospital.", actual, "", "fr", expected_language="en"), vector, known)
        return dict(zip(word_vectors.COLUMNS, row, strict=True))["centred_back_lost"]

    assert least("Vous pouvez acheter du lait à l'hôpital.") < least("Vous pouvez acheter du lait à la gare.")


def test_chinese_is_cut_into_words() -> None:
    assert tokens("北京的天气很好。", "zh") == ["北京", "的", "天气", "很", "好"]


def test_common_words_weigh_less_and_are_kept_as_counts_alone(tmp_path: Path) -> None:
    pairs = [Pair(f"the thing {n}", "the other", "", "en") for n in range(50)]
    fitted = Words.fit(pairs, lambda word: np.full(384, 1 + len(word), np.float32))
    fitted.write(tmp_path / "words.npz")
    again = Words.read(tmp_path / "words.npz")
    assert again.weight("the") < again.weight("thing") < again.weight("7") < again.weight("never")
    assert again.centre == pytest.approx(np.full(384, 1 / np.sqrt(384)), abs=1e-6)
    with pytest.raises(InstallationError, match="reinstall"):
        Words.read(tmp_path / "none.npz")


@pytest.mark.parametrize(
    ("expected", "right", "wrong", "language", "expected_language"),
    [
        ("Its processor is an Intel Core i7-9700.", "Son processeur est un Intel Core i7-9700.",
         "Son processeur est un Intel Core i7-9700F.", "fr", "en"),
        ("The hotel has a swimming pool.", "酒店有游泳池。", "酒店有停车场。", "zh", "en"),
        ("酒店有游泳池。", "有的，酒店有游泳池。", "有的，酒店有停车场。", "zh", None),
    ],
)  # fmt: skip
def test_another_value_is_less_likely_to_pass(
    expected: str, right: str, wrong: str, language: str, expected_language: str | None
) -> None:
    same, other = MeaningJudge(threads=1).judge(
        [Pair(expected, text, "", language, Condition.WRITTEN, expected_language) for text in (right, wrong)]
    )
    assert same.p_pass > 0.9
    assert other.p_pass < 0.6
