"""A disk of a test's own: an ext4 image that can lose power at any moment, or a small tmpfs; both can be full."""

from __future__ import annotations

import fcntl
import os
import shutil
import struct
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

EXT4_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2
"""Ends the file system as a power cut does: nothing more reaches the device, the journal is not written either. What
xfstests use (`godown -f`)."""
UNMOUNT_S = 30.0


class NoDisk(Exception):
    """This machine does not allow such a disk; the message says why."""


def _run(*command: object) -> str:
    try:
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    except FileNotFoundError as absent:
        raise NoDisk(f"{command[0]} is not installed") from absent
    if done.returncode:
        raise NoDisk(f"{command[0]}: {(done.stderr or done.stdout).strip()[-300:]}")
    return done.stdout


@dataclass
class Disk:
    """A mounted file system at `folder`."""

    folder: Path
    ballast: list[Path] = field(default_factory=list)

    def mount(self) -> None:
        raise NotImplementedError

    def unmount(self) -> None:
        """Returns when the file system is gone; whoever still uses it must end first."""
        end = time.monotonic() + UNMOUNT_S
        while self.folder.is_mount():
            try:
                _run("umount", self.folder)
            except NoDisk:
                if time.monotonic() > end:
                    _run("umount", "--lazy", self.folder)
                    raise
                time.sleep(0.2)

    def delete(self) -> None:
        """Nothing of the disk is left."""
        self.unmount()
        shutil.rmtree(self.folder, ignore_errors=True)

    def fill(self) -> None:
        """Not one more byte can be written. Call again to take what was freed meanwhile."""
        path = self.folder / f"ballast-{len(self.ballast)}"
        self.ballast.append(path)
        # Blocks first and bytes last, so that even a file's last half-filled block has no room.
        with path.open("ab", buffering=0) as file:
            for size in (64 * 1024**2, 1024**2, 4096):
                try:
                    while True:
                        os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, size)
                except OSError:
                    continue

    def free(self) -> None:
        for path in self.ballast:
            path.unlink(missing_ok=True)
        self.ballast.clear()


@dataclass
class Ext4(Disk):
    """An ext4 file system on a loop device.

    `commit_s` is the interval in which ext4 writes its journal by itself (its own default is 5 s).
    """

    image: Path = Path()
    commit_s: int = 5

    @classmethod
    def made(cls, folder: Path, image: Path, megabytes: int, commit_s: int = 5) -> Ext4:
        """A new, mounted disk; NoDisk says why this machine cannot have one."""
        if sys.platform != "linux" or os.geteuid() != 0:
            raise NoDisk("a loop mount needs root on Linux")
        folder.mkdir(parents=True, exist_ok=True)
        with image.open("wb") as file:
            file.truncate(megabytes * 1024**2)
        # No block is kept for root, who runs the tests: a full disk is full for everybody.
        _run("mkfs.ext4", "-q", "-F", "-m", 0, "-E", "lazy_itable_init=0,lazy_journal_init=0", image)
        disk = cls(folder, image=image, commit_s=commit_s)
        disk.mount()
        return disk

    def mount(self) -> None:
        _run("mount", "-t", "ext4", "-o", f"loop,commit={self.commit_s}", self.image, self.folder)

    def cut(self) -> None:
        """The power is gone: the image holds what had reached the device at one moment, and never changes again."""
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(descriptor)

    def check(self) -> str:
        """Replays the journal as a mount does, and what e2fsck then complains of; empty where it is content."""
        self.mount()
        self.unmount()
        done = subprocess.run(["e2fsck", "-f", "-n", str(self.image)], capture_output=True, text=True, check=False)
        return "" if done.returncode == 0 else done.stdout

    def copy(self, to: Path) -> None:
        _run("cp", "--sparse=always", self.image, to)

    def delete(self) -> None:
        super().delete()
        self.image.unlink(missing_ok=True)


@dataclass
class Tmpfs(Disk):
    """A file system in memory, as small as asked for."""

    megabytes: int = 500

    @classmethod
    def made(cls, folder: Path, megabytes: int) -> Tmpfs:
        if sys.platform != "linux" or os.geteuid() != 0:
            raise NoDisk("mounting a tmpfs needs root on Linux")
        folder.mkdir(parents=True, exist_ok=True)
        disk = cls(folder, megabytes=megabytes)
        disk.mount()
        return disk

    def mount(self) -> None:
        _run("mount", "-t", "tmpfs", "-o", f"size={self.megabytes}m,mode=0700", "tmpfs", self.folder)
