"""Tables of rates, and the texts in their cells."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table


def table(title: str, *columns: str) -> Table:
    return Table(*columns, title=title, box=None, title_justify="left")


def percent(rate: float | None, digits: int = 2) -> str:
    return "-" if rate is None else f"{rate:.{digits}%}"


def with_interval(rate: float | None, ends: Sequence[float | None], digits: int = 2) -> str:
    return f"{percent(rate, digits)} ({percent(ends[0], digits)} to {percent(ends[1], digits)})"


def number(found: Mapping[str, Any]) -> str:
    """A number with its interval."""
    if found["value"] is None:
        return "-"
    low, high = found["interval"]
    return f"{found['value']:.2f} ({low:.2f} to {high:.2f})"
