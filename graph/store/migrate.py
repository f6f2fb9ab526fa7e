"""Brings the graph's schema to the newest numbered migration."""

from collections.abc import Awaitable, Callable
from importlib import resources
from typing import Final, LiteralString, cast

from graph.domain.errors import RedthreadError
from graph.domain.victim import formed_id
from graph.paging import chunks
from graph.store.queries import schema, victims
from graph.store.session import Store

VICTIMS_A_PAGE: Final = 200


class NewerSchema(RedthreadError):
    """A newer release has migrated the graph: this one must not write to it."""

    code = "newer_schema"


def migrations() -> list[tuple[int, str, str]]:
    """All migrations as (number, name, text), in order."""
    files = [file for file in resources.files("graph.store.migrations").iterdir() if file.name.endswith(".cypher")]
    return sorted((int(file.name[:4]), file.name.removesuffix(".cypher"), file.read_text("utf-8")) for file in files)


async def migrate(store: Store) -> list[str]:
    """The names of the migrations applied now; none where the graph is up to date."""
    await store.statement(schema.MIGRATION_CONSTRAINT)
    done = {row["number"] for row in await store.read(lambda tx: tx.rows(schema.MIGRATIONS))}
    known = migrations()
    if unknown := done - {number for number, _, _ in known}:
        raise NewerSchema(f"the graph has migration {max(unknown)}, this release knows up to {known[-1][0]}")
    applied: list[str] = []
    for number, name, text in known:
        if number in done:
            continue
        for statement in filter(None, (part.strip() for part in text.split(";"))):
            # The statements come from our own package, never from input.
            await store.statement(cast(LiteralString, statement))
        if number in FURTHER:
            await FURTHER[number](store)
        await store.write(lambda tx, n=number, m=name: tx.do(schema.MIGRATION_DONE, number=n, name=m))
        applied.append(name)
    return applied


async def name_victims(store: Store) -> None:
    """Stores the names under which districts may know a part of a victim that lies in several of them.

    Older releases stored only the name of the whole victim, which not everybody may know. Can be repeated safely.
    """
    async for page in store.pages(victims.LINKS_ACROSS, VICTIMS_A_PAGE, lambda row: row["victim_id"]):
        rows = [{"victim_id": formed_id(link), "link_id": link} for row in page for link in row["links"]]
        for chunk in chunks(rows):
            await store.write(lambda tx, chunk=chunk: tx.do(victims.NAME_VICTIMS, rows=chunk))


FURTHER: Final[dict[int, Callable[[Store], Awaitable[None]]]] = {11: name_victims}
"""Steps of migrations after their statements that Cypher cannot do: names are digests."""
