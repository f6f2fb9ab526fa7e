"""No command ends with a traceback, whatever is wrong around it: one line, and an exit code by the kind of fault."""

import errno
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import PIL
import pytest
import typer

from graph.domain.errors import Conflict, Invalid, StoreUnavailable
from infra.cli import endings
from infra.cli.app import app
from infra.cli.common import settings
from infra.cli.endings import Code, ending
from tests.support.commands import TIMEOUT_S, command, redthread
from tests.support.prepared import Ended, Run, run_all

NOBODY = 61234
"""A user that is in no list of users."""
BY = ("--by", "anna", "--purpose", "test")
ARGUMENTS: dict[str, list[str]] = {
    "demo": ["--exit", "--folder", "PICTURES"],
    "up": ["--embed", "0", "--api-port", "0", "--kafka-port", "0", "--neo4j-port", "0"],
    "down": [],
    "ingest": ["PICTURES", "--case", "c", "--scope", "case", "--purpose", "test", "--legal-basis", "test"],
    "search": ["--face", "f", "--case", "c", "--purpose", "test", "--legal-basis", "test", "--in", "register"],
    "token": ["investigator"],
    "sign-in": [],
    "status": [],
    "restore": ["--by", "anna"],
    "reexamine": ["--dry-run"],
    "doctor": [],
    "topics": [],
    "audit verify": ["NOTHING"],
    "audit export": ["EXPORT", *BY],
    "audit yearly": ["2026", *BY],
    "models": [],
    "models migrate": ["PICTURES", "--by", "anna"],
    "models rescore": ["--by", "anna"],
    "bench links": ["PICTURES"],
    "bench accuracy": ["PICTURES"],
    "bench calibrate": ["PICTURES"],
}
"""A whole command line of each command. A new command needs one, so that it is run in every situation below."""
LATE_SETTINGS = {"audit verify"}
"""Those that look at their files first, or at nothing else."""
ON_SERVERS = {"ingest", "topics", "audit export", "audit yearly", "models"}
"""Those that ask Kafka or Neo4j at once where their addresses are set."""
IN_A_SCRATCH_FOLDER = {"demo"}


def commands(group: Any, *before: str) -> Iterator[str]:
    """The names of all commands; a group that does something without a command counts as one."""
    context = typer.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        words = (*before, name)
        if not hasattr(found, "list_commands") or found.invoke_without_command:
            yield " ".join(words)
        if hasattr(found, "list_commands"):
            yield from commands(found, *words)


ALL = list(commands(typer.main.get_command(app)))


def test_every_command_has_its_row() -> None:
    assert sorted(ALL) == sorted(ARGUMENTS)


@pytest.fixture(scope="module")
def ended() -> Iterator[dict[tuple[str, str], Ended]]:
    """How each command ended in each situation."""
    # Not below pytest's own folder: other users may not pass through that.
    with tempfile.TemporaryDirectory(prefix="redthread-endings-") as scratch:
        yield _all_ended(Path(scratch))


def _all_ended(folder: Path) -> dict[tuple[str, str], Ended]:
    situations = _situations(folder)
    keys = [(situation, name) for situation in situations for name in situations[situation].get("only", ALL)]
    runs = [_run(situations[situation], name, folder, number) for number, (situation, name) in enumerate(keys)]
    return dict(zip(keys, run_all(runs), strict=True))


