"""One gallery in a process of its own, for `bench search`: loads it, times what it is asked to, one question at a time.

Run by `tests.bench.environment.peer_process` with this interpreter and one thread of BLAS, as link runs.
"""

import asyncio
import gc
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, LiteralString

import numpy as np
import psutil
from neo4j import AsyncDriver, AsyncGraphDatabase, AsyncManagedTransaction, Record

from graph.actions.link.register import PAGE
from graph.store.queries import gallery as queries
from graph.store.session import Store
from streams.faces.models import MODEL_ID
from streams.gallery.scoring import Scorer
from tests.bench.search import gallery as ours
from tests.bench.search.draw import Register, Vectors
from tests.bench.search.graph import write_tables
from tests.bench.search.reference import compared, expected_links
from tests.bench.search.store import DrawnStore

RECALL_BATCH = 0
"""The batch that the reference is asked for; the others are timed."""


class Process:
    """What this process holds."""

    def __init__(self, faces: int, seed: int, *, mapped: bool, codes: bool) -> None:
        if not codes:
            ours.without_codes()
        self.calibration = ours.calibration(mapped=mapped)
        self.register = Register(faces, seed, self.calibration.score)
        self.pool = ours.pool()
        self.gallery = ours.Gallery(calibrations={MODEL_ID: self.calibration})

    def load(self, servers: dict[str, str] | None) -> dict[str, float]:
        """Seconds of the load, and how many bytes of resident memory the process gained."""

        async def loaded() -> ours.Gallery:
            store = DrawnStore(self.register) if servers is None else Store(**servers)
            async with store:
                await store.read(lambda tx: tx.rows(queries.GALLERY_ERASURES))  # connects
                before.append(_resident())
                started.append(time.perf_counter())
                return await ours.loaded(store, self.calibration)

        before: list[int] = []
        started: list[float] = []
        self.gallery = asyncio.run(loaded())
        seconds = time.perf_counter() - started[0]
        gc.collect()
        return {"seconds": seconds, "bytes": _resident() - before[0]}

    def link(self, batch: int, size: int) -> tuple[float, float]:
        """Time of link's own work for a batch of new media with one face each."""
        records = ours.records(ours.new_faces(self.register, batch, size))
        return _timed(lambda: ours.link(self.gallery, records))

    def product(self, batch: int, size: int) -> tuple[float, float]:
        """Time of one float32 product of as many vectors with all stored ones, which keeps none of its scores."""
        vectors = self._scored(batch, size)
        blocks = ours.blocks(self.gallery)
        return _timed(lambda: self._over(blocks, partial(_products, vectors)))

    def read(self) -> tuple[float, float]:
        """Time that reading all stored vectors once takes."""
        blocks = ours.blocks(self.gallery)
        return _timed(lambda: self._over(blocks, _read))

    def search(self, batch: int, size: int) -> tuple[float, float]:
        """Time of the exact search for all that is at or above the floor."""
        vectors = self._scored(batch, size)
        return _timed(lambda: ours.search(self.gallery, vectors, self.calibration.floor))

    def recall(self, size: int) -> dict[str, Any]:
        """What link finds of what float64 brute force with all rules finds."""
        new = ours.new_faces(self.register, RECALL_BATCH, size, crowds=True)
        found = ours.link(self.gallery, ours.records(new))
        return compared(found, expected_links(self.register, self.calibration, new))

    def uses_codes(self) -> bool:
        """Whether the search compares 8-bit codes first."""
        return ours.uses_codes()

    def shares(self, size: int) -> list[list[float]]:
        """Floor and thresholds, and the share of pairs of strangers that reach each."""
        count = min(size, self.register.faces)
        scored = Scorer(self.calibration.score).all_scored(self.register.vectors(0, count))
        scored = scored[self.register.person[:count] < 0]
        half = len(scored) // 2
        scores = scored[:half] @ scored[half:].T
        limits = [self.calibration.floor, *(limit for limit, _ in self.calibration.false_accepts)]
        return [[limit, float((scores >= limit).mean())] for limit in limits]

    def save(self, vectors: str, questions: str, batch: int, size: int) -> int:
        """Writes the stored scored vectors and those of a batch of new faces as files of numpy; how many are stored."""
        blocks = ours.blocks(self.gallery)
        total = sum(map(len, blocks))
        file = np.lib.format.open_memmap(vectors, "w+", np.float32, (total, blocks[0].shape[1]))
        at = 0
        for block in blocks:
            file[at : at + len(block)] = block
            at += len(block)
        file.flush()
        np.save(Path(questions), self._scored(batch, size))
        return total

    def tables(self, folder: str) -> None:
        """Writes what Neo4j's import makes the graph of."""
        write_tables(self.register, Path(folder))

    def _scored(self, batch: int, size: int) -> Vectors:
        stored = np.stack([face.vector for face in ours.new_faces(self.register, batch, size)])
        return Scorer(self.calibration.score).all_scored(stored)

    def _over(self, blocks: list[Vectors], work: Callable[[Iterable[Vectors]], None]) -> None:
        """Gives each thread its part of the blocks."""
        list(self.pool.map(work, [blocks[number :: ours.THREADS] for number in range(ours.THREADS)]))


def bare(servers: dict[str, str]) -> float:
    """Seconds in which the bare driver reads the pages and rows that the gallery is loaded from."""
    user, password = servers["user"], servers["password"]

    async def read() -> float:
        async with AsyncGraphDatabase.driver(servers["uri"], auth=(user, password), telemetry_disabled=True) as driver:
            await driver.verify_connectivity()
            started = time.perf_counter()
            after = ""
            while media := await _rows(driver, queries.GALLERY_MEDIA, {"after": after, "limit": PAGE}):
                span = {"after": after, "last": (after := media[-1]["media_id"]), "model_id": MODEL_ID}
                await _rows(driver, queries.GALLERY_FACES, span)
            return time.perf_counter() - started

    return asyncio.run(read())


async def _rows(driver: AsyncDriver, query: LiteralString, values: dict[str, Any]) -> list[Record]:
    async def work(tx: AsyncManagedTransaction) -> list[Record]:
        return [record async for record in await tx.run(query, values)]

    async with driver.session(database="neo4j", default_access_mode="READ") as session:
        return await session.execute_read(work)


def _products(queries: Vectors, blocks: Iterable[Vectors]) -> None:
    out = np.empty((len(queries), ours.BLOCK), np.float32)
    for block in blocks:
        np.matmul(queries, block.T, out=out[:, : len(block)])


def _read(blocks: Iterable[Vectors]) -> None:
    for block in blocks:
        flat = block.reshape(-1)
        np.dot(flat, flat)


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds that the work takes, and of all processors together."""
    started, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - started, time.process_time() - used


def _resident() -> int:
    return int(psutil.Process().memory_info().rss)


_held: list[Process] = []


def answer(question: dict[str, Any]) -> Any:
    """What the method `do` returns for the other values of the question; `start` makes the process's register."""
    match question:
        case {"do": "start", **values}:
            _held[:] = [Process(**values)]
            return None
        case {"do": "bare", **values}:
            return bare(**values)
        case {"do": str(name), **values}:
            return getattr(_held[0], name)(**values)
        case _:
            raise ValueError("no such question")
