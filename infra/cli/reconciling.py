"""Prints a reconciliation: numbers as a table, and the ids that differ."""

import json
from dataclasses import asdict

from rich.table import Table

from infra.settings import Settings
from infra.terminal import results
from streams.repair.reconcile import Reconciliation
from streams.repair.topic_contents import SourceTopics
from streams.settings import Addresses

ROWS = {
    "events": "submitted events that the topics hold",
    "finished": "finished",
    "quarantined": "in quarantine",
    "waiting": "on their way",
    "lost": "lost",
    "doubled": "doubled",
    "notices": "notices of the last 13 days",
    "not_sent": "notices that their topic lacks",
    "unknown": "subjects with notices that the graph does not know",
    "requests_lost": "requests of people that are nowhere",
    "roots_missing": "audit roots that their topic lacks",
    "verdicts_changed": "links that are not as was sent last",
    "files_missing": "crops and uploads that are missing",
}
SHOWN = 20
"""Ids of one kind that people are shown; `--json` has all."""


def kafka_of(chosen: Settings, addresses: Addresses) -> SourceTopics:
    """The topics of a running system."""
    return SourceTopics(addresses.kafka_connection, chosen.sources)


def shown(found: Reconciliation, *, as_json: bool = False, can_be_repaired: bool = True) -> None:
    """Prints a reconciliation, and the command that repairs what differs where one can."""
    facts = asdict(found)
    if as_json:
        print(json.dumps(facts))
        return
    table = Table("reconciled", "number", box=None)
    for name, title in ROWS.items():
        table.add_row(title, str(len(facts[name]) if isinstance(facts[name], list) else facts[name]))
    results.print(table)
    for name in ROWS:
        if isinstance(facts[name], list):
            for item in facts[name][:SHOWN]:
                results.print(f"{ROWS[name]}: {item}", markup=False)
            if len(facts[name]) > SHOWN:
                results.print(f"... and {len(facts[name]) - SHOWN} more: --json has all")
    if found.differs and can_be_repaired:
        results.print("`redthread restore` repairs what can be repaired")
