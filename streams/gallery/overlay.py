"""Changes over a mapping that they do not touch: a batch is staged beside the gallery, and taken in or dropped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Overlay(Generic[K, V]):
    """`changed` maps each key that was put or removed to its value now, None where it is gone; reads see both.

    What is read of the mapping below is kept: it does not change meanwhile, and may be made for each reader.
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

    def staged(self) -> Iterator[V]:
        """The values that were put and are still there."""
        return (value for value in self.changed.values() if value is not None)

    def keys(self) -> set[K]:
        return {key for key in {*self.base, *self.changed} if self.get(key) is not None}

    def take_into(self, base: MutableMapping[K, V]) -> None:
        """Makes the changes in the mapping itself."""
        for key, value in self.changed.items():
            if value is None:
                base.pop(key, None)
            else:
                base[key] = value
