"""Fetches the bytes of a media event from an allowed folder, an allowed host or the upload store."""

import hmac
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from graph.domain.errors import Invalid, NotFound, Unprocessable
from graph.domain.ids import is_digest, media_id
from graph.files import UPLOAD_SCHEME, MediaStore
from streams.media.files import FileRoots, too_large
from streams.media.http import HttpRoots

MAX_BYTES = 512 * 1024 * 1024
"""Far above the size of any camera's picture; a larger file would not fit in memory beside its decoded pixels."""

_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f]")


@dataclass(frozen=True)
class Fetched:
    """The bytes of one media, and the media id, which is their SHA-256 in hex."""

    data: bytes
    media_id: str


class Fetcher:
    """Fetches URLs under one of `roots` (prefixes) and uploads; refuses all others.

    Messages never contain a path or a URL: a file name may be a person's name.
    """

    def __init__(self, roots: Sequence[str], store: MediaStore, max_bytes: int = MAX_BYTES) -> None:
        self._store = store
        self._max_bytes = max_bytes
        strange = [root for root in roots if not root.startswith(("file:///", "http://", "https://"))]
        if strange:
            raise Invalid(
                f"An allowed media root is a URL such as file:///data/north/ or https://host/path/: {strange}"
            )
        self._roots = tuple(roots)
        self._files = FileRoots([root for root in roots if root.startswith("file:")])
        self._http = HttpRoots([root for root in roots if root.startswith("http")])

    def fetch(self, url: str, sha256: str | None) -> Fetched:
        """The bytes at `url`, checked against `sha256` where one is given. Blocks: call it in a thread.

        Raises Unprocessable with code `invalid_url`, `url_not_allowed`, `missing_file`, `unreadable_file`,
        `source_refused`, `empty_file`, `too_large` or `wrong_sha256`; SourceUnreachable when the host does not answer.
        """
        data = self._read(url)
        if not data:
            raise Unprocessable("The file is empty (0 bytes): export it again and submit it anew.", code="empty_file")
        found = media_id(data)
        if sha256 is not None and not hmac.compare_digest(found, sha256.strip().lower()):
            raise Unprocessable(
                f"The file's SHA-256 is {found}, the event says another: the file was changed or the event is wrong. "
                "Correct the one that is wrong and submit it again.",
                code="wrong_sha256",
            )
        return Fetched(data, found)

    def server_of(self, url: str) -> str | None:
        """The host, or the allowed folder, that must be up for this URL; None for our own store, and for a URL
        that is not allowed.
        """
        if url.startswith(UPLOAD_SCHEME):
            return None
        with suppress(ValueError):
            if host := urlsplit(url).netloc.rpartition("@")[2]:
                return host
        roots = [root for root in self._roots if url.startswith(root)]
        return f"folder {self._roots.index(max(roots, key=len))}" if roots else None

    def close(self) -> None:
        """Closes the connections to hosts."""
        self._http.close()

    def _read(self, url: str) -> bytes:
        if url.startswith(UPLOAD_SCHEME):
            return self._upload(url.removeprefix(UPLOAD_SCHEME))
        parts = _split(url)
        if parts.scheme == "file":
            return self._files.read(parts, self._max_bytes)
        if parts.scheme in ("http", "https"):
            return self._http.read(url, self._max_bytes)
        raise Unprocessable(
            "The event's URL is of a kind that is not fetched: use file://, https:// or an upload.",
            code="url_not_allowed",
        )

    def _upload(self, digest: str) -> bytes:
        if not is_digest(digest):
            raise Unprocessable("The event's upload URL does not hold a SHA-256.", code="invalid_url")
        try:
            data = self._store.read_upload(digest)
        except NotFound as gone:
            raise Unprocessable(
                f"No upload with SHA-256 {digest} is stored (any more): upload it again.", code="missing_file"
            ) from gone
        if len(data) > self._max_bytes:
            raise too_large(self._max_bytes)
        return data


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as broken:
        raise _invalid() from broken
    if not parts.scheme or _UNPRINTABLE.search(url.replace(" ", "_")):
        raise _invalid()
    return parts


def _invalid() -> Unprocessable:
    return Unprocessable(
        "The event's URL cannot be read: it needs a scheme such as file:// or https:// and no control characters.",
        code="invalid_url",
    )
