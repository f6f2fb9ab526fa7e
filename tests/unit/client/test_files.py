"""The files of folders and archives: nothing leads anywhere else, is larger than it may be, or is lost unsaid."""

import errno
import io
import lzma
import os
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from graph.domain.errors import Invalid
from streams.client import files
from streams.client.archives import open as archive_open
from streams.client.files import open_files
from tests.support.archives import PICTURE, Packed, read_all, read_bytes, zip_of


def mode(kind: int) -> int:
    return (kind | 0o644) << 16


def test_a_file_in_an_archive_is_read_whole_and_dated_by_the_archive(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zip_of(Packed(b"b/2.jpg"), Packed(b"a.jpg", b""), Packed(b"b/", b"")))
    source = open_files(tmp_path / "a.zip")

    assert source.listing().names == ["b/2.jpg", "a.jpg"]
    file = source.stat("b/2.jpg")
    facts = (tmp_path / "a.zip").stat()
    assert (file.folder, file.size, file.ctime_ns) == (str(tmp_path / "a.zip"), len(PICTURE), facts.st_ctime_ns)
    assert source.read(file, len(PICTURE)) == PICTURE
    assert source.read(file, len(PICTURE) - 1) is None


@pytest.mark.parametrize(
    "name", ["../out.jpg", "a/../../out.jpg", "/etc/out.jpg", "..\\out.jpg", "C:\\out.jpg", "\\\\nas\\a\\1.jpg", "./.."]
)
def test_a_name_is_only_a_name_wherever_it_leads(tmp_path: Path, name: str) -> None:
    read = read_bytes(tmp_path, zip_of(Packed(name.encode()), Packed(b"good.jpg")))

    assert read.files == {name: PICTURE, "good.jpg": PICTURE}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["phone.zip"]


def test_links_and_devices_in_an_archive_are_named_and_not_sent(tmp_path: Path) -> None:
    link, pipe = Packed(b"link.jpg", attributes=mode(stat.S_IFLNK)), Packed(b"pipe", attributes=mode(stat.S_IFIFO))
    read = read_bytes(tmp_path, zip_of(link, pipe, Packed(b"ok.jpg", attributes=mode(stat.S_IFREG))))

    assert list(read.files) == ["ok.jpg"]
    assert read.refused == {"link.jpg": "a link, which is not followed", "pipe": "no regular file"}


def test_two_files_of_one_name_are_both_sent(tmp_path: Path) -> None:
    read = read_bytes(tmp_path, zip_of(Packed(b"1.jpg"), Packed(b"1.jpg", b"other"), Packed(b"1.jpg (2)", b"third")))

    assert read.files == {"1.jpg": PICTURE, "1.jpg (2)": b"other", "1.jpg (2) (2)": b"third"}


def test_very_many_files_of_one_name_take_no_longer_than_others(tmp_path: Path) -> None:
    """Each looked for a free number from 2 on: 12,000 files took minutes, a million would never end."""
    read = read_bytes(tmp_path, zip_of(*[Packed(b"1.jpg", b"x", method=0)] * 12_000))

    assert len(read.files) == 12_000 and "1.jpg (12000)" in read.files


def test_folders_are_no_files_however_they_are_written(tmp_path: Path) -> None:
    entries = (Packed(b"a/", b""), Packed(b"a\\b\\", b""), Packed(b"c", b"", attributes=mode(stat.S_IFDIR)))
    read = read_bytes(tmp_path, zip_of(*entries, Packed(b"a\\b\\1.jpg")))

    assert (list(read.files), read.refused) == (["a\\b\\1.jpg"], {})


def test_encrypted_files_are_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    read = read_bytes(tmp_path, zip_of(Packed(b"secret.jpg", flags=1), Packed(b"ok.jpg")))

    assert (list(read.files), read.refused) == (["ok.jpg"], {"secret.jpg": "encrypted"})


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_every_way_of_packing_that_python_writes_is_read(tmp_path: Path, method: int) -> None:
    large = os.urandom(1_000_000) + bytes(3_000_000)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as packed:
        packed.writestr("large.jpg", large)
        packed.writestr("small.jpg", b"x")

    assert read_all(tmp_path / "a.zip").files == {"large.jpg": large, "small.jpg": b"x"}


