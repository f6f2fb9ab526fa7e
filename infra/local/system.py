"""The whole of Redthread on one machine: stack, topics, schema, models, workers, API, under one supervisor."""

import asyncio
import json
import os
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from api.settings import DEVELOPMENT_ISSUER
from graph.actions.read.counts import stores_files
from graph.domain.errors import MediaStoreUnavailable
from graph.files import MediaStore
from graph.space import Space
from graph.store.migrate import migrate
from graph.store.session import Store
from infra.local import processes
from infra.local.base import Stack, StackError, together
from infra.local.containers import ContainersStack
from infra.local.datafolder import DataFolder
from infra.local.external import ExternalStack
from infra.local.issuer import DevelopmentIssuer
from infra.local.options import SystemOptions
from infra.local.ports import LOOPBACK, check_free, free_ports
from infra.local.running import state_of
from infra.local.space import SpaceWatch
from infra.local.supervisor import Supervisor
from streams.faces.models import DETECTOR_ID
from streams.faces.packs import LICENCE, chosen_models
from streams.gallery.calibration import load_calibrations
from streams.kafka.admin import ensure_topics
from streams.kafka.quotas import limit_producers
from streams.link.register_score import score_difference
from streams.repair.reexamination import outdated
from streams.settings import Addresses


@dataclass(frozen=True, slots=True)
class RunningSystem:
    """A system that serves."""

    options: SystemOptions
    addresses: Addresses
    env: Mapping[str, str] = field(repr=False)
    """Environment by which any process finds this system; holds Neo4j's password."""
    api_url: str
    """Empty where no API was asked for."""
    supervisor: Supervisor
    sign_in: DevelopmentIssuer | None = None
    """Where the system has no real sign-in service."""

    @property
    def data(self) -> Path:
        return self.options.data


@asynccontextmanager
async def running_system(options: SystemOptions, announce: Callable[[str], None]) -> AsyncGenerator[RunningSystem]:
    """A running system, whole when entered and gone when left: workers and API end first, then the servers.

    Raises StackError, or another RedthreadError of what it starts, with everything stopped again.
    """
    folder = await asyncio.to_thread(DataFolder.acquire, options.data.absolute())
    started_at = time.time()
    api_port = options.api_port or free_ports(1)[0]
    api_url = f"http://{LOOPBACK}:{api_port}" if options.api else ""
    addresses: Addresses | None = None
    is_ready = False

    def note() -> None:
        known = (addresses, api_url, is_ready, options.issuer)
        folder.write_state(state_of(supervisor, started_at, options.stack, *known))

    supervisor = Supervisor(folder.path / "logs", announce, changed=note, keep_open=[folder.descriptor])
    stack = _stack(options, supervisor, announce)
    beside: list[asyncio.Task[None]] = []

    try:
        space = Space.of(folder.path, _store_url(options.env, folder.path), options.space_mib)
        watch = SpaceWatch(space, folder.path, announce)
        beside.append(asyncio.create_task(watch.run(), name="free space"))
        if options.api:
            check_free(api_port, "the API", "--api-port")
        load_calibrations(_calibration(options.env))  # link would end with it again and again
        sign_in = _sign_in(options, announce)
        supervisor.report()
        announce("starting Kafka and Neo4j")
        if options.model_pack is not None:
            announce(LICENCE)
        models = asyncio.to_thread(chosen_models, options.models, options.model_pack)
        servers: Addresses = (await together(stack.start(), models))[0]
        addresses, kafka = servers, servers.kafka_connection
        if options.stack == "local":
            watch.limit = partial(limit_producers, kafka)
        topics = asyncio.to_thread(ensure_topics, kafka, list(options.sources), is_vouched=options.kafka_is_durable)
        env = {**_environment(options, servers, api_port), **(sign_in.env() if sign_in else {})}
        system = RunningSystem(options, servers, env, api_url, supervisor, sign_in)
        async with Store(*servers.neo4j) as store:
            await together(topics, migrate(store))
            await _media_store(store, env)
            announce("starting workers and API")
            await _start_processes(system)
            for remark in (
                await score_difference(store, _calibration(options.env)),
                await outdated(store, DETECTOR_ID),
            ):
                if remark is not None:
                    announce(remark)
        is_ready = True
        supervisor.report()
        yield system
    finally:
        is_ready = False
        for task in beside:
            task.cancel()
        try:
            await asyncio.gather(*beside, return_exceptions=True)
            await supervisor.stop(*(name for name in supervisor.children if name not in ("kafka", "neo4j")))
            await stack.stop()
        finally:
            folder.release()


