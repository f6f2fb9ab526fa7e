"""`redthread status`: which processes run, since when, and the lag of each reader."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any

import httpx
import typer
from confluent_kafka import KafkaException
from rich.table import Table

from graph.actions.link.cursor import read_cursor
from graph.actions.read.counts import counts
from graph.domain.errors import Invalid
from graph.files import MediaStore
from graph.store.session import Store
from infra.cli.common import DataOption, settings, space, with_store
from infra.cli.endings import Code
from infra.cli.reconciling import kafka_of, shown
from infra.local.datafolder import is_held
from infra.local.kafka import credentials
from infra.local.processes import READY, missing_parts
from infra.local.running import Running, RunningChild, addresses_of, find_running
from infra.terminal import results
from streams.faces.models import DETECTOR_ID
from streams.kafka.connection import KafkaConnection
from streams.kafka.offsets import lags
from streams.repair.reconcile import find
from streams.repair.reexamination import outdated
from streams.settings import Addresses

NOT_RUNNING = 1
NEO4J_S = 15.0
"""Seconds for all queries to Neo4j: the driver itself would retry for a minute."""
API_S = 5.0
"""Seconds for the API's answer: above the 3 that it allows each part."""


def status(
    data: DataOption = None,
    reconcile: Annotated[
        bool, typer.Option("--reconcile", help="Compare topics, graph and notices; exit code 1 where they differ.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --reconcile: as one JSON object.")] = False,
) -> None:
    """Show what runs on this data folder; exit code 1 where nothing does."""
    chosen = settings(data=data)
    if as_json and not reconcile:
        raise Invalid("--json goes with --reconcile")
    if reconcile:
        addresses = addresses_of(chosen)
        files = MediaStore(chosen.store_url)
        found = with_store(addresses, lambda store: find(store, kafka_of(chosen, addresses), files)).report
        shown(found, as_json=as_json)
        raise typer.Exit(int(found.differs))
    running = find_running(chosen.data)
    if running is None:
        if is_held(chosen.data):
            results.print(f"{chosen.data} is in use; what runs there is not written down (yet)", markup=False)
        else:
            results.print(f"nothing runs on {chosen.data}; `redthread up` starts it", markup=False)
        raise typer.Exit(NOT_RUNNING)
    states = {child.name: state_of_child(child) for child in running.children}
    faults: list[str] = []
    if running.ready and running.api_url and states.get("api") == READY:
        faults = api_faults(running.api_url)
        states["api"] = "not ready" if faults else READY
    state = "starting or stopping"
    if running.ready:
        state = READY if set(states.values()) <= {READY} else "not all of it is ready"
    results.print(
        f"{state}: process {running.pid} for {_since(running.started_at)}, stack {running.stack}, data {running.data}"
    )
    if running.api_url:
        results.print(f"API {running.api_url}   Kafka {running.kafka}   Neo4j {running.neo4j_uri}")
    if running.stack == "local":
        results.print(
            f"case systems on this machine: address and account in {running.data / credentials.FILE}", markup=False
        )
    if (shortage := space(chosen).shortage()) is not None:
        results.print(f"ALARM too little free space: {shortage}; nothing new is taken in until then", markup=False)
    results.print(_children(running, states))
    for child in running.children:
        if not child.pid and child.failure:
            results.print(f"{child.name}: {child.failure}", markup=False)
    for fault in faults:
        results.print(f"API: {fault}", markup=False)
    if running.ready:
        addresses = addresses_of(chosen)
        behind = _lags(addresses.kafka_connection, sorted(chosen.sources))
        results.print(behind or "Kafka does not answer: its log is logs/kafka.log in the data folder")
        counts = asyncio.run(_counts(addresses))
        if (broken := counts.pop("broken")) is not None:
            results.print(f"ALARM link does not run: {broken}", markup=False)
        for topic, records in counts.pop("withheld").items():
            results.print(
                f"ALARM {records} records for {topic} wait: its source is not in REDTHREAD_SOURCES", markup=False
            )
        if (outdated_media := counts.pop("outdated")) is not None:
            results.print(outdated_media, markup=False)
        results.print(_contents(counts))
        if behind is None:
            raise typer.Exit(Code.UNAVAILABLE)


def state_of_child(child: RunningChild) -> str:
    """The child's state in words."""
    if not child.pid:
        return "waits to start again"
    return {True: READY, False: "starting", None: "runs, not written down yet"}[child.ready]


def api_faults(url: str) -> list[str]:
    """A line for each part that the API misses, by its own answer; empty where it is ready."""
    try:
        # Without the environment's proxies: the loopback is never behind one.
        return [*missing_parts(httpx.get(f"{url}/readyz", timeout=API_S, trust_env=False)).values()]
    except httpx.HTTPError as error:
        return [f"it does not answer ({type(error).__name__})"]
    except ValueError:
        return ["it does not say what is missing"]


def _children(running: Running, states: Mapping[str, str]) -> Table:
    table = Table("process", "pid", "up for", "restarts", "state", box=None)
    for child in running.children:
        up_for = _since(child.started_at) if child.pid else "-"
        table.add_row(child.name, str(child.pid or "-"), up_for, str(child.restarts), states[child.name])
    return table


def _lags(kafka: KafkaConnection, sources: Sequence[str]) -> Table | str | None:
    """A table of each reader's lag; None where Kafka does not answer."""
    try:
        found = lags(kafka, sources)
    except (KafkaException, TimeoutError):
        return None
    table = Table("reader", "topic", "records behind", box=None)
    for (group, topic), behind in sorted(found.items()):
        table.add_row(group, topic, str(behind))
    return table


async def _counts(addresses: Addresses) -> dict[str, Any]:
    async with asyncio.timeout(NEO4J_S), Store(*addresses.neo4j) as store:
        waiting = {"broken": (await read_cursor(store)).broken, "outdated": await outdated(store, DETECTOR_ID)}
        return {**asdict(await counts(store)), **waiting}


def _contents(counts: dict[str, Any]) -> Table:
    links: dict[str, int] = counts.pop("links")
    table = Table("in the graph", "number", box=None)
    for name, number in [*counts.items(), *((f"links {state}", number) for state, number in links.items())]:
        table.add_row(name.replace("_", " "), str(number))
    return table


def _since(moment: float) -> str:
    seconds = max(0, int(time.time() - moment))
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s"