def test_a_file_packed_in_another_way_is_named_with_it(tmp_path: Path) -> None:
    read = read_bytes(tmp_path, zip_of(Packed(b"a.jpg", method=97), Packed(b"ok.jpg")))

    assert list(read.files) == ["ok.jpg"]
    assert "method 97" in read.refused["a.jpg"]


def test_a_file_that_is_larger_or_smaller_than_it_says_is_damaged(tmp_path: Path) -> None:
    data = bytearray(zip_of(Packed(b"bomb.jpg", bytes(5_000_000)), Packed(b"ok.jpg")))
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = (100).to_bytes(4, "little")
    (tmp_path / "a.zip").write_bytes(data)
    source = open_files(tmp_path / "a.zip")
    source.listing()

    assert source.read(source.stat("bomb.jpg"), 1000) is None
    with pytest.raises(OSError, match="damaged"):
        source.read(source.stat("bomb.jpg"), 10_000_000)
    assert source.read(source.stat("ok.jpg"), 10_000) == PICTURE


def test_one_that_grows_further_than_packing_can_shrink_is_refused(tmp_path: Path) -> None:
    data = bytearray(zip_of(Packed(b"bomb.jpg")))
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = (2_000_000_000).to_bytes(4, "little")

    assert read_bytes(tmp_path, data).refused == {"bomb.jpg": "grows beyond belief when it is unpacked"}


def test_entries_that_lie_over_one_another_are_a_bomb(tmp_path: Path) -> None:
    data = bytearray(zip_of(Packed(b"a.jpg"), Packed(b"b.jpg")))
    at = data.index(b"PK\x01\x02") + 20
    data[at : at + 4] = (len(data) + 1).to_bytes(4, "little")

    with pytest.raises(Invalid, match="bomb"):
        read_bytes(tmp_path, data)


def test_a_damaged_entry_is_reported_and_the_others_are_read(tmp_path: Path) -> None:
    data = bytearray(zip_of(Packed(b"a.jpg"), Packed(b"b.jpg")))
    data[data.index(b"a.jpg") + 10] ^= 0xFF
    read = read_bytes(tmp_path, data)

    assert (read.files, read.refused) == ({"b.jpg": PICTURE}, {"a.jpg": "damaged"})


@pytest.mark.parametrize("offset", [1 << 62, 1 << 63, (1 << 64) - 1])
def test_an_entry_that_lies_beyond_every_file_is_damaged(tmp_path: Path, offset: int) -> None:
    far = Packed(b"far.jpg", extra=struct.pack("<2HQ", 1, 8, offset))
    ok, directory = Packed(b"ok.jpg"), far.central(0xFFFFFFFF)
    files = far.local() + ok.local()
    directory += ok.central(len(far.local()))
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 2, 2, len(directory), len(files), 0)
    read = read_bytes(tmp_path, files + directory + end)

    assert (read.files, read.refused) == ({"ok.jpg": PICTURE}, {"far.jpg": "damaged"})


def test_an_entry_cannot_ask_for_gigabytes_of_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    decompressor = lzma.LZMADecompressor

    def noting(kind: int, *, filters: list[dict[str, int]]) -> lzma.LZMADecompressor:
        asked.append(filters[0]["dict_size"])
        return decompressor(kind, filters=filters)

    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_LZMA) as packed:
        packed.writestr("a.jpg", PICTURE)
    data = bytearray((tmp_path / "a.zip").read_bytes())
    at = data.index(b"a.jpg") + len(b"a.jpg") + 5
    data[at : at + 4] = b"\xff" * 4
    monkeypatch.setattr(lzma, "LZMADecompressor", noting)

    assert read_bytes(tmp_path, data).files == {"a.jpg": PICTURE}
    assert 0 < max(asked) <= 1 << 28


