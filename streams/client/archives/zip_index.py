"""The entries of a ZIP archive by its directory, or, where that is missing or damaged, by the headers before its files.

Python's own reader refuses a whole archive for one odd name, and everything that has been cut off. Structures:
PKWARE's APPNOTE.
"""

import struct
import zlib
from dataclasses import dataclass, replace
from typing import BinaryIO, Final

from streams.client.archives.container import CHUNK, NamesLimit
from streams.client.archives.names import unicode_path

_LOCAL: Final = struct.Struct("<4s5H3L2H")
_CENTRAL: Final = struct.Struct("<4s6H3L5H2L")
_END: Final = struct.Struct("<4s4H2LH")
_END64: Final = struct.Struct("<4sQ2H2L4Q")
_LOCAL_MARK: Final = b"PK\x03\x04"
_CENTRAL_MARK: Final = b"PK\x01\x02"
_END_MARK: Final = b"PK\x05\x06"
_END64_MARK: Final = b"PK\x06\x06"
_DESCRIPTOR_MARK: Final = b"PK\x07\x08"
_DESCRIPTOR: Final = struct.Struct("<4s3L")
_LOCATOR_SIZE: Final = 20
_TAIL: Final = 0xFFFF + _END.size
_ZIP64: Final = 0xFFFFFFFF
_OFFSET_MAX: Final = 1 << 60
_STREAMED: Final = 8
"""Flag: the sizes stand behind the data."""
_ENCRYPTED: Final = 1
_UTF8: Final = 0x800
DEFLATED: Final = 8
STORED: Final = 0
_WORK_PER_BYTE: Final = 40
"""Bytes read and unpacked for each byte of a damaged archive, at most: pictures hardly shrink when they are packed."""
_STEP: Final = 1 << 14


@dataclass(frozen=True, slots=True)
class ZipEntry:
    """An entry as the archive declares it; `offset` is its local header's place in the file."""

    raw_name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    mode: int
    offset: int
    path_field: bytes | None
    is_cut: bool = False

    @property
    def is_utf8(self) -> bool:
        return bool(self.flags & _UTF8)

    @property
    def is_encrypted(self) -> bool:
        return bool(self.flags & _ENCRYPTED)


def in_directory(file: BinaryIO, size: int, limit: int) -> list[ZipEntry] | None:
    """The entries that the directory at the end lists, up to one more than `limit`; None where it is not whole.

    Nor is it where entries precede those that it lists, as when two archives were joined.
    """
    end = _end_of(file, size)
    if end is None:
        return None
    start, stop, shift = end
    file.seek(0)
    if shift and file.read(len(_LOCAL_MARK)) == _LOCAL_MARK:
        return None
    file.seek(start)
    found: list[ZipEntry] = []
    names = NamesLimit()
    while file.tell() < stop and len(found) <= limit:
        entry = _central(file, shift)
        if entry is None:
            return None
        names.count(len(entry.raw_name) + len(entry.path_field or b""))
        found.append(entry)
    return found


def by_headers(file: BinaryIO, size: int, limit: int) -> list[ZipEntry]:
    """The entries whose headers and data are there, up to one more than `limit`; a cut one says so."""
    search = _Search(file, size)
    found: list[ZipEntry] = []
    names = NamesLimit()
    at = search.find(_LOCAL_MARK, 0)
    while at is not None and len(found) <= limit:
        entry, data = _local(file, at)
        if entry is None:
            break
        if entry.flags & _STREAMED and not entry.packed and not entry.is_encrypted:
            entry = search.measured(entry, data)
        is_cut = entry.is_cut or data + entry.packed > size
        names.count(len(entry.raw_name) + len(entry.path_field or b""))
        found.append(replace(entry, is_cut=is_cut))
        # What looks cut may have a forged size: the next header may lie within it.
        at = search.find(_LOCAL_MARK, data if is_cut else data + entry.packed)
    return found


def data_offset(file: BinaryIO, entry: ZipEntry) -> int | None:
    """The place of an entry's first byte; None where its header is damaged, or lies beyond any file's end."""
    if entry.offset > _OFFSET_MAX:
        return None
    file.seek(entry.offset)
    header = file.read(_LOCAL.size)
    if len(header) < _LOCAL.size or header[:4] != _LOCAL_MARK:
        return None
    *_, name_size, extra_size = _LOCAL.unpack(header)
    return entry.offset + _LOCAL.size + name_size + extra_size


def has_directory(file: BinaryIO, size: int) -> bool:
    """Whether the file ends in the directory of a ZIP archive, whatever it begins with."""
    return _end_of(file, size) is not None


