"""What link loads of the register, in the rows of `graph.store.queries.gallery`.

Rows, not objects: a register has millions of them, and link copies each page into its columns at once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, LiteralString

from graph.domain.erasure import Erased, ErasureCode
from graph.store.queries import gallery as queries
from graph.store.session import Row, Store

PAGE: Final = 5000


async def cases(store: Store) -> list[Row]:
    """All cases: `case_id`, `district`, `status`, `version`."""
    return await _rows(store, queries.GALLERY_CASES)


async def erasures(store: Store) -> dict[str, Erased]:
    """The latest erasure request of each erased subject."""
    return {
        row["subject"]: Erased(
            row["requested_at"],
            ErasureCode(row["code"]) if row["code"] else None,
            row["face_id"],
            tuple(row["districts"]),
        )
        for row in await _rows(store, queries.GALLERY_ERASURES)
    }


async def size(store: Store) -> tuple[int, int]:
    """The numbers of faces and of media, by the database's own counts."""
    rows = await _rows(store, queries.GALLERY_SIZE)
    return (rows[0]["faces"], rows[0]["media"]) if rows else (0, 0)


async def media_with_faces(
    store: Store, model_id: str, progress: Callable[[], None]
) -> AsyncIterator[tuple[list[Row], list[Row]]]:
    """All media, in pages by id, each page with all faces of its media and their vectors of this model."""
    after = ""
    async for media in _pages(store, queries.GALLERY_MEDIA, "media_id", progress):
        last = media[-1]["media_id"]
        faces = await _rows(store, queries.GALLERY_FACES, after=after, last=last, model_id=model_id)
        progress()
        yield media, faces
        after = last


def cannot_links(store: Store, progress: Callable[[], None]) -> AsyncIterator[list[Row]]:
    """The pairs of faces that people dismissed, `a` and `b`, in pages."""
    return _pages(store, queries.GALLERY_APART, "link_id", progress)


def groups(store: Store, progress: Callable[[], None]) -> AsyncIterator[list[Row]]:
    """All groups, `group_id`, `case_id` and `faces`, in pages."""
    return _pages(store, queries.GALLERY_GROUPS, "group_id", progress)


async def standing_searches(store: Store) -> list[Row]:
    """The searches that are open, each with its faces and the last part of its answer."""
    return await _rows(store, queries.GALLERY_SEARCHES)


async def memberships(store: Store, keys: Sequence[Row]) -> list[Row]:
    """The stored memberships with these `membership_id`s; ids that the graph does not know are left out."""
    return await _rows(store, queries.MEMBERSHIPS, rows=keys) if keys else []


async def media_as_stored(store: Store, media: Sequence[str]) -> list[Row]:
    """The detectors of these media, and where their faces are; ids that the graph does not know are left out."""
    return await _rows(store, queries.MEDIA_AS_STORED, media=media) if media else []


async def _rows(store: Store, query: LiteralString, **values: object) -> list[Row]:
    return await store.read(lambda tx: tx.rows(query, **values))


async def _pages(
    store: Store, query: LiteralString, key: str, progress: Callable[[], None]
) -> AsyncIterator[list[Row]]:
    """The query's rows in pages of at most PAGE, in the order of `key`; no page is empty."""
    async for page in store.pages(query, PAGE, lambda row: row[key]):
        progress()
        yield page
