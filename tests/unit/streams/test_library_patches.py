"""A header's name may be any bytes; the record that has it, and those around it, are read."""

from typing import Any

import pytest
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from streams.kafka.library_patches import _Records


class AnyBytes(str):
    """A name that a producer in another language may send: no text."""

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return b"\xff\xfe-name"


def batch(start: int, names: list[str], compression: int) -> bytes:
    builder: Any = _DefaultRecordBatchBuilderPy(2, compression, False, -1, -1, 0, 1 << 16)
    for number, name in enumerate(names):
        builder.append(
            number, 1000 + number, b"key", b"value-%d" % (start + number), [(name, b"told"), ("ce_id", b"1")]
        )
    data = builder.build()
    data[:8] = start.to_bytes(8, "big")
    return bytes(data)


@pytest.mark.parametrize("compression", [0, 1, 4])
def test_a_header_name_that_is_not_utf8_is_escaped_and_all_records_are_read(compression: int) -> None:
    odd = AnyBytes("odd")
    records = _Records(batch(0, ["a", "b"], compression) + batch(2, ["a", odd, "b", odd], compression))
    found: dict[int, tuple[bytes, list[tuple[str, bytes]]]] = {}
    while records.has_next():
        read = records.next_batch()
        assert read.validate_crc() or read.base_offset
        for record in read:
            found[record.offset] = (record.value, list(record.headers))

    assert {offset: value for offset, (value, _) in found.items()} == {n: b"value-%d" % n for n in range(6)}
    names = ["a", "b", "a", "\\xff\\xfe-name", "b", "\\xff\\xfe-name"]
    assert [found[n][1] for n in range(6)] == [[(name, b"told"), ("ce_id", b"1")] for name in names]
