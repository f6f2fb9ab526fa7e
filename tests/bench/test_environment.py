"""A bench's peers live in environments of their own: made once, kept, and told of where they cannot be made."""

import sys
import threading
from pathlib import Path

import pytest

from streams.client.submission import Interrupted
from tests.bench.environment import NotInstalled, PeerFailed, peer_environment, peer_process
from tests.support.wheels import requirement

SCRIPT = """
import peer
def answer(question):
    print("a library's words")
    return [peer.VALUE, question]
"""


def wheel(folder: Path, value: int) -> str:
    return requirement(folder, "peer", f"{value}.0", f"VALUE = {value}\n")


def test_an_environment_is_made_once_and_remade_for_another_list(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    first, second = wheel(tmp_path, 1), wheel(tmp_path, 2)
    python = peer_environment("peer", first, tmp_path / "kept", threading.Event())
    with peer_process(python, script) as peer:
        assert [peer.ask({"n": 1}), peer.ask("again")] == [[1, {"n": 1}], [1, "again"]]
    ours = python.parent / "ours"
    ours.touch()
    assert peer_environment("peer", first, tmp_path / "kept", threading.Event()) == python and ours.exists()
    assert peer_environment("peer", second, tmp_path / "kept", threading.Event()) == python and not ours.exists()
    with peer_process(python, script) as peer:
        assert peer.ask(None) == [2, None]


def test_packages_that_cannot_be_installed_are_reported_and_retried(tmp_path: Path) -> None:
    good = wheel(tmp_path, 1)
    bad = good[:-3] + ("00\n" if good[-3:-1] != "00" else "11\n")
    with pytest.raises(NotInstalled, match="THESE PACKAGES DO NOT MATCH THE HASHES"):
        peer_environment("peer", bad, tmp_path / "kept", threading.Event())
    assert peer_environment("peer", good, tmp_path / "kept", threading.Event()).exists()


def test_a_folder_that_cannot_be_used_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotInstalled, match="cannot be used: Not a directory"):
        peer_environment("peer", "", tmp_path / "file" / "kept", threading.Event())


def test_an_install_ends_on_request(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Interrupted):
        peer_environment("peer", "", tmp_path, stop)


def test_a_failed_peer_is_reported_by_its_last_line(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("def answer(question):\n    return 1 // question\n")
    with peer_process(Path(sys.executable), script) as peer:
        assert peer.ask(1) == 1
        for _ in range(2):  # the second time the pipe is closed
            with pytest.raises(PeerFailed, match="ZeroDivisionError"):
                peer.ask(0)


def test_a_peer_starts_as_many_threads_as_requested(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import os\ndef answer(name):\n    return os.environ[name]\n")
    with peer_process(Path(sys.executable), script, 3) as peer:
        assert peer.ask("OMP_NUM_THREADS") == "3"
