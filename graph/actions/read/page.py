"""One page of a list, and where the next one begins."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """`next` is the `after` of the next page, None on the last one."""

    items: Sequence[Item]
    next: str | int | None = None
