"""`redthread audit verify` needs nothing but the file, and says in words and by its exit code what it found."""

from pathlib import Path

import pytest

from graph.actions.operate.audit_file import read_roots, verify_file
from graph.domain.errors import Invalid
from tests.support.commands import redthread
from tests.support.factories_audit import LINES, ROOTS, forged


def run(*words: object) -> tuple[int, str]:
    """Exit code and output of the command, without a server and without a setting."""
    done = redthread("audit", "verify", *words, env={"COLUMNS": "1000"})
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def anchors(tmp_path: Path) -> Path:
    folder = tmp_path / "anchors"
    folder.mkdir()
    for root in ROOTS["chain"]:
        (folder / f"{root.date}.json").write_bytes(root.line)
    return folder


def test_a_whole_export_is_reported_with_what_its_roots_prove(tmp_path: Path, anchors: Path) -> None:
    file = tmp_path / "export.jsonl"
    file.write_bytes(b"".join(LINES["chain"]))

    code, said = run(file, "--anchor", anchors)

    assert code == 0
    assert "whole: entries 1 to 25, 25 shown, 0 left out" in said
    assert "3 daily roots name its entries, the last of 2026-11-20 entry 24" in said
    assert "entries 25 to 25 are newer" in said
    assert "without --anchor" in run(file)[1]


def test_a_forged_chain_is_detected_by_a_single_root_with_exit_code_1(tmp_path: Path, anchors: Path) -> None:
    file = tmp_path / "export.jsonl"
    file.write_bytes(b"".join(forged("chain", 12)))

    code, said = run(file, "--anchor", anchors / "2026-11-19.json")

    assert code == 1
    assert "NOT WHOLE: the chain was forged: entry 16 is not the one that the root of 2026-11-19 names" in said


def test_a_file_that_is_no_export_or_no_root_is_refused_without_its_content(tmp_path: Path) -> None:
    file = tmp_path / "export.jsonl"
    for content in (b"", b"secret\n", b"x" * 200_000, b"\xff\n", b"[]\n", b"{}\n"):
        file.write_bytes(content)
        assert "the first line is not the header" in (verify_file(file, None).fault or "")
        with pytest.raises(Invalid, match="no root of the audit"):
            read_roots(file)
    file.write_bytes(b"secret\n")
    code, said = run(file)
    assert (code, "secret" in said) == (1, False)
    assert run(tmp_path / "absent")[0] == 2
    assert run(file, "--anchor", tmp_path / "absent")[0] == 2
