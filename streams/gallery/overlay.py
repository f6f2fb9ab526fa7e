"""Uncommitted changes over a mapping: a batch is staged beside the gallery, then merged into it or dropped."""

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Overlay(Generic[K, V]):
    """A mapping with changes that leave the `base` untouched. `changed` maps a key to its new value, None: removed.

    Values read from the base are cached: it does not change meanwhile, and may build a value for each read.
    """

    def __init__(self, base: Mapping[K, V]) -> None:
        self.base = base
        self.changed: dict[K, V | None] = {}
        self._read: dict[K, V | None] = {}

    def get(self, key: K) -> V | None:
        if key in self.changed:
            return self.changed[key]
        if key not in self._read:
            self._read[key] = self.base.get(key)
        return self._read[key]

    def put(self, key: K, value: V) -> None:
        self.changed[key] = value

    def remove(self, key: K) -> None:
        self.changed[key] = None

    def added(self) -> Iterator[V]:
        """The new or replaced values."""
        return (value for value in self.changed.values() if value is not None)

    def keys(self) -> set[K]:
        return {key for key in {*self.base, *self.changed} if self.get(key) is not None}

    def merge_into(self, base: MutableMapping[K, V]) -> None:
        """Applies the changes to the mapping."""
        for key, value in self.changed.items():
            if value is None:
                base.pop(key, None)
            else:
                base[key] = value
