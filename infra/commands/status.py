"""`redthread status`: what runs, where, since when, and how far behind its readers are."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any

import httpx
import typer
from confluent_kafka import KafkaException
from rich.console import Console
from rich.table import Table

from graph.actions import read
from graph.store.session import Store
from infra.commands.common import DataOption, settings, space
from infra.stack.base import Addresses
from infra.stack.datafolder import is_held
from infra.stack.running import Running, RunningChild, addresses_of, find_running
from streams.lags import lags

NOT_RUNNING = 1
READY = "ready"
API_S = 5.0
"""Seconds for the API's answer: above the 3 that it gives each part."""


def status(data: DataOption = None) -> None:
    """Show what runs on this data folder; exit code 1 where nothing does."""
    chosen = settings(data=data)
    out = Console(highlight=False, soft_wrap=True)
    running = find_running(chosen.data)
    if running is None:
        if is_held(chosen.data):
            out.print(f"{chosen.data} is in use; what runs there is not written down (yet)", markup=False)
        else:
            out.print(f"nothing runs on {chosen.data}; `redthread up` starts it", markup=False)
        raise typer.Exit(NOT_RUNNING)
    states = {child.name: state_of_child(child) for child in running.children}
    if running.ready and running.api_url and states.get("api") == READY:
        states["api"] = api_state(running.api_url)
    state = "starting or stopping"
    if running.ready:
        state = READY if set(states.values()) <= {READY} else "not all of it is ready"
    out.print(
        f"{state}: process {running.pid} for {_since(running.started_at)}, stack {running.stack}, data {running.data}"
    )
    if running.api_url:
        out.print(f"API {running.api_url}   Kafka {running.kafka}   Neo4j {running.neo4j_uri}")
    if (shortage := space(chosen).shortage()) is not None:
        out.print(f"ALARM too little free space: {shortage}; nothing new is taken in until then", markup=False)
    out.print(_children(running, states))
    if running.ready:
        addresses = addresses_of(chosen)
        out.print(_lags(addresses.kafka, json.loads(addresses.kafka_security)))
        counts = asyncio.run(_counts(addresses))
        for topic, records in counts.pop("withheld").items():
            out.print(f"ALARM {records} records for {topic} wait: its source is not in REDTHREAD_SOURCES", markup=False)
        out.print(_contents(counts))


def state_of_child(child: RunningChild) -> str:
    """What a child is doing, in words."""
    if not child.pid:
        return "waits to start again"
    return {True: READY, False: "starting", None: "runs, not written down yet"}[child.ready]


def api_state(url: str) -> str:
    """READY, or what the API itself says that is missing."""
    try:
        # Without the environment's proxies: the loopback is never behind one.
        answer = httpx.get(f"{url}/readyz", timeout=API_S, trust_env=False)
        parts: dict[str, str] = {} if answer.is_success else answer.json()["parts"]
    except httpx.HTTPError as error:
        return f"does not answer ({type(error).__name__})"
    except (ValueError, KeyError, TypeError, AttributeError):  # not what our API answers
        return "is not ready"
    return "; ".join(state for state in parts.values() if state != READY) or READY


def _children(running: Running, states: Mapping[str, str]) -> Table:
    table = Table("process", "pid", "up for", "restarts", "state", box=None)
    for child in running.children:
        table.add_row(
            child.name,
            str(child.pid or "-"),
            _since(child.started_at) if child.pid else "-",
            str(child.restarts),
            states[child.name],
        )
    return table


def _lags(bootstrap: str, security: Mapping[str, str]) -> Table | str:
    try:
        found = lags(bootstrap, security)
    except KafkaException as error:
        return f"Kafka does not tell how far its readers are ({error.args[0].name()})"
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
