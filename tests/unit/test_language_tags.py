"""Languages as the engines spell them."""

import pytest
from gtts.lang import tts_langs

from activities.speech.voices.espeak import EspeakEngine
from activities.speech.voices.language_tags import spelled


@pytest.mark.parametrize(
    ("tag", "theirs"),
    [
        ("he", "iw"),
        ("he-IL", "iw"),
        ("HE", "iw"),
        ("jv", "jw"),
        ("fil", "tl"),
        ("es-MX", "es"),
        ("de-AT", "de"),
        ("zh-tw", "zh-TW"),
        ("fr-CA", "fr-CA"),
        ("pt-BR", "pt"),
        ("en", "en"),
        ("fa", None),
        ("xx", None),
    ],
)
def test_the_online_service_is_asked_by_its_own_table(tag: str, theirs: str | None) -> None:
    assert spelled(tag, tts_langs()) == theirs


def test_a_table_that_follows_today_is_found_from_a_retired_code_too() -> None:
    assert spelled("iw", ["de", "he"]) == "he"
    assert spelled("in-ID", ["id"]) == "id"


@pytest.mark.parametrize("tag", ["en-AU", "es-MX", "zh-TW", "no", "pt-PT", "fr-CA", "he"])
def test_espeak_speaks_what_it_spells_otherwise(tag: str) -> None:
    assert EspeakEngine().speak("1 2 3", tag, None, 1.0).duration_ms > 200
