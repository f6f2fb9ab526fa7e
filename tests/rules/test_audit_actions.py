"""The list of audit actions: its grammar, its table for auditors, and that every action has a place that records it."""

import re
from pathlib import Path

import pytest

from graph.domain.audit_actions import AuditAction

CHECKOUT = Path(__file__).parents[2]
PARTICIPLE = re.compile(r"[a-z]+\.(?:[a-z]+_)?(?:[a-z]+ed|seen|made|begun|read)(?:_again)?")
COMPUTED = {AuditAction.IDENTIFICATION_APPROVED, AuditAction.IDENTIFICATION_RETURNED}
"""`identification.<decision>`: recorded by its name, not by its member."""


@pytest.mark.parametrize("action", AuditAction)
def test_an_action_is_a_noun_and_a_past_participle_and_no_former_name_is_in_use(action: AuditAction) -> None:
    assert PARTICIPLE.fullmatch(action.value)
    assert not set(action.former) & {other.value for other in AuditAction}


def test_the_table_for_auditors_lists_every_action_with_its_former_names_and_no_other() -> None:
    page = (CHECKOUT / "infra" / "docs" / "audit-actions.md").read_text("utf-8")
    wanted = [
        f"| `{action.value}` | {action.meaning} | {', '.join(f'`{name}`' for name in action.former)} |"
        for action in AuditAction
    ]
    assert re.findall(r"^\| `.*\|$", page, re.MULTILINE) == wanted


def test_every_action_is_recorded_somewhere() -> None:
    sources = "".join(path.read_text("utf-8") for path in (CHECKOUT / "graph" / "actions").rglob("*.py"))
    named = set(re.findall(r"AuditAction\.([A-Z_]+)\b", sources))
    assert named | {action.name for action in COMPUTED} == {action.name for action in AuditAction}
