"""Brings the graph's schema to the newest numbered migration."""

from __future__ import annotations

from importlib import resources
from typing import LiteralString, cast

from graph.domain.errors import RedthreadError
from graph.store.queries import schema
from graph.store.session import Store


class NewerSchema(RedthreadError):
    """The graph was migrated by a newer release: this one must not touch it."""

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
        await store.write(lambda tx, n=number, m=name: tx.do(schema.MIGRATION_DONE, number=n, name=m))
        applied.append(name)
    return applied
