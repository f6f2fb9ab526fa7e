"""The media store keeps whole files under ids only, privately, and forgets on demand."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest

from graph.domain.errors import Invalid, NotFound
from graph.files import MediaStore

_MEDIA, _OTHER_MEDIA, _FACE, _OTHER_FACE = "a1" * 32, "a2" * 32, "b1" * 32, "b2" * 32


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> MediaStore:
    """The same claims hold for a folder and for an object store."""
    return MediaStore(f"file://{tmp_path}/deep/store" if request.param == "local" else f"memory://{tmp_path.name}")


def test_a_crop_is_found_again_under_its_key(store: MediaStore) -> None:
    display = store.put_crop(_MEDIA, _FACE, "display", b"jpeg")
    aligned = store.put_crop(_MEDIA, _FACE, "aligned", b"png")

    assert display == f"a1/{_MEDIA}/{_FACE}.display.jpg"
    assert aligned == f"a1/{_MEDIA}/{_FACE}.aligned.png"
    assert (store.read_crop(display), store.read_crop(aligned)) == (b"jpeg", b"png")


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


def test_deleting_a_face_takes_both_its_crops_and_no_other_faces(store: MediaStore) -> None:
    gone = [store.put_crop(_MEDIA, _FACE, kind, b"x") for kind in ("display", "aligned")]
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
    store.put_crop(_MEDIA, _FACE, "display", b"x")
    store.put_upload(b"bytes")

    for path in (root.parent, *root.parent.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
        assert not path.name.startswith(".")


def test_a_file_that_cannot_be_finished_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = MediaStore(f"file://{tmp_path}/store")
    key = store.put_crop(_MEDIA, _FACE, "display", b"old")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        store.put_crop(_MEDIA, _FACE, "display", b"new")

    assert store.read_crop(key) == b"old"
    assert [path.name for path in (tmp_path / "store" / "a1" / _MEDIA).iterdir()] == [f"{_FACE}.display.jpg"]
