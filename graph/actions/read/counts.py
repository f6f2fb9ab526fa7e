"""Counts and tables of the graph for operators and evaluation: with scores, never for people who judge links."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from graph.domain.link import State
from graph.files import UPLOAD_SCHEME
from graph.store import migrate
from graph.store.queries import read as queries
from graph.store.queries import relay, schema
from graph.store.session import Row, Store, Tx

ROWS_A_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Sizes:
    """Stored cases, media and faces; events in quarantine; outbox records that wait, and those that are withheld."""

    cases: int
    media: int
    faces: int
    quarantined: int
    outbox: int
    withheld: int


@dataclass(frozen=True, slots=True)
class Counts:
    """As `Sizes`, with `withheld` records by topic, `links` by state, and the faces too poor to compare."""

    cases: int
    media: int
    faces: int
    quarantined: int
    outbox: int
    too_poor: int
    withheld: dict[str, int]
    links: dict[str, int]


@dataclass(frozen=True, slots=True)
class ScoredLink:
    """A link with its score."""

    link_id: str
    state: str
    score: float
    threshold: float
    a_face: str
    a_media: str
    a_cases: tuple[str, ...]
    a_box: tuple[int, ...]
    b_face: str
    b_media: str
    b_cases: tuple[str, ...]
    b_box: tuple[int, ...]


async def sizes(store: Store) -> Sizes:
    """The sizes of the graph; cheap at any size."""
    row = await store.read(lambda tx: tx.one(queries.SIZES))
    assert row is not None
    return Sizes(**row)


async def counts(store: Store) -> Counts:
    """What the graph holds and what waits; reads every face and link."""

    async def work(tx: Tx) -> Counts:
        numbers, too_poor = await tx.one(queries.SIZES), await tx.one(queries.TOO_POOR)
        assert numbers is not None and too_poor is not None
        by_state = {row["state"]: row["number"] for row in await tx.rows(queries.LINKS_BY_STATE)}
        withheld = {row["topic"]: row["records"] for row in await tx.rows(relay.WITHHELD)}
        links = {state.value: by_state.get(state.value, 0) for state in State}
        more: Row = {**too_poor, "withheld": withheld, "links": links}
        return Counts(**(numbers | more))

    return await store.read(work)


async def scored_links(store: Store) -> AsyncIterator[ScoredLink]:
    """Every link of the graph by link id, leads and links within one case included; read page by page."""
    async for page in store.pages(queries.LINK_ROWS, ROWS_A_PAGE, lambda row: row["link_id"]):
        for row in page:
            lists: Row = {name: tuple(row[name] or ()) for name in ("a_cases", "a_box", "b_cases", "b_box")}
            yield ScoredLink(**(row | lists))


async def stores_files(store: Store) -> bool:
    """Whether the graph refers to a file in the media store: a face's crop, or an upload."""
    row = await store.read(lambda tx: tx.one(queries.STORES_FILES, uploads=UPLOAD_SCHEME))
    return bool(row and row["stores"])


async def missing_migrations(store: Store) -> list[str]:
    """The names of the migrations that are not applied; raises StoreUnavailable where Neo4j does not answer."""
    done = {row["number"] for row in await store.read(lambda tx: tx.rows(schema.MIGRATIONS))}
    return [name for number, name, _ in migrate.migrations() if number not in done]
