"""An archive is read entry by entry, and nothing in it leads anywhere else or is larger than it may be."""

from __future__ import annotations

import stat
import warnings
import zipfile
from pathlib import Path

import pytest

from graph.domain.errors import Invalid
from streams.client.files import open_files

PICTURE = bytes(range(256)) * 8


def nobody(_: str) -> None:
    pass


def archive(folder: Path, *entries: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    path = folder / "pictures.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name that stands twice is what one test is about
        for name, data in entries:
            packed.writestr(name, data)
    return path


def refusal(path: Path, name: str) -> str:
    with pytest.raises(OSError) as refused:
        open_files(path).stat(name)
    return refused.value.strerror or ""


def test_the_files_of_an_archive_are_listed_by_name_and_read_whole(tmp_path: Path) -> None:
    path = archive(tmp_path, ("b/2.jpg", PICTURE), ("a.jpg", b""), ("b/", b""))
    source = open_files(path)

    assert source.names(nobody) == ["a.jpg", "b/2.jpg"]
    file = source.stat("b/2.jpg")
    assert (file.folder, file.size) == (str(path), len(PICTURE))
    assert source.read(file, len(PICTURE)) == PICTURE
    assert source.read(file, len(PICTURE) - 1) is None


@pytest.mark.parametrize(
    "name", ["../out.jpg", "a/../../out.jpg", "/etc/out.jpg", "..\\out.jpg", "C:\\out.jpg", "./.."]
)
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    path = archive(tmp_path, (name, PICTURE), ("good.jpg", PICTURE))
    told = next(found for found in open_files(path).names(nobody) if found != "good.jpg")

    assert refusal(path, told) == "its name leads out of the archive"
    assert open_files(path).stat("good.jpg").file == "good.jpg"


def test_links_devices_and_duplicate_names_are_refused(tmp_path: Path) -> None:
    link, pipe = zipfile.ZipInfo("link.jpg"), zipfile.ZipInfo("pipe.jpg")
    link.external_attr, pipe.external_attr = (stat.S_IFLNK | 0o777) << 16, (stat.S_IFIFO | 0o600) << 16
    path = archive(tmp_path, (link, b"/etc/passwd"), (pipe, b""), ("twice.jpg", PICTURE), ("twice.jpg", b"other"))

    assert refusal(path, "link.jpg") == "a link, which is not followed"
    assert refusal(path, "pipe.jpg") == "no regular file"
    assert refusal(path, "twice.jpg") == "its name stands more than once in the archive"


def test_an_entry_larger_than_its_stated_size_is_not_read_beyond_the_limit_of_a_file(tmp_path: Path) -> None:
    path = archive(tmp_path, ("bomb.jpg", bytes(5_000_000)))
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02") + 24
    data[at : at + 4] = (100).to_bytes(4, "little")
    path.write_bytes(data)
    source = open_files(path)

    file = source.stat("bomb.jpg")
    assert file.size == 100
    with pytest.raises(OSError, match="damaged"):
        source.read(file, 1000)


def test_one_that_grows_further_than_packing_can_shrink_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path, ("bomb.jpg", PICTURE))
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02") + 24
    data[at : at + 4] = (2_000_000_000).to_bytes(4, "little")
    path.write_bytes(data)

    assert refusal(path, "bomb.jpg") == "grows beyond belief when it is unpacked"


def test_entries_that_lie_over_one_another_are_a_bomb(tmp_path: Path) -> None:
    path = archive(tmp_path, ("a.jpg", PICTURE), ("b.jpg", PICTURE))
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02") + 20
    data[at : at + 4] = (len(data) + 1).to_bytes(4, "little")
    path.write_bytes(data)

    with pytest.raises(Invalid, match="bomb"):
        open_files(path)


def test_a_damaged_entry_is_reported_and_the_others_are_read(tmp_path: Path) -> None:
    path = archive(tmp_path, ("a.jpg", PICTURE), ("b.jpg", PICTURE))
    data = bytearray(path.read_bytes())
    data[data.index(b"a.jpg") + 10] ^= 0xFF
    path.write_bytes(data)
    source = open_files(path)

    with pytest.raises(OSError, match="damaged"):
        source.read(source.stat("a.jpg"), 10_000)
    assert source.read(source.stat("b.jpg"), 10_000) == PICTURE


def test_a_path_that_is_neither_a_folder_nor_an_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(PICTURE)
    for path in (tmp_path / "a.jpg", tmp_path / "missing"):
        with pytest.raises(Invalid, match="no folder and no ZIP"):
            open_files(path)
