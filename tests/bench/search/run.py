"""`bench search`: what comparing a new face with the whole register costs, beside the bare work it is made of.

Every gallery is in a process of its own, so that its memory can be measured. Figures of one
ratio are measured in turns.
"""

import asyncio
import os
import sys
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np

from graph.files import MediaStore
from graph.store.session import Store
from infra.local.options import SystemOptions
from infra.local.system import running_system
from streams.settings import cache_folder
from tests.bench.environment import NotInstalled, PeerProcess, peer_environment, peer_process
from tests.bench.search.graph import import_graph
from tests.bench.search.index import FACES as INDEXED
from tests.bench.search.index import measure_index

BATCH: Final = 64
"""New media in one batch, with a face each."""
SMALL: Final = 1000
"""Faces of the register that tells what a new face costs however few are stored."""
CONSTANT_MS: Final = 0.3
"""Of a new face's cost, what need not be a multiple of the product."""
SCORED: Final = 100_000
"""The most faces at which the score map's cost is measured."""
ROUNDS: Final = 7
LOADS: Final = 2
DIMENSIONS: Final = 128
HERE: Final = Path(__file__).parent
GOALS: Final = {
    "recall": 1.0,
    "link_vs_product": 1.3,
    "constant_ms": CONSTANT_MS,
    "single_vs_memory_read": 1.3,
    "batch32_vs_faiss_flat_speedup": 4.0,
    "int8_vs_float32_speedup": 2.0,
    "memory_vs_raw": 1.65,
    "load_vs_driver": 1.5,
}
Announce = Callable[[str], None]
Timed = Callable[[int], Awaitable[tuple[float, float]]]
"""Seconds of a measurement for the batch of this number: by the clock, and of all processors together."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How large the register is, at which other sizes link is measured, and whether it goes through the graph too."""

    faces: int
    sizes: tuple[int, ...]
    seed: int
    graph: bool


@dataclass(frozen=True, slots=True)
class Took:
    """Milliseconds a face or query in each round: by the clock, and of all processors together.

    The least is what counts: whatever else the machine does only adds to it.
    """

    clock: tuple[float, ...]
    processors: tuple[float, ...]

    @property
    def ms(self) -> float:
        return min(self.clock)

    def as_json(self) -> dict[str, float]:
        return {"ms": self.ms, "median_ms": median(self.clock), "processor_ms": min(self.processors)}


async def measure_search(asked: Asked, scratch: Path, repository: str, announce: Announce) -> dict[str, Any]:
    """All figures; `scratch` is an empty folder for a graph and for files of vectors."""
    found: dict[str, Any] = {
        "faces": asked.faces,
        "seed": asked.seed,
        "batch": BATCH,
        "threads": os.cpu_count(),
        "goals": GOALS,
        "sizes": {},
        "load_average": [os.getloadavg()[0]],
    }
    for size in sorted({SMALL, *asked.sizes, asked.faces}):
        announce(f"{size} faces")
        async with _gallery(size, asked.seed) as gallery:
            row = found["sizes"][str(size)] = await _at_size(gallery, size)
            announce(
                f"link {row['link']['ms']:.3f} ms a face, the product {row['product']['ms']:.3f}, "
                f"of all processors {row['link']['processor_ms']:.3f} and {row['product']['processor_ms']:.3f}; "
                f"{row['bytes_per_face']:.0f} bytes a face, recall {row['recall']:.4f}"
            )
            if size == asked.faces:
                found["shares_above"] = await _ask(gallery, "shares", size=20_000)
                found |= await _search(gallery, scratch, announce)
                found |= await _codes(gallery, asked)
    announce("the score map")
    found["score_vs_cosine"] = await _score(min(asked.faces, SCORED), asked.seed)
    if asked.graph:
        found |= await _graph(asked, scratch, repository, announce)
    found["load_average"].append(os.getloadavg()[0])
    return found | _summary(found["sizes"], asked.faces, found.get("graph"))


async def _at_size(gallery: PeerProcess, size: int) -> dict[str, Any]:
    """What loading, memory, recall and linking come to at one size."""
    loaded = await _ask(gallery, "load", servers=None)
    recall = await _ask(gallery, "recall", size=BATCH)
    link, product = await _in_turns(BATCH, _way(gallery, "link", BATCH), _way(gallery, "product", BATCH))
    return {
        **recall,
        "link": link.as_json(),
        "product": product.as_json(),
        "bytes_per_face": loaded["bytes"] / size,
        "memory_vs_raw": loaded["bytes"] / size / (4 * DIMENSIONS),
    }


