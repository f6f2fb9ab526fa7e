"""Reads files under allowed folders, safe against symbolic links and against a swap between check and read."""

import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

from graph.domain.errors import SourceUnreachable, Unprocessable

_OPEN_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


REFUSALS: Final = {
    "url_not_allowed": "The event's URL is not under a place that files may be fetched from (also after following "
    "links): move the file there, or have its folder or host added to REDTHREAD_MEDIA_ROOTS.",
    "missing_file": "There is no file at the event's URL: put it there, then replay the event.",
    "unreadable_file": "The file at the event's URL may not be read by this program: give it the right, then replay "
    "the event.",
}


class FileRoots:
    """The folders (as `file://` URLs) under which files may be read, once every symbolic link is resolved."""

    def __init__(self, roots: Sequence[str]) -> None:
        self._roots = [_local_path(urlsplit(root)) for root in roots]

    def read(self, url: SplitResult, max_bytes: int) -> bytes:
        """The bytes of a regular file under an allowed folder, at most `max_bytes` of them.

        Raises Unprocessable (`url_not_allowed`, `missing_file`, `unreadable_file`, `too_large`, `invalid_url`), or
        SourceUnreachable when the allowed folder itself is away or its disk fails.
        """
        real = os.path.realpath(_local_path(url))
        root = self._root_of(real)
        try:
            # The resolved path must not end in a link by now, and a pipe or device must not block.
            descriptor = os.open(real, _OPEN_FLAGS)
        except OSError as failure:
            raise _refusal(failure, root) from failure
        try:
            # A folder may have been replaced by a link since it was resolved: check the file that was opened.
            self._root_of(_opened_path(descriptor, real))
            facts = os.fstat(descriptor)
            if not stat.S_ISREG(facts.st_mode):
                raise refusal("missing_file")
            if facts.st_size > max_bytes:
                raise too_large(max_bytes)
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                data = file.read(max_bytes + 1)
        except OSError as failure:
            raise _refusal(failure, root) from failure
        finally:
            os.close(descriptor)
        if len(data) > max_bytes:
            raise too_large(max_bytes)
        return data

    def _root_of(self, real: str) -> str:
        for root in self._roots:
            resolved = os.path.realpath(root)
            if real.startswith(resolved.rstrip("/") + "/"):
                return resolved
        raise refusal("url_not_allowed")


def refusal(code: str) -> Unprocessable:
    """The refusal of a file with this code of REFUSALS."""
    return Unprocessable(REFUSALS[code], code=code)


def too_large(max_bytes: int) -> Unprocessable:
    return Unprocessable(
        f"The file is larger than {max_bytes // (1024 * 1024)} MB: submit a smaller version of it.", code="too_large"
    )


def _local_path(url: SplitResult) -> str:
    path = unquote_to_bytes(url.path)
    if url.netloc not in ("", "localhost") or not path.startswith(b"/") or b"\x00" in path:
        raise Unprocessable(
            "The event's file URL must name an absolute path on this machine: file:///folder/file.", code="invalid_url"
        )
    # A `?` or `#` is legal in a file's name, but in a URL it must be written %3F or %23.
    if url.query or url.fragment:
        raise Unprocessable("The event's file URL holds an unescaped ? or #.", code="invalid_url")
    return os.fsdecode(path)


def _opened_path(descriptor: int, otherwise: str) -> str:
    """The real path of an open file: from the kernel on Linux, else by resolving `otherwise` again and comparing."""
    try:
        return str(Path(f"/proc/self/fd/{descriptor}").readlink())
    except OSError:
        again = os.path.realpath(otherwise)
        same = again == otherwise and os.path.samestat(os.fstat(descriptor), Path(again).stat())
        if not same:
            raise refusal("url_not_allowed") from None
        return again


def _refusal(failure: OSError, root: str) -> Unprocessable | SourceUnreachable:
    match failure.errno:
        case errno.ENOENT | errno.ENOTDIR if Path(root).is_dir():
            return refusal("missing_file")
        case errno.ENAMETOOLONG | errno.EISDIR | errno.ENXIO:
            return refusal("missing_file")
        case errno.EACCES | errno.EPERM:
            return refusal("unreadable_file")
        case errno.ELOOP:
            return refusal("url_not_allowed")
        case _:
            return SourceUnreachable(
                "The allowed folder of the event's file is away or its disk fails: mount it or repair it.", host="file"
            )
