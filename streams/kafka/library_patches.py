"""Two repairs of aiokafka, reached through its private parts because neither it nor Faust has a setting for them.

- Header names that are not UTF-8: Kafka accepts any bytes, aiokafka raises and so ends the worker at every restart. One
  sender's record must not stop the records after it, so such a name is decoded with its bytes escaped (`\\xff`) and the
  event is then checked like any other.
- Fetches in bulk: aiokafka would fetch each record alone, which costs link and the broker more than the record does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy  # pyright: ignore[reportPrivateUsage]
from aiokafka.record.memory_records import MemoryRecords, _MemoryRecordsPy  # pyright: ignore[reportPrivateUsage]

FETCH_WAIT_S: Final = 0.25
"""The longest that a single record waits for others."""
FETCH_BYTES: Final = 128 * 1024
"""About a batch of the gallery log (`LINK_BATCH`): a backlog is fetched without waiting."""


def fetch_in_bulk(app: Any) -> None:
    """Makes the consumer of a started Faust app fetch what arrived within FETCH_WAIT_S at once."""
    consumer_fetcher = app.consumer._thread._consumer._fetcher
    consumer_fetcher._fetch_min_bytes = FETCH_BYTES
    consumer_fetcher._fetch_max_wait_ms = int(FETCH_WAIT_S * 1000)


def tolerate_any_header_name() -> None:
    """Makes every aiokafka consumer of this process read records with any header names."""
    fetcher.MemoryRecords = _Records  # pyright: ignore[reportPrivateImportUsage, reportAttributeAccessIssue]


class _Records:
    """The batches of one fetched partition, in aiokafka's own interface."""

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
    """One batch; parsed again in Python where a header name is not UTF-8. The fetcher skips records that it has."""

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
    """Bytes whose slices can all be decoded."""

    def __getitem__(self, place: Any) -> Any:
        untyped: Any = super()
        found = untyped.__getitem__(place)
        return _Tolerant(found) if isinstance(found, bytearray) else found

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return super().decode(encoding, "backslashreplace" if errors == "strict" else errors)
