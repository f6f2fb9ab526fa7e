"""Bars of counts, and lines of times on a scale of seconds, minutes, hours and days, drawn by a template as SVG."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

WIDTH: Final = 400
HEIGHT: Final = 150
BARS_WIDTH: Final = 1200
"""Bars stand across the page, plots beside one another: texts of both are read at their own size."""
TICKS: Final = (1.0, 10.0, 60.0, 600.0, 3600.0, 6 * 3600.0, 86400.0, 7 * 86400.0, 30 * 86400.0)
"""Seconds of the lines across; a plot shows those from the shortest to the longest time in it."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across the plot, at a height `y`, for so many seconds."""

    seconds: float
    y: float


@dataclass(frozen=True, slots=True)
class Column:
    """One day: its place across, and the heights of its two times."""

    x: float
    half: float
    most: float


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot on a logarithmic scale: seconds and weeks are both seen."""

    width: ClassVar[int] = WIDTH
    height: ClassVar[int] = HEIGHT
    columns: tuple[Column, ...]
    ticks: tuple[Tick, ...]

    def line(self, name: str) -> str:
        """The `points` of the line of this time."""
        return " ".join(f"{column.x:.1f},{getattr(column, name):.1f}" for column in self.columns)


def plot(times: Sequence[tuple[float, float]]) -> Plot | None:
    """The plot of days, each with the seconds for half and for 95 of 100 of its events; None without a day."""
    if not times:
        return None
    seconds = [max(value, TICKS[0]) for pair in times for value in pair]
    low = max(tick for tick in TICKS if tick <= min(seconds))
    high = min((tick for tick in TICKS if tick >= max(seconds)), default=max(seconds))
    if low == high:
        high = low * 10
    step = WIDTH / len(times)

    def y(value: float) -> float:
        share = math.log(max(value, low) / low) / math.log(high / low)
        return HEIGHT - share * HEIGHT

    columns = (Column((n + 0.5) * step, y(half), y(most)) for n, (half, most) in enumerate(times))
    return Plot(tuple(columns), tuple(Tick(tick, y(tick)) for tick in TICKS if low <= tick <= high))


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a bar in units of the plot; `kind` is what it counts."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Bars:
    """The parts of all bars."""

    width: ClassVar[int] = BARS_WIDTH
    height: ClassVar[int] = HEIGHT
    parts: tuple[Bar, ...]


def bars(counts: Sequence[Mapping[str, int]]) -> Bars:
    """One bar for each of these counts, its parts on one another in their order; the highest has the plot's height."""
    most = max((sum(each.values()) for each in counts), default=0)
    step, found = BARS_WIDTH / max(len(counts), 1), list[Bar]()
    for number, each in enumerate(counts):
        y = float(HEIGHT)
        for kind, count in each.items():
            height = HEIGHT * count / most if most else 0.0
            y -= height
            if count:
                found.append(Bar(kind, number * step + step * 0.1, y, step * 0.8, height))
    return Bars(tuple(found))
