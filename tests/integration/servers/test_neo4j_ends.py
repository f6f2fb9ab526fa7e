"""The real Neo4j on a disk that fills up, and on a log that it cannot read: it comes back, or says why it does not."""

import asyncio
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from graph.domain.errors import StoreUnavailable
from graph.store import bootstrap
from graph.store.session import Store
from infra.local import artifacts
from infra.local.base import StackError
from infra.local.memory import memory
from infra.local.neo4j import server
from infra.local.ports import free_ports
from infra.local.supervisor import Supervisor
from tests.support.mounts import fill, tmpfs

PASSWORD = "a password"
DISK_MIB = 200


class Neo4j:
    """A Neo4j under a supervisor, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []
        self.port = free_ports(1)[0]
        self.uri = f"bolt://127.0.0.1:{self.port}"
        self.supervisor = Supervisor(folder / "logs", self.said.append, backoff_s=(0.5, 1.0))

    async def start(self, *, discard: bool = False) -> None:
        jars = artifacts.class_path("neo4j")
        command = server.prepare(self.folder / "neo4j", jars, self.port, memory(), short_lived=True, discard=discard)
        self.supervisor.start(server.spec(command, self._ready))
        async with asyncio.timeout(170):
            await self.supervisor.wait_ready("neo4j")

    async def _ready(self) -> None:
        await bootstrap.set_first_password(self.uri, server.USER, server.SHIPPED_PASSWORD, PASSWORD)

    def store(self) -> Store:
        return Store(self.uri, server.USER, PASSWORD)

    async def says(self, words: str) -> str:
        return await eventually(lambda: next((line for line in self.said if re.search(words, line)), None))


async def eventually(look: Callable[[], str | None]) -> str:
    async with asyncio.timeout(90):
        while (found := look()) is None:  # noqa: ASYNC110 - what is waited for happens in other processes
            await asyncio.sleep(0.05)
    return found


async def write(store: Store, number: int) -> bool:
    """Whether a node of 100 kB was acknowledged."""
    try:
        await store.write(
            lambda tx: tx.do("CREATE (:Full {number: $number, text: $text})", number=number, text="x" * 100_000)
        )
    except StoreUnavailable:
        return False
    return True


async def numbers(store: Store) -> set[int]:
    rows = await store.read(lambda tx: tx.rows("MATCH (n:Full) RETURN n.number AS number"))
    return {row["number"] for row in rows}


def test_neo4j_comes_back_from_a_full_disk_with_all_it_acknowledged_and_names_a_log_that_it_cannot_read(
    tmp_path: Path,
) -> None:
    """Symptom: after a minute without space Neo4j refused everything until somebody restarted it, and then its log
    could not be read. Cause: its database stays broken once its log could not be written, and its own stop writes the
    rest of the half-written transaction. Reproduced by a tmpfs that is filled to the last byte, and bytes behind the
    log.
    """
    with tmpfs(tmp_path / "disk", f"{DISK_MIB}m") as disk:
        asyncio.run(_story(Neo4j(disk)))


async def _story(neo4j: Neo4j) -> None:
    try:
        # Given a Neo4j whose disk is filled to the last byte while it is written to
        await neo4j.start()
        acknowledged: set[int] = set()
        async with neo4j.store() as store:
            assert await write(store, 0)
            acknowledged.add(0)
            other = fill(neo4j.folder)
            while await write(store, len(acknowledged)):
                acknowledged.add(len(acknowledged))
            # Then it says why it ended
            await neo4j.says(r"neo4j ended \(exit code 75: no space left on its disk\)")
            # And when there is space again, it comes back by itself with everything that it acknowledged
            other.unlink()
            await neo4j.says("neo4j runs again")
            assert acknowledged <= await numbers(store)
            assert await write(store, -1)
        await neo4j.supervisor.stop("neo4j")

        # Given a log that cannot be read to its end
        logs = (neo4j.folder / "neo4j/data/transactions/neo4j").glob("neostore.transaction.db.*")
        log = max(logs, key=lambda path: int(path.suffix[1:]))
        written = log.read_bytes().rstrip(b"\0")
        with log.open("r+b") as file:
            file.seek(len(written) + 1)
            file.write(os.urandom(2000))
        # When it is started, then that is refused at the first start, with the command that mends it
        neo4j.said.clear()
        with pytest.raises(StackError) as refused:
            await neo4j.start()
        await neo4j.supervisor.stop("neo4j")
        assert "neo4j does not start: it cannot read its transaction log" in refused.value.message
        assert "redthread up --discard-unreadable-log" in refused.value.message
        assert len([line for line in neo4j.said if "ended" in line]) == 1
        # And when it may drop what it cannot read, then it serves what it can
        await neo4j.start(discard=True)
        server.keep_log(neo4j.folder / "neo4j")
        assert "fail_on_corrupted" not in (neo4j.folder / "neo4j/conf/neo4j.conf").read_text("utf-8")
        async with neo4j.store() as store:
            assert {*acknowledged, -1} <= await numbers(store)
    finally:
        await neo4j.supervisor.stop_all()
