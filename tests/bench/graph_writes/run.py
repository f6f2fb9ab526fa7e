"""`bench graph-writes`: what link commits, in rows a second, beside a bare driver that writes the same rows."""

import statistics
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from neo4j import AsyncGraphDatabase, NotificationMinimumSeverity

from graph.actions.link import commit
from graph.actions.link.cursor import RecordId, raise_epoch
from graph.store.session import Store
from infra.terminal import announce
from streams.settings import Addresses
from tests.bench.bare_loop import cores
from tests.bench.graph_writes import bare as bare
from tests.bench.graph_writes.drawn import MODEL_ID, Drawn

GOAL: Final = 0.8
BATCHES: Final = (1, 64)
"""Records of a transaction: of a stream of single pictures, and of a backlog (`streams.kafka.app.LINK_BATCH`)."""
WARM_UP: Final = 200
"""Pictures of each batch size before the first that counts: until then Neo4j compiles its statements."""
RECORD: Final = RecordId("bench", "0" * 64)


@dataclass(slots=True)
class Spent:
    """The seconds of each transaction of one writer, in rounds."""

    rounds: list[list[float]] = field(default_factory=list[list[float]])

    @property
    def seconds(self) -> float:
        return sum(map(sum, self.rounds))

    def as_json(self, rows: int) -> dict[str, float]:
        """Of so many rows in all."""
        commits = [spent for some in self.rounds for spent in some]
        return {
            "rows_per_s": round(rows / self.seconds, 1),
            "p50_ms_a_commit": round(1000 * statistics.median(commits), 2),
        }


@dataclass(slots=True)
class Size:
    """One batch size: both writers of the same rows."""

    ours: Spent = field(default_factory=Spent)
    bare: Spent = field(default_factory=Spent)
    rows: int = 0
    pictures: int = 0


async def measure_graph_writes(addresses: Addresses, pictures: int, rounds: int, seed: int) -> dict[str, Any]:
    """The object of `bench graph-writes --json`.

    For each batch size, `pictures` drawn ones are written in rounds: by link's own commit, and as often by a bare
    driver, each first in every second round. A row is a node or a relationship; both write the same ones, of two worlds
    that differ in their ids alone. Of ours, `ours_vs_bare` is the share of the bare driver's rows a second; the median
    of the rounds stands beside it.
    """
    found: dict[str, Any] = {}
    auth = (addresses.neo4j_user, addresses.neo4j_password)
    async with (
        Store(addresses.neo4j_uri, *auth) as store,
        AsyncGraphDatabase.driver(
            addresses.neo4j_uri, auth=auth, notifications_min_severity=NotificationMinimumSeverity.OFF
        ) as driver,
    ):
        epoch = (await raise_epoch(store, "bench", MODEL_ID)).epoch
        writers = _Writers(store, driver, epoch, seed)
        for batch in BATCHES:
            await writers.run(WARM_UP, batch, Size(), ours_first=True)
        for batch in BATCHES:
            size = Size()
            for number in range(rounds):
                await writers.run(pictures // rounds, batch, size, ours_first=number % 2 == 0)
            found[f"batch_{batch}"] = _compared(size)
            announce(f"batches of {batch}: {found[f'batch_{batch}']['ours_vs_bare']} of the bare driver")
    return {"pictures": pictures, "rounds": rounds, "cores": cores(), "goal": GOAL, **found}


class _Writers:
    """Link's commit and the bare driver, each with pictures of its own."""

    def __init__(self, store: Store, driver: Any, epoch: int, seed: int) -> None:
        self._store, self._driver, self._epoch = store, driver, epoch
        self._ours, self._bare = Drawn("ours", seed), Drawn("bare", seed)

    async def run(self, pictures: int, batch: int, size: Size, *, ours_first: bool) -> None:
        """One round, added to `size`."""
        size.pictures += pictures
        for ours in (ours_first, not ours_first):
            if ours:
                size.ours.rounds.append(await self._link(pictures, batch))
            else:
                spent, rows = await self._plain(pictures, batch)
                size.bare.rounds.append(spent)
                size.rows += rows

    async def _link(self, pictures: int, batch: int) -> list[float]:
        spent: list[float] = []
        for plan in self._ours.batches(pictures, batch):
            begun = time.perf_counter()
            await commit.commit(
                self._store,
                self._epoch,
                plan.changes,
                now=datetime.now(UTC),
                record=RECORD,
                known_offset=plan.changes.first - 1,
            )
            spent.append(time.perf_counter() - begun)
        return spent

    async def _plain(self, pictures: int, batch: int) -> tuple[list[float], int]:
        spent: list[float] = []
        rows = 0
        for plan in self._bare.batches(pictures, batch):
            now = datetime.now(UTC)
            statements = bare.statements(plan.changes, commit.audit_acts(plan.changes, now), now)
            begun = time.perf_counter()
            rows += await bare.write(self._driver, statements)
            spent.append(time.perf_counter() - begun)
        return spent, rows


def _compared(size: Size) -> dict[str, Any]:
    each = [sum(plain) / sum(ours) for ours, plain in zip(size.ours.rounds, size.bare.rounds, strict=True)]
    return {
        "rows": size.rows,
        "rows_a_picture": round(size.rows / size.pictures, 1),
        "ours": size.ours.as_json(size.rows),
        "bare": size.bare.as_json(size.rows),
        "ours_vs_bare": round(size.bare.seconds / size.ours.seconds, 3),
        "median_of_rounds": round(statistics.median(each), 3),
    }
