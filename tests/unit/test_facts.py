"""Spoken, written and recogniser spellings of one value are equal; near misses are not."""

from datetime import date

import pytest

from voicewright.judge import check_facts
from voicewright.judge.facts import find_facts, match_amount, match_date, match_name, match_number, match_time
from voicewright.judge.labelled import Entities
from voicewright.judge.text.phrases import contains
from voicewright.judge.text.words import words


@pytest.mark.parametrize(
    ("expected", "heard", "found"),
    [
        ("7:30", "seven thirty", True),
        ("7:30", "7.30", True),
        ("7:30", "see you at 730 then", True),
        ("7:30", "half past seven", True),
        ("7:30", "at 7 :30 p.m.", True),
        ("9:30", "on Tuesday at 913", False),
        ("9:30", "nine thirteen", False),
        ("9:30", "at 9", False),
        ("7:30 pm", "7.30 a.m.", False),
        ("7:30 pm", "at half past seven in the evening", True),
        ("14:30", "half past two in the afternoon", True),
        ("14:30", "half past two in the morning", False),
        ("8 am", "from eight in the morning until six in the evening", True),
        ("9 am", "from eight in the morning until six in the evening", False),
        ("8:45", "a quarter to nine", True),
        ("8:45", "a quarter past nine", False),
        ("9:05", "nine oh five", True),
        ("10:20", "10.50", False),
        ("12:00", "at noon", True),
        ("12:00", "this afternoon", False),
        ("2 pm", "two o'clock", True),
    ],
)
def test_times(expected: str, heard: str, *, found: bool) -> None:
    assert match_time(expected, heard, "en").found is found


def test_the_time_heard_instead_is_shown() -> None:
    assert match_time("9:30", "You are booked for Tuesday at 9.13.", "en").heard == ("9:13",)


@pytest.mark.parametrize(
    ("expected", "heard", "found"),
    [
        ("$250", "two hundred and fifty dollars", True),
        ("$250", "$250.00", True),
        ("$250", "two hundred and fifteen dollars", False),
        ("$2.50", "two dollars and fifty cents", True),
        ("$1,250", "1250 dollars", True),
        ("80 euros", "eighty pounds", False),
        ("80", "eighty pounds", True),
        ("$80", "number 80", False),
    ],
)
def test_amounts(expected: str, heard: str, *, found: bool) -> None:
    assert match_amount(expected, heard, "en").found is found


@pytest.mark.parametrize(
    ("expected", "heard", "found"),
    [
        ("Tuesday", "on tuesday at 9", True),
        ("Tuesday", "on Thursday", False),
        ("March 3", "the third of March", True),
        ("2026-03-03", "March 3rd", True),
        ("2026-03-03", "March 3rd, 2027", False),
        ("March 3", "March 30th", False),
        ("tomorrow", "come back tomorrow", True),
    ],
)
def test_dates(expected: str, heard: str, *, found: bool) -> None:
    assert match_date(expected, heard, "en").found is found


@pytest.mark.parametrize(
    ("expected", "heard", "found"),
    [
        (12, "twelve", True),
        (12, "112", False),
        (4.5, "four point five", True),
        ("555 0142", "call five five five oh one four two", True),
        ("555 0142", "555 0143", False),
        (3, "on the third floor", True),
    ],
)
def test_numbers(expected: float | str, heard: str, *, found: bool) -> None:
    assert match_number(expected, heard, "en").found is found


def test_names_forgive_a_recogniser_but_not_another_name() -> None:
    assert match_name("Doctor Adams", "with Dr. Addams on", "en").found
    assert match_name("Adams", "with Doctor Adam's", "en").found
    near = match_name("Miller", "with Doctor Muller", "en")
    assert not near.found
    assert near.unsure  # a recogniser may well have heard one for the other: a person decides
    other = match_name("Miller", "with Doctor Brown", "en")
    assert not other.found
    assert not other.unsure


def test_a_house_number_may_be_read_in_hundreds() -> None:
    (expected,) = find_facts("2306 Almaden Road", "en")
    assert any(expected.same(fact) for fact in find_facts("2300 six Almaden Road", "en"))
    assert not any(expected.same(fact) for fact in find_facts("2300 and 6 others", "en"))


def test_a_short_part_before_a_telephone_number_may_belong_to_it() -> None:
    (heard,) = find_facts("The number is 2-0, 7-636-1788.", "en")
    for expected in ("20 7636 1788", "7636 1788"):
        (fact,) = find_facts(f"Call {expected}", "en")
        assert fact.same(heard)
    assert not find_facts("Call 21 7636 1788", "en")[0].same(heard)


def test_words_are_compared_in_one_spelling() -> None:
    assert words("At 7 p.m., 20% off.", "en") == words("at 7 pm 20 percent off", "en")
    assert words("Stop. My turn", "en") == ["stop", "my", "turn"]
    assert words("There's one at 1,290 Main St, 5pm; they'll wait, I'm sure.", "en") == words(
        "there is 1 at 1290 main st 5 pm they will wait i am sure", "en"
    )
    assert words("thats what theyre for, its", "en") == words("That's what they're for, it's", "en")
    assert words("Dave's dog isn't here, 5,5", "en") == ["daves", "dog", "isnt", "here", "5", "5"]
    assert words("Dr. Adams, at half-past SEVEN!", "en") == ["doctor", "adams", "at", "half", "past", "7"]
    assert contains("It's twenty-one, okay?", "21 ok", "en")
    assert not contains("unsorry", "sorry", "en")
    assert contains("A first visit costs $80 and you can pay by card.", "80", "en")
    assert contains("A first visit costs $80.", "$80", "en")
    assert contains("Eso cuesta 80€.", "80", "es")
    assert not contains("A first visit costs 80 pounds.", "$80", "en")
    assert not contains("A first visit costs $180.", "80", "en")
    assert not contains("anything", "", "en")