def _end_of(file: BinaryIO, size: int) -> tuple[int, int, int] | None:
    """Where the directory begins and ends, and by how much all offsets are to be shifted (self-extracting archives)."""
    start = max(0, size - _TAIL)
    file.seek(start)
    tail = file.read(_TAIL)
    at = tail.rfind(_END_MARK)
    if at < 0 or len(tail) - at < _END.size:
        return None
    *_, directory_size, offset, _ = _END.unpack_from(tail, at)
    stop = start + at
    before = stop - _LOCATOR_SIZE - _END64.size
    if before >= 0:
        file.seek(before)
        wide = file.read(_END64.size)
        if wide[:4] == _END64_MARK:
            *_, directory_size, offset = _END64.unpack(wide)
            stop = before
    shift = stop - directory_size - offset
    return (stop - directory_size, stop, shift) if shift >= 0 else None


def _central(file: BinaryIO, shift: int) -> ZipEntry | None:
    header = file.read(_CENTRAL.size)
    if len(header) < _CENTRAL.size or header[:4] != _CENTRAL_MARK:
        return None
    (_, _, _, flags, method, _, _, crc, packed, size, names, extras, comments, _, _, attributes, offset) = (
        _CENTRAL.unpack(header)
    )
    name, extra, comment = file.read(names), file.read(extras), file.read(comments)
    if len(comment) < comments:
        return None
    size, packed, offset = _wide(extra, size, packed, offset)
    return ZipEntry(name, flags, method, crc, packed, size, attributes >> 16, offset + shift, unicode_path(extra))


def _local(file: BinaryIO, at: int) -> tuple[ZipEntry | None, int]:
    """The entry of a local header, and where its data begins."""
    file.seek(at)
    header = file.read(_LOCAL.size)
    if len(header) < _LOCAL.size:
        return None, 0
    _, _, flags, method, _, _, crc, packed, size, names, extras = _LOCAL.unpack(header)
    name, extra = file.read(names), file.read(extras)
    size, packed, _ = _wide(extra, size, packed, 0)
    entry = ZipEntry(name, flags, method, crc, packed, size, 0, at, unicode_path(extra))
    return entry, at + _LOCAL.size + names + extras


def _wide(extra: bytes, *fields: int) -> tuple[int, int, int]:
    """Size, packed size and offset, of which those too large for 32 bits stand in the ZIP64 field, in this order."""
    values: list[int] = list(fields)
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<2H", extra)
        if kind == 1:
            field = extra[4 : 4 + length]
            for number, value in enumerate(values):
                if value == _ZIP64 and len(field) >= 8:
                    values[number], field = int.from_bytes(field[:8], "little"), field[8:]
        extra = extra[4 + length :]
    return values[0], values[1], values[2]


class _Search:
    """Looks for marks and for the ends of entries. Forged headers cannot make it take long: its work is limited."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._left = _WORK_PER_BYTE * size + CHUNK
        self._block = b""
        self._block_at = 0

    def find(self, mark: bytes, start: int) -> int | None:
        """The place of the next `mark` from `start` on."""
        while True:
            inside = start - self._block_at
            if not 0 <= inside <= len(self._block) - len(mark):
                self._file.seek(start)
                self._block, self._block_at, inside = self._file.read(CHUNK), start, 0
                self._left -= len(self._block)
                if len(self._block) < len(mark) or self._left < 0:
                    return None
            at = self._block.find(mark, inside)
            if at >= 0:
                return self._block_at + at
            start = self._block_at + len(self._block) - len(mark) + 1

    def measured(self, entry: ZipEntry, data: int) -> ZipEntry:
        """The entry with the sizes that its data has, where its header does not say them."""
        if entry.method == STORED:
            return self._before_descriptor(entry, data)
        unpacker, packed, size, crc = zlib.decompressobj(-zlib.MAX_WBITS), 0, 0, 0
        self._file.seek(data)
        while entry.method == DEFLATED and self._left > 0 and (block := self._file.read(_STEP)):
            packed += len(block)
            try:
                while block and not unpacker.eof:
                    out = unpacker.decompress(block, CHUNK)
                    size, crc, block = size + len(out), zlib.crc32(out, crc), unpacker.unconsumed_tail
                    self._left -= _STEP + len(out)
            except zlib.error:
                break
            if unpacker.eof:
                return replace(entry, packed=packed - len(unpacker.unused_data), size=size, crc=crc)
        return replace(entry, is_cut=True)

    def _before_descriptor(self, entry: ZipEntry, data: int) -> ZipEntry:
        """A stored entry ends where a descriptor gives just the size that lies before it."""
        at = self.find(_DESCRIPTOR_MARK, data)
        while at is not None:
            self._file.seek(at)
            _, crc, narrow, *_ = _DESCRIPTOR.unpack(self._file.read(_DESCRIPTOR.size).ljust(_DESCRIPTOR.size, b"\0"))
            if at - data == narrow:
                return replace(entry, packed=narrow, size=narrow, crc=crc)
            at = self.find(_DESCRIPTOR_MARK, at + len(_DESCRIPTOR_MARK))
        return replace(entry, is_cut=True)
