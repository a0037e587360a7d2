"""Pairs in other languages than English: what is written alike, and which word has no counterpart."""

from pathlib import Path

import numpy as np
import pytest

from voicewright.judge.errors import ModelMissingError
from voicewright.judge.judge import SHIPPED, MeaningJudge
from voicewright.judge.model.encoders import exact_tokens, word_vectors
from voicewright.judge.model.encoders.multilingual import MultilingualEncoder
from voicewright.judge.model.encoders.word_vectors import WordFrequencies, align, tokens
from voicewright.judge.pair import Condition, Pair


def exact(expected: str, actual: str, language: str, expected_language: str | None = None) -> dict[str, float]:
    pair = Pair(expected, actual, "", language, Condition.WRITTEN, expected_language)
    return dict(zip(exact_tokens.COLUMNS, exact_tokens.exact(pair), strict=True))


def test_a_code_is_whole_or_another() -> None:
    other = exact("The processor is an i7-9700.", "Le processeur est un i7-9700F.", "fr", "en")
    assert (other["mixed_missing"], other["mixed_extra"], other["codes_swapped"]) == (1, 1, 1)
    same = exact("It costs 7,999.0 yuan.", "它7999元。", "zh", "en")
    assert (same["codes_expected"], same["codes_missing"], same["codes_extra"]) == (1, 0, 0)
    assert exact("Call 0512-67603337.", "请拨051267603337。", "zh", "en")["codes_missing"] == 0
    assert exact("It is 1,5 km.", "Il y a 1,5 km", "fr")["codes_missing"] == 0
    assert exact_tokens.codes("12,15 and 1,200 at 7:30") == {"12", "15", "1200", "7:30"}


def test_an_item_of_a_list_that_is_another_shows() -> None:
    same = exact("有天坛、故宫、北海公园。", "附近有北海公园,故宫和天坛", "zh")
    other = exact("有天坛、故宫、北海公园。", "附近有颐和园,故宫和天坛", "zh")
    assert same["part_least"] > 0.7 > other["part_least"]
    assert (same["parts_missing"], other["parts_missing"]) == (0, 1)
    assert exact("去颐和园和天坛", "天坛、去颐和园", "zh")["item_least"] == 1.0
    assert exact("7:30, 1,200 yuan", "1,200 yuan; 7:30", "en")["item_least"] == 1.0


def test_parts_of_two_languages_and_words_of_latin_ones_are_not_compared() -> None:
    row = exact("Yes.", "Oui.", "fr", "en")
    assert np.isnan(row["part_least"])
    assert np.isnan(row["latin_extra"])
    assert exact("It has USB.", "它有HDMI和USB。", "zh", "en")["latin_extra"] == 1


@pytest.mark.parametrize("text", ["", "。。。", "!?"])
def test_a_text_without_a_word_gives_numbers_all_the_same(text: str) -> None:
    assert len(exact_tokens.exact(Pair("有的。", text, "", "zh"))) == len(exact_tokens.COLUMNS)
    row = align(
        Pair("有的。", text, "", "zh"), MultilingualEncoder(SHIPPED).vector, WordFrequencies.read(SHIPPED / "words.npz")
    )
    assert np.isnan(row).all()


def test_the_word_without_a_counterpart_shows() -> None:
    vector, known = MultilingualEncoder(SHIPPED).vector, WordFrequencies.read(SHIPPED / "words.npz")

    def least(actual: str) -> float:
        row = align(Pair("You can buy milk at the hospital.", actual, "", "fr", expected_language="en"), vector, known)
        return dict(zip(word_vectors.COLUMNS, row, strict=True))["centred_back_lost"]

    assert least("Vous pouvez acheter du lait à l'hôpital.") < least("Vous pouvez acheter du lait à la gare.")


def test_chinese_is_cut_into_words() -> None:
    assert tokens("北京的天气很好。", "zh") == ["北京", "的", "天气", "很", "好"]


@pytest.mark.parametrize(
    ("first", "second", "languages", "alike"),
    [
        ("Peking", "北京", ("en", "zh"), False),
        ("Beijing", "北京", ("en", "zh"), True),
        ("टोक्यो", "東京", ("hi", "ja"), False),  # read as Chinese
        ("Москва", "Moskva", ("ru", "cs"), True),
        ("南京", "北京", ("zh", "zh"), False),
        ("hôtel", "hotel", ("fr", "en"), True),
        ("टोक्यो", "Tokyo", ("hi", "en"), True),
        ("トヨタ", "Toyota", ("ja", "en"), False),  # cut into signs: a word of one letter tells nothing
    ],
)
def test_a_name_is_known_in_another_script(first: str, second: str, languages: tuple[str, str], alike: bool) -> None:
    known = WordFrequencies(10, np.zeros(1 << 16, np.uint16), np.zeros(384, np.float32))

    def unlike(word: str) -> np.ndarray:
        vector: np.ndarray = np.eye(384, dtype=np.float32)[sum(map(ord, word)) % 384]
        return vector

    row = align(Pair(first, second, "", languages[1], expected_language=languages[0]), unlike, known)
    assert (dict(zip(word_vectors.COLUMNS, row, strict=True))["spelt_there_mean"] > 0.3) is alike


def test_what_is_fitted_on_does_not_count_its_own_words() -> None:
    def alike(_: str) -> np.ndarray:
        return np.full(384, 1, np.float32)

    pairs = [Pair(f"thing {n}", f"other {n}", "", "en") for n in range(50)]
    fitted = WordFrequencies.fit(pairs, alike)
    rest = fitted.without(pairs[7:8])
    assert (rest.texts, rest.counts.sum()) == (98, fitted.counts.sum() - 4)
    assert rest.weight("7") == WordFrequencies.fit(pairs[:7] + pairs[8:], alike).weight("7")
    assert fitted.without(pairs).counts.sum() == 0


def test_common_words_weigh_less_and_are_kept_as_counts_alone(tmp_path: Path) -> None:
    pairs = [Pair(f"the thing {n}", "the other", "", "en") for n in range(50)]
    fitted = WordFrequencies.fit(pairs, lambda word: np.full(384, 1 + len(word), np.float32))
    fitted.write(tmp_path / "words.npz")
    again = WordFrequencies.read(tmp_path / "words.npz")
    assert again.weight("the") < again.weight("thing") < again.weight("7") < again.weight("never")
    assert again.centre == pytest.approx(np.full(384, 1 / np.sqrt(384)), abs=1e-6)
    with pytest.raises(ModelMissingError, match="pip install"):
        WordFrequencies.read(tmp_path / "none.npz")


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