def test_a_path_that_is_neither_a_folder_nor_an_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(PICTURE)
    for path, says in ((tmp_path / "a.jpg", "no archive"), (tmp_path / "missing", "no folder and no archive")):
        with pytest.raises(Invalid, match=says):
            open_files(path)


def test_archives_in_a_folder_and_in_archives_are_opened_and_documents_are_not(tmp_path: Path) -> None:
    inner = zip_of(Packed(b"inside.jpg", b"inner"))
    outer = zip_of(Packed(b"phone/backup", inner), Packed(b"ok.jpg"), Packed(b"letter.docx", inner))
    (tmp_path / "seized.zip").write_bytes(outer)
    (tmp_path / "no archive.zip").write_bytes(b"text")
    read = read_all(tmp_path)

    assert read.files == {
        "no archive.zip": b"text",
        "seized.zip/phone/backup/inside.jpg": b"inner",
        "seized.zip/ok.jpg": PICTURE,
        "seized.zip/letter.docx": inner,
    }


def test_files_of_several_archives_are_read_in_any_order(tmp_path: Path) -> None:
    first, second = zip_of(Packed(b"1.jpg", b"1"), Packed(b"2.jpg", b"2")), zip_of(Packed(b"3.jpg", b"3"))
    (tmp_path / "a.zip").write_bytes(zip_of(Packed(b"first.zip", first), Packed(b"second.zip", second)))
    source = open_files(tmp_path / "a.zip")
    names = source.listing().names

    for name in (*names, *reversed(names), names[0]):
        assert source.read(source.stat(name), 10) == name[-5:-4].encode()


def test_an_archive_within_too_many_others_is_named_and_not_opened(tmp_path: Path) -> None:
    data = zip_of(Packed(b"1.jpg"))
    for depth in range(files.DEPTH_MAX):
        data = zip_of(Packed(f"{depth}.zip".encode(), data), Packed(f"{depth}.jpg".encode()))
    read = read_bytes(tmp_path, data)

    assert [name.rpartition("/")[2] for name in read.files] == ["0.jpg", "1.jpg", "2.jpg"]
    assert read.refused == {"2.zip/1.zip/0.zip": "an archive that is not opened: 3 lie around it"}


def test_an_archive_within_another_is_not_opened_beyond_its_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_open, "INNER_MAX", 1000)
    inner = zip_of(Packed(b"1.jpg", os.urandom(2000)))
    read = read_bytes(tmp_path, zip_of(Packed(b"inner.zip", inner), Packed(b"ok.jpg")))

    assert list(read.files) == ["ok.jpg"]
    assert "too large" in read.refused["inner.zip"]


def test_an_archive_with_too_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "ENTRIES_MAX", 2)
    with pytest.raises(Invalid, match="more than 2 files"):
        read_bytes(tmp_path, zip_of(*(Packed(f"{n}.jpg".encode()) for n in range(3))))


def test_what_systems_leave_behind_is_counted_and_a_folder_named_like_it_is_read(tmp_path: Path) -> None:
    left = (b"__MACOSX/._1.JPG", b"a/.DS_Store", b"x\\Thumbs.db", b"DESKTOP.INI", b"IMG_1.AAE", b"._1.JPG")
    read = read_bytes(tmp_path, zip_of(*map(Packed, left), Packed(b"Thumbs.db/1.jpg"), Packed(b"._")))

    assert list(read.files) == ["Thumbs.db/1.jpg", "._"]
    assert read.listing.left_out == {"macOS": 3, "Windows": 2, "iOS": 1}


