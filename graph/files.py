"""The media store: crops and wider views of faces, and uploads, by id, under one fsspec URL.

A key is relative and consists of hex digests, so no caller can name a file outside the store.
"""

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

Kind = Literal["display", "aligned", "context"]

UPLOAD_SCHEME = "redthread-upload:"

_ENDING: dict[Kind, str] = {"display": "display.jpg", "aligned": "aligned.png", "context": "context.jpg"}
_CROP_KEY = re.compile(r"([0-9a-f]{2})/(\1[0-9a-f]{62})/[0-9a-f]{64}\.(?:display\.jpg|aligned\.png|context\.jpg)")


def crop_name(key: str) -> str:
    """The id under which a crop is stored: its face's own, or that by which another detector found the face."""
    return key.rpartition("/")[2].partition(".")[0]


class MediaStore:
    """Files under `url` (any fsspec URL; `file://` by default), written atomically.

    Local files have mode 0600 in folders of mode 0700; only `make` creates their root folder. Every method blocks: call
    it in a thread. All raise MediaStoreUnavailable if the store cannot be reached, read or written.
    """

    def __init__(self, url: str) -> None:
        untyped: Any = fsspec
        fs, root = untyped.url_to_fs(url)
        self._place = Volume(Path(str(root))) if isinstance(fs, LocalFileSystem) else _Objects(fs, str(root))

    def is_there(self) -> bool:
        """Whether the store that `make` created can be reached now."""
        return self._place.is_there()

    def make(self, *, is_new: bool) -> None:
        """Makes sure that the store exists; creates one that `is_new`, and accepts an unmarked one if it has files.

        Raises MediaStoreUnavailable for an empty folder that should have files: its volume is not mounted.
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
        """The relative key under which `data` is now stored; the same ids overwrite the same file."""
        key = f"{_folder(media_id)}/{_checked(face_id)}.{_ENDING[kind]}"
        # On disk before its face is in the graph: a crop lost in a power cut would be missed at the review.
        self._write(key, data, durable=True)
        return key

    def read_crop(self, path: str) -> bytes:
        """The bytes stored under a key from `put_crop`; raises NotFound if they no longer exist."""
        if not _CROP_KEY.fullmatch(path):
            raise Invalid("This is not the key of a stored crop.")
        return self._read(path)

    def put_upload(self, data: bytes) -> str:
        """The media id (SHA-256) of `data`, which is now durably stored."""
        name = media_id(data)
        # The only copy: it must survive a power cut.
        self._write(_upload_key(name), data, durable=True)
        return name

    def read_upload(self, media_id: str) -> bytes:
        """The uploaded bytes; raises NotFound if there is no upload of this id (any more)."""
        return self._read(_upload_key(media_id))

    def upload_url(self, media_id: str) -> str:
        """The URL by which a media event names an upload: `redthread-upload:<sha256>`."""
        return UPLOAD_SCHEME + _checked(media_id)

    def has(self, path: str) -> bool:
        """Whether a crop's key names a file that is not empty."""
        return self._has(path)

    def has_upload(self, media_id: str) -> bool:
        """Whether the store has the upload of this id."""
        return self._has(_upload_key(media_id))

    def delete_media(self, media_id: str) -> None:
        """Deletes all crops of the media and its upload; idempotent."""
        for key in (_folder(media_id), _upload_key(media_id)):
            self._delete(key)

    def delete_face(self, media_id: str, face_id: str) -> None:
        """Deletes all crops of the face; idempotent."""
        for ending in _ENDING.values():
            self._delete(f"{_folder(media_id)}/{_checked(face_id)}.{ending}")

    def check_writable(self) -> None:
        """Returns once a file has been written and removed again."""
        key = f".writable-{secrets.token_hex(8)}"
        self._write(key, b"", durable=False)
        self._delete(key)

    def _read(self, key: str) -> bytes:
        try:
            with _unavailable_where_it_fails():
                return self._place.read(key)
        except FileNotFoundError as gone:
            raise NotFound("The file is no longer in the media store.", code="file_gone") from gone

    def _has(self, key: str) -> bool:
        with _unavailable_where_it_fails(), suppress(FileNotFoundError):
            return self._place.size(key) > 0
        return False

    def _write(self, key: str, data: bytes, *, durable: bool) -> None:
        with _unavailable_where_it_fails():
            self._place.write(key, data, durable=durable)

    def _delete(self, key: str) -> None:
        with suppress(FileNotFoundError), _unavailable_where_it_fails():
            self._place.delete(key)


class _Objects:
    """Files in an object store, which answers or raises: there is no mount point that could be empty by mistake."""

    def __init__(self, fs: Any, root: str) -> None:
        self._fs = fs
        self._root = root.rstrip("/")

    def is_there(self) -> bool:
        return True

    def holds_files(self) -> bool:
        return True

    def make(self) -> None:
        """Does nothing: the operator creates the bucket."""

    def read(self, key: str) -> bytes:
        return self._fs.cat_file(f"{self._root}/{key}")

    def size(self, key: str) -> int:
        return int(self._fs.size(f"{self._root}/{key}") or 0)

    def write(self, key: str, data: bytes, *, durable: bool) -> None:
        # Object stores publish an object once it is complete, and acknowledge it once it is durable.
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
