"""TAR, 7z and RAR archives are read by a process of its own, where the system has libarchive."""

import io
import os
import sys
import tarfile
from ctypes.util import find_library
from pathlib import Path

import pytest

from graph.domain.errors import Invalid
from streams.client.archives import unpack
from streams.client.files import open_files
from tests.support.archives import PICTURE, Packed, rar_of, read_all, read_bytes, zip_of

PICTURES = {f"DCIM/{n}.jpg": os.urandom(40_000) for n in range(3)}

needs_libarchive = pytest.mark.skipif(find_library("archive") is None, reason="this machine has no libarchive")


def tar_of(mode: str = "w") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as packed:
        for name, data in {**PICTURES, "/Фото.jpg": b"abc", ".DS_Store": b"x"}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            packed.addfile(entry, io.BytesIO(data))
        for name, kind in (("link.jpg", tarfile.SYMTYPE), ("hard.jpg", tarfile.LNKTYPE), ("empty", tarfile.DIRTYPE)):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, "/etc/passwd"
            packed.addfile(entry)
    return out.getvalue()


@needs_libarchive
@pytest.mark.parametrize(("mode", "ending"), [("w", "tar"), ("w:gz", "tgz"), ("w:xz", "tar.xz"), ("w:bz2", "tar.bz2")])
def test_a_tar_archive_gives_its_files_in_any_order(tmp_path: Path, mode: str, ending: str) -> None:
    path = tmp_path / f"phone.{ending}"
    path.write_bytes(tar_of(mode))
    source = open_files(path)
    listing, wanted = source.listing(), {**PICTURES, "/Фото.jpg": b"abc"}

    for name in (*listing.names, *reversed(listing.names)):
        assert source.read(source.stat(name), 100_000) == wanted[name]
    assert set(listing.names) == set(wanted)
    assert dict(listing.not_sent) == dict.fromkeys(("link.jpg", "hard.jpg"), "a link, which is not followed")
    assert listing.left_out == {"macOS": 1}
    source.close()


@needs_libarchive
def test_archives_in_a_solid_archive_are_listed_in_one_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each began the archive around it again: a hundred in a .tgz took 40 s, and ever more with their number."""
    out, started = io.BytesIO(), list[str]()
    with tarfile.open(fileobj=out, mode="w:gz") as packed:
        for n in range(5):
            entry, data = tarfile.TarInfo(f"{n}.zip"), zip_of(Packed(b"1.jpg", bytes([n])))
            entry.size = len(data)
            packed.addfile(entry, io.BytesIO(data))
    monkeypatch.setattr(
        unpack, "_Child", lambda file, kind, child=unpack._Child: started.append(kind) or child(file, kind)
    )

    read = read_bytes(tmp_path, out.getvalue(), "phone.tgz")

    assert read.files == {f"{n}.zip/1.jpg": bytes([n]) for n in range(5)}
    assert len(started) == 3  # its entries, what they are, their bytes


@needs_libarchive
@pytest.mark.parametrize("name", ["backup", "backup.dat"])
def test_a_tar_archive_of_the_oldest_kind_is_known_by_its_checksum(tmp_path: Path, name: str) -> None:
    data = bytearray(tar_of())
    for at in range(0, len(data), 512):
        if data[at + 257 : at + 262] == b"ustar":
            data[at + 257 : at + 265] = bytes(8)
            data[at + 148 : at + 156] = b" " * 8
            data[at + 148 : at + 156] = b"%06o\0 " % sum(data[at : at + 512])

    assert set(PICTURES) < set(read_bytes(tmp_path, data, name).files)


def test_a_picture_that_is_called_an_archive_is_sent(tmp_path: Path) -> None:
    """A picture named .tar was called an archive that cannot be read, and was not sent."""
    assert read_bytes(tmp_path, zip_of(Packed(b"1.tar"), Packed(b"2.zip"))).files == {
        "1.tar": PICTURE,
        "2.zip": PICTURE,
    }


@needs_libarchive
def test_a_7z_archive_gives_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    libarchive = pytest.importorskip("libarchive")
    for name, data in PICTURES.items():
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(data)
    monkeypatch.chdir(tmp_path / "in")
    with libarchive.file_writer(str(tmp_path / "phone.7z"), "7zip") as packed:
        packed.add_files("DCIM")

    assert read_all(tmp_path / "phone.7z").files == PICTURES


@needs_libarchive
def test_a_rar_archive_gives_its_files_and_names_encrypted_ones(tmp_path: Path) -> None:
    assert read_bytes(tmp_path, rar_of(PICTURES), "phone.rar").files == PICTURES

    secret = read_bytes(tmp_path, rar_of({"secret.jpg": b"x" * 100}, flags=4), "phone.rar")
    assert (secret.files, "encrypted" in secret.refused["secret.jpg"]) == ({}, True)


@needs_libarchive
def test_archives_of_different_kinds_lie_within_one_another(tmp_path: Path) -> None:
    inner = zip_of(Packed(b"backup.tar.gz", tar_of("w:gz")), Packed(b"ok.jpg"))
    read = read_bytes(tmp_path, rar_of({"a.zip": inner, "b.jpg": b"b"}), "phone.rar")

    assert set(read.files) >= {"b.jpg", "a.zip/ok.jpg", "a.zip/backup.tar.gz/DCIM/2.jpg"}


@needs_libarchive
def test_a_cut_archive_gives_its_whole_files_and_says_that_it_is_cut(tmp_path: Path) -> None:
    for name, data in (("phone.tar", tar_of()[:100_000]), ("phone.rar", rar_of(PICTURES)[:100_000])):
        read = read_bytes(tmp_path, data, name)

        assert {"DCIM/0.jpg", "DCIM/1.jpg"} <= set(read.files) and "DCIM/2.jpg" not in read.files
        assert "cut off or damaged" in read.refused[name]


@needs_libarchive
def test_a_process_that_hangs_is_ended_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "TIMEOUT_S", 0.5)
    monkeypatch.setattr(unpack, "_START", "import time; time.sleep(60)")
    with pytest.raises(Invalid, match="took too long"):
        read_bytes(tmp_path, tar_of(), "phone.tar")


@needs_libarchive
def test_an_archive_that_grows_beyond_belief_is_refused(tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:xz") as packed:
        entry = tarfile.TarInfo("bomb.jpg")
        entry.size = 200_000_000
        packed.addfile(entry, io.BytesIO(bytes(entry.size)))

    with pytest.raises(Invalid, match="grows beyond belief"):
        read_bytes(tmp_path, out.getvalue(), "phone.tar.xz")


def test_without_the_library_an_archive_is_named_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = unpack._START.replace("import sys;", "import sys; sys.modules['libarchive'] = None;")
    monkeypatch.setattr(unpack, "_START", start)
    (tmp_path / "1.jpg").write_bytes(b"1")
    (tmp_path / "phone.rar").write_bytes(rar_of(PICTURES))
    read = read_all(tmp_path)

    assert read.files == {"1.jpg": b"1"}
    assert "a RAR archive: unpack it" in read.refused["phone.rar"]


@needs_libarchive
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a system call filter")
def test_the_process_opens_no_file_once_it_reads_the_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spy = "unpack_child._head = lambda entry, is_encrypted: {'name': open('/etc/passwd').read(1), 'is_file': True}; "
    monkeypatch.setattr(unpack, "_START", unpack._START.replace("unpack_child.start", f"{spy}unpack_child.start"))
    with pytest.raises(Invalid, match="damaged"):
        read_bytes(tmp_path, tar_of(), "phone.tar")
