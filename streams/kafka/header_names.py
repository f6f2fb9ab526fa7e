"""Header names that are no text: Kafka takes any bytes there, and aiokafka ends the worker over them, for ever.

Nobody's record may stop the records behind it, so such a name is read with its strange bytes written out (`\\xff`); the
event is then judged like any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy  # pyright: ignore[reportPrivateUsage]
from aiokafka.record.memory_records import MemoryRecords, _MemoryRecordsPy  # pyright: ignore[reportPrivateUsage]


def tolerate_any_header_name() -> None:
    """From now on every aiokafka consumer of this process reads records with any header names."""
    fetcher.MemoryRecords = _Records  # pyright: ignore[reportPrivateImportUsage, reportAttributeAccessIssue]


class _Records:
    """The batches of one fetched partition, as aiokafka's own class gives them."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._records: Any = MemoryRecords(data)
        self._number = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._records, name)

    def next_batch(self) -> _Batch:
        self._number += 1
        return _Batch(self._records.next_batch(), self._data, self._number)


class _Batch:
    """One batch; read a second time, in Python, where a header's name is no text. The fetcher skips what it has had."""

    def __init__(self, batch: Any, data: bytes, number: int) -> None:
        self._batch = batch
        self._data = data
        self._number = number

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Any]:
        try:
            yield from self._batch
        except UnicodeDecodeError:
            yield from self._tolerant()

    def _tolerant(self) -> Iterator[Any]:
        records: Any = _MemoryRecordsPy(self._data)
        for _ in range(self._number - 1):
            records.next_batch()
        batch: Any = _DefaultRecordBatchPy(records._next_slice)
        batch._maybe_uncompress()
        batch._buffer = _Tolerant(batch._buffer)
        return iter(batch)


class _Tolerant(bytearray):
    """Bytes whose parts can all be decoded."""

    def __getitem__(self, place: Any) -> Any:
        untyped: Any = super()
        found = untyped.__getitem__(place)
        return _Tolerant(found) if isinstance(found, bytearray) else found

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return super().decode(encoding, "backslashreplace" if errors == "strict" else errors)
