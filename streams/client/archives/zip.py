"""ZIP archives, read entry by entry."""

import bz2
import lzma
import stat
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, Final, Protocol

from streams.client.archives import zip_index
from streams.client.archives.container import CHUNK, CUT, GROWTH_MAX, LINK, NO_FILE, Entry, unreadable
from streams.client.archives.names import decoded
from streams.client.archives.zip_index import DEFLATED, STORED, ZipEntry

_READ: Final = 1 << 14


class _Unpacker(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int = -1, /) -> bytes: ...


class ZipArchive:
    """A ZIP archive as a Container, over a file that can be moved about in. Raises OSError for a bomb."""

    def __init__(self, file: BinaryIO, limit: int) -> None:
        self._file = file
        size = file.seek(0, 2)
        found = zip_index.in_directory(file, size, limit)
        self.fault = "" if found is not None else CUT
        if found is None:
            found = zip_index.by_headers(file, size, limit)
        if len(found) > limit:
            raise unreadable(f"has more than {limit} files")
        if not self.fault and sum(entry.packed for entry in found) > size:
            raise unreadable("its files lie over one another, as in a bomb")
        names, page = decoded([(entry.raw_name, entry.is_utf8, entry.path_field) for entry in found])
        self.remarks: Sequence[str] = (
            [f"names in {page}, which is a guess: the archive does not say its code page"] if page else []
        )
        listed = [(name, entry) for name, entry in zip(names, found, strict=True) if not _is_folder(name, entry)]
        self._places = [entry for _, entry in listed]
        self.entries: Sequence[Entry] = [Entry(name, entry.size, _fault(entry)) for name, entry in listed]

    def chunks(self, index: int) -> Iterator[bytes]:
        entry = self._places[index]
        if entry.method not in _METHODS:
            raise unreadable(f"packed in a way that is not read here (method {entry.method}): unpack the archive")
        start = zip_index.data_offset(self._file, entry)
        if start is None:
            raise unreadable("damaged")
        crc, size = 0, 0
        try:
            for chunk in self._unpacked(entry, start):
                crc, size = zlib.crc32(chunk, crc), size + len(chunk)
                yield chunk
        except (zlib.error, lzma.LZMAError, ValueError, EOFError) as error:
            raise unreadable("damaged") from error
        if crc != entry.crc or size != entry.size:
            raise unreadable("damaged")

    def close(self) -> None:
        self._file.close()

    def _unpacked(self, entry: ZipEntry, start: int) -> Iterator[bytes]:
        at, stop = start, start + entry.packed
        unpacker = _METHODS[entry.method]()
        while at < stop or not unpacker.needs_input:
            packed = b""
            if unpacker.needs_input:
                # Whoever reads another entry in between has moved the file.
                self._file.seek(at)
                packed = self._file.read(min(_READ, stop - at))
                at += len(packed)
                if not packed:
                    return
            chunk = unpacker.decompress(packed, CHUNK)
            if chunk:
                yield chunk
            if unpacker.eof:
                return


class _Stored:
    eof = False
    needs_input = True

    def decompress(self, data: bytes, max_length: int = -1, /) -> bytes:
        return data


class _Inflater:
    def __init__(self) -> None:
        self._inner = zlib.decompressobj(-zlib.MAX_WBITS)
        self._may_hold_more = False

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail and not self._may_hold_more

    def decompress(self, data: bytes, max_length: int = -1, /) -> bytes:
        out = self._inner.decompress(self._inner.unconsumed_tail + data, max_length)
        self._may_hold_more = len(out) == max_length
        return out


class _Lzma:
    """LZMA behind APPNOTE's header: two bytes of version, two of length, and the properties."""

    _HEADER = 9
    _DICTIONARY_MAX = 256 << 20
    """Bytes that are looked back at, at most, whatever the archive asks memory for; few pictures are larger."""

    def __init__(self) -> None:
        self._inner: lzma.LZMADecompressor | None = None

    @property
    def eof(self) -> bool:
        return self._inner is not None and self._inner.eof

    @property
    def needs_input(self) -> bool:
        return self._inner is None or self._inner.needs_input

    def decompress(self, data: bytes, max_length: int = -1, /) -> bytes:
        if self._inner is None:
            if len(data) < self._HEADER or int.from_bytes(data[2:4], "little") != 5:
                raise ValueError
            bits, dictionary = data[4], int.from_bytes(data[5:9], "little")
            rest, lc = divmod(bits, 9)
            pb, lp = divmod(rest, 5)
            kind = {
                "id": lzma.FILTER_LZMA1,
                "dict_size": min(dictionary, self._DICTIONARY_MAX),
                "lc": lc,
                "lp": lp,
                "pb": pb,
            }
            self._inner = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[kind])
            data = data[self._HEADER :]
        return self._inner.decompress(data, max_length)


_METHODS: Final[dict[int, Callable[[], _Unpacker]]] = {
    STORED: _Stored,
    DEFLATED: _Inflater,
    12: bz2.BZ2Decompressor,
    14: _Lzma,
}


def _is_folder(name: str, entry: ZipEntry) -> bool:
    return not entry.size and (name.endswith(("/", "\\")) or stat.S_ISDIR(entry.mode))


def _fault(entry: ZipEntry) -> str:
    faults = {
        "cut off": entry.is_cut,
        LINK: stat.S_ISLNK(entry.mode),
        NO_FILE: stat.S_IFMT(entry.mode) not in (0, stat.S_IFREG),
        "encrypted": entry.is_encrypted,
        "grows beyond belief when it is unpacked": entry.size > GROWTH_MAX * (entry.packed + 1),
    }
    return next((fault for fault, is_present in faults.items() if is_present), "")