def test_no_link_in_a_folder_is_followed_wherever_it_leads(tmp_path: Path) -> None:
    folder, other = tmp_path / "case", tmp_path / "other case"
    for place in (folder / "sub", other):
        place.mkdir(parents=True)
        (place / "1.jpg").write_bytes(PICTURE)
    (folder / "outside.jpg").symlink_to(other / "1.jpg")
    (folder / "inside.jpg").symlink_to(folder / "sub" / "1.jpg")
    (folder / "around").symlink_to(other)
    (folder / "nowhere").symlink_to("/nowhere")
    os.mkfifo(folder / "pipe")
    read = read_all(folder)

    assert read.files == {"sub/1.jpg": PICTURE}
    links = dict.fromkeys(("outside.jpg", "inside.jpg", "around", "nowhere"), "a link, which is not followed")
    assert read.refused == {**links, "pipe": "no regular file"}


def test_a_folder_that_was_replaced_by_a_link_since_it_was_listed_is_not_followed(tmp_path: Path) -> None:
    folder, other = tmp_path / "case", tmp_path / "other"
    for place in (folder / "sub", other):
        place.mkdir(parents=True)
        (place / "1.jpg").write_bytes(PICTURE)
    (folder / "z.jpg").write_bytes(PICTURE)
    source = open_files(folder)
    source.listing()
    source.stat("z.jpg")
    (folder / "sub").rename(tmp_path / "away")
    (folder / "sub").symlink_to(other)

    with pytest.raises(OSError) as refused:
        source.stat("sub/1.jpg")
    assert refused.value.errno in (errno.ELOOP, errno.ENOTDIR)


def test_a_path_longer_than_the_system_takes_is_read_like_any_other(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(30):
        os.mkdir("x" * 200, dir_fd=here)
        deeper = os.open("x" * 200, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    with os.fdopen(os.open("deep.jpg", os.O_CREAT | os.O_WRONLY, dir_fd=here), "wb") as file:
        file.write(b"deep")
    os.close(here)
    (tmp_path / "ok.jpg").write_bytes(PICTURE)

    assert read_all(tmp_path).files == {"ok.jpg": PICTURE, "/".join(["x" * 200] * 30) + "/deep.jpg": b"deep"}


def test_folders_within_too_many_others_are_named_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.client.folders.LEVELS_MAX", 2)
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c" / "1.jpg").write_bytes(PICTURE)
    (tmp_path / "a" / "b" / "2.jpg").write_bytes(PICTURE)
    read = read_all(tmp_path)

    assert list(read.files) == ["a/b/2.jpg"]
    assert read.refused == {"a/b/c/": "not read: more than 2 folders within one another"}


def test_a_name_that_is_no_utf_8_is_read_from_a_folder(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff.jpg")
    (tmp_path / name).write_bytes(PICTURE)

    assert read_all(tmp_path).files == {name: PICTURE}


def test_a_self_extracting_archive_is_read(tmp_path: Path) -> None:
    read = read_bytes(tmp_path, b"MZ" + bytes(5000) + zip_of(Packed(b"1.jpg")), "phone.exe")

    assert read.files == {"1.jpg": PICTURE}


def test_an_archive_with_64_bit_sizes_is_read(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed, packed.open("1.jpg", "w", force_zip64=True) as entry:
        entry.write(PICTURE)

    assert read_bytes(tmp_path, out.getvalue()).files == {"1.jpg": PICTURE}


def test_names_do_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.client.archives.container.NAMES_MAX", 5000)
    long = zip_of(*(Packed(b"x" * 3000) for _ in range(2)))
    under_long = zip_of(Packed(b"y" * 1000 + b".zip", zip_of(*(Packed(b"%d.jpg" % n) for n in range(9)))))
    for name, data in (("cut.zip", long[:-30]), ("names.zip", long), ("prefix.zip", under_long)):
        (tmp_path / name).write_bytes(data)
    (tmp_path / "z.jpg").write_bytes(PICTURE)
    read = read_all(tmp_path)

    assert "z.jpg" in read.files and len(read.files) < 9
    assert len([reason for reason in read.refused.values() if "names are too long" in reason]) == 3
