"""A person marks a face that the detector missed: act, audit entry and the event for embed in one transaction.

The face is in the register once link has read it in the gallery log; until then its mark waits at the media.
"""

from collections.abc import Sequence

from graph.actions.access import Access
from graph.domain import ids
from graph.domain.audit import content_digest
from graph.domain.audit_actions import AuditAction
from graph.domain.box import SAME_FACE_IOU, check_mark, iou
from graph.domain.errors import Conflict, NotFound
from graph.domain.people import Permission, Person, check_may, may
from graph.store import log
from graph.store.log import Outgoing
from graph.store.queries import faces as queries
from graph.store.session import Row, Tx


async def do_mark(access: Access, media_id: str, box: Sequence[int]) -> str:
    """The id of the face marked in this box `[x, y, w, h]`, in pixels of the upright picture.

    Raises NotFound for a media that the person may not see, Forbidden, Invalid for a box outside the picture or too
    small, and Conflict `face_exists`, with that face, if one is stored or waits in the same place.
    """
    act_id = ids.new_id()
    face_id = ids.marked_face_id(media_id, act_id)

    async def work(tx: Tx, head: log.Head) -> None:
        row = _check_media(await tx.one(queries.OF_MEDIA, media_id=media_id), access.person)
        media, known = row["media"], [*row["faces"], *row["waiting"]]
        check_mark(box, media["width"], media["height"])
        _check_free(box, known)
        # Behind all others, so that the faces of a picture keep their ordinals.
        ordinal = max((face["ordinal"] for face in known), default=-1) + 1
        await tx.do(
            queries.CREATE_MARK,
            media_id=media_id,
            act_id=act_id,
            **access.made_under(Permission.MARK),
            mark={"face_id": face_id, "box": list(box), "ordinal": ordinal},
        )
        event: Row = {
            "act_id": act_id,
            "media_id": media_id,
            "url": media["url"],
            "content_type": media["content_type"],
            "box": list(box),
            "ordinal": ordinal,
            "marked_on": {member["case_id"]: member["submitted_at"] for member in row["memberships"]},
        }
        entry = access.act(AuditAction.FACE_MARKED, face_id, digest=content_digest(event))
        await log.append(tx, head, [entry], [Outgoing("mark", act_id, event)])

    await log.write(access.store, work)
    return face_id


def _check_media(row: Row | None, actor: Person) -> Row:
    districts = [member["district"] for member in row["memberships"]] if row else []
    if row is None or not may(actor, Permission.SEE, districts):
        raise NotFound("there is no such media")
    check_may(actor, Permission.MARK, districts)
    return row


def _check_free(box: Sequence[int], known: Sequence[Row]) -> None:
    """Refuses a box of a face that exists; a mark in quarantine counts, because it can be replayed."""
    best = max(known, key=lambda face: iou(face["box"], box), default=None)
    if best is None or iou(best["box"], box) < SAME_FACE_IOU:
        return
    current = {name: best[name] for name in ("face_id", "box", "status")}
    raise Conflict("there is a face in this place already", code="face_exists", current=current)
