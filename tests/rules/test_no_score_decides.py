"""No score, however high, confirms anything: there is no statement that could."""

import importlib
import pkgutil
import re
from pathlib import Path

import graph.store.queries as queries

ROOT = Path(__file__).parents[2]
BY_A_PERSON = {"WRITE_ACT", "CREATE_LINKS"}
"""A person's act, and the candidate that a person proposes by hand."""
BY_THE_MACHINE = {"MERGE_LINKS"}
"""Writes the state that link's comparison gives, and only where no person has said anything (`version` 0)."""


def statements() -> dict[str, str]:
    modules = [
        importlib.import_module(f"{queries.__name__}.{found.name}") for found in pkgutil.iter_modules(queries.__path__)
    ]
    return {
        name: text
        for module in modules
        for name, text in vars(module).items()
        if isinstance(text, str) and name.isupper()
    }


def test_a_links_state_is_set_by_one_statement_of_people_and_one_of_the_machine() -> None:
    setting = {name for name, text in statements().items() if re.search(r"\br\.state\s*=", _set_clauses(text))}
    assert setting == BY_A_PERSON | BY_THE_MACHINE


def test_the_machine_writes_only_where_no_person_has_spoken() -> None:
    found = statements()
    for name in BY_THE_MACHINE:
        before, _, after = found[name].rpartition("WHERE r.version = 0")
        assert "r.state" not in before
        assert "r.state" in after


def test_the_machines_code_knows_no_decision() -> None:
    for path in (ROOT / "streams").rglob("*.py"):
        text = path.read_text("utf-8")
        assert "WRITE_ACT" not in text and "CREATE_LINKS" not in text
        assert not re.search(r"graph\.actions(\.| import .*)(decide|acts|contact_sheet)\b", text), path


def _set_clauses(text: str) -> str:
    return " ".join(
        re.findall(r"\bSET\b(.*?)(?=\b(?:MATCH|WITH|RETURN|CREATE|MERGE|WHERE|CALL|UNWIND)\b|$)", text, re.S)
    )
