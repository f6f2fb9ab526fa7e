"""Long lists in parts of limited size: chunks, so that no statement and no transaction gets too large, and pages."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, Generic, TypeVar

STATEMENT_ROWS: Final = 1000
"""Rows of one statement: a whole case can be in one batch, and the event loop must run other tasks in between."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list; `next` is the `after` of the next page, None on the last one."""

    items: Sequence[T]
    next: str | int | None = None


def chunks(items: Iterable[T], size: int = STATEMENT_ROWS) -> Iterator[list[T]]:
    """The items in lists of at most `size`; none if there are no items."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
