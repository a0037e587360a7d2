"""The pizzeria's order line answers as its suite expects, and wrongly with a bug on."""

import pytest
from pizza import MEANT_FOR, SUITE

from examples.pizza.bugs import Bug, parse_bugs
from examples.pizza.order import Order, find_order
from examples.pizza.order_taker import OrderTaker, words
from voicewright.suite import Turn
from voicewright.suite.reading.file import load_suite


@pytest.mark.parametrize(
    ("said", "order"),
    [
        ("I would like two large Diavola pizzas, please.", Order("Diavola", count=2)),
        ("One small margarita with olives.", Order("Margherita", large=False, extras=("olives",))),
        ("A Capriciosa.", Order("Capricciosa")),
        ("Hello?", None),
    ],
)
def test_an_order_is_understood_however_it_is_spelt(said: str, order: Order | None) -> None:
    assert find_order(said) == order


def test_numbers_are_said_in_words() -> None:
    assert [words(number) for number in (0, 12, 14, 34, 40)] == ["zero", "twelve", "fourteen", "thirty four", "forty"]


def test_an_unknown_bug_is_named() -> None:
    with pytest.raises(ValueError, match="unknown bug rude"):
        parse_bugs("deaf_in_menu, rude")


def answers(turns: list[Turn], bugs: frozenset[Bug]) -> list[str]:
    mind = OrderTaker(bugs)
    return [str(mind.greet()), *(str(mind.answer(turn.say)) for turn in turns if isinstance(turn.say, str))]


@pytest.mark.parametrize("bug", Bug)
def test_each_bug_strikes_in_its_case(bug: Bug) -> None:
    suite, _ = load_suite(SUITE)
    for case in suite.cases:
        spoilt = answers(case.turns, frozenset({bug})) != answers(case.turns, frozenset())
        assert spoilt or case.id != MEANT_FOR[bug]
