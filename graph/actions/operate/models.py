"""The register's model: the faces that another model has not embedded yet, and the switch to that model."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from graph.actions.link.cursor import LOG, read_cursor
from graph.domain import audit, box
from graph.domain.audit_actions import AuditAction
from graph.domain.errors import Conflict
from graph.domain.link import State
from graph.domain.people import check_actor
from graph.store import log
from graph.store.log import Outgoing
from graph.store.queries import ingest, models
from graph.store.session import Row, Store, Tx

PAGE: Final = 100
"""Faces that are embedded and written together: a quarter of a megabyte of vectors."""
LINKS: Final = 500
VECTORS: Final = 5000
UNDECIDED: Final = (State.CANDIDATE, State.LEAD)
"""States of links without a verdict; a reopened link may be in one of them too."""


@dataclass(frozen=True, slots=True)
class StoredFace:
    """The sources for embedding a face: its aligned crop, else its media's bytes with box and landmarks, in pixels.

    `picture` is the media's width and height, `page` the picture of the media that shows the face.
    """

    face_id: str
    media_id: str
    box: tuple[int, ...]
    landmarks: tuple[float, ...] | None
    picture: tuple[int, int]
    aligned_crop: str | None
    url: str
    content_type: str | None
    page: int = 1


@dataclass(frozen=True, slots=True)
class StoredLink:
    """A link in the graph; `undecided` if no person has ever acted on it."""

    link_id: str
    a: str
    b: str
    state: State
    score_id: str | None
    undecided: bool


async def register_model(store: Store) -> str:
    """The model of the register's vectors. Raises Conflict while no link process has ever run."""
    found = (await read_cursor(store)).model_id
    if found is None:
        raise Conflict("the register has no model yet: no link worker has run on this graph", code="no_model")
    return found


async def known_models(store: Store) -> dict[str, int]:
    """The number of faces that each model has embedded."""
    rows = await store.read(lambda tx: tx.rows(models.BY_MODEL))
    return {row["model_id"]: row["faces"] for row in rows}


async def count_lacking(store: Store, model_id: str) -> int:
    """The number of faces that the model has not embedded."""
    row = await store.read(lambda tx: tx.one(models.COUNT_LACKING, model_id=model_id))
    return row["faces"] if row else 0


async def lacking(store: Store, model_id: str) -> AsyncIterator[list[StoredFace]]:
    """The faces that the model has not embedded, by face id, in pages; including those too poor under another model."""
    async for page in store.pages(models.LACKING, PAGE, lambda row: row["face_id"], model_id=model_id):
        yield [_face(row) for row in page]


async def links(store: Store, *states: State) -> AsyncIterator[list[StoredLink]]:
    """All links in these states, by state and link id, in pages."""
    for state in states:
        async for page in store.pages(models.LINKS_IN_STATE, LINKS, lambda row: row["link_id"], state=state.value):
            yield [_link(row, state) for row in page]


async def begin(store: Store, model_id: str, *, faces: int, actor: str, now: datetime) -> None:
    """Records in the audit that a model begins to embed so many faces, in addition to their present vectors."""
    check_actor(actor)

    async def work(tx: Tx, head: log.Head) -> None:
        digest = audit.content_digest({"model": model_id, "faces": faces})
        act = audit.Act(now, actor, AuditAction.MODEL_EMBEDDING_BEGUN, f"model:{model_id}", digest=digest)
        await log.append(tx, head, [act])

    await log.write(store, work)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A model, and the calibration that compares its vectors: its name and its whole text."""

    model_id: str
    score_id: str
    calibration: str


async def do_switch(store: Store, to: Chosen, *, lacking: int, actor: str, now: datetime) -> None:
    """Asks link to change the register to this model and score at a record of the gallery log; the act is in the audit.

    `lacking` is the number of faces that the actor knowingly leaves without a vector. Raises Conflict if the register
    has both already.
    """
    check_actor(actor)

    async def work(tx: Tx, head: log.Head) -> None:
        cursor = await tx.one(ingest.CURSOR, log=LOG)
        before = (cursor["model_id"], cursor["score_id"]) if cursor else None
        if before == (to.model_id, to.score_id):
            raise Conflict(f"the register holds {to.model_id}, compared by {to.score_id}, already", code="same_model")
        change = {"from": before, "to": (to.model_id, to.score_id), "lacking": lacking}
        digest = audit.content_digest(change)
        act = audit.Act(now, actor, AuditAction.MODEL_SWITCHED, f"model:{to.model_id}", digest=digest)
        body = {"model_id": to.model_id, "calibration": to.calibration}
        await log.append(tx, head, [act], [Outgoing("model", to.model_id, body)])

    await log.write(store, work)


def _face(row: Row) -> StoredFace:
    landmarks = row["landmarks"]
    return StoredFace(
        face_id=row["face_id"],
        media_id=row["media_id"],
        box=tuple(row["box"]),
        landmarks=None if landmarks is None else tuple(landmarks),
        picture=(row["width"], row["height"]),
        aligned_crop=row["aligned_crop"],
        url=row["url"],
        content_type=row["content_type"],
        page=row["page"],
    )


def _link(row: Row, state: State) -> StoredLink:
    return StoredLink(row["link_id"], row["a"], row["b"], state, row["score_id"], row["version"] == 0)


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
    pages = store.pages(models.EMBEDDED_FACES, VECTORS, lambda row: row["face_id"], model_id=model_id)
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
