"""Opens archives by what their bytes are; a name only decides whether one is looked for."""

import mimetypes
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from typing import BinaryIO, Final

from streams.client.archives.container import Container, unreadable
from streams.client.archives.unpack import PackedArchive
from streams.client.archives.zip import ZipArchive
from streams.client.archives.zip_index import has_directory

HEAD: Final = 512
"""Bytes of a file that show which archive it is."""
INNER_MAX: Final = 4 << 30
"""Bytes of one archive within another: it lies in a nameless temporary file while it is read."""
_ARCHIVES: Final = frozenset({"application/zip", "application/x-tar", "application/octet-stream"})
_MARKS: Final = {
    b"PK\x03\x04": "ZIP",
    b"PK\x05\x06": "ZIP",
    b"PK\x07\x08": "ZIP",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!\x1a\x07": "RAR",
    b"MSCF": "CAB",
}
_PACKED: Final = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd")
"""gzip, bzip2, xz and zstd, in which a TAR archive may be."""
_TAR: Final = (".tgz", ".tbz", ".tbz2", ".txz", ".tzst", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst")


def may_be_archive(name: str) -> bool:
    """Whether a file of this name is looked into: not a picture, nor a document that is a ZIP archive inside."""
    kind, packing = mimetypes.guess_type(name)
    return packing is not None or kind is None or kind in _ARCHIVES or "rar" in kind or "compressed" in kind


def kind_of(head: bytes, name: str) -> str:
    """The kind of archive that a file's first bytes show, such as `ZIP`; empty for anything else."""
    for mark, kind in _MARKS.items():
        if head.startswith(mark):
            return kind
    is_tar = head[257:262] == b"ustar" or _starts_as_tar(head)
    return "TAR" if is_tar or (head.startswith(_PACKED) and name.lower().endswith(_TAR)) else ""


def _starts_as_tar(head: bytes) -> bool:
    """Whether the first header has its own checksum, the sum of its bytes with spaces in the checksum's place."""
    try:
        checksum = int(head[148:156].strip(b" \x00"), 8)
    except ValueError:
        return False
    return len(head) == HEAD and checksum == sum(head[:148]) + sum(head[156:]) + 8 * ord(" ")


def opened(file: BinaryIO, name: str, limit: int) -> Container:
    """The archive in a file, which it closes at the end. Raises OSError, whose `strerror` says why it is not opened."""
    with ExitStack() as on_failure:
        on_failure.callback(file.close)
        kind = kind_of(file.read(HEAD), name)
        if kind == "ZIP" or (not kind and has_directory(file, file.seek(0, 2))):
            found = ZipArchive(file, limit)
        elif kind:
            found = PackedArchive(file, kind, limit)
        else:
            raise unreadable("no archive that can be read")
        on_failure.pop_all()
    return found


def opened_within(chunks: Iterator[bytes], name: str, limit: int, max_bytes: int) -> tuple[Container, int]:
    """The archive that is an entry of another, by its bytes and name, and its size."""
    with ExitStack() as on_failure:
        file = on_failure.enter_context(tempfile.TemporaryFile())
        size = 0
        for chunk in chunks:
            size += len(chunk)
            if size > min(max_bytes, INNER_MAX):
                raise unreadable("too large for an archive within others: unpack it")
            file.write(chunk)
        file.seek(0)
        on_failure.pop_all()
    return opened(file, name, limit), size
