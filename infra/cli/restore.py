"""`redthread restore`: repairs a graph and a gallery log that differ; verdicts stay."""

import asyncio
import getpass
from typing import Annotated

import typer

from graph.files import MediaStore
from graph.store.session import Store
from infra.cli.common import DataOption, settings
from infra.cli.reconciling import kafka_of, shown
from infra.local.running import addresses_of
from infra.settings import Settings
from infra.terminal import announce
from streams.repair import restore as repairs
from streams.repair.reconcile import Reconciliation
from streams.repair.restore import Repair
from streams.settings import Addresses


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
    found, can_go_on = asyncio.run(_restore(chosen, addresses, by or _user(), dry_run=dry_run))
    shown(found, can_be_repaired=can_go_on)
    raise typer.Exit(int(found.differs))


async def _restore(chosen: Settings, addresses: Addresses, by: str, *, dry_run: bool) -> tuple[Reconciliation, bool]:
    """The reconciliation at the end, and whether another run would repair more."""
    kafka = kafka_of(chosen, addresses)
    files = MediaStore(chosen.store_url)
    async with Store(*addresses.neo4j) as store:
        todo = await repairs.examine(store, kafka, files)
        _print(todo)
        if dry_run or not todo.is_needed:
            return todo.found.report, todo.is_needed
        for kind, number in sorted((await repairs.repair(store, kafka, todo, actor=by)).items()):
            announce(f"published again: {number} of kind {kind}")
        found = await repairs.settle(
            store, kafka, files, todo, lambda left: announce(f"{left} events are still on their way")
        )
        return found, False


def _print(todo: Repair) -> None:
    report = todo.found.report
    lines = {
        f"{todo.log_lost}: link reads it again from its beginning": bool(todo.log_lost),
        f"{len(report.lost)} submitted events are not in the graph: they are processed again": bool(report.lost),
        f"{len(report.not_sent)} notices are not in their topics: they are sent again": bool(report.not_sent),
        f"{len(report.requests_lost)} requests of people are nowhere: they are published again": todo.found.requests,
        f"{len(report.unknown)} subjects have notices that the graph does not know: it is older": bool(report.unknown),
        "nothing can be repaired: see what differs below": report.differs and not todo.is_needed,
        "nothing to restore: topics, graph and notices agree": not report.differs and not todo.is_needed,
    }
    for line in (*(line for line, holds in lines.items() if holds), *todo.not_restored):
        print(line)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "operator"
