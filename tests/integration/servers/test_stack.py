"""The local stack as a person uses it: real servers that start, keep their data, and leave nothing behind."""

import asyncio
import fcntl
import os
import shutil
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from graph.store.session import Store
from infra.local import datafolder
from infra.local.base import StackError
from streams.settings import Addresses
from tests.support.commands import redthread
from tests.support.harness import LONG_S

CHECKOUT = Path(__file__).parents[3]
TOPIC = "stack.test"


StartStack = Callable[[Path], tuple["subprocess.Popen[str]", Addresses]]


def servers_of(process: subprocess.Popen[str]) -> dict[str, psutil.Process]:
    """The children of a stack by what they run."""
    found = psutil.Process(process.pid).children()
    return {"neo4j" if any("launcher.py" in word for word in child.cmdline()) else "kafka": child for child in found}


def connection(addresses: Addresses) -> dict[str, str]:
    return {"bootstrap.servers": addresses.kafka, **addresses.kafka_connection.security}


def write(addresses: Addresses) -> None:
    """One record and one node."""
    admin = AdminClient(connection(addresses))
    admin.create_topics([NewTopic(TOPIC, num_partitions=1, replication_factor=1)])[TOPIC].result(LONG_S)
    producer = Producer({**connection(addresses), "acks": "all"})
    producer.produce(TOPIC, b"kept")
    assert producer.flush(LONG_S) == 0

    async def create() -> None:
        async with Store(*addresses.neo4j) as store:
            await store.write(lambda tx: tx.do("CREATE (:StackTest {kept: true})"))

    asyncio.run(create())


def read(addresses: Addresses) -> tuple[list[bytes | None], list[dict[str, object]]]:
    """The records and the nodes that `write` made."""
    consumer = Consumer({**connection(addresses), "group.id": "stack-test"})
    consumer.assign([TopicPartition(TOPIC, 0, 0)])
    records = [message.value() for message in consumer.consume(1, timeout=LONG_S)]
    consumer.close()

    async def nodes() -> list[dict[str, object]]:
        async with Store(*addresses.neo4j) as store:
            return await store.read(lambda tx: tx.rows("MATCH (n:StackTest) RETURN n.kept AS kept"))

    return records, asyncio.run(nodes())


def test_data_survive_a_restart_and_no_server_survives_its_supervisor(tmp_path: Path, start_stack: StartStack) -> None:
    # Given a stack with a record and a node, of which a server was killed and came back
    data = tmp_path / "data"
    process, first = start_stack(data)
    write(first)
    killed = servers_of(process)["kafka"]
    killed.kill()
    killed.wait(LONG_S)
    until = time.monotonic() + LONG_S
    while "kafka" not in (running := servers_of(process)) or running["kafka"].pid == killed.pid:
        assert time.monotonic() < until, "Kafka was not started again"
        time.sleep(0.1)
    # When it is stopped and started on other ports
    process.send_signal(signal.SIGTERM)
    assert process.wait(LONG_S) == 0
    process, second = start_stack(data)
    # Then both are still there, under the same password, which only the owner can read
    assert read(second) == ([b"kept"], [{"kept": True}])
    assert second.neo4j_password == first.neo4j_password
    assert stat.S_IMODE((data / datafolder.SECRETS).stat().st_mode) == 0o600
    # And when the supervisor is killed with SIGKILL
    servers = list(servers_of(process).values())
    process.kill()
    process.wait()
    # Then the servers follow, and the folder is free once they are gone
    _, alive = psutil.wait_procs(servers, timeout=LONG_S)
    assert not alive
    assert not datafolder.is_held(data)
    # And when the file with the password is lost, the folder is refused, and what the refusal says to do loses no data
    (data / datafolder.SECRETS).write_bytes(b"")
    with pytest.raises(StackError, match="is damaged") as refused:
        datafolder.password(data)
    (data / datafolder.SECRETS).unlink()
    for place in ("databases", "transactions"):
        account = data / "neo4j" / "data" / place / "system"
        assert str(account) in refused.value.message
        shutil.rmtree(account)
    process, third = start_stack(data)
    assert third.neo4j_password != first.neo4j_password
    assert read(third) == ([b"kept"], [{"kept": True}])
    process.send_signal(signal.SIGTERM)
    assert process.wait(LONG_S) == 0


def test_a_taken_port_is_refused_by_its_number(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = redthread(
            "up", "--data", str(tmp_path), "--kafka-port", str(port), "--neo4j-port", "0", "--api-port", "0"
        )
    assert done.returncode == 1
    assert f"redthread: port {port} for Kafka is taken: stop the program that listens there" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_up_on_one_data_folder_is_refused(tmp_path: Path) -> None:
    folder = datafolder.DataFolder.acquire(tmp_path)
    folder.write_state({"pid": os.getpid()})
    done = redthread("up", "--data", str(tmp_path))
    folder.release()
    assert done.returncode == 1
    assert f"already runs on {tmp_path} (process {os.getpid()})" in done.stderr


def test_a_folder_is_waited_for_while_servers_of_a_killed_supervisor_still_stop(tmp_path: Path) -> None:
    # Given a lock that a process holds which is not the supervisor named in the folder
    datafolder.DataFolder.acquire(tmp_path).release()
    with (tmp_path / datafolder.LOCK).open("r+") as server:
        fcntl.flock(server, fcntl.LOCK_EX)
        orphan = subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=[server.fileno()])
    # When another acquires it, then that waits until the last holder is gone
    with ThreadPoolExecutor() as beside:
        acquiring = beside.submit(datafolder.DataFolder.acquire, tmp_path)
        with pytest.raises(TimeoutError):
            acquiring.result(0.5)
        orphan.communicate()
        acquiring.result(LONG_S).release()


def test_down_and_status_on_a_folder_without_anything_say_so(tmp_path: Path) -> None:
    down, status = redthread("down", "--data", str(tmp_path)), redthread("status", "--data", str(tmp_path))
    assert (down.returncode, status.returncode) == (0, 1)
    assert "nothing runs on" in down.stderr
    assert "nothing runs on" in status.stdout
