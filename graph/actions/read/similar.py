"""The faces that are as similar as those proposed for one face, and were cut so that nobody is asked too much."""

from __future__ import annotations

from dataclasses import dataclass

from graph.actions.access import AccessEvent, AccessLog
from graph.actions.read.media import check_visible
from graph.domain.audit_actions import AuditAction
from graph.domain.visibility import VisibleEndpoint, visible_endpoint
from graph.store.queries import similar as queries
from graph.store.session import Row, Store, Tx


@dataclass(frozen=True, slots=True)
class SimilarFaces:
    """One page by face id: an order that tells no score.

    `number` is of all that were cut when the face was compared last, also those not listed; None where none counted
    them: the face is too poor, or was compared by an older release.
    """

    number: int | None
    faces: tuple[VisibleEndpoint, ...]
    next: str | None


async def read_similar(
    store: Store, access_log: AccessLog, face_id: str, *, after: str, limit: int, access: AccessEvent
) -> SimilarFaces:  # fmt: skip
    """At most `limit` of the faces as similar as those proposed for this one; the look is in the audit.

    Each is masked as the other side of a link is. Raises NotFound for a face that the person may not see.
    """

    async def work(tx: Tx) -> tuple[int | None, list[Row]]:
        face = await tx.one(queries.FACE, face_id=face_id)
        check_visible(access.person, face["districts"] if face else (), "face")
        assert face is not None
        return face["number"], await tx.rows(queries.LISTED, face_id=face_id, after=after, limit=limit + 1)

    number, rows = await store.read(work)
    faces = tuple(visible_endpoint(row, access.person) for row in rows[:limit])
    await access_log.record(access.act(AuditAction.FACE_SIMILAR_SEEN, face_id, shown=[side.face_id for side in faces]))
    return SimilarFaces(number, faces, faces[-1].face_id if len(rows) > limit else None)
