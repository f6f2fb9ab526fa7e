"""The program of the process that reads archives with libarchive, which parses hostile bytes in C.

It gets the archive as an open file, no environment, little memory and no secrets; on Linux a system call filter lets
it open no file and no socket from then on.

For each entry it writes a frame, 4 bytes length and a JSON object, and reads one byte: `s` skips the entry; after `r`
the entry's bytes follow in frames, an empty one, and a byte: `w` where they are whole. A last object with `end` says
why it ends: nothing where the archive is whole.
"""

import ctypes
import importlib
import json
import locale
import os
import stat
import sys
from typing import Any, BinaryIO

from streams.media.isolated.isolation import isolate, limit

_CHUNK = 1 << 18
_NAME_MAX = 1 << 16
_SEEKING = ("lseek", "fstat", "newfstatat", "pread64")
_FORMATS = {"TAR": ("tar",), "7z": ("7zip",), "RAR": ("rar", "rar5"), "CAB": ("cab",)}
_FAILED = -25
"""libarchive's word for an entry that cannot be read where the next one may be."""


def start(descriptor: int, kind: str, memory_bytes: int) -> None:
    """Serves one archive until its end, or until stdin closes, which it does when the parent ends for any reason."""
    commands, answers = os.fdopen(0, "rb"), os.fdopen(1, "wb")
    # libarchive turns names into bytes of the locale.
    locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    try:
        libarchive = _library()
    except (ImportError, OSError, TypeError, AttributeError):  # the system's library is missing or too old
        _say(answers, {"end": "missing"})
        return
    ffi = libarchive.ffi
    is_encrypted = ffi.ffi("entry_is_encrypted", [ctypes.c_void_p], ctypes.c_int)
    limit(memory_bytes)
    isolate(*_SEEKING)
    end = ""
    try:
        # Only this kind: libarchive would take an archive for the one that is stored last in it.
        first, *others = _FORMATS[kind]
        with libarchive.read.new_archive_read(first, "all" if kind == "TAR" else "none") as pointer:
            for name in others:
                ffi.get_read_format_function(name)(pointer)
            ffi.read_open_fd(pointer, descriptor, _CHUNK)
            end = _serve_all(libarchive.read.ArchiveRead(pointer), is_encrypted, commands, answers)
    except libarchive.ArchiveError as error:
        end = str(error.msg or "damaged")
    except MemoryError:
        end = "it needs too much memory"
    _say(answers, {"end": end[:200]})


def _serve_all(archive: Any, is_encrypted: Any, commands: BinaryIO, answers: BinaryIO) -> str:
    """Why the entries end; empty at the end of a whole archive."""
    end = ""
    while True:
        try:
            for entry in archive:
                _serve(_head(entry, bool(is_encrypted(entry._entry_p))), entry, commands, answers)
            return end
        except _library().ArchiveError as error:
            end = str(error.msg or "damaged")
            if error.retcode != _FAILED:
                return end


def _library() -> Any:
    return importlib.import_module("libarchive")


def _serve(head: dict[str, object], entry: Any, commands: BinaryIO, answers: BinaryIO) -> None:
    _say(answers, head)
    match commands.read(1):
        case b"s":
            return
        case b"r":
            pass
        case _:
            sys.exit()
    whole = b"w"
    try:
        for block in entry.get_blocks(_CHUNK):
            _frame(answers, block)
    except Exception:  # noqa: BLE001 - whatever is raised for damaged data, the next entry may be whole
        whole = b"d"
    _frame(answers, b"")
    answers.write(whole)
    answers.flush()


def _head(entry: Any, is_encrypted: bool) -> dict[str, object]:
    name = entry.pathname or ""
    raw = name if isinstance(name, bytes) else str(name).encode("utf-8", "surrogateescape")
    return {
        "name": raw[:_NAME_MAX].decode("utf-8", "backslashreplace"),
        "size": max(0, entry.size or 0),
        "is_folder": stat.S_ISDIR(entry.filetype),
        "is_file": stat.S_IFMT(entry.filetype) in (0, stat.S_IFREG),
        "is_link": bool(entry.islnk or entry.issym),
        "is_encrypted": is_encrypted,
    }


def _say(answers: BinaryIO, said: dict[str, object]) -> None:
    _frame(answers, json.dumps(said).encode())
    answers.flush()


def _frame(answers: BinaryIO, data: bytes) -> None:
    answers.write(len(data).to_bytes(4, "big"))
    answers.write(data)
