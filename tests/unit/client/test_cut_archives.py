"""An archive that is cut off or damaged gives the files that are whole in it, and says so."""

import os
import time
from pathlib import Path

import pytest

from tests.support.archives import Packed, Read, read_bytes, zip_of

CUT = "cut off or damaged: only the whole files in it are sent"
DATA = {f"{n}.jpg".encode(): os.urandom(3000) for n in range(3)}


def cut(folder: Path, at: int | None, **how: int) -> Read:
    whole = zip_of(*(Packed(name, data, **how) for name, data in DATA.items()))
    return read_bytes(folder, whole[:at])


@pytest.mark.parametrize("how", [{}, {"method": 0}, {"flags": 8}, {"flags": 8, "method": 0}])
def test_whole_files_are_sent_from_an_archive_without_its_end(tmp_path: Path, how: dict[str, int]) -> None:
    read = cut(tmp_path, -150, **how)

    assert [read.files[name.decode()] for name in DATA] == list(DATA.values())
    assert read.refused == {"phone.zip": CUT}

    read = cut(tmp_path, 8000, **how)
    assert list(read.files) == ["0.jpg", "1.jpg"]
    assert read.refused == {"phone.zip": CUT, "2.jpg": "cut off"}


def test_files_around_a_hole_are_sent(tmp_path: Path) -> None:
    whole = bytearray(zip_of(*(Packed(name, data, method=0) for name, data in DATA.items())))
    del whole[3100:3300]  # in the second file: everything after it is elsewhere than the directory says
    read = read_bytes(tmp_path, whole)

    assert read.files["0.jpg"] == DATA[b"0.jpg"]
    assert "damaged" in read.refused["phone.zip"] or "damaged" in read.refused["1.jpg"]


def test_an_archive_cut_within_its_directory_loses_nothing(tmp_path: Path) -> None:
    assert list(cut(tmp_path, -30).files) == ["0.jpg", "1.jpg", "2.jpg"]


def test_archives_joined_into_one_file_give_the_files_of_both(tmp_path: Path) -> None:
    """Only the last directory was read: the files of the archive before it were neither sent nor named."""
    first, second = (zip_of(Packed(name, DATA[name])) for name in (b"0.jpg", b"1.jpg"))
    read = read_bytes(tmp_path, first + second)

    assert read.files == {"0.jpg": DATA[b"0.jpg"], "1.jpg": DATA[b"1.jpg"]}
    assert read.refused == {"phone.zip": CUT}
    assert read_bytes(tmp_path, b"MZ" + bytes(3000) + second).refused == {}


def test_a_cut_archive_in_another_says_so_under_its_name(tmp_path: Path) -> None:
    inner = zip_of(*(Packed(name, data) for name, data in DATA.items()))[:8000]
    read = read_bytes(tmp_path, zip_of(Packed(b"inner.zip", inner), Packed(b"ok.jpg")))

    assert list(read.files) == ["inner.zip/0.jpg", "inner.zip/1.jpg", "ok.jpg"]
    assert read.refused["inner.zip"] == CUT


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x03\x04" * 1_000_000,
        Packed(b"a", b"", flags=8, method=0).local()[:-16] * 100_000,
        (Packed(b"a", b"", flags=8).local()[:-18] + bytes(2)) * 50_000,
        b"PK\x03\x04" + bytes(2) + b"\x08\x00" + bytes(22) + b"PK\x07\x08" * 1_000_000,
    ],
)
def test_forged_headers_do_not_make_the_search_long(tmp_path: Path, data: bytes) -> None:
    started = time.process_time()
    read_bytes(tmp_path, data)

    assert time.process_time() - started < 60
