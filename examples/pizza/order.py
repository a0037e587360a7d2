"""What can be ordered, and what a caller's words order."""

import re
from dataclasses import dataclass, replace

from rapidfuzz import fuzz, process
from text_to_num import alpha2digit

PRICES = {"Margherita": (9, 14), "Marinara": (8, 13), "Diavola": (11, 17), "Capricciosa": (12, 18)}
"""In dollars: small and large."""
EXTRAS = ("olives", "mushrooms", "anchovies")
EXTRA_PRICE = 2
_NEAR_ENOUGH = 70


@dataclass(frozen=True)
class Order:
    """One kind of pizza, so many times."""

    pizza: str
    large: bool = True
    count: int = 1
    extras: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """In dollars."""
        return self.count * (PRICES[self.pizza][self.large] + EXTRA_PRICE * len(self.extras))

    def changed_by(self, said: str) -> "Order":
        """With what the caller changes: another size, another number, more on it."""
        plain = said.lower()
        order = replace(self, extras=tuple(dict.fromkeys([*self.extras, *_extras(plain)])))
        if (count := _count(plain)) is not None:
            order = replace(order, count=count)
        if (large := _large(plain)) is not None:
            order = replace(order, large=large)
        return order


def find_order(said: str) -> Order | None:
    """What a sentence orders; None where it names no pizza."""
    plain = said.lower()
    pizza = find_pizza(plain)
    if pizza is None:
        return None
    large = _large(plain)
    return Order(pizza, large is not False, _count(plain) or 1, tuple(_extras(plain)))


def find_pizza(said: str) -> str | None:
    """The pizza that a sentence names, however the recogniser spells it."""
    names = {name.lower(): name for name in PRICES}
    for word in re.findall(r"[a-z]{5,}", said.lower()):
        match = process.extractOne(word, names.keys(), scorer=fuzz.ratio, score_cutoff=_NEAR_ENOUGH)
        if match is not None:
            return names[match[0]]
    return None


def _large(plain: str) -> bool | None:
    found = re.findall(r"\b(large|small)\b", plain)
    return found[-1] == "large" if found else None


def _count(plain: str) -> int | None:
    found = re.findall(r"\b([1-9])\b", alpha2digit(plain, "en", threshold=0))
    return int(found[-1]) if found else None


def _extras(plain: str) -> list[str]:
    return [extra for extra in EXTRAS if extra[:5] in plain]
