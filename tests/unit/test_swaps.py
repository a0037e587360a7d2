"""Words in each other's place: what forbids an automatic pass, and what is only another wording."""

import pytest

from voicewright.judge.contradictions import Rule
from voicewright.judge.judge import MeaningJudge
from voicewright.judge.model.reading import read
from voicewright.judge.pair import Condition, Pair
from voicewright.judge.verdict import MeaningVerdict, ReviewReason

SWAPS = (Rule.INCOMPATIBLE, Rule.DIRECTION, Rule.TENSE)


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("Take the train from platform 4.", "Take the bus from platform 4."),
        ("The movie at the Grand is a drama.", "The movie at the Grand is a crime."),
        ("The break lasts 30 minutes.", "The break lasts 30 hours."),
        ("You have three nights booked.", "You have three months booked."),
        ("The repair takes three to five working days.", "The repair takes three to five weeks."),
        ("Take it twice a day with food.", "Take it twice a week with food."),
        ("The bus to Leeds is on time.", "The bus from Leeds is on time."),
        ("Take it before meals.", "Take it after meals."),
        ("She is my wife's sister.", "He is my wife's brother."),
        ("Turn left at the light.", "Turn right at the light."),
        ("You can cancel free until Thursday.", "You can cancel free from Thursday."),
        ("Your parcel was shipped on Monday.", "Your parcel will be shipped on Monday."),
        ("I have booked your table for 8 pm.", "I can book your table for 8 pm."),
        ("The technician came on Monday.", "The technician will come on Monday."),
    ],
)
def test_a_word_in_another_ones_place_is_never_passed(expected: str, actual: str) -> None:
    assert read(Pair(expected, actual)).forbids_pass
    assert read(Pair(actual, expected)).forbids_pass


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("It takes 14 days to arrive.", "It takes two weeks to arrive."),
        ("The wait is 48 hours at most.", "The wait is two days at most."),
        ("Take the bus or the train from platform 4.", "Take the train or the bus from platform 4."),
        ("Your flight leaves from gate B.", "From gate B your plane leaves."),
        ("Your appointment is cancelled.", "I have confirmed the cancellation of your appointment."),
        ("It runs from nine until five.", "It runs from nine to five."),
        ("We will send it to Leeds tomorrow.", "Tomorrow we are sending it to Leeds."),
        ("I booked a table for two at 8 pm.", "a table for two is booked at eight p m"),
    ],
)
def test_another_wording_is_no_swap(expected: str, actual: str) -> None:
    assert not read(Pair(expected, actual)).by_rule(*SWAPS)


def test_the_same_time_is_read_with_spaces_between_its_letters() -> None:
    facts = read(Pair("You can collect it after 3 pm.", "you can collect it after three p m")).facts
    assert (facts.missing, facts.extra) == ((), ())


def test_a_pair_is_judged_alike_in_whatever_company() -> None:
    pairs = [
        Pair(expected, actual, "Can I change it?", condition=Condition.WRITTEN)
        for expected, actual in (
            ("I'm sorry, I cannot change the address.", "Unfortunately it isn't possible for me to alter the address."),
            ("I have blocked your card and ordered a new one.", "I have blocked your card."),
            ("Your booking has been cancelled.", "Yes, I've cancelled your booking, and you will hear from us soon."),
        )
    ]
    judge = MeaningJudge()
    together = [judgement.p_pass for judgement in judge.judge(pairs)]
    assert together == [judge.judge([pair])[0].p_pass for pair in pairs]
    assert together[::-1] == [judgement.p_pass for judgement in judge.judge(pairs[::-1])]


@pytest.mark.parametrize("said", ["\N{THUMBS DOWN SIGN}", "...", "?!"])
def test_signs_without_words_are_for_a_person(said: str) -> None:
    [judgement] = MeaningJudge().judge([Pair("Yes.", said, condition=Condition.WRITTEN)], 0.2)
    assert (judgement.verdict, judgement.reason) == (MeaningVerdict.REVIEW, ReviewReason.NO_WORDS)


def test_an_opposite_forbids_a_pass_unless_both_texts_have_both_ends() -> None:
    assert read(Pair("The bus leaves at nine.", "The bus arrives at nine.")).forbids_pass
    assert read(Pair("It is before the year begins.", "It is at the beginning or the end of the year.")).forbids_pass
    both = read(Pair("It leaves at nine, arriving at ten.", "It departs at nine and arrives at ten."))
    assert both.by_rule(Rule.OPPOSITE)
    assert not both.forbids_pass
    assert not read(Pair("It opened in 2007.", "It opened in2007.")).by_rule(Rule.OPPOSITE)


def test_what_is_denied_is_named_as_it_was_said() -> None:
    pair = Pair("Your reservation is confirmed.", "We did not reserve anything, and it is confirmed.")
    assert [found.expected for found in read(pair).by_rule(Rule.DENIED)] == ["reservation"]


def test_buses_and_a_bus_are_counted_together() -> None:
    found = read(Pair("There are 10 buses, the first is 1 bus from Leeds.", "There is 1 bus, one of 10 buses."))
    assert not found.by_rule(Rule.MISCOUNT)
    assert read(Pair("There are 10 buses.", "There is 1 bus.")).by_rule(Rule.MISCOUNT)
