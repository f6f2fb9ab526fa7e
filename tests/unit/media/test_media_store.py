"""The media store keeps whole files under ids only, privately, and forgets on demand."""

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from graph.domain.errors import Invalid, MediaStoreUnavailable, NotFound
from graph.files import MediaStore
from graph.volume import MARKER
from tests.support.mounts import bind, tmpfs, unmount

_MEDIA, _OTHER_MEDIA, _FACE, _OTHER_FACE = "a1" * 32, "a2" * 32, "b1" * 32, "b2" * 32


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> MediaStore:
    """The same claims hold for a folder and for an object store."""
    store = MediaStore(f"file://{tmp_path}/deep/store" if request.param == "local" else f"memory://{tmp_path.name}")
    store.make(is_new=True)
    return store


def test_a_crop_is_found_again_under_its_key(store: MediaStore) -> None:
    display = store.put_crop(_MEDIA, _FACE, "display", b"jpeg")
    aligned = store.put_crop(_MEDIA, _FACE, "aligned", b"png")
    context = store.put_crop(_MEDIA, _FACE, "context", b"view")

    assert display == f"a1/{_MEDIA}/{_FACE}.display.jpg"
    assert aligned == f"a1/{_MEDIA}/{_FACE}.aligned.png"
    assert context == f"a1/{_MEDIA}/{_FACE}.context.jpg"
    assert list(map(store.read_crop, (display, aligned, context))) == [b"jpeg", b"png", b"view"]


def test_storing_again_overwrites(store: MediaStore) -> None:
    store.put_crop(_MEDIA, _FACE, "display", b"old")

    assert store.read_crop(store.put_crop(_MEDIA, _FACE, "display", b"new")) == b"new"


def test_an_upload_is_named_by_its_hash(store: MediaStore) -> None:
    name = store.put_upload(b"bytes")

    assert name == hashlib.sha256(b"bytes").hexdigest()
    assert store.read_upload(name) == b"bytes"
    assert store.upload_url(name) == f"redthread-upload:{name}"


def test_deleting_a_media_takes_its_crops_and_upload_and_nothing_else(store: MediaStore) -> None:
    name = store.put_upload(b"bytes")
    gone = store.put_crop(name, _FACE, "display", b"x")
    stays = store.put_crop(_OTHER_MEDIA, _FACE, "display", b"y")

    store.delete_media(name)
    store.delete_media(name)

    with pytest.raises(NotFound):
        store.read_crop(gone)
    with pytest.raises(NotFound):
        store.read_upload(name)
    assert store.read_crop(stays) == b"y"


def test_deleting_a_face_takes_all_its_crops_and_no_other_faces(store: MediaStore) -> None:
    gone = [store.put_crop(_MEDIA, _FACE, kind, b"x") for kind in ("display", "aligned", "context")]
    stays = store.put_crop(_MEDIA, _OTHER_FACE, "display", b"y")

    store.delete_face(_MEDIA, _FACE)
    store.delete_face(_MEDIA, _FACE)

    for key in gone:
        with pytest.raises(NotFound):
            store.read_crop(key)
    assert store.read_crop(stays) == b"y"


@pytest.mark.parametrize("bad", ["", "a1", "../" * 10, "A1" * 32, "g1" * 32, f"{_MEDIA}/..", _MEDIA + "\n"])
def test_an_id_that_is_no_digest_reaches_no_file(store: MediaStore, bad: str) -> None:
    for action in (
        lambda: store.put_crop(bad, _FACE, "display", b"x"),
        lambda: store.put_crop(_MEDIA, bad, "display", b"x"),
        lambda: store.read_crop(bad),
        lambda: store.read_crop(f"a1/{_MEDIA}/{bad}.display.jpg"),
        lambda: store.read_upload(bad),
        lambda: store.upload_url(bad),
        lambda: store.delete_media(bad),
        lambda: store.delete_face(_MEDIA, bad),
    ):
        with pytest.raises(Invalid):
            action()


def test_a_key_whose_folder_is_not_its_medias_is_refused(store: MediaStore) -> None:
    with pytest.raises(Invalid):
        store.read_crop(f"ff/{_MEDIA}/{_FACE}.display.jpg")


