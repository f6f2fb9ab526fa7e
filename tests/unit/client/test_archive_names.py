"""Names in archives are shown as they were meant, or somehow, and never stop the rest."""

import struct
import zlib
from pathlib import Path

import pytest

from tests.support.archives import PICTURE, Packed, read_bytes, zip_of

CYRILLIC = "Фото/Отпуск на море.jpg"


def field_of(raw: bytes, name: bytes, version: int = 1) -> bytes:
    body = bytes([version]) + zlib.crc32(raw).to_bytes(4, "little") + name
    return struct.pack("<2H", 0x9999, 3) + b"abc" + struct.pack("<2H", 0x7075, len(body)) + body


@pytest.mark.parametrize(
    ("name", "flags", "shown"),
    [
        (b"", 0, "(without a name)"),
        (b"", 0x800, "(without a name)"),
        (b"\xff\xfe.jpg", 0x800, "\\xff\\xfe.jpg"),
        (b"\xed\xa0\xbd.jpg", 0x800, "\\xed\\xa0\\xbd.jpg"),
        (b"a\x00b.jpg", 0, "a\x00b.jpg"),
        ("Łódź.jpg".encode(), 0, "Łódź.jpg"),
        ("Łódź.jpg".encode(), 0x800, "Łódź.jpg"),
        (b"x" * 60_000, 0, "x" * 60_000),
    ],
)
def test_every_name_is_sent(tmp_path: Path, name: bytes, flags: int, shown: str) -> None:
    read = read_bytes(tmp_path, zip_of(Packed(name, flags=flags), Packed(b"ok.jpg")))

    assert read.files == {shown: PICTURE, "ok.jpg": PICTURE}
    assert read.listing.remarks == []


def test_the_unicode_path_field_counts_where_it_belongs_to_the_name(tmp_path: Path) -> None:
    raw = CYRILLIC.encode("cp866")
    right = Packed(raw, extra=field_of(raw, CYRILLIC.encode()))
    stale = Packed(b"2.jpg", extra=field_of(b"other", CYRILLIC.encode()))
    newer = Packed(b"3.jpg", extra=field_of(b"3.jpg", CYRILLIC.encode(), 2))

    assert list(read_bytes(tmp_path, zip_of(right, stale, newer)).files) == [CYRILLIC, "2.jpg", "3.jpg"]


@pytest.mark.parametrize(
    ("page", "name"),
    [
        ("cp866", CYRILLIC),
        ("cp1251", CYRILLIC),
        ("cp852", "Łódź/Zdjęcie żółte.jpg"),
        ("cp850", "Müller/Foto größer.jpg"),
        ("cp932", "写真/夏休みの旅行.jpg"),
        ("cp949", "사진/여름 휴가.jpg"),
    ],
)
def test_a_code_page_is_guessed_and_said(tmp_path: Path, page: str, name: str) -> None:
    read = read_bytes(tmp_path, zip_of(Packed(name.encode(page))))

    assert list(read.files) == [name]
    [remark] = read.listing.remarks
    assert "a guess" in remark


def test_a_name_that_nobody_can_guess_is_shown_somehow(tmp_path: Path) -> None:
    read = read_bytes(tmp_path, zip_of(Packed(b"\x81\xff\x80.jpg")))

    assert list(read.files.values()) == [PICTURE]
