"""File systems of a test's own. A test that mounts one needs root on Linux, skips without it, and says so."""

from __future__ import annotations

import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def tmpfs(folder: Path, size: str) -> Generator[Path]:
    """An empty file system of this size (`200k`) at `folder`, gone afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        unmount(folder)


def bind(source: Path, folder: Path) -> None:
    """`source` is to be seen at `folder` too, as a volume that is mounted there."""
    folder.mkdir(parents=True, exist_ok=True)
    _mount("--bind", str(source), str(folder))


def unmount(folder: Path) -> None:
    """The folder is what it was before, whoever still has files open in what was mounted there."""
    subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)


def fill(folder: Path) -> Path:
    """A file that takes all space that is left where `folder` lies; deleting it frees the space."""
    filler = folder / "filler"
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
