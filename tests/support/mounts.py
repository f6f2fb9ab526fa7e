"""Temporary file systems for tests, and full disks. Only root on Linux can mount: elsewhere the test is skipped."""

import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def tmpfs(folder: Path, size: str) -> Generator[Path]:
    """An empty file system of this size (`200k`) at `folder`, unmounted afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    _mount("-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], capture_output=True, check=False)


def bind(source: Path, folder: Path) -> None:
    """Mounts the folder `source` at `folder` too, like a volume."""
    folder.mkdir(parents=True, exist_ok=True)
    _mount("--bind", str(source), str(folder))


def unmount(folder: Path) -> None:
    """Unmounts what is mounted at `folder`, even while files in it are open."""
    subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)


def fill(folder: Path) -> Path:
    """A new file in `folder` that takes all free space of its disk; deleting it frees the space."""
    filler = folder / "other-program"
    with filler.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while file.write(bytes(size)):
                    pass
            except OSError:
                continue
    return filler


def _mount(*arguments: str) -> None:
    try:
        subprocess.run(["mount", *arguments], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as failure:
        pytest.skip(f"no file system can be mounted here ({type(failure).__name__}): it takes root on Linux")
