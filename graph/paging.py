"""Long lists in parts of limited size, so that no statement and no transaction gets too large."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, TypeVar

STATEMENT_ROWS: Final = 1000
"""Rows of one statement: a whole case can be in one batch, and the event loop must run other tasks in between."""
T = TypeVar("T")


def chunks(items: Iterable[T], size: int = STATEMENT_ROWS) -> Iterator[list[T]]:
    """The items in lists of at most `size`; none if there are no items."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