async def _search(gallery: PeerProcess, scratch: Path, announce: Announce) -> dict[str, Any]:
    """One query beside one read of the memory, and 32 beside what others take for the exact nearest."""
    single, read = await _in_turns(1, _way(gallery, "search", 1), _way(gallery, "read"))
    found: dict[str, Any] = {
        "single": single.as_json(),
        "memory_read": read.as_json(),
        "single_vs_memory_read": single.ms / read.ms,
    }
    vectors, questions = scratch / "vectors.npy", scratch / "queries.npy"
    files = {"vectors": str(vectors), "queries": str(questions)}
    await _ask(gallery, "save", vectors=files["vectors"], questions=files["queries"], batch=1, size=32)
    try:
        python = await _environment(announce)
        with peer_process(python, HERE / "peers.py", os.cpu_count() or 1) as peers:
            versions = await _ask(peers, "load", **files)
            names = list(versions)
            ours, *theirs = await _in_turns(32, _way(gallery, "search", 32), *(_way(peers, name, 32) for name in names))
        took = dict(zip(("ours", *names), (ours, *theirs), strict=True))
        found["batch32"] = {name: each.as_json() for name, each in took.items()}
        found["batch32_vs_faiss_flat_speedup"] = took["faiss"].ms / ours.ms
        found["versions"] = versions
    except NotInstalled as missing:
        announce(f"no peers: {missing.message}")
    finally:
        vectors.unlink(missing_ok=True)
        questions.unlink(missing_ok=True)
    return found


async def _codes(gallery: PeerProcess, asked: Asked) -> dict[str, Any]:
    """The search and the memory without 8-bit codes; nothing where they are not used."""
    if not await _ask(gallery, "uses_codes"):
        return {}
    async with _gallery(asked.faces, asked.seed, codes=False) as plain:
        loaded = await _ask(plain, "load", servers=None)
        coded, float32 = await _in_turns(BATCH, _way(gallery, "search", BATCH), _way(plain, "search", BATCH))
    return {
        "batch64": {"with_codes": coded.as_json(), "float32_only": float32.as_json()},
        "int8_vs_float32_speedup": float32.ms / coded.ms,
        "memory_vs_raw_float32_only": loaded["bytes"] / asked.faces / (4 * DIMENSIONS),
    }


async def _score(faces: int, seed: int) -> float:
    """Link's time with the calibration's map divided by its time on vectors that are compared as they are stored."""
    async with _gallery(faces, seed) as mapped, _gallery(faces, seed, mapped=False) as plain:
        for gallery in (mapped, plain):
            await _ask(gallery, "load", servers=None)
        with_map, without = await _in_turns(BATCH, _way(mapped, "link", BATCH), _way(plain, "link", BATCH))
    return with_map.ms / without.ms


async def _graph(asked: Asked, scratch: Path, repository: str, announce: Announce) -> dict[str, Any]:
    """Memory and time of a load from a real graph, beside the bare driver; and Neo4j's own vector index."""
    data, tables = scratch / "data", scratch / "tables"
    tables.mkdir()
    announce("writing tables for Neo4j's import")
    async with _gallery(asked.faces, asked.seed) as gallery:
        await _ask(gallery, "tables", folder=str(tables))
    announce("Neo4j's import")
    await import_graph(data, tables, repository)
    MediaStore((data / "store").as_uri()).make(is_new=True)
    options = SystemOptions(data=data, embed=0, link=False, api=False, maven_repository=repository)
    async with running_system(options, announce) as system:
        known = system.addresses
        servers = {"uri": known.neo4j_uri, "user": known.neo4j_user, "password": known.neo4j_password}
        loads: list[dict[str, Any]] = []
        bare: list[float] = []
        recall: dict[str, Any] = {}
        for number in range(LOADS):
            announce(f"loading from the graph, {number + 1} of {LOADS}")
            with peer_process(Path(sys.executable), HERE / "child.py") as driver:
                bare.append(await _ask(driver, "bare", servers=servers))
            async with _gallery(asked.faces, asked.seed) as gallery:
                loads.append(await _ask(gallery, "load", servers=servers))
                announce(
                    f"{loads[-1]['seconds']:.0f} s, the driver {bare[-1]:.0f} s; "
                    f"{loads[-1]['bytes'] / asked.faces:.0f} bytes a face"
                )
                recall = await _ask(gallery, "recall", size=BATCH)
        announce("Neo4j's vector index")
        index = await _vector_index(min(asked.faces, INDEXED), asked.seed, servers, scratch)
    least = min(load["seconds"] for load in loads)
    return {
        "vector_index": index,
        "graph": {
            "load_seconds": least,
            "driver_seconds": min(bare),
            "load_vs_driver": least / min(bare),
            "bytes_per_face": loads[0]["bytes"] / asked.faces,
            "recall": recall["recall"],
            "memory_vs_raw": loads[0]["bytes"] / asked.faces / (4 * DIMENSIONS),
        },
    }


