"""`redthread restore`: repairs a graph and a gallery log that are not of one piece; no verdict is touched."""

from __future__ import annotations

import asyncio
import getpass
import json
from collections.abc import Mapping
from typing import Annotated

import typer

from graph.files import MediaStore
from graph.store.session import Store
from infra.commands.common import DataOption, announce, settings
from infra.commands.reconciling import shown
from infra.settings import Settings
from infra.stack.base import Addresses
from infra.stack.running import addresses_of
from streams import restore as repairs
from streams.reconcile import Reconciliation
from streams.restore import Kafka, Repair
from streams.settings import StreamSettings


def restore(
    data: DataOption = None,
    by: Annotated[str, typer.Option(help="Who repairs, for the audit; default: the user of this machine.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
) -> None:
    """Bring back what the graph lacks and the topics hold, after a power cut, or after an older dump was loaded.

    Kafka, Neo4j, embed and link run meanwhile. Exit code 1 where something differs in the end.
    """
    chosen = settings(data=data)
    addresses = addresses_of(chosen)
    found = asyncio.run(_restore(chosen, addresses, by or _user(), dry_run=dry_run))
    if found is not None:
        shown(found)
        raise typer.Exit(int(found.differs))


async def _restore(chosen: Settings, addresses: Addresses, by: str, *, dry_run: bool) -> Reconciliation | None:
    """The reconciliation at the end; None where nothing was to be done, or only to be said."""
    kafka = Kafka(addresses.kafka, json.loads(addresses.kafka_security), chosen.sources)
    files = MediaStore(StreamSettings(kafka=addresses.kafka, data=chosen.data).store_url)
    async with Store(addresses.neo4j_uri, addresses.neo4j_user, addresses.neo4j_password) as store:
        todo = await repairs.look(store, kafka, files)
        _say(todo)
        if dry_run or not todo.is_needed:
            if not todo.is_needed:
                print("nothing to restore: the topics, the graph and the notices are of one piece")
            return None
        _say_done(await repairs.repair(store, kafka, files, todo, actor=by))
        return await repairs.settle(store, kafka, files, lambda now: announce(f"{now.waiting} events are on their way"))


def _say(todo: Repair) -> None:
    report = todo.found.report
    if todo.log_lost:
        print(f"{todo.log_lost}: link reads it again from record {todo.begin} on")
    if report.lost:
        print(f"{len(report.lost)} submitted events are not in the graph: they are processed again")
    if report.not_sent:
        print(f"{len(report.not_sent)} notices are not in their topics: they are sent again")
    if todo.found.unknown:
        print(f"{len(todo.found.unknown)} notices are unknown to the graph, which is older than they are")
    for line in todo.not_restored:
        print(f"not restored: {line}")


def _say_done(counts: Mapping[str, int]) -> None:
    for kind, number in sorted(counts.items()):
        announce(f"published again: {number} of kind {kind}")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "operator"
