"""Archives that tests make in memory, and what is read from them."""

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from streams.client.files import Listing, open_files

PICTURE = bytes(range(256)) * 8


@dataclass(frozen=True)
class Packed:
    """An entry of a ZIP archive whose every byte a test decides."""

    name: bytes
    data: bytes = PICTURE
    flags: int = 0
    extra: bytes = b""
    method: int = 8
    attributes: int = 0

    @property
    def body(self) -> bytes:
        if self.method != 8:
            return self.data
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        return packer.compress(self.data) + packer.flush()

    def local(self) -> bytes:
        """Its header, data and, with flag 8, the descriptor behind it."""
        crc, body = zlib.crc32(self.data), self.body
        sizes = (crc, len(body), len(self.data))
        is_streamed = self.flags & 8
        head = struct.pack(
            "<4s5H3L2H",
            b"PK\x03\x04",
            *(20, self.flags, self.method, 0, 0),
            *((0, 0, 0) if is_streamed else sizes),
            *(len(self.name), len(self.extra)),
        )
        behind = struct.pack("<4s3L", b"PK\x07\x08", *sizes) if is_streamed else b""
        return head + self.name + self.extra + body + behind

    def central(self, offset: int) -> bytes:
        head = struct.pack(
            "<4s6H3L5H2L",
            b"PK\x01\x02",
            *(20, 20, self.flags, self.method, 0, 0),
            *(zlib.crc32(self.data), len(self.body), len(self.data)),
            *(len(self.name), len(self.extra), 0, 0, 0),
            *(self.attributes, offset),
        )
        return head + self.name + self.extra


def zip_of(*entries: Packed) -> bytes:
    """A ZIP archive of these entries, also of those that no library writes."""
    files, directory = b"", b""
    for entry in entries:
        directory += entry.central(len(files))
        files += entry.local()
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, len(entries), len(entries), len(directory), len(files), 0)
    return files + directory + end


def rar_of(entries: dict[str, bytes], flags: int = 0) -> bytes:
    """A RAR 4 archive of stored files (RAR technical note: marker, archive header, file headers, end)."""

    def block(kind: int, flags: int, fields: bytes) -> bytes:
        body = struct.pack("<B2H", kind, flags, 7 + len(fields)) + fields
        return struct.pack("<H", zlib.crc32(body) & 0xFFFF) + body

    found = b"Rar!\x1a\x07\x00" + block(0x73, 0, bytes(6))
    for name, data in entries.items():
        raw, crc = name.encode(), zlib.crc32(data)
        sizes = struct.pack("<2LBLLBBHL", len(data), len(data), 3, crc, 0, 20, 0x30, len(raw), 0o100644)
        found += block(0x74, 0x8000 | flags, sizes + raw) + data
    return found + block(0x7B, 0x4000, b"")


@dataclass(frozen=True)
class Read:
    """The files of a folder or archive with their bytes, and what was said of the others."""

    files: dict[str, bytes | None]
    refused: dict[str, str]
    listing: Listing


def read_all(path: Path, max_bytes: int = 1 << 24) -> Read:
    source = open_files(path)
    listing, files, refused = source.listing(), dict[str, bytes | None](), dict[str, str]()
    for name in listing.names:
        try:
            files[name] = source.read(source.stat(name), max_bytes)
        except OSError as error:
            refused[name] = error.strerror or ""
    source.close()
    return Read(files, refused | dict(listing.not_sent), listing)


def read_bytes(folder: Path, data: bytes, name: str = "phone.zip") -> Read:
    (folder / name).write_bytes(data)
    return read_all(folder / name)