async def _vector_index(faces: int, seed: int, servers: dict[str, str], scratch: Path) -> dict[str, Any]:
    files = [scratch / "vectors.npy", scratch / "queries.npy"]
    async with _gallery(faces, seed) as gallery:
        await _ask(gallery, "load", servers=None)
        await _ask(gallery, "save", vectors=str(files[0]), questions=str(files[1]), batch=1, size=32)
    async with Store(**servers) as store:
        return await measure_index(store, *(np.load(file) for file in files))


def _summary(sizes: dict[str, dict[str, Any]], faces: int, graph: dict[str, Any] | None) -> dict[str, Any]:
    """The figures of the goals, and the line through link's time at all sizes."""
    whole = sizes[str(faces)]
    found: dict[str, Any] = {
        "recall": min(each["recall"] for each in sizes.values()),
        "memory_vs_raw": whole["memory_vs_raw"],
        "ms_per_face": {size: each["link"]["ms"] for size, each in sizes.items()},
    }
    for name, clock in (("link_vs_product", "ms"), ("link_vs_product_of_processors", "processor_ms")):
        constant = sizes[str(SMALL)]["link"][clock] - sizes[str(SMALL)]["product"][clock]
        found |= {
            "constant_ms" if clock == "ms" else "constant_processor_ms": constant,
            name: {
                size: (each["link"][clock] - min(constant, CONSTANT_MS)) / each["product"][clock]
                for size, each in sizes.items()
            },
        }
    if len(sizes) > 1:
        millions, ms = [int(size) / 1e6 for size in sizes], list(found["ms_per_face"].values())
        slope, at_none = np.polyfit(millions, ms, 1)
        found["fitted_line"] = {"ms_at_none": float(at_none), "ms_per_million": float(slope)}
    if graph is not None:
        found |= {name: graph[name] for name in ("memory_vs_raw", "load_vs_driver")}
        found["recall"] = min(found["recall"], graph["recall"])
    return found


async def _environment(announce: Announce) -> Path:
    stop = threading.Event()
    wanted = (HERE.parent / "peers" / "requirements" / "search.lock").read_text("utf-8")
    announce("Python packages of the peers")
    try:
        return await asyncio.to_thread(peer_environment, "search", wanted, cache_folder() / "peers", stop)
    finally:
        stop.set()


@asynccontextmanager
async def _gallery(faces: int, seed: int, *, mapped: bool = True, codes: bool = True) -> AsyncGenerator[PeerProcess]:
    """A process with a drawn register, whose gallery is still empty; without `codes` it compares float32 alone."""
    with peer_process(Path(sys.executable), HERE / "child.py") as process:
        await _ask(process, "start", faces=faces, seed=seed, mapped=mapped, codes=codes)
        yield process


async def _ask(process: PeerProcess, what: str, **values: Any) -> Any:
    return await asyncio.to_thread(process.ask, {"do": what, **values})


def _way(process: PeerProcess, what: str, size: int = 0) -> Timed:
    """Asks the process how long something takes: for a batch of so many faces, or once."""
    return lambda batch: _ask(process, what, **({"batch": batch, "size": size} if size else {}))


async def _in_turns(among: int, *ways: Timed) -> list[Took]:
    """What each way takes in each round for one of `among` faces, all ways in every round; the first is not counted."""
    took: list[list[tuple[float, float]]] = [[] for _ in ways]
    for batch in range(1, ROUNDS + 2):
        for rounds, way in zip(took, ways, strict=True):
            clock, processors = await way(batch)
            rounds.append((clock / among * 1e3, processors / among * 1e3))
    return [Took(*zip(*rounds[1:], strict=True)) for rounds in took]
