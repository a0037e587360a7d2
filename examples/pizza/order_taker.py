"""The mind of the order line: decides what to answer to what a caller said."""

from dataclasses import dataclass, replace

from examples.pizza.bugs import Bug
from examples.pizza.order import PRICES, Order, find_order, find_pizza

_SLOW_S = 7.0
_NUMBERS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_TEENS = ["thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
_TENS = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_MENU = (
    "We bake four pizzas. Margherita with tomato, mozzarella and fresh basil. Marinara with tomato, garlic and "
    "oregano. Diavola with spicy salami and chili oil. And Capricciosa with ham, artichokes, mushrooms and an egg. "
    "All of them come small or large, and we can add olives, mushrooms or anchovies to each."
)


@dataclass(frozen=True)
class Answer:
    """What to say, and how; see `examples.desk.mind.Reply`."""

    text: str
    after_s: float = 0.0
    played: float = 1.0
    hang_up: bool = False
    deaf: bool = False
    spanish: bool = False
    mumbled: bool = False


def words(number: int) -> str:
    """A number from 0 to 99, in words."""
    if number < len(_NUMBERS):
        return _NUMBERS[number]
    if number < 20:  # noqa: PLR2004
        return _TEENS[number - 13]
    return _TENS[number // 10] + (f" {_NUMBERS[number % 10]}" if number % 10 else "")


class OrderTaker:
    """One caller's conversation."""

    def __init__(self, bugs: frozenset[Bug] = frozenset()) -> None:
        self._bugs = bugs
        self._order: Order | None = None

    def greet(self) -> Answer:
        """What a caller hears first."""
        return Answer("Luigi's Pizza, good evening. What can I get you?")

    def patience_ms(self) -> int | None:
        """It never talks over its callers."""
        return None

    def answer(self, said: str) -> Answer:
        """The reply to what a caller said, as the recogniser understood it."""
        heard = said.lower()
        if "menu" in heard or "which pizza" in heard or "what pizza" in heard:
            return Answer(_MENU, deaf=Bug.DEAF_IN_MENU in self._bugs)
        if "gluten" in heard:
            return self._gluten_free()
        if "open" in heard or "close" in heard or "kitchen" in heard:
            closing = "nine" if Bug.CLOSES_AT_NINE in self._bugs else "eleven"
            return Answer(f"Our kitchen is open every day from noon until {closing} at night.")
        if "order number" in heard or "number of my order" in heard:
            number = "four one seven" if Bug.WRONG_ORDER_NUMBER in self._bugs else "four seven one"
            return Answer(f"Your order number is {number}.")
        if "how much" in heard or "price" in heard or "cost" in heard:
            return self._price(heard)
        return self._take(said, heard)

    def _gluten_free(self) -> Answer:
        if Bug.DENIES_GLUTEN_FREE in self._bugs:
            return Answer("No, I am afraid we do not have a gluten free crust.")
        return Answer("Yes, we have a gluten free crust for three dollars more.")

    def _price(self, heard: str) -> Answer:
        pizza = find_pizza(heard)
        if pizza is None:
            return Answer("Which pizza would you like to know the price of?")
        large = "small" not in heard
        price = PRICES[pizza][large]
        if Bug.FORTY_FOR_FOURTEEN in self._bugs and price == PRICES["Margherita"][True]:
            price = 40
        return Answer(f"A {'large' if large else 'small'} {pizza} costs {words(price)} dollars.")

    def _take(self, said: str, heard: str) -> Answer:
        if "deliver" in heard:
            return self._deliver()
        if any(word in heard for word in ("avenue", "street", "road")):
            return Answer("Thank you. Your order number is four seven one, and the driver is on his way soon.")
        if "pick" in heard or "collect" in heard:
            return Answer("Good. It is ready in twenty minutes, and your order number is four seven one.")
        order = find_order(said) or (self._order.changed_by(said) if self._order is not None else None)
        if order is not None and order != self._order:
            self._order = order
            return self._read_back(order)
        if any(word in heard for word in ("bye", "thank", "all")):
            return Answer("Thank you for calling Luigi's. Enjoy your pizza, and goodbye.")
        return Answer("I am sorry, I did not get that. Which pizza would you like?")

    def _deliver(self) -> Answer:
        if Bug.HANGS_UP_ON_DELIVERY in self._bugs:
            return Answer("Just a moment.", hang_up=True)
        return Answer("We deliver within forty five minutes. What is your address?")

    def _read_back(self, order: Order) -> Answer:
        if Bug.FORGETS_EXTRA in self._bugs:
            order = replace(order, extras=())
        pizza = order.pizza
        if Bug.OTHER_PIZZA in self._bugs and pizza == "Margherita":
            order = replace(order, pizza="Marinara")
        total = order.total
        if Bug.WRONG_TOTAL in self._bugs and order.count > 1:
            total = replace(order, count=1).total
        size = "large" if order.large else "small"
        extras = f" with {' and '.join(order.extras)}" if order.extras else ""
        noun = "pizza" if order.count == 1 else "pizzas"
        text = (
            f"That is {words(order.count)} {size} {order.pizza} {noun}{extras}, {words(total)} dollars in all. "
            "Would you like to pick it up, or shall we deliver it?"
        )
        return Answer(text, after_s=_SLOW_S if Bug.SLOW_ORDER in self._bugs else 0.0)
