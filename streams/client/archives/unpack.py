"""TAR, 7z, RAR and CAB archives, read from beginning to end by a process of its own."""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from graph.domain.text import printable
from streams.client.archives.container import CHUNK, CUT, GROWTH_MAX, LINK, NO_FILE, Entry, NamesLimit, unreadable

MEMORY_BYTES: Final = 1 << 30
"""Enough for 7-Zip's and WinRAR's strongest usual settings (dictionaries of 64 and 128 MB)."""
TIMEOUT_S: Final = 300.0
"""Seconds for one step: to skip a file in a solid archive it has to be unpacked."""
_ROOT: Final = str(Path(__file__).parents[3])
_START: Final = (
    "import sys; sys.path.insert(0, sys.argv[1]); from streams.client.archives import unpack_child; "
    "unpack_child.start(int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))"
)
_FRAME_MAX: Final = 1 << 20


class PackedArchive:
    """An archive of another kind than ZIP as a Container. Raises OSError where it cannot be read at all."""

    def __init__(self, file: BinaryIO, kind: str, limit: int) -> None:
        self._file, self._kind = file, kind
        self._child: _Child | None = None
        self.remarks: Sequence[str] = ()
        self.fault = ""
        self.entries: Sequence[Entry]
        self._numbers: list[int] = []
        self._list(limit)

    def chunks(self, index: int) -> Iterator[bytes]:
        number = self._numbers[index]
        if self._child is None or not self._child.is_before(number):
            self.stop()
            self._child = _Child(self._file, self._kind)
        try:
            self._child.skip_to(number)
            yield from self._child.data()
        except _ChildFailed as failure:
            self.stop()
            raise unreadable(str(failure)) from None

    def stop(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child = None

    def close(self) -> None:
        self.stop()
        self._file.close()

    def _list(self, limit: int) -> None:
        found: list[Entry] = []
        grown, end = os.fstat(self._file.fileno()).st_size * GROWTH_MAX, ""
        child, names = _Child(self._file, self._kind), NamesLimit()
        try:
            while (head := child.head()) is not None:
                if not head.get("is_folder"):
                    found.append(_entry(head))
                    names.count(len(found[-1].name))
                    self._numbers.append(child.number)
                    grown -= found[-1].size
                if len(found) > limit or grown < 0:
                    raise unreadable(f"has more than {limit} files" if grown >= 0 else "grows beyond belief")
            end = child.end
        except _ChildFailed as failure:
            end = str(failure)
        finally:
            child.kill()
        if end == "missing":
            raise unreadable(f"a {self._kind} archive: unpack it, or install libarchive")
        if end and not found:
            raise unreadable(f"a {self._kind} archive that cannot be read ({printable(end)}): unpack it")
        self.fault = CUT if end else ""
        self.entries = found


class _ChildFailed(Exception):
    pass


class _Child:
    """One pass over an archive; `number` counts its entries from 0, -1 before the first."""

    def __init__(self, file: BinaryIO, kind: str) -> None:
        # The file's own seek may move within its buffer only.
        os.lseek(file.fileno(), 0, os.SEEK_SET)
        self.number = -1
        self.end = ""
        self._is_open = False
        """Whether the current entry waits for a command."""
        self._is_streaming = False
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", _START, _ROOT, str(file.fileno()), kind, str(MEMORY_BYTES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env={},
            cwd="/",
            pass_fds=[file.fileno()],
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._in, self._out = self._process.stdin, self._process.stdout
        os.set_blocking(self._out.fileno(), False)

    def head(self) -> dict[str, object] | None:
        """The next entry, unchecked; None at the end."""
        if self._is_streaming:
            for _ in self._frames():
                pass
        elif self._is_open:
            self._command(b"s")
        self._is_open = False
        try:
            found: Any = json.loads(self._frame())
        except ValueError:
            raise _ChildFailed("damaged") from None
        if not isinstance(found, dict):
            raise _ChildFailed("damaged")
        head = cast("dict[str, object]", found)
        if "end" in head:
            self.end = str(head["end"])
            return None
        self.number += 1
        self._is_open = True
        return head

    def is_before(self, number: int) -> bool:
        """Whether the entry of this number can still be read in this pass."""
        return self.number < number or (self.number == number and self._is_open)

    def skip_to(self, number: int) -> None:
        while self.number < number:
            if self.head() is None:
                raise _ChildFailed("damaged")

    def data(self) -> Iterator[bytes]:
        """The bytes of the current entry. Raises _ChildFailed where they are not whole."""
        if not self._is_open:
            raise _ChildFailed("damaged")
        self._command(b"r")
        self._is_open, self._is_streaming = False, True
        yield from self._frames()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._in.close()
        self._out.close()

    def _frames(self) -> Iterator[bytes]:
        while frame := self._frame():
            yield frame
        self._is_streaming = False
        if self._receive(1) != b"w":
            raise _ChildFailed("damaged, encrypted, or packed in a way that is not read here")

    def _command(self, command: bytes) -> None:
        try:
            self._in.write(command)
        except OSError:
            raise _ChildFailed("damaged") from None

    def _frame(self) -> bytes:
        size = int.from_bytes(self._receive(4), "big")
        if size > _FRAME_MAX:
            raise _ChildFailed("damaged")
        return self._receive(size)

    def _receive(self, size: int) -> bytes:
        data, deadline = bytearray(), time.monotonic() + TIMEOUT_S
        while len(data) < size:
            if not select.select([self._out], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise _ChildFailed("took too long")
            part = os.read(self._out.fileno(), min(CHUNK, size - len(data)))
            if not part:
                raise _ChildFailed("damaged")
            data += part
        return bytes(data)


def _entry(head: dict[str, object]) -> Entry:
    name, size = head.get("name"), head.get("size")
    faults = {LINK: head.get("is_link"), NO_FILE: not head.get("is_file"), "encrypted": head.get("is_encrypted")}
    fault = next((fault for fault, is_present in faults.items() if is_present), "")
    return Entry(str(name), size if isinstance(size, int) else 0, fault)