def _calibration(env: Mapping[str, str]) -> Path | None:
    own = {**os.environ, **env}.get("REDTHREAD_CALIBRATION")
    return Path(own) if own else None


def _sign_in(options: SystemOptions, announce: Callable[[str], None]) -> DevelopmentIssuer | None:
    """The development issuer where no real one is set up; stack `external` never has it."""
    if options.issuer == DEVELOPMENT_ISSUER:
        raise StackError(
            "REDTHREAD_OIDC_ISSUER: the development issuer is not to be named; without it the stack has it"
        )
    if options.issuer:
        return None
    if options.stack == "external":
        if options.api:
            raise StackError("stack `external` needs REDTHREAD_OIDC_ISSUER: the service that people sign in with")
        return None
    return DevelopmentIssuer.ensure(options.data.absolute(), announce)


async def _start_processes(system: RunningSystem) -> None:
    """Workers run and the API is ready."""
    options, supervisor = system.options, system.supervisor
    specs = [processes.worker("embed", number, system.env) for number in range(options.embed)]
    if options.link:
        specs.insert(0, processes.worker("link", 0, system.env))
    if options.api:
        specs.append(processes.api(system.api_url, system.env))
    for spec in specs:
        supervisor.start(spec)
    await supervisor.wait_ready(*(spec.name for spec in specs))


def _stack(options: SystemOptions, supervisor: Supervisor, announce: Callable[[str], None]) -> Stack:
    match options.stack:
        case "containers":
            return ContainersStack()
        case "external":
            return ExternalStack(options.external or Addresses("", "", "", ""))
        case "local":
            # Here and not above: a server that uses stack `external` lacks the packages of the extra `local`.
            from infra.local.stack import LocalStack

            return LocalStack(options, supervisor, announce)


def _environment(options: SystemOptions, addresses: Addresses, api_port: int) -> dict[str, str]:
    roots = {"REDTHREAD_MEDIA_ROOTS": json.dumps(options.media_roots)} if options.media_roots else {}
    return {
        **addresses.env(),
        "REDTHREAD_DATA": str(options.data.absolute()),
        "REDTHREAD_MODELS": str(options.models),
        **({"REDTHREAD_MODEL_PACK": str(options.model_pack)} if options.model_pack is not None else {}),
        "REDTHREAD_SOURCES": json.dumps(dict(options.sources)),
        "REDTHREAD_API_PORT": str(api_port),
        "REDTHREAD_SPACE_MIB": str(options.space_mib),
        **roots,
        **options.env,
    }


async def _media_store(store: Store, env: Mapping[str, str]) -> None:
    """The media store is there and marked; StackError where it is an empty folder that should hold files."""
    url = _store_url(env, Path(env["REDTHREAD_DATA"]))
    files = MediaStore(url)
    is_new = not await stores_files(store)
    try:
        await asyncio.to_thread(files.make, is_new=is_new)
    except (MediaStoreUnavailable, OSError) as error:
        raise StackError(f"{url}: {error}") from error


def _store_url(env: Mapping[str, str], data: Path) -> str:
    """Where workers and API, which are given this environment besides our own, keep crops and uploads."""
    return {**os.environ, **env}.get("REDTHREAD_MEDIA_STORE") or (data / "store").as_uri()
