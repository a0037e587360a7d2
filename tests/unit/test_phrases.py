"""Phrases are found in whatever spelling they are heard; other phrases are not."""

import pytest

from voicewright.judge import check_phrases

RIGHT, WRONG = True, False
Case = tuple[str, str, str]
"""Language, what was said, the phrase."""

PHRASES_RIGHT: list[Case] = [
    ("en", "The theater is on the left.", "theatre"),
    ("en", "We have canceled your flight.", "cancelled"),
    ("en", "The colour is gray.", "color"),
    ("en", "Please apologize for me, we organise it.", "organize it"),
    ("en", "Your e-mail has been sent.", "email"),
    ("en", "Check-in starts at two.", "check in"),
    ("en", "We'll follow up with you.", "follow-up"),
    ("en", "Write to ann underscore lee at mail dot example dot org.", "ann_lee@mail.example.org"),
    ("en", "Write to info@example.com.", "info at example dot com"),
    ("en", "Go to example dot com slash help.", "example.com/help"),
    ("en", "Dial 1-1-2.", "112"),
    ("en", "It costs 80 dollars.", "$80"),
    ("en", "A fifteen per cent tip.", "15%"),
    ("en", "Smith and Sons is next door.", "Smith & Sons"),
    ("es", "Tiene un veinte por ciento de descuento.", "20 %"),
    ("es", "Escriba a ana punto lopez arroba ejemplo punto es.", "ana.lopez@ejemplo.es"),
    ("fr", "Vous avez dix pour cent de remise.", "10 %"),
]
PHRASES_WRONG: list[Case] = [
    ("en", "We filed your claim.", "filled"),
    ("en", "That is four.", "for"),
    ("en", "Write to bob dot lee at mail dot example dot org.", "rob.lee@mail.example.org"),
    ("en", "Write to x john at example dot com dot au.", "john@example.com"),
    ("en", "Dial 1-1-3.", "112"),
    ("en", "It costs 80 pounds.", "$80"),
    ("en", "A fifty per cent tip.", "15%"),
    ("en", "There is a notable guest.", "no table"),
]
PHRASES: list[tuple[str, str, str, bool]] = [
    ("en", "The center is closed.", "centre", RIGHT),
    ("en", "We traveled there.", "travelled", RIGHT),
    ("en", "labour day", "labor", RIGHT),
    ("en", "Honours degree", "honors", RIGHT),
    ("en", "We realise that.", "realize", RIGHT),
    ("en", "our hours", "or", WRONG),
    ("en", "We analysed it", "analyzed", RIGHT),
    ("en", "three meters", "metres", RIGHT),
    ("en", "licence plate", "license", RIGHT),
    ("en", "an enquiry", "inquiry", WRONG),
    ("en", "a co-operative", "cooperative", RIGHT),
    ("en", "check out", "checkout", WRONG),
    ("en", "the wi-fi code", "wifi", RIGHT),
    ("en", "the wifi code", "wi-fi", RIGHT),
    ("en", "the wi fi code", "wifi", WRONG),
    ("en", "a follow up call", "follow-up", RIGHT),
    ("en", "24/7 service", "24/7", RIGHT),
    ("en", "twenty-four seven service", "24/7", RIGHT),
    ("en", "twenty percent off", "20%", RIGHT),
    ("en", "20 per cent off", "20 percent", RIGHT),
    ("en", "it costs $80", "80 dollars", RIGHT),
    ("en", "it costs $80", "$8", WRONG),
    ("en", "it costs £5.", "£5", RIGHT),
    ("en", "it costs 5 pounds.", "£5", RIGHT),
    ("en", "it costs 50 pounds.", "£5", WRONG),
    ("en", "Mail jane_doe@example.com", "jane underscore doe at example dot com", RIGHT),
    ("en", "mail jane at example dot com now", "jane@example.com", RIGHT),
    ("en", "mail jane at example dot com now", "ane@example.com", WRONG),
    ("en", "mail jane at example dot co dot uk", "jane@example.co.uk", RIGHT),
    ("en", "mail jane at example dot co dot uk", "jane@example.co", WRONG),
    ("en", "mail jane dash doe at example dot com", "jane-doe@example.com", RIGHT),
    ("en", "www dot example dot com", "www.example.com", RIGHT),
    ("en", "visit example.com.", "example.com", RIGHT),
    ("en", "call 9 1 1", "911", RIGHT),
    ("en", "call nine one one", "911", RIGHT),
    ("en", "call 9 1 2", "911", WRONG),
    ("en", "room two oh four", "204", RIGHT),
    ("en", "salt and pepper", "salt & pepper", RIGHT),
    ("en", "AT&T stores", "AT&T", RIGHT),
    ("en", "booked", "looked", WRONG),
    ("en", "I will", "i'll", RIGHT),
    ("de", "zwanzig Prozent", "20 %", RIGHT),
    ("it", "venti per cento", "20%", RIGHT),
    ("pt", "vinte por cento", "20%", RIGHT),
    ("de", "anna Punkt lee at beispiel Punkt de", "anna.lee@beispiel.de", RIGHT),
    ("es", "cuesta 20€", "20 euros", RIGHT),
    ("fr", "rendez-vous à 10 heures", "rendez-vous", RIGHT),
    ("fr", "rendez vous à 10 heures", "rendez-vous", RIGHT),
    ("fr", "jean point dupont arobase exemple point fr", "jean.dupont@exemple.fr", RIGHT),
    ("zh", "百分之二十", "20%", RIGHT),
    ("zh", "我们八点开门", "八点", RIGHT),
    ("en", "the color of it", "colour of it", RIGHT),
    ("en", "unfavorable", "favourable", WRONG),
    ("en", "They filed it", "filled it", WRONG),
    ("en", "we called", "caled", WRONG),
    ("en", "a pour over", "por", WRONG),
    ("en", "in four hours", "four hours", RIGHT),
    ("en", "I'm a programmer", "program", WRONG),
    ("en", "theatre tickets", "theater tickets", RIGHT),
    ("en", "a dialog box", "dialogue box", RIGHT),
    ("en", "It's a no table zone", "notable", WRONG),
]


