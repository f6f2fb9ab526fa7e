"""Atomic file writes: after a crash or power cut, and for readers, a file has its old content or the new one."""

import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

PRIVATE = 0o600
SHARED = 0o644


def write_whole(
    path: Path, content: bytes | str, *, mode: int = PRIVATE, durable: bool = True, at: int | None = None
) -> None:
    """Writes `content` (text as UTF-8) to `path`; missing folders are created, readable by their owner only.

    Afterwards a power cut preserves the new content, unless `durable` is False. `at` is the descriptor of an open
    folder that a relative `path` starts from. Raises OSError; the old file is then unchanged.
    """
    with whole_file(path, mode=mode, durable=durable, at=at) as file:
        file.write(content.encode() if isinstance(content, str) else content)


@contextmanager
def whole_file(path: Path, *, mode: int = PRIVATE, durable: bool = True, at: int | None = None) -> Generator[BinaryIO]:
    """A temporary file beside `path` that replaces it when the block ends; see `write_whole`.

    It is deleted if the block raises.
    """
    # Shorter than the usual limit of 255 bytes: 64 hex digits, an ending and the random part.
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        descriptor = os.open(draft, flags, mode, dir_fd=at)
    except FileNotFoundError:
        make_folders(path.parent, durable=durable, at=at)
        descriptor = os.open(draft, flags, mode, dir_fd=at)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(draft, path, src_dir_fd=at, dst_dir_fd=at)
    except BaseException:  # on cancellation too the draft must be removed
        with suppress(OSError):
            os.unlink(draft, dir_fd=at)
        raise
    if durable:
        sync_folder(path.parent, at=at)


def make_folders(folder: Path, *, durable: bool = True, at: int | None = None) -> None:
    """Creates the folder and its missing parents, readable by their owner only, and syncs their entries."""
    missing: list[Path] = []
    above = folder
    while not _is_there(above, at):
        missing.append(above)
        above = above.parent
    for part in reversed(missing):
        with suppress(FileExistsError):  # another process was faster
            os.mkdir(part, 0o700, dir_fd=at)
        if durable:
            sync_folder(part.parent, at=at)


def sync_folder(folder: Path, *, at: int | None = None) -> None:
    """Makes the folder's entries survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=at)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_there(folder: Path, at: int | None) -> bool:
    try:
        os.stat(folder, dir_fd=at)
    except FileNotFoundError:
        return False
    return True
