"""`redthread status`: what runs, where, since when, and how far behind its readers are."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any

import typer
from confluent_kafka import KafkaException
from rich.console import Console
from rich.table import Table

from graph.actions import read
from graph.store.session import Store
from infra.commands.common import DataOption, settings
from infra.endings import Code
from infra.stack.base import Addresses
from infra.stack.running import Running, addresses_of, find_running
from streams.lags import lags

NOT_RUNNING = 1


def status(data: DataOption = None) -> None:
    """Show what runs on this data folder; exit code 1 where nothing does."""
    chosen = settings(data=data)
    out = Console(highlight=False, soft_wrap=True)
    running = find_running(chosen.data)
    if running is None:
        out.print(f"nothing runs on {chosen.data}; `redthread up` starts it", markup=False)
        raise typer.Exit(NOT_RUNNING)
    state = "ready" if running.ready else "starting or stopping"
    out.print(
        f"{state}: process {running.pid} for {_since(running.started_at)}, stack {running.stack}, data {running.data}"
    )
    if running.api_url:
        out.print(f"API {running.api_url}   Kafka {running.kafka}   Neo4j {running.neo4j_uri}")
    out.print(_children(running))
    if running.ready:
        addresses = addresses_of(chosen)
        behind = _lags(addresses.kafka, json.loads(addresses.kafka_security))
        out.print(behind or "Kafka does not answer: its log is logs/kafka.log in the data folder")
        counts = asyncio.run(_counts(addresses))
        for topic, records in counts.pop("withheld").items():
            out.print(f"ALARM {records} records for {topic} wait: its source is not in REDTHREAD_SOURCES", markup=False)
        out.print(_contents(counts))
        if behind is None:
            raise typer.Exit(Code.UNAVAILABLE)


def _children(running: Running) -> Table:
    table = Table("process", "pid", "up for", "restarts", "state", box=None)
    for child in running.children:
        state = "waits to start again" if not child.pid else "ready" if child.ready else "starting"
        table.add_row(
            child.name,
            str(child.pid or "-"),
            _since(child.started_at) if child.pid else "-",
            str(child.restarts),
            state,
        )
    return table


def _lags(bootstrap: str, security: Mapping[str, str]) -> Table | str | None:
    """How far behind each reader is; None where Kafka does not answer."""
    try:
        found = lags(bootstrap, security)
    except (KafkaException, TimeoutError):
        return None
    table = Table("reader", "topic", "records behind", box=None)
    for (group, topic), behind in sorted(found.items()):
        table.add_row(group, topic, str(behind))
    return table if found else "no reader has committed anything yet"


async def _counts(addresses: Addresses) -> dict[str, Any]:
    async with Store(addresses.neo4j_uri, addresses.neo4j_user, addresses.neo4j_password) as store:
        return await read.counts(store)


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
