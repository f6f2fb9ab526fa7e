"""Reads a face's crop, its context view and similar faces; every access is in the audit before its answer leaves."""

import asyncio
from dataclasses import dataclass

from graph.actions.access import Access
from graph.actions.known import KnownVictims
from graph.domain.audit_actions import AuditAction
from graph.domain.errors import NotFound
from graph.domain.people import Permission, check_may, may
from graph.domain.visibility import VisibleEndpoint, may_see_face, visible_endpoint
from graph.files import MediaStore
from graph.store.queries import faces as queries
from graph.store.queries import read
from graph.store.session import Row, Tx


@dataclass(frozen=True, slots=True)
class SimilarFaces:
    """A page of the faces as similar as those proposed for one face, by face id: an order that discloses no score.

    `number` counts all that the caps cut when the face was last compared, also those not listed; None where nobody
    counted: the face is too poor, or was compared by an older release.
    """

    number: int | None
    items: tuple[VisibleEndpoint, ...]
    next: str | None


async def read_crop(access: Access, files: MediaStore, face_id: str, *, leads: bool = False) -> bytes:
    """The face's display crop as JPEG; with `leads` also of a face in another district that only a lead leads to.

    Approved links join also the faces behind the next one: every face of a victim that the person may see has its crop.
    """

    async def work(tx: Tx) -> Row | None:
        row = await tx.one(read.FACES, faces=[face_id], leads=leads)
        if row is None or may_see_face(access.person, row):
            return row
        return row if face_id in (await KnownVictims(tx, access.person).view([face_id])).faces else None

    row = await access.store.read(work)
    if row is None:
        raise NotFound("there is no such face")
    if row["display_crop"] is None:
        raise NotFound("this face was erased: there is no picture of it", code="file_gone")
    crop = await asyncio.to_thread(files.read_crop, row["display_crop"])
    await access.record(AuditAction.FACE_SEEN, face_id)
    return crop


async def read_context(access: Access, files: MediaStore, face_id: str) -> bytes:
    """The face with its surroundings as JPEG, of a picture in the person's own district.

    The crop of a linked face may be seen from another district; the surroundings may not, because they tell more.
    """
    row = await access.store.read(lambda tx: tx.one(read.FACES, faces=[face_id], leads=False))
    if row is None or not may(access.person, Permission.SEE, row["districts"]):
        raise NotFound("there is no such face")
    if row["display_crop"] is None:
        raise NotFound("this face was erased: there is no picture of it", code="file_gone")
    if row["context_view"] is None:
        missing = "only its crop is stored: `redthread reexamine` makes the view of each face that it finds"
        raise NotFound(missing, code="no_context")
    view = await asyncio.to_thread(files.read_crop, row["context_view"])
    await access.record(AuditAction.FACE_CONTEXT_SEEN, face_id)
    return view


async def read_similar(access: Access, face_id: str, *, after: str, limit: int) -> SimilarFaces:
    """At most `limit` of the faces as similar as those proposed for this one, masked like the endpoints of a link."""

    async def work(tx: Tx) -> tuple[int | None, list[Row]]:
        face = await tx.one(queries.MORE_SIMILAR, face_id=face_id)
        check_may(access.person, Permission.SEE, face["districts"] if face else ())
        assert face is not None
        return face["number"], await tx.rows(queries.SIMILAR_FACES, face_id=face_id, after=after, limit=limit + 1)

    number, rows = await access.store.read(work)
    faces = tuple(visible_endpoint(row, access.person) for row in rows[:limit])
    await access.record(AuditAction.FACE_SIMILAR_SEEN, face_id, shown=[face.face_id for face in faces])
    return SimilarFaces(number, faces, faces[-1].face_id if len(rows) > limit else None)
