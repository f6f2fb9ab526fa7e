"""A batch that is too large for one transaction, as several that are written one after the other. Pure.

Closing, opening or erasing a case concerns every picture in it. In one transaction 20,000 pictures with 60,000
undecided links overflow Neo4j's memory (512 MB of heap), and nobody else could decide or read until it ended.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from graph.actions.link.writes import GraphWrites
from graph.paging import chunks
from graph.store.session import Row

CHUNK: Final = 500
"""Pictures, faces or links of one transaction: well below a second, so that people's decisions run in between."""


def in_chunks(writes: GraphWrites, size: int = CHUNK) -> list[GraphWrites]:
    """The batch in the order in which to write it; the last chunk has the notices and moves the cursor.

    Every chunk is safe to crash after: rebuilding the batch from the half-written graph gives the same result. So
    undecided links are written before the memberships that lead to them, faces before their media (a stub keeps its
    cases), and files with their face or media. New objects and their links are in the last chunk: whether a record is
    new or a duplicate depends on the state before it.
    """
    new = {row["face_id"] for row in writes.faces}
    links = {key: row for key, row in writes.links.items() if not {row.a, row.b} & new}
    comparisons = [row for row in writes.comparisons if new.isdisjoint(_faces_of(row))]
    removed = (writes.removed_links, writes.removed_similar, writes.removed_faces, writes.removed_media)
    if max(map(len, (*removed, writes.removed_memberships, comparisons, links))) <= size:
        return [writes]
    files = _by_owner(writes.removed_files)

    def of(owners: Iterable[str]) -> list[str]:
        return [name for owner in owners for name in files.pop(owner, ())]

    nothing = GraphWrites(writes.first, writes.last)
    early = [replace(nothing, removed_links=some) for some in chunks(writes.removed_links, size)]
    early += [replace(nothing, removed_similar=some) for some in chunks(writes.removed_similar, size)]
    early += [
        replace(nothing, removed_faces=some, removed_files=of(some)) for some in chunks(writes.removed_faces, size)
    ]
    early += [
        replace(nothing, removed_media=some, removed_files=of(some)) for some in chunks(writes.removed_media, size)
    ]
    early += [replace(nothing, removed_memberships=some) for some in chunks(writes.removed_memberships, size)]
    early += [replace(nothing, comparisons=some) for some in chunks(comparisons, size)]
    early += [replace(nothing, links=dict(some)) for some in chunks(links.items(), size)]
    rest = replace(
        writes,
        removed_links=[],
        removed_similar=[],
        removed_faces=[],
        removed_media=[],
        removed_memberships=[],
        removed_files=of([*files]),
        comparisons=[row for row in writes.comparisons if not new.isdisjoint(_faces_of(row))],
        links={key: row for key, row in writes.links.items() if key not in links},
    )
    return [*early, rest]


def _faces_of(row: Row) -> list[str]:
    """The faces that a comparison was made for, and those that it lists as similar to them."""
    return [*row["faces"], *(face_id for cut in row["cut"] for face_id in cut["faces"])]


def _by_owner(names: Iterable[str]) -> dict[str, list[str]]:
    """Names of files, `media` or `media/face`, by the face or the media that they belong to."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        found[name.rpartition("/")[2]].append(name)
    return dict(found)
