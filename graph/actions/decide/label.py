"""People say what a face is: label, act, audit entry and the record for link in one transaction."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from graph.actions.access import AccessEvent, AccessLog
from graph.domain import audit, ids
from graph.domain.audit_actions import AuditAction
from graph.domain.comparison import HIDDEN_LABELS
from graph.domain.errors import Conflict, Invalid, NotFound
from graph.domain.label import FACES_AT_ONCE, Label
from graph.domain.people import PURPOSE_LIMIT, Maker, Permission, Person, check_may, display_name_on_face, may
from graph.store import log
from graph.store.log import Outgoing
from graph.store.queries import label as queries
from graph.store.session import Row, Store, Tx

_LABELLED: Final = ("act_id", "by", "at", "label", "reason", "version")


@dataclass(frozen=True, slots=True)
class Labelling:
    """What one person says of a face, and of others of the same case in the same act.

    `version` is the label's version that the person saw, the same on all of these faces; `label` None takes the
    label back.
    """

    face_id: str
    version: int
    label: Label | None
    reason: str
    also: tuple[str, ...] = ()


async def do_label(store: Store, said: Labelling, *, actor: Person, now: datetime, purpose: str = "") -> Row:
    """The face's label and its history as they stand then.

    From here on people see the label; link applies it to comparison and searches at its record in the gallery log.
    Raises NotFound for a face that the person may not see, Forbidden, Invalid where the faces lie in different cases,
    and Conflict `stale_version`, for all of them, where one has another version.
    """
    faces = list(dict.fromkeys((said.face_id, *said.also)))
    if len(faces) > FACES_AT_ONCE:
        raise Invalid(f"also: at most {FACES_AT_ONCE - 1} further faces")
    if not 1 <= len(said.reason.strip()) <= PURPOSE_LIMIT:
        raise Invalid(f"reason: from 1 to {PURPOSE_LIMIT} characters")
    act_id, maker = ids.new_id(), Maker.of(actor, Permission.LABEL)

    async def work(tx: Tx) -> Row:
        head = await log.lock_head(tx)
        known = {row["face_id"]: row for row in await tx.rows(queries.LOCK_FACES, faces=faces)}
        stands = [_check_face(known.get(face_id), actor) for face_id in faces]
        _check_one_case(stands, actor)
        _check_versions(said, stands)
        await tx.do(
            queries.WRITE_LABELS,
            act_id=act_id,
            by=maker.actor,
            role=maker.role,
            district=maker.district,
            at=now.isoformat(),
            label=said.label,
            reason=said.reason,
            rows=[{"face_id": row["face_id"], "version": said.version + 1, "before": row["label"]} for row in stands],
        )
        digest = audit.content_digest(asdict(said))
        action = AuditAction.FACE_LABELLED
        entries = [audit.Act(now, actor.actor, action, face_id, purpose, digest) for face_id in faces]
        back = [row["face_id"] for row in stands if row["label"] in HIDDEN_LABELS and said.label not in HIDDEN_LABELS]
        body = {"act_id": act_id, "faces": faces, "label": said.label, "taken_back": back}
        await log.append(tx, head, entries, [Outgoing("label", said.face_id, body)])
        labelled = await tx.one(queries.LABELS, face_id=said.face_id)
        assert labelled is not None
        return _told(labelled, actor)

    return await store.write(work)


async def read_labels(store: Store, access_log: AccessLog, face_id: str, *, access: AccessEvent) -> Row:
    """The face's label with its history, oldest first; the look is in the audit."""
    row = await store.read(lambda tx: tx.one(queries.LABELS, face_id=face_id))
    check_may(access.person, Permission.SEE, row["districts"] if row else [])
    assert row is not None
    await access_log.record(access.act(AuditAction.FACE_LABELS_SEEN, face_id))
    return _told(row, access.person)


def _told(row: Row, viewer: Person) -> Row:
    """The labels as the viewer may know them: who of another district said one, and why, is not told."""
    history = [
        {**said, "by": name, "reason": said["reason"] if name == said["by"] else None}
        for said in row["history"]
        for name in (display_name_on_face(viewer, Maker(said["by"], said["role"], said["district"]), row["districts"]),)
    ]
    return {**row, "history": [{key: said[key] for key in _LABELLED} for said in history]}


def _check_face(row: Row | None, actor: Person) -> Row:
    districts = [case["district"] for case in row["cases"]] if row else []
    if row is None or not may(actor, Permission.SEE, districts):
        raise NotFound("there is no such face", code="face_unknown")
    check_may(actor, Permission.LABEL, districts)
    return row


def _check_one_case(stands: list[Row], actor: Person) -> None:
    """One act speaks of one case: somebody who looked at one contact sheet has seen all of these faces."""
    shared = set[str].intersection(
        *(
            {case["case_id"] for case in row["cases"] if may(actor, Permission.LABEL, [case["district"]])}
            for row in stands
        )
    )
    if not shared:
        raise Invalid("also: all faces of one act lie in one case")


def _check_versions(said: Labelling, stands: list[Row]) -> None:
    stale = [row for row in stands if row["version"] != said.version]
    if stale:
        current = {row["face_id"]: {"label": row["label"], "label_version": row["version"]} for row in stale}
        message = "somebody labelled this first: see what stands now"
        raise Conflict(message, code="stale_version", current={"faces": current})