def _situations(folder: Path) -> dict[str, dict[str, Any]]:
    folder.chmod(0o755)
    for person in ("anna", "berta"):
        (folder / "pictures" / person).mkdir(parents=True)
        for number in range(8):
            (folder / "pictures" / person / f"{number}.jpg").write_bytes(b"no picture")
    (folder / "file").touch(mode=0o644)
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    (closed / "lock").touch()
    locked_in = folder / "locked-in"
    (locked_in / "sign-in").mkdir(parents=True)
    for each in (locked_in, locked_in / "sign-in"):
        each.chmod(0o755)
    (locked_in / "sign-in" / "key.pem").touch(mode=0)
    (locked_in / "lock").touch(mode=0)
    unreachable = {"REDTHREAD_KAFKA": "127.0.0.1:1", "REDTHREAD_NEO4J_URI": "bolt://127.0.0.1:1"}
    found: dict[str, dict[str, Any]] = {
        # First, because they wait: meanwhile the others run.
        "servers away": {"env": unreachable, "only": sorted(ON_SERVERS)},
        "nothing there, not UTF-8": {"encoding": "ascii"},
        "no JSON": {"env": {"REDTHREAD_SOURCES": "north"}},
        "no such user": {"env": {"REDTHREAD_DATA": "~nouser/data"}},
        "data is a file": {"env": {"REDTHREAD_DATA": str(folder / "file")}},
        "no temporary folder": {"file_bytes": 0},
        "help, not UTF-8": {"help": True, "encoding": "ascii"},
        "help, full disk": {"help": True, "output": "full"},
        "help, closed pipe": {"help": True, "output": "closed"},
    }
    if os.getuid() == 0:  # only root becomes another user, and permissions are nothing to root
        found["no home"] = {"env": dict.fromkeys(("HOME", "XDG_CACHE_HOME", "REDTHREAD_MODELS")), "uid": NOBODY}
        found["closed data"] = {"env": {"REDTHREAD_DATA": str(closed)}, "uid": NOBODY}
        found["closed files"] = {"env": {"REDTHREAD_DATA": str(locked_in)}, "uid": NOBODY}
    return found


def _run(situation: dict[str, Any], name: str, folder: Path, number: int) -> Run:
    """The command in its situation, without servers to fetch and with a home of its own."""
    home = folder / f"home-{number}"
    home.mkdir(mode=0o777)
    home.chmod(0o777)
    words = {"PICTURES": str(folder / "pictures"), "NOTHING": str(folder / "nothing"), "EXPORT": str(home / "export")}
    nowhere = "http://127.0.0.1:1"
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "REDTHREAD_DATA": str(home / "data"),
        "REDTHREAD_MAVEN_REPOSITORY": nowhere,
        "HTTPS_PROXY": nowhere,
        "REDTHREAD_MODELS": str(folder / "file"),
        "COLUMNS": "200",
        **situation.get("env", {}),
    }
    arguments = ["--help"] if situation.get("help") else [words.get(word, word) for word in ARGUMENTS[name]]
    more = {key: value for key, value in situation.items() if key not in ("env", "help", "only")}
    return Run([*name.split(), *arguments], {key: value for key, value in env.items() if value is not None}, **more)


def check(found: dict[tuple[str, str], Ended], situation: str, expected: dict[str, set[int]]) -> None:
    """No traceback, at most one line of redthread's own and nothing of a driver's, and the code by command."""
    names = [name for name in ALL if (situation, name) in found]
    if not names:
        pytest.skip("needs root, to become another user")
    wrong: list[str] = []
    for name in names:
        ended = found[situation, name]
        said = [line for line in ended.err.splitlines() if line.startswith("redthread: ")]
        fits = "Traceback" not in ended.out + ended.err and "%" not in ended.err and len(said) <= 1
        fits &= all(len(line) < 300 for line in said) and "defect" not in ended.err
        if not fits or ended.code not in expected.get(name, expected.get("*", set())):
            wrong.append(f"{name}: {ended.code}\n{ended.err[-600:]}")
    assert not wrong, "\n".join([situation, *wrong])


ANY = {Code.DONE, Code.REFUSED, Code.USAGE, Code.MACHINE}


def test_a_command_in_an_empty_environment_names_what_it_needs(ended: dict[tuple[str, str], Ended]) -> None:
    check(ended, "nothing there, not UTF-8", {"*": ANY - {Code.MACHINE}})


def test_a_setting_that_is_no_json_is_named(ended: dict[tuple[str, str], Ended]) -> None:
    check(ended, "no JSON", {"*": {Code.USAGE}})
    for each in set(ALL) - LATE_SETTINGS:
        assert "setting REDTHREAD_SOURCES: not JSON" in ended["no JSON", each].err


@pytest.mark.parametrize("name", ["REDTHREAD_SOURCES", "REDTHREAD_MEDIA_ROOTS", "REDTHREAD_KAFKA_SECURITY"])
def test_each_setting_in_json_is_named_where_it_is_none(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "file:///data")
    with pytest.raises(Invalid, match=f"setting {name}: .*JSON"):
        settings()