def test_local_files_are_private_and_leave_no_drafts(tmp_path: Path) -> None:
    root = tmp_path / "deep" / "store"
    store = MediaStore(f"file://{root}")
    store.make(is_new=True)
    store.put_crop(_MEDIA, _FACE, "display", b"x")
    store.put_upload(b"bytes")

    for path in (root.parent, *root.parent.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
        assert not path.name.startswith(".") or path.name == MARKER


def test_a_file_that_cannot_be_finished_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = MediaStore(f"file://{tmp_path}/store")
    store.make(is_new=True)
    key = store.put_crop(_MEDIA, _FACE, "display", b"old")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(MediaStoreUnavailable, match="No space"):
        store.put_crop(_MEDIA, _FACE, "display", b"new")

    assert store.read_crop(key) == b"old"
    assert [path.name for path in (tmp_path / "store" / "a1" / _MEDIA).iterdir()] == [f"{_FACE}.display.jpg"]


def test_an_upload_and_every_folder_made_for_it_are_on_the_disk_before_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the file and its own folder were synced: after a power cut the folder was in none."""
    store = MediaStore(f"file://{tmp_path}/store")
    store.make(is_new=True)
    store.check_writable()
    synced: list[Path] = []
    monkeypatch.setattr(os, "fsync", lambda number: synced.append(Path(f"/proc/self/fd/{number}").readlink()))

    name = store.put_upload(b"bytes")

    folder = tmp_path / "store" / "uploads" / name[:2]
    assert {*folder.parents} & {*synced} == {tmp_path / "store", folder.parent}
    assert synced[-1] == folder


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[tuple[MediaStore, Path, Path]]:
    """A store on a volume of its own, where it is mounted, and another folder of that volume."""
    volume, folder = tmp_path / "volume", tmp_path / "store"
    with tmpfs(volume, "1m"):
        (volume / "store").mkdir()
        bind(volume / "store", folder)
        store = MediaStore(folder.as_uri())
        store.make(is_new=True)
        yield store, folder, volume
        while folder.is_mount():
            unmount(folder)


def refused(store: MediaStore, crop: str, upload: str) -> None:
    for ask in (
        lambda: store.read_crop(crop),
        lambda: store.read_upload(upload),
        lambda: store.put_crop(_MEDIA, _FACE, "display", b"new"),
        lambda: store.put_upload(b"more"),
        lambda: store.delete_media(upload),
        store.check_writable,
    ):
        with pytest.raises(MediaStoreUnavailable, match="The media store is away"):
            ask()
    assert not store.is_there()


def test_a_store_whose_volume_is_away_gives_and_takes_nothing_and_has_all_when_it_is_back(
    mounted: tuple[MediaStore, Path, Path],
) -> None:
    """What was asked for meanwhile was told as missing for ever, and what came was written below the mount point."""
    store, folder, volume = mounted
    crop, upload = store.put_crop(_MEDIA, _FACE, "display", b"x"), store.put_upload(b"bytes")

    unmount(folder)
    refused(store, crop, upload)
    refused(MediaStore(folder.as_uri()), crop, upload)
    assert list(folder.iterdir()) == []
    folder.rmdir()
    refused(store, crop, upload)

    bind(volume / "store", folder)
    assert (store.read_crop(crop), store.read_upload(upload)) == (b"x", b"bytes")
    with pytest.raises(NotFound):
        store.read_upload("f" * 64)


def test_a_copy_below_the_mount_point_and_another_volume_are_not_the_store(
    mounted: tuple[MediaStore, Path, Path],
) -> None:
    store, folder, volume = mounted
    crop, upload = store.put_crop(_MEDIA, _FACE, "display", b"x"), store.put_upload(b"bytes")

    unmount(folder)
    shutil.copytree(volume / "store", folder, dirs_exist_ok=True)
    refused(store, crop, upload)

    (volume / "other").mkdir()
    bind(volume / "other", folder)
    MediaStore(folder.as_uri()).make(is_new=True)
    refused(store, crop, upload)


def test_a_store_from_before_stores_were_marked_is_known_by_its_files_and_an_empty_one_is_not(tmp_path: Path) -> None:
    old, empty, new = (MediaStore((tmp_path / name).as_uri()) for name in ("old", "empty", "new"))
    (tmp_path / "old" / "uploads" / "ab").mkdir(parents=True)
    (tmp_path / "old" / "uploads" / "ab" / "file").write_bytes(b"x")
    (tmp_path / "empty" / "uploads").mkdir(parents=True)

    old.make(is_new=False)
    with pytest.raises(MediaStoreUnavailable, match=f"is empty, and the graph knows of files in it.*{MARKER}"):
        empty.make(is_new=False)
    new.make(is_new=True)
    assert [store.is_there() for store in (old, empty, new)] == [True, False, True]
    (tmp_path / "empty" / MARKER).touch()  # as the refusal says
    empty.make(is_new=False)
    empty.put_upload(b"bytes")
    marker = (tmp_path / "new" / MARKER).read_bytes()
    new.make(is_new=True)
    assert (tmp_path / "new" / MARKER).read_bytes() == marker
