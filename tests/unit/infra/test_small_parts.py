"""Ports, logs and the data folder: the small parts that the supervisor stands on."""

import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from rich.markup import escape
from typer.testing import CliRunner

from graph.domain.errors import Invalid
from infra import terminal
from infra.cli.app import app
from infra.cli.common import settings
from infra.local import datafolder, logs, ports
from infra.local.base import StackError
from infra.local.child import leashed
from streams.settings import Addresses
from tests.support.mounts import tmpfs


def test_a_port_that_somebody_listens_on_is_refused_and_named() -> None:
    with socket.socket() as other:
        other.bind((ports.LOOPBACK, 0))
        other.listen()
        taken = other.getsockname()[1]
        with pytest.raises(StackError, match=f"port {taken} for the API is taken.*--api-port"):
            ports.check_free(taken, "the API", "--api-port")
    assert ports.check_free(taken, "the API", "--api-port") == taken


def test_free_ports_are_distinct_and_free() -> None:
    found = ports.free_ports(20)
    assert len(set(found)) == 20
    assert all(ports.is_free(port) for port in found)


def test_a_log_that_is_too_large_is_moved_while_its_writer_continues(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    with logs.append_to(log) as writer:
        writer.write(b"x" * 100 + b"\n")
        logs.cap(log, max_bytes=50)
        writer.write(b"after\n")
    assert log.read_bytes() == b"after\n"
    assert (tmp_path / "a.log.1").stat().st_size == 101
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_the_last_words_of_a_log_skip_empty_lines(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("first\nlast\n\n  \n")
    assert logs.last_line(log) == "last"
    assert logs.last_line(tmp_path / "none.log") == "it wrote nothing"


def test_a_data_folder_has_one_holder(tmp_path: Path) -> None:
    folder = datafolder.DataFolder.acquire(tmp_path)
    folder.write_state({"pid": os.getpid()})
    assert datafolder.is_held(tmp_path)
    with pytest.raises(StackError, match="already runs"):
        datafolder.DataFolder.acquire(tmp_path)
    folder.release()
    assert not datafolder.is_held(tmp_path)


def test_a_folder_is_released_although_its_state_cannot_be_deleted(tmp_path: Path) -> None:
    folder = datafolder.DataFolder.acquire(tmp_path)
    (tmp_path / datafolder.STATE).mkdir()
    folder.release()
    assert not datafolder.is_held(tmp_path)


def test_a_generated_password_is_stored_for_its_owner_alone(tmp_path: Path) -> None:
    first = datafolder.password(tmp_path)
    datafolder.record_password_set(tmp_path)
    assert datafolder.password(tmp_path, "another") == first
    assert len(first) >= 24
    assert datafolder.is_password_set(tmp_path)
    assert stat.S_IMODE((tmp_path / datafolder.SECRETS).stat().st_mode) == 0o600


DAMAGED = [b"", b"{", b'"text"', b"\xff\xfe"]


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_password_file_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    """Empty after a power cut, it made `up` invent another password than the one that its Neo4j knows."""
    (tmp_path / datafolder.SECRETS).write_bytes(content)
    for ask in (datafolder.password, datafolder.is_password_set, datafolder.record_password_set):
        with pytest.raises(StackError, match=r"stack.json is damaged: stop it .* without a copy, delete"):
            ask(tmp_path)
    assert (tmp_path / datafolder.SECRETS).read_bytes() == content


def test_a_password_is_never_made_for_a_neo4j_that_has_one(tmp_path: Path) -> None:
    account = tmp_path / "neo4j" / "data" / "databases" / "system"
    account.mkdir(parents=True)
    for content in (None, "{}"):
        if content is not None:
            (tmp_path / datafolder.SECRETS).write_text(content)
        with pytest.raises(StackError, match="does not hold the password of the Neo4j"):
            datafolder.password(tmp_path)
    account.rmdir()
    assert datafolder.password(tmp_path)


def test_a_password_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / datafolder.SECRETS).mkdir()
    with pytest.raises(StackError, match=r"cannot read .*stack.json: Is a directory"):
        datafolder.password(tmp_path)


def test_an_empty_name_of_the_data_folder_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a path it is the current folder, and `up` wrote its servers' data there."""
    monkeypatch.setenv("REDTHREAD_DATA", "")
    with pytest.raises(Invalid, match="setting REDTHREAD_DATA: names no folder"):
        settings()
    runner = CliRunner()
    asked = [runner.invoke(app, arguments) for arguments in (["status"], ["status", "--data", ""])]
    assert isinstance(asked[0].exception, Invalid)
    assert (asked[1].exit_code, "names no folder" in asked[1].output) == (2, True)


def test_addresses_are_printed_without_their_password() -> None:
    assert "secret" not in repr(Addresses("k:1", "bolt://n:2", "neo4j", "secret"))


def test_a_log_that_cannot_be_copied_remains_without_a_half_copy(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "logs", "160k") as logs_folder:
        log = logs_folder / "a.log"
        log.write_bytes(bytes(100_000))
        with pytest.raises(OSError, match="No space"):
            logs.cap(log, max_bytes=50)
        assert [(path.name, path.stat().st_size) for path in logs_folder.iterdir()] == [("a.log", 100_000)]


def test_files_of_a_leashed_process_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    """Symptom: another user of the machine read events in Kafka's files, where the data folder was made before."""
    write = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text('x')"
    line = [*leashed(signal.SIGTERM), sys.executable, "-c", write, str(tmp_path / "file")]
    subprocess.run(line, check=True, umask=0o022)

    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600


def test_a_file_name_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """A name with `:bomb:` in it was shown with a drawing of a bomb."""
    terminal.results.print(f"not sent: {escape(':bomb:[b].jpg')}")
    terminal.announce(":bomb:[b].jpg")

    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("not sent: :bomb:[b].jpg\n", ":bomb:[b].jpg\n")
