"""The reason for which Neo4j ended is found in its log, behind the stack traces of earlier starts."""

from pathlib import Path

import pytest

from infra.local.neo4j import ends
from infra.local.neo4j.ends import reason

STARTS = "2026-11-29 00:08:17.978+0000 INFO  Starting...\n"
TAKEN = """2026-11-29 00:08:29.394+0000 ERROR Failed to start Neo4j on 127.0.0.1:7474.
java.lang.RuntimeException: Error starting Neo4j database server at /x/databases
\tat org.neo4j.server.NeoBootstrapper.start(NeoBootstrapper.java:200)
Caused by: org.neo4j.configuration.helpers.PortBindException: An error occurred
Caused by: io.netty.channel.unix.Errors$NativeIoException: bind(..) failed with error(-98): Address already in use
2026-11-29 00:08:29.400+0000 INFO  Stopped.
"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (STARTS + TAKEN, "An error occurred: bind(..) failed with error(-98): Address already in use"),
        (STARTS + TAKEN + STARTS + "2026 INFO  Stopped.\n", "2026 INFO  Stopped."),
        (STARTS + "FAILED database neo4j cannot go on: of a defect\n", "database neo4j cannot go on: of a defect"),
        ("", "it wrote nothing"),
    ],
)
def test_the_innermost_cause_of_the_last_run_is_the_reason(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "neo4j.log").write_text(text, "utf-8")
    assert reason(tmp_path / "neo4j.log", ends.CANNOT_START) == said


def test_a_log_that_cannot_be_read_is_named_with_the_command_that_mends_it(tmp_path: Path) -> None:
    (tmp_path / "neo4j.log").write_text(
        f"{STARTS}FAILED database neo4j does not start: a component failed | caused by: Unreadable bytes are "
        "encountered after the last position | caused by: -1\n"
    )
    said = reason(tmp_path / "neo4j.log", ends.CANNOT_START)
    assert said.startswith("it cannot read its transaction log")
    assert "`redthread up --discard-unreadable-log`" in said[:200]
    assert said.endswith("(Unreadable bytes are encountered after the last position)")


def test_a_full_disk_is_the_reason_though_the_log_is_on_it(tmp_path: Path) -> None:
    assert reason(tmp_path / "absent.log", ends.DISK_FULL) == "no space left on its disk"