@pytest.mark.parametrize("situation", ["no such user", "no home"])
def test_a_user_without_a_home_folder_is_asked_for_one(ended: dict[tuple[str, str], Ended], situation: str) -> None:
    check(ended, situation, {"*": {Code.USAGE}})
    for each in set(ALL) - LATE_SETTINGS:
        assert "set HOME" in ended[situation, each].err


def test_a_data_folder_that_is_a_file_is_refused(ended: dict[tuple[str, str], Ended]) -> None:
    check(ended, "data is a file", {"*": ANY, "up": {Code.REFUSED}})
    assert "file" in ended["data is a file", "up"].err


@pytest.mark.parametrize("situation", ["closed data", "closed files"])
def test_a_folder_without_permission_ends_no_command_with_a_traceback(
    ended: dict[tuple[str, str], Ended], situation: str
) -> None:
    check(ended, situation, {"*": ANY})


def test_a_file_without_permission_is_named(ended: dict[tuple[str, str], Ended]) -> None:
    check(ended, "closed files", {"*": ANY})
    assert "lock: Permission denied; give this user the right to use it" in ended["closed files", "down"].err
    assert "key.pem: Permission denied; give this user the right to use it" in ended["closed files", "token"].err


def test_without_a_temporary_folder_one_is_asked_for(ended: dict[tuple[str, str], Ended]) -> None:
    check(ended, "no temporary folder", {"*": ANY, **{name: {Code.MACHINE} for name in IN_A_SCRATCH_FOLDER}})
    for each in IN_A_SCRATCH_FOLDER:
        assert "TMPDIR" in ended["no temporary folder", each].err


def test_output_without_utf_8_gets_escaped_characters(ended: dict[tuple[str, str], Ended]) -> None:
    check(ended, "help, not UTF-8", {"*": {Code.DONE}})


def test_output_to_a_full_disk_fails_with_a_line(ended: dict[tuple[str, str], Ended]) -> None:
    check(ended, "help, full disk", {"*": {Code.MACHINE}})
    for each in ALL:
        assert ended["help, full disk", each].err == "redthread: No space left on device; free some space\n"


def test_output_that_nobody_reads_ends_a_command_in_silence(ended: dict[tuple[str, str], Ended]) -> None:
    check(ended, "help, closed pipe", {"*": {Code.REFUSED}})
    assert {ended["help, closed pipe", each].err for each in ALL} == {""}


def test_servers_that_do_not_answer_are_reported_as_unavailable(ended: dict[tuple[str, str], Ended]) -> None:
    check(ended, "servers away", {"*": ANY, **{name: {Code.UNAVAILABLE} for name in ON_SERVERS}})


def test_a_wrong_option_is_answered_with_the_usage_of_the_command() -> None:
    """The usage line named `matplotlib`: a loop over the drivers' loggers had overwritten the command's name."""
    done = redthread("--no-such-option")
    assert (done.returncode, done.stderr.splitlines()[0][:17]) == (Code.USAGE, "Usage: redthread ")


# --- what the interpreter reads at its start, and signals: in processes of their own


def test_a_terminal_without_utf_8_shows_the_table_of_doctor() -> None:
    line, env = command("doctor")
    done = subprocess.run(
        line, env={**env, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}, capture_output=True, text=True, check=False
    )
    assert done.returncode in (Code.DONE, Code.REFUSED) and "Python" in done.stdout and not done.stderr


