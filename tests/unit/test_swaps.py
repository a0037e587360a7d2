"""Words in each other's place: what forbids an automatic pass, and what is only another wording."""

import pytest

from activities.checks.meaning.features import read
from activities.checks.meaning.judgement import MeaningJudge
from activities.checks.meaning.pair import Condition, Pair
from activities.checks.meaning.sentence import Sentence


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("Take the train from platform 4.", "Take the bus from platform 4."),
        ("The movie at the Grand is a drama.", "The movie at the Grand is a crime."),
        ("The break lasts 30 minutes.", "The break lasts 30 hours."),
        ("You have three nights booked.", "You have three months booked."),
        ("The repair takes three to five working days.", "The repair takes three to five weeks."),
        ("Take it twice a day with food.", "Take it twice a week with food."),
        ("It costs 10 dollars per person.", "It costs 10 dollars per group."),
        ("I cancelled your appointment on Friday.", "I rescheduled your appointment on Friday."),
        ("The bus to Leeds is on time.", "The bus from Leeds is on time."),
        ("You can cancel free until Thursday.", "You can cancel free from Thursday."),
        ("Parking is behind the restaurant.", "Parking is in front of the restaurant."),
        ("We pay for return shipping.", "You pay for return shipping."),
        ("We will call you tomorrow.", "Please call us tomorrow."),
        ("Your parcel was shipped on Monday.", "Your parcel will be shipped on Monday."),
        ("I have booked your table for 8 pm.", "I can book your table for 8 pm."),
        ("The technician came on Monday.", "The technician will come on Monday."),
        ("You have two seats in row F.", "You have two seats in row S."),
        ("We are open at nine on Saturdays.", "We are open at nine on Saturdays unless it rains."),
        ("You can return it within 30 days.", "You can return it within 30 days, but only in store."),
    ],
)
def test_a_word_in_another_ones_place_is_never_passed(expected: str, actual: str) -> None:
    assert read(Pair(expected, actual)).vetoed
    assert read(Pair(actual, expected)).vetoed


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("It takes 14 days to arrive.", "It takes two weeks to arrive."),
        ("The wait is 48 hours at most.", "The wait is two days at most."),
        ("Take the bus or the train from platform 4.", "Take the train or the bus from platform 4."),
        ("Your flight leaves from gate B.", "From gate B your plane leaves."),
        ("Your appointment is cancelled.", "I have confirmed the cancellation of your appointment."),
        ("It is $9 per person.", "The price per ticket is $9."),
        ("It runs from nine until five.", "It runs from nine to five."),
        ("It is open only for members.", "Only for members is it open."),
        ("We will send it to Leeds tomorrow.", "Tomorrow we are sending it to Leeds."),
        ("I booked a table for two at 8 pm.", "a table for two is booked at eight p m"),
    ],
)
def test_another_wording_is_no_swap(expected: str, actual: str) -> None:
    assert not read(Pair(expected, actual)).swapped


def test_the_same_time_is_read_with_spaces_between_its_letters() -> None:
    comparison = read(Pair("You can collect it after 3 pm.", "you can collect it after three p m")).comparison
    assert (comparison.missing, comparison.extra) == ((), ())


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
    assert (judgement.sentence, judgement.because) == (Sentence.REVIEW, "there are no words to judge")