@pytest.mark.parametrize(
    ("text", "language", "said"),
    [
        ("Oui, il y a un parking.", "fr", ["number 1"]),
        (
            "C'est le 180-5181-5602. Une chambre coûte 89 euros",
            "fr",
            ["code 180-5181-5602", "amount 89 euros", "number 1"],
        ),
        ("电话是：010-83545602。", "zh", ["code 010-83545602"]),
        ("010-67389898,010-67383333", "zh", ["code 010-67389898", "code 010-67383333"]),
        ("人均500-1000元", "zh", ["amount 1000元", "number 500"]),
        ("早上一点", "zh", ["time 1点"]),
        ("早一点来", "zh", ["number 1"]),
        ("有没有便宜一点儿的", "zh", ["number 1"]),
        ("有一点远", "zh", ["number 1"]),
        ("一点也不贵", "zh", ["number 1"]),
        ("今晚一点见", "zh", ["time 1点"]),
        ("明早1点", "zh", ["time 1点"]),
        ("有1点的场次", "zh", ["time 1点"]),
        ("早一点钟", "zh", ["time 1点"]),
        ("差不多一点", "zh", ["time 1点"]),
        ("十一点", "zh", ["time 11点"]),
        ("500-1000 元", "zh", ["amount 1000 元", "number 500"]),
        ("￥500-1000", "zh", ["amount ¥500", "number 1000"]),
        ("500-1000日元", "zh", ["amount 1000日元", "number 500"]),
        ("Call 555-123-4567, 24 hours a day.", "en", ["code 555-123-4567", "duration 24 hours"]),
        ("555. 123. 4567.", "en", ["code 555. 123. 4567"]),
        ("5, 5, 5, 1, 2, 3, 4", "en", ["code 5, 5, 5, 1, 2, 3, 4"]),
        ("They cost 12,000, 15,000 or 18,500.", "en", ["number 12,000", "number 15,000", "number 18,500"]),
        ("Your code is Y A 7 2 B.", "en", ["code y a 7 2 b"]),
        ("明天一点", "zh", ["date 明天", "time 1点"]),
        ("会议1点开始", "zh", ["time 1点"]),
        ("营业时间11点-1点", "zh", ["time 11点", "time 1点"]),
        ("司机会晚 一点 到", "zh", ["number 1"]),
        ("请拨打400-800-1234人工客服", "zh", ["code 400-800-1234"]),
        ("500-1000人", "zh", ["number 500", "number 1000"]),
        ("Confirmation 123456. 2 guests.", "en", ["number 123456", "number 2"]),
        ("It costs 1,200, 950 with a card.", "en", ["number 1,200", "number 950"]),
        ("It leaves at 7.15, 8.15 or 9.15.", "en", ["time 7.15", "number 8.15", "number 9.15"]),
        ("Plans cost $500 $20.", "en", ["amount $500", "amount $20"]),
        ("That is $12.50 am I right?", "en", ["amount $12.50"]),
        ("Open 9 a.m.to 5 p.m.", "en", ["time 9 am", "time 5 pm"]),
        ("Elle coûte 250. 1200 euros.", "fr", ["amount 1200 euros", "number 250"]),
        ("La voiture est une X5 200.", "fr", ["code x5", "number 1", "number 200"]),
        ("Cela coûte 1.250,50 euros.", "fr", ["amount 1250.50 euros"]),
        ("il mio PIN è il 4 5 7 9", "it", ["code 4 5 7 9"]),
        ("Another bus leaves at $7.45 p.m. and costs $41.", "en", ["amount $41", "time 7.45 pm"]),
        ("The total will be $100 $4.", "en", ["amount $104"]),
        ("There is one 4 pm show.", "en", ["time 4 pm", "number 1"]),
        ("Come at 7 15 or at 12 05.", "en", ["time 7 15", "time 12 05"]),
        ("It is at $1,546 Maurice Lane for $900.", "en", ["amount $900", "number 1,546"]),
        ("It costs $20 for the way.", "en", ["amount $20"]),
        ("It costs $10 either way.", "en", ["amount $10"]),
        ("You pay $15 at court, and $5 when you drive.", "en", ["amount $15", "amount $5"]),
        ("At $900 monthly rent near Main Street.", "en", ["amount $900"]),
        ("The phone number is $8.00708-2538.", "en", ["code 800708-2538"]),
        ("最低温度-6度", "zh", ["number -6"]),
        ("在3楼-5楼", "zh", ["number 3", "number 5"]),
    ],
)
def test_what_is_no_code_and_no_time(text: str, language: str, said: list[str]) -> None:
    assert [f"{fact.kind} {fact.said}" for fact in find_facts(text, language)] == said


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("It runs from June 3 to 5.", "June 4"),  # a day within the range
        ("It is on the 29th.", "November 29"),  # of which month?
        ("You see Doctor Robinson.", "Robertson"),
    ],
)
def test_what_the_words_leave_open_is_for_people(said: str, expected: str) -> None:
    kind = "names" if "Doctor" in said else "dates"
    (result,) = check_facts(Entities.model_validate({kind: [expected]}), said, "en", date(2026, 11, 29))
    assert result.holds is None


def test_teens_and_tens_are_alike_by_ear_alone() -> None:
    entities = Entities(amounts=["$14"])
    (heard,) = check_facts(entities, "That is $40.", "en")
    (written,) = check_facts(entities, "That is $40.", "en", spoken=False)
    assert (heard.holds, written.holds) == (None, False)
