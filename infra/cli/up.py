"""`redthread up` and `redthread down`: the whole system, in the foreground or the background."""

import asyncio
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Annotated

import psutil
import typer
from tenacity import Retrying, retry_if_result, wait_fixed

from graph.atomic import make_folders
from infra.cli.common import DataOption, settings
from infra.foreground import run_until_signalled
from infra.local.base import StackError
from infra.local.datafolder import holder
from infra.local.issuer import USERS, DevelopmentIssuer
from infra.local.logs import append_to, last_line
from infra.local.options import SystemOptions
from infra.local.running import Running, find_running, given_addresses, wait_gone
from infra.local.system import running_system
from infra.settings import CHECKOUT, Settings, StackName
from infra.terminal import announce, console

SAME = {each.name for each in fields(SystemOptions)} & set(Settings.model_fields)
"""Options of a system that are settings of the same name."""
STOP_S = 90.0
"""Longer than the grace periods of workers and servers together."""


def up(
    data: DataOption = None,
    stack: Annotated[StackName | None, typer.Option(help="Where Kafka and Neo4j come from.")] = None,
    embed: Annotated[int | None, typer.Option(min=0, help="Embed workers; default: one for each core.")] = None,
    api_port: Annotated[int | None, typer.Option(help="Port of the API; 0: any free one.")] = None,
    kafka_port: Annotated[int | None, typer.Option(help="Port of the local Kafka; 0: any free one.")] = None,
    neo4j_port: Annotated[int | None, typer.Option(help="Port of the local Neo4j; 0: any free one.")] = None,
    media_root: Annotated[
        list[str] | None, typer.Option(help="URL prefix that media may be fetched from; may be repeated.")
    ] = None,
    discard_unreadable_log: Annotated[
        bool,
        typer.Option(
            "--discard-unreadable-log", help="Start Neo4j without what it cannot read of its transaction log."
        ),
    ] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Return when it is ready, and leave it running.")] = False,
) -> None:
    """Start Kafka, Neo4j, the workers and the API, and keep them running until Ctrl-C."""
    chosen = settings(
        data=data,
        stack=stack,
        embed=embed,
        api_port=api_port,
        kafka_port=kafka_port,
        neo4j_port=neo4j_port,
        media_roots=media_root or None,
    )
    if detach:
        _detach(chosen, ["--discard-unreadable-log"] if discard_unreadable_log else [])
        return
    options = replace(system_options(chosen), discard_unreadable_log=discard_unreadable_log)
    with suppress(KeyboardInterrupt):  # the orderly end
        run_until_signalled(_serve(options))
    announce("stopped")


def down(data: DataOption = None) -> None:
    """Stop what `up` started on this data folder; its data stay."""
    folder = settings(data=data).data
    running = find_running(folder)
    if running is None:
        if not wait_gone(folder, 0):
            if pid := holder(folder):  # its record is missing or damaged
                announce(f"stopping process {pid}")
                os.kill(pid, signal.SIGTERM)
            else:
                announce("waiting for servers whose supervisor is gone")
            _must_be_gone(folder)
        announce(f"nothing runs on {folder}")
        return
    announce(f"stopping process {running.pid}")
    os.kill(running.pid, signal.SIGTERM)
    _must_be_gone(folder)
    announce("stopped")


def system_options(chosen: Settings) -> SystemOptions:
    """The options of a system with these settings."""
    same = {name: getattr(chosen, name) for name in SAME}
    return SystemOptions(**same, external=given_addresses(chosen), issuer=chosen.oidc_issuer)


def _announce_addresses(api_url: str, kafka: str, neo4j_uri: str, data: Path, *, own_sign_in: bool) -> None:
    """Announces a system's addresses, with a link and requests where the local stack's own sign-in serves the API."""
    if api_url and own_sign_in:
        announce(f"Open   {DevelopmentIssuer.of(data).new_link(api_url)}\n       (once; another: sh infra/run sign-in)")
    announce((f"API    {api_url}\n" if api_url else "") + f"Kafka  {kafka}\nNeo4j  {neo4j_uri}\nData   {data}")
    if api_url and own_sign_in:
        token = f"TOKEN=$(sh infra/run token investigator --data {shlex.quote(str(data))})"
        announce(
            f"Token  {token}   (users: {', '.join(USERS)})\n"
            f"Try    curl -H \"Authorization: Bearer $TOKEN\" -H 'Redthread-Purpose: review' {api_url}/links"
        )


async def _serve(options: SystemOptions) -> None:
    """Runs until cancelled."""
    async with running_system(options, announce) as system:
        servers, own_sign_in = system.addresses, system.sign_in is not None
        _announce_addresses(system.api_url, servers.kafka, servers.neo4j_uri, system.data, own_sign_in=own_sign_in)
        announce("ready; Ctrl-C stops it")
        await asyncio.Event().wait()


def _detach(chosen: Settings, more: Sequence[str]) -> None:
    """Starts the same command in the background and returns when it is ready; StackError says why it is not."""
    log = chosen.data / "logs" / "up.log"
    try:
        make_folders(log.parent)
        output = append_to(log)
    except OSError as error:
        # In the background nobody would learn anything.
        raise StackError(
            f"cannot write {log}: {error.strerror}; make it writable, or name another folder with --data"
        ) from error
    names = ("data", "stack", "embed", "api_port", "kafka_port", "neo4j_port")
    arguments = [word for name in names for word in (f"--{name.replace('_', '-')}", str(getattr(chosen, name)))]
    arguments += [*more, *(word for root in chosen.media_roots for word in ("--media-root", root))]
    # From this folder: the process that is started has another one.
    folders = {"REDTHREAD_MODELS": str(chosen.models)}
    if chosen.model_pack is not None:
        folders["REDTHREAD_MODEL_PACK"] = str(chosen.model_pack)
    with output:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "infra.cli", "up", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            close_fds=True,
            cwd="/",
            env={**os.environ, **folders, "PYTHONPATH": str(CHECKOUT)},
        )

    def ready() -> Running | None:
        running = find_running(chosen.data)
        return running if running is not None and running.pid == process.pid and running.ready else None

    def goes_on(found: Running | None) -> bool:
        return found is None and process.poll() is None

    try:
        with console.status("starting"):
            running = Retrying(retry=retry_if_result(goes_on), wait=wait_fixed(0.1))(ready)
    except KeyboardInterrupt:
        process.terminate()
        process.wait(STOP_S)
        raise
    if running is None:
        raise StackError(last_line(log).removeprefix("redthread: "))
    own_sign_in = not running.issuer and running.stack != "external"
    _announce_addresses(running.api_url, running.kafka, running.neo4j_uri, chosen.data, own_sign_in=own_sign_in)
    announce("ready in the background; `redthread down` stops it")


def _must_be_gone(folder: Path) -> None:
    if wait_gone(folder, STOP_S):
        return
    running = find_running(folder)
    if running is not None:
        psutil.Process(running.pid).kill()  # its children are on a leash and follow
    if not wait_gone(folder, STOP_S):
        raise StackError(f"something still holds {folder / 'lock'}: see the logs in {folder / 'logs'}")
