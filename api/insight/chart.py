"""Lines over days, drawn as SVG by the server: they need no script, print as they are, and a table says the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

WIDTH, HEIGHT = 520, 150
_LEFT, _BOTTOM, _TOP = 56, 22, 8


@dataclass(frozen=True)
class Line:
    """One line. `css` is its class; a day without a value interrupts it."""

    name: str
    css: str
    values: Sequence[float | None]


@dataclass(frozen=True)
class Chart:
    """What the template draws. `marks` are the heights with their labels, `paths` the lines, `dots` single points."""

    title: str
    marks: list[tuple[float, str]]
    ends: tuple[str, str]
    paths: list[tuple[str, str, str]]
    dots: list[tuple[float, float, str, str]]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    bottom: int = HEIGHT - _BOTTOM


def chart(
    title: str, days: Sequence[str], lines: Sequence[Line], *, top: float | None = None, unit: str = ""
) -> Chart | None:
    """Draw some lines; None where there is nothing to draw.

    Args:
        title: what is drawn.
        days: ISO dates, in order.
        lines: a value a day each.
        top: the height of the chart, in units; by default that of the highest value.
        unit: stands behind the labels.
    """
    known = [value for line in lines for value in line.values if value is not None]
    if not known:
        return None
    highest = top if top is not None else _round(max(known))
    first, last = date.fromisoformat(days[0]), date.fromisoformat(days[-1])
    span = max(1, (last - first).days)

    def x(day: str) -> float:
        if first == last:
            return (_LEFT + WIDTH) / 2
        return round(_LEFT + (date.fromisoformat(day) - first).days / span * (WIDTH - _LEFT - 8), 1)

    def y(value: float) -> float:
        return round(HEIGHT - _BOTTOM - value / highest * (HEIGHT - _BOTTOM - _TOP), 1)

    paths, dots = [], []
    for line in lines:
        points = [
            (x(day), y(value), day, value) for day, value in zip(days, line.values, strict=True) if value is not None
        ]
        paths.append((line.name, line.css, " ".join(f"{left},{height}" for left, height, *_ in points)))
        dots += [
            (left, height, line.css, f"{day}: {line.name} {value:,.0f}{unit}") for left, height, day, value in points
        ]
    marks = [(y(highest * share), f"{highest * share:,.0f}{unit}") for share in (0, 0.5, 1)]
    return Chart(title, marks, (days[0], days[-1] if first != last else ""), paths, dots)


def _round(highest: float) -> float:
    """The next round number."""
    size = 1.0
    while size * 10 < highest:
        size *= 10
    return next((size * step for step in (1, 2, 2.5, 5, 10) if size * step >= highest), highest) or 1.0
