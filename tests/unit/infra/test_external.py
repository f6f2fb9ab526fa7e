"""Stack `external`: servers that somebody else runs are asked, never started, stopped or guessed."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from graph.domain.errors import RedthreadError
from graph.store import bootstrap
from graph.store.bootstrap import WrongPassword
from infra.local import datafolder, system
from infra.local.base import StackError
from infra.local.external import ExternalStack
from infra.local.kafka import credentials
from infra.local.kafka import ready as kafka
from infra.local.options import SystemOptions
from infra.local.running import addresses_of, given_addresses
from infra.local.supervisor import Supervisor
from infra.local.system import running_system
from infra.settings import Settings
from streams.kafka.connection import KafkaConnection
from streams.settings import Addresses

pytestmark = pytest.mark.anyio

SECURITY = {"security.protocol": "SASL_SSL", "sasl.username": "redthread", "sasl.password": "a secret"}
GIVEN = Addresses("kafka.example:9093", "bolt://neo4j.example:7687", "neo4j", "its password", json.dumps(SECURITY))


class Servers:
    """A Kafka and a Neo4j elsewhere: what they are asked with, and what each of them answers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: dict[str, tuple[Any, ...]] = {}
        self.fails: dict[str, RedthreadError] = {}
        self.silent: set[str] = set()
        self.given_up: list[str] = []
        monkeypatch.setattr(kafka, "wait_until_ready", self.kafka)
        monkeypatch.setattr(bootstrap, "wait_until_ready", self.neo4j)

    async def kafka(self, connection: KafkaConnection) -> None:
        await self._answer("kafka", connection.bootstrap, connection.security)

    async def neo4j(self, uri: str, user: str, password: str) -> None:
        await self._answer("neo4j", uri, user, password)

    async def _answer(self, name: str, *asked: Any) -> None:
        self.asked[name] = asked
        await asyncio.sleep(0)
        if name in self.fails:
            raise self.fails[name]
        if name in self.silent:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.given_up.append(name)
                raise


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Servers:
    return Servers(monkeypatch)


async def test_both_servers_are_asked_as_the_settings_say(servers: Servers) -> None:
    assert await ExternalStack(GIVEN).start() == GIVEN

    assert servers.asked == {
        "kafka": ("kafka.example:9093", SECURITY),
        "neo4j": ("bolt://neo4j.example:7687", "neo4j", "its password"),
    }


@pytest.mark.parametrize("absent", ["kafka", "neo4j_uri"])
async def test_without_an_address_nobody_is_asked(servers: Servers, absent: str) -> None:
    told = Settings(stack="external", kafka="kafka.example:9093", neo4j_uri="bolt://neo4j.example:7687")
    addresses = given_addresses(told.model_copy(update={absent: ""}))

    with pytest.raises(StackError, match="needs REDTHREAD_KAFKA and REDTHREAD_NEO4J_URI"):
        await ExternalStack(addresses).start()

    assert servers.asked == {}


async def test_security_that_is_no_json_is_refused_and_not_quoted(servers: Servers) -> None:
    addresses = Addresses("kafka.example:9093", "bolt://neo4j.example:7687", "neo4j", "", '{"a secret')

    with pytest.raises(StackError, match="REDTHREAD_KAFKA_SECURITY is not JSON") as refused:
        await ExternalStack(addresses).start()

    assert "a secret" not in refused.value.message
    assert servers.asked == {}


@pytest.mark.parametrize(
    ("broken", "other", "failure"),
    [
        ("kafka", "neo4j", StackError("Kafka at kafka.example:9093 does not answer after 60 s")),
        ("neo4j", "kafka", WrongPassword("Neo4j does not accept the password of neo4j")),
    ],
)
async def test_a_server_that_fails_ends_the_start_though_the_other_is_still_asked(
    servers: Servers, broken: str, other: str, failure: RedthreadError
) -> None:
    servers.fails[broken] = failure
    servers.silent.add(other)

    with pytest.raises(type(failure)) as refused:
        await ExternalStack(GIVEN).start()

    assert refused.value is failure
    assert servers.given_up == [other]


async def test_a_kafka_without_a_broker_is_named_after_the_time() -> None:
    with pytest.raises(StackError, match=r"Kafka at 127\.0\.0\.1:1 does not answer"):
        await kafka.wait_until_ready(KafkaConnection("127.0.0.1:1"), timeout_s=0)


def files(folder: Path) -> list[Path]:
    return [*folder.iterdir()]


async def test_nothing_is_started_and_nothing_stopped(servers: Servers, tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path, print)
    stack = system._stack(SystemOptions(data=tmp_path, stack="external", external=GIVEN), supervisor, print)

    await stack.start()
    await stack.stop()

    assert isinstance(stack, ExternalStack)
    assert list(supervisor.children) == []
    assert files(tmp_path) == []  # no account, no password, no folder of a server


async def test_a_system_whose_servers_fail_has_changed_nothing_of_them(
    servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither topics nor a schema are made before both answer; the data folder is free again."""
    servers.fails["neo4j"] = WrongPassword("Neo4j does not accept the password of neo4j")
    for name in ("ensure_topics", "migrate"):
        monkeypatch.setattr(system, name, lambda *_, **__: pytest.fail("a server was changed"))
    monkeypatch.setattr(system, "chosen_models", lambda *_: None)
    options = SystemOptions(data=tmp_path, stack="external", external=GIVEN, issuer="https://id.police.example")

    with pytest.raises(WrongPassword):
        async with running_system(options, print):
            pass

    assert not datafolder.is_held(tmp_path)
    assert not (tmp_path / credentials.FILE).exists()


def test_a_command_takes_passwords_of_external_servers_from_the_settings_only(tmp_path: Path) -> None:
    """An account of a local Kafka that ran on the folder once is not shown to somebody else's."""
    credentials.ensure(tmp_path, "127.0.0.1:9")
    told = Settings(
        stack="external",
        data=tmp_path,
        kafka=GIVEN.kafka,
        neo4j_uri=GIVEN.neo4j_uri,
        neo4j_password=GIVEN.neo4j_password,
        kafka_security=GIVEN.kafka_security,  # type: ignore[arg-type]
    )

    assert addresses_of(told) == GIVEN


def test_a_command_without_addresses_names_the_settings(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="set REDTHREAD_KAFKA and REDTHREAD_NEO4J_URI"):
        addresses_of(Settings(stack="external", data=tmp_path, kafka="kafka.example:9093"))
