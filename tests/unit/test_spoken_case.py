"""A case is brought to one language once, when its steps begin."""

from voicewright.suite import spoken
from voicewright.suite.reading.file import parse_suite

SUITE = b"""
suite: s
agent: {channel: media_stream, url: "ws://127.0.0.1/x"}
cases:
  - id: c
    languages: [en-GB, de]
    turns:
      - say: {en: Hello, de: Hallo}
        expect: {contains: {en: [hi], de: [servus, moin]}, meaning: {en: Welcome., de: Willkommen.}, within_ms: 900}
      - wait_for: {matches: {en: ["press (one|1)"], de: ["eins"]}, within_s: 5}
        dtmf: "1"
      - when:
          - said: {meaning: {en: "Yes.", de: "Ja."}}
            then: [{say: {en: Good, de: Gut}, hangup: true}]
        else: [{say: Bye, expect: {contains: {en: [x]}}}]
"""


def test_every_text_is_that_of_the_language_or_of_its_base() -> None:
    case = parse_suite(SUITE.replace(b"{contains: {en: [x]}}", b"{contains: [x]}"), "s").cases[0]
    english, german = spoken(case, "en-GB"), spoken(case, "de")
    assert [turn.say for turn in english.steps] == ["Hello", None, "Good", "Bye"]
    assert [turn.say for turn in german.steps] == ["Hallo", None, "Gut", "Bye"]
    expect = german.steps[0].expect
    assert expect is not None
    assert (expect.contains, expect.meaning, expect.within_ms) == (["servus", "moin"], "Willkommen.", 900)
    assert german.steps[1].wait_for is not None
    assert german.steps[1].wait_for.matches == ["eins"]
    ways = german.turns[2].when
    assert ways is not None
    assert ways[0].said.meaning == "Ja."


def test_what_was_left_out_stays_left_out() -> None:
    case = parse_suite(SUITE.replace(b"{contains: {en: [x]}}", b"{contains: [x]}"), "s").cases[0]
    expect = spoken(case, "de").steps[0].expect
    assert expect is not None
    assert expect.wants_all == ["meaning"]
    assert expect.model_fields_set == {"contains", "meaning", "within_ms"}