def test_a_full_disk_is_reported_once_although_the_interpreter_flushes_at_its_end() -> None:
    line, env = command("--version")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(line, env=env, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (74, "redthread: No space left on device; free some space\n")


def test_ctrl_c_while_a_command_loads_ends_it_in_silence() -> None:
    """Ctrl-C in the first moments ended in a traceback of some import: the catching began only after them."""
    line, env = command("bench", "--help")
    started = [subprocess.Popen(line, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(4)]
    for process in started:
        _wait_for_entry(process)
    for process, pause_s in zip(started, (0, 0.05, 0.1, 0.2), strict=True):
        time.sleep(pause_s)
        process.send_signal(signal.SIGINT)
    for process in started:
        _, said = process.communicate(timeout=TIMEOUT_S)
        # By the signal itself, which a shell tells as 130; or it was done before.
        assert process.returncode in (-signal.SIGINT, Code.INTERRUPTED, Code.DONE)
        assert said == b""


def _wait_for_entry(process: subprocess.Popen[bytes]) -> None:
    """Returns once our own code runs: the interpreter, which ignores SIGPIPE, no longer catches SIGINT."""
    until = time.monotonic() + TIMEOUT_S
    while time.monotonic() < until and process.poll() is None:
        facts = dict(
            line.split(":\t") for line in Path(f"/proc/{process.pid}/status").read_text().splitlines() if ":\t" in line
        )
        ignores, catches = int(facts["SigIgn"], 16), int(facts["SigCgt"], 16)
        if ignores & 1 << signal.SIGPIPE - 1 and not catches & 1 << signal.SIGINT - 1 and "python" in facts["Name"]:
            return
        time.sleep(0.001)


def test_ctrl_c_while_servers_do_not_answer_ends_with_its_code(tmp_path: Path) -> None:
    line, env = command("models", "--data", tmp_path)
    env |= {"REDTHREAD_KAFKA": "127.0.0.1:1", "REDTHREAD_NEO4J_URI": "bolt://127.0.0.1:1"}
    # Where the tests run in the background of a shell, the signal is ignored, and by all that they start.
    ours = signal.signal(signal.SIGINT, signal.default_int_handler)
    for _ in range(10):
        process = subprocess.Popen(line, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        until = time.monotonic() + TIMEOUT_S
        while process.poll() is None and not _waits_in_a_loop(process.pid):
            assert time.monotonic() < until
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=TIMEOUT_S)
        if process.returncode != Code.UNAVAILABLE:  # on a busy machine it may have given up before the signal came
            break
    signal.signal(signal.SIGINT, ours)
    assert (process.returncode, out, said) == (Code.INTERRUPTED, b"", b"")


def _waits_in_a_loop(pid: int) -> bool:
    """Whether a process is past its imports, and its loop is made: a signal in the making has Python's own words."""
    try:
        is_made = any("eventpoll" in str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir())
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except OSError:
        return False
    return is_made and state == "S"


# --- the table itself


def test_our_own_errors_keep_their_message_and_code() -> None:
    assert ending(Invalid("--in: no place")) == (Code.USAGE, "--in: no place")
    assert ending(Conflict("it changed")) == (Code.REFUSED, "it changed")
    assert ending(StoreUnavailable("Neo4j does not answer"))[0] == Code.UNAVAILABLE


def test_the_first_of_several_failed_tasks_is_reported() -> None:
    assert ending(ExceptionGroup("two", [Invalid("this"), TypeError()])) == (Code.USAGE, "this")


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "/data/neo4j/conf"), 74, "/data/neo4j/conf: Permission"),
        (OSError(errno.ENOSPC, "No space left on device"), 74, "free some space"),
        (OSError(errno.EMFILE, "Too many open files"), 74, "ulimit -n"),
        (FileNotFoundError(errno.ENOENT, "No such file", "/a\x1b[2Jb"), 74, "/a\N{REPLACEMENT CHARACTER}[2Jb"),
        (PIL.UnidentifiedImageError("cannot identify /a/secret.jpg"), 74, "a file is not what it should be"),
        (MemoryError(), 74, "not enough memory"),
        (TimeoutError(), 69, "did not answer in time"),
        (ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"), 69, "Connection reset"),
        (KeyboardInterrupt(), 130, ""),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 1, ""),
    ],
)
def test_errors_of_the_machine_have_a_code_and_a_remedy(error: BaseException, code: int, words: str) -> None:
    found, line = ending(error)
    assert found == code
    assert words in line


def test_a_defect_tells_its_type_and_place_and_nothing_of_its_values() -> None:
    def fails(name: str) -> None:
        raise TypeError(f"no such person: {name}")

    with pytest.raises(TypeError) as raised:
        fails("Anna Secret")
    code, line = ending(raised.value)
    assert code == Code.DEFECT == 70
    assert "TypeError at tests/unit/infra/test_endings.py:" in line and "report" in line
    assert "Secret" not in line


def test_the_operators_page_lists_every_exit_code() -> None:
    page = (endings.CHECKOUT / "infra" / "docs" / "operators.md").read_text("utf-8")
    assert {int(code) for code in Code} == {int(line.split("|")[1]) for line in _rows(page)}


def _rows(page: str) -> list[str]:
    after = page.partition("| exit code |")[2].splitlines()[2:]
    return [line for line in after[: next(i for i, line in enumerate(after) if not line.startswith("|"))]]
