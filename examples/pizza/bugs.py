"""Bugs that an order line may have. All are off until switched on by name; each strikes in one situation only."""

from enum import StrEnum


class Bug(StrEnum):
    """Switch on with `--bugs a,b`, or for one caller with `?bugs=a,b` in the address."""

    FORTY_FOR_FOURTEEN = "forty_for_fourteen"
    """Asks forty dollars for a large Margherita, which costs fourteen."""
    WRONG_TOTAL = "wrong_total"
    """Adds up an order of two to the price of one."""
    FORGETS_EXTRA = "forgets_extra"
    """Reads an order back without the olives that the caller added."""
    OTHER_PIZZA = "other_pizza"
    """Takes down a Marinara where a Margherita was ordered."""
    WRONG_ORDER_NUMBER = "wrong_order_number"
    """Says another order number when asked to repeat it."""
    DENIES_GLUTEN_FREE = "denies_gluten_free"
    """Says that there is no gluten-free crust; there is."""
    DEAF_IN_MENU = "deaf_in_menu"
    """Reads the menu to its end, whatever the caller says meanwhile, and then answers nothing."""
    SLOW_ORDER = "slow_order"
    """Takes seven seconds to take an order down."""
    HANGS_UP_ON_DELIVERY = "hangs_up_on_delivery"
    """Hangs up when asked for a delivery."""
    CLOSES_AT_NINE = "closes_at_nine"
    """Says that the kitchen closes at nine; it closes at eleven."""


def parse_bugs(text: str) -> frozenset[Bug]:
    """Read a comma-separated list.

    Raises:
        ValueError: a name is unknown; the message lists all bugs.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in set(Bug)]
    if unknown:
        message = f"unknown bug {', '.join(unknown)}: there are {', '.join(Bug)}"
        raise ValueError(message)
    return frozenset(Bug(name) for name in names)
