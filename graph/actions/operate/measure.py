"""Reads the graph to measure the accuracy of its faces and groups."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from graph.domain import box
from graph.store.queries import measure as queries
from graph.store.session import Store

ROWS_A_PAGE = 5000


@dataclass(frozen=True, slots=True)
class EmbeddedFace:
    """A stored face: `vector` is little-endian float32 of unit length, `picture` the width and height of its media."""

    face_id: str
    media_id: str
    box: tuple[int, ...]
    picture: tuple[int, int]
    too_poor: bool
    vector: bytes

    @property
    def off_centre(self) -> float:
        """Distance of the box's centre from the picture's, in squared pixels."""
        return box.off_centre(self.box, *self.picture)


async def embedded_faces(store: Store, model_id: str) -> AsyncIterator[EmbeddedFace]:
    """Every face under one model by face id, including those too poor to compare; read in pages."""
    pages = store.pages(queries.EMBEDDED_FACES, ROWS_A_PAGE, lambda row: row["face_id"], model_id=model_id)
    async for page in pages:
        for row in page:
            yield EmbeddedFace(
                face_id=row["face_id"],
                media_id=row["media_id"],
                box=tuple(row["box"]),
                picture=(row["width"], row["height"]),
                too_poor=row["too_poor_because"] is not None,
                vector=row["vector"],
            )


async def group_sizes(store: Store) -> list[int]:
    """The number of faces of each group."""
    return [row["faces"] for row in await store.read(lambda tx: tx.rows(queries.GROUP_SIZES))]


async def victims_of_faces(store: Store) -> dict[str, str]:
    """The victim of each face that has one by people's decisions."""
    rows = await store.read(lambda tx: tx.rows(queries.VICTIMS_OF_FACES))
    return {row["face_id"]: row["victim_id"] for row in rows}
