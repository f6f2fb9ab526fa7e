"""The media store: display and aligned crops and uploads, by id, under one fsspec URL.

A stored key is relative and made of hex digests only, so no caller can name anything outside the store.
"""

from __future__ import annotations

import re
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import fsspec
from fsspec.implementations.local import LocalFileSystem

from graph.domain.errors import Invalid, NotFound
from graph.domain.ids import is_digest, media_id
from graph.whole import make_folders, write_whole

Kind = Literal["display", "aligned"]

UPLOAD_SCHEME = "redthread-upload:"

_ENDING: dict[Kind, str] = {"display": "display.jpg", "aligned": "aligned.png"}
_CROP_KEY = re.compile(r"([0-9a-f]{2})/(\1[0-9a-f]{62})/[0-9a-f]{64}\.(?:display\.jpg|aligned\.png)")


class MediaStore:
    """Files under `url` (any fsspec URL; `file://` by default), each whole or absent, never half.

    Local files have mode 0600 in folders of mode 0700. Every method blocks: call it in a thread.
    """

    def __init__(self, url: str) -> None:
        untyped: Any = fsspec
        self._fs, root = untyped.url_to_fs(url)
        self._root = str(root).rstrip("/")
        self._local = isinstance(self._fs, LocalFileSystem)
        if self._local:
            make_folders(Path(self._root))

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
            with suppress(FileNotFoundError):
                self._fs.rm(self._path(key), recursive=True)

    def delete_face(self, media_id: str, face_id: str) -> None:
        """Both crops of the face are gone; deleting again changes nothing."""
        for ending in _ENDING.values():
            with suppress(FileNotFoundError):
                self._fs.rm_file(self._path(f"{_folder(media_id)}/{_checked(face_id)}.{ending}"))

    def check_writable(self) -> None:
        """Returns when a file could be written and removed again; otherwise what the file system raises."""
        key = f"uploads/.writable-{secrets.token_hex(8)}"
        self._write(key, b"", durable=False)
        self._fs.rm_file(self._path(key))

    def _path(self, key: str) -> str:
        return f"{self._root}/{key}"

    def _read(self, key: str) -> bytes:
        try:
            return self._fs.cat_file(self._path(key))
        except FileNotFoundError as gone:
            raise NotFound("The file is no longer in the media store.", code="file_gone") from gone

    def _write(self, key: str, data: bytes, *, durable: bool) -> None:
        if self._local:
            write_whole(Path(self._path(key)), data, durable=durable)
        else:
            # Object stores show an object only when it is complete.
            self._fs.pipe_file(self._path(key), data)


def _checked(digest: str) -> str:
    if not is_digest(digest):
        raise Invalid("An id in the media store has 64 hex digits.")
    return digest


def _folder(media_id: str) -> str:
    return f"{_checked(media_id)[:2]}/{media_id}"


def _upload_key(media_id: str) -> str:
    return f"uploads/{_folder(media_id)}"