@pytest.mark.parametrize(("language", "said", "phrase"), PHRASES_RIGHT)
def test_the_phrase_is_there(language: str, said: str, phrase: str) -> None:
    (result,) = check_phrases(said, language, contain=[phrase])
    assert result.holds is True


@pytest.mark.parametrize(("language", "said", "phrase"), PHRASES_WRONG)
def test_the_phrase_is_not_there(language: str, said: str, phrase: str) -> None:
    (result,) = check_phrases(said, language, contain=[phrase])
    assert result.holds is not True


@pytest.mark.parametrize(("language", "said", "phrase", "right"), PHRASES)
def test_phrases(language: str, said: str, phrase: str, *, right: bool) -> None:
    (result,) = check_phrases(said, language, contain=[phrase])
    assert (result.holds is True) is right


def test_words_that_sound_like_a_phrase_are_for_people_where_they_were_heard() -> None:
    (heard,) = check_phrases("One margarita pizza.", "en", contain=["margherita"])
    (written,) = check_phrases("One margarita pizza.", "en", contain=["margherita"], spoken=False)
    (other,) = check_phrases("One marinara pizza.", "en", contain=["margherita"])
    assert (heard.holds, written.holds, other.holds) == (None, False, False)


@pytest.mark.parametrize("phrase", ["?", "...", "!!!"])
def test_signs_alone_can_neither_be_heard_nor_be_missed(phrase: str) -> None:
    results = [*check_phrases("How may I help you?", "en", contain=[phrase], lack=[phrase])]
    assert [result.holds for result in results] == [None, None]
