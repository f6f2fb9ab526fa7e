"""The media store: display and aligned crops and uploads, by id, under one fsspec URL.

A stored key is relative and made of hex digests only, so no caller can name anything outside the store.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import fsspec
from fsspec.implementations.local import LocalFileSystem

from graph.domain.errors import Invalid, MediaStoreUnavailable, NotFound
from graph.domain.ids import is_digest, media_id
from graph.volume import MARKER, Volume

Kind = Literal["display", "aligned"]

UPLOAD_SCHEME = "redthread-upload:"

_ENDING: dict[Kind, str] = {"display": "display.jpg", "aligned": "aligned.png"}
_CROP_KEY = re.compile(r"([0-9a-f]{2})/(\1[0-9a-f]{62})/[0-9a-f]{64}\.(?:display\.jpg|aligned\.png)")


class MediaStore:
    """Files under `url` (any fsspec URL; `file://` by default), each whole or absent, never half.

    Local files have mode 0600 in folders of mode 0700; their folder is made by `make` only. Every method blocks: call
    it in a thread. All raise MediaStoreUnavailable where the store is away, or does not take or give a file now.
    """

    def __init__(self, url: str) -> None:
        untyped: Any = fsspec
        fs, root = untyped.url_to_fs(url)
        self._place = Volume(Path(str(root))) if isinstance(fs, LocalFileSystem) else _Objects(fs, str(root))

    def is_there(self) -> bool:
        """Whether the store that `make` made is there now."""
        return self._place.is_there()

    def make(self, *, is_new: bool) -> None:
        """The store is there. One from before stores were marked is known by its files, one that `is_new` is made.

        Else MediaStoreUnavailable: an empty folder that should hold files is where a volume is to be mounted.
        """
        if self.is_there():
            return
        if not is_new and not self._place.holds_files():
            raise MediaStoreUnavailable(
                f"The media store is empty, and the graph knows of files in it: mount its volume. To go on without "
                f"those files for good, make the file {MARKER} in it."
            )
        self._place.make()

    def put_crop(self, media_id: str, face_id: str, kind: Kind, data: bytes) -> str:
        """The relative key under which `data` now stands; the same ids overwrite the same file."""
        key = f"{_folder(media_id)}/{_checked(face_id)}.{_ENDING[kind]}"
        # A crop can be made again from its media, so it is not worth a disk flush each.
        self._write(key, data, durable=False)
        return key

    def read_crop(self, path: str) -> bytes:
        """The bytes stored under a key that `put_crop` gave; raises NotFound when they are gone."""
        if not _CROP_KEY.fullmatch(path):
            raise Invalid("This is not the key of a stored crop.")
        return self._read(path)

    def put_upload(self, data: bytes) -> str:
        """The media id (SHA-256) of `data`, which is now on disk for good."""
        name = media_id(data)
        # The only copy there is: it must survive a power cut.
        self._write(_upload_key(name), data, durable=True)
        return name

    def read_upload(self, media_id: str) -> bytes:
        """The uploaded bytes; raises NotFound when nothing (any more) was uploaded under this id."""
        return self._read(_upload_key(media_id))

    def upload_url(self, media_id: str) -> str:
        """The URL by which a media event names an upload: `redthread-upload:<sha256>`."""
        return UPLOAD_SCHEME + _checked(media_id)

    def delete_media(self, media_id: str) -> None:
        """All crops of the media and its upload are gone; deleting again changes nothing."""
        for key in (_folder(media_id), _upload_key(media_id)):
            self._delete(key)

    def delete_face(self, media_id: str, face_id: str) -> None:
        """Both crops of the face are gone; deleting again changes nothing."""
        for ending in _ENDING.values():
            self._delete(f"{_folder(media_id)}/{_checked(face_id)}.{ending}")

    def check_writable(self) -> None:
        """Returns when a file could be written and removed again."""
        key = f".writable-{secrets.token_hex(8)}"
        self._write(key, b"", durable=False)
        self._delete(key)

    def _read(self, key: str) -> bytes:
        try:
            with _unavailable_where_it_fails():
                return self._place.read(key)
        except FileNotFoundError as gone:
            raise NotFound("The file is no longer in the media store.", code="file_gone") from gone

    def _write(self, key: str, data: bytes, *, durable: bool) -> None:
        with _unavailable_where_it_fails():
            self._place.write(key, data, durable=durable)

    def _delete(self, key: str) -> None:
        with suppress(FileNotFoundError), _unavailable_where_it_fails():
            self._place.delete(key)


class _Objects:
    """The same in an object store, which answers or raises: a bucket is never an empty folder in place of another."""

    def __init__(self, fs: Any, root: str) -> None:
        self._fs = fs
        self._root = root.rstrip("/")

    def is_there(self) -> bool:
        return True

    def holds_files(self) -> bool:
        return True

    def make(self) -> None:
        """Nothing to make: a bucket is made by its operator."""

    def read(self, key: str) -> bytes:
        return self._fs.cat_file(f"{self._root}/{key}")

    def write(self, key: str, data: bytes, *, durable: bool) -> None:
        # Object stores show an object only when it is complete, and acknowledge it when it is safe.
        self._fs.pipe_file(f"{self._root}/{key}", data)

    def delete(self, key: str) -> None:
        self._fs.rm(f"{self._root}/{key}", recursive=True)


@contextmanager
def _unavailable_where_it_fails() -> Generator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as failure:
        raise MediaStoreUnavailable(
            f"The media store does not work now ({failure.strerror or type(failure).__name__}): see to its disk."
        ) from failure


def _checked(digest: str) -> str:
    if not is_digest(digest):
        raise Invalid("An id in the media store has 64 hex digits.")
    return digest


def _folder(media_id: str) -> str:
    return f"{_checked(media_id)[:2]}/{media_id}"


def _upload_key(media_id: str) -> str:
    return f"uploads/{_folder(media_id)}"
