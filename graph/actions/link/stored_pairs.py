"""Pairs of faces that the graph stores because link compared them, and that nobody has decided on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graph.store.queries import ingest as queries
from graph.store.session import Store, Tx

Pair = tuple[str, str]
"""Two face ids."""


@dataclass(frozen=True, slots=True)
class StoredPairs:
    """Undecided links by id, and ordered pairs of which the second face is listed as similar to the first."""

    links: dict[str, Pair]
    similar: list[Pair]


async def stored_pairs(store: Store, media: Sequence[str]) -> StoredPairs:
    """The pairs with a face of these media.

    Only link adds such pairs, and a link that a person has decided on never becomes undecided again. So what link reads
    before its commit includes everything that may have to be removed in it; the commit keeps links decided meanwhile.
    """

    async def work(tx: Tx) -> StoredPairs:
        links = await tx.rows(queries.UNDECIDED_LINKS, media=media)
        similar = await tx.rows(queries.SIMILAR_PAIRS, media=media)
        return StoredPairs(
            {row["link_id"]: (row["a"], row["b"]) for row in links}, [(row["a"], row["b"]) for row in similar]
        )

    return await store.read(work)
