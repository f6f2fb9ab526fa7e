"""People label faces: label, act, audit entry and the record for link are written in one transaction."""

from dataclasses import asdict, dataclass

from graph.actions.access import Access
from graph.domain import audit, ids
from graph.domain.audit_actions import AuditAction
from graph.domain.comparison import HIDDEN_LABELS
from graph.domain.errors import Conflict, Invalid, NotFound
from graph.domain.label import FACES_AT_ONCE, Label
from graph.domain.people import Maker, Permission, Person, check_may, check_stated, display_name_on_face, may
from graph.store import log
from graph.store.log import Outgoing
from graph.store.queries import faces as queries
from graph.store.session import Row, Tx


@dataclass(frozen=True, slots=True)
class Labelling:
    """One person's label of a face, and of others of the same case in the same act.

    `version` is the label's version that the person saw, the same on all of these faces; `label` None removes the
    label.
    """

    face_id: str
    version: int
    label: Label | None
    reason: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PastLabel:
    """A label that a face got; a maker in another district is named by role and district, without the reason."""

    act_id: str
    by: str
    at: str
    label: Label | None
    reason: str | None
    version: int


@dataclass(frozen=True, slots=True)
class FaceLabels:
    """A face's present label, and as `items` all that it got, oldest first."""

    face_id: str
    label: Label | None
    label_version: int
    items: tuple[PastLabel, ...]


@dataclass(frozen=True, slots=True)
class _LockedFace:
    face_id: str
    label: Label | None
    version: int
    cases: list[Row]


async def do_label(access: Access, labelling: Labelling) -> FaceLabels:
    """The face's labels after the act.

    From here on people see the label; link applies it to comparison and searches at its record in the gallery log.
    Raises NotFound for a face that the person may not see, Forbidden, Invalid if the faces lie in different cases, and
    Conflict `stale_version`, for all of them, if one has another version.
    """
    faces = list(dict.fromkeys((labelling.face_id, *labelling.also)))
    if len(faces) > FACES_AT_ONCE:
        raise Invalid(f"also: at most {FACES_AT_ONCE - 1} further faces")
    check_stated("reason", labelling.reason)
    act_id, actor = ids.new_id(), access.person

    async def work(tx: Tx, head: log.Head) -> FaceLabels:
        known = {row["face_id"]: _LockedFace(**row) for row in await tx.rows(queries.LOCK_FACES, faces=faces)}
        locked = [_check_face(known.get(face_id), actor) for face_id in faces]
        _check_one_case(locked, actor)
        _check_versions(labelling, locked)
        version = labelling.version + 1
        await tx.do(
            queries.WRITE_LABELS,
            act_id=act_id,
            **access.made_under(Permission.LABEL),
            label=labelling.label,
            reason=labelling.reason,
            rows=[{"face_id": face.face_id, "version": version, "before": face.label} for face in locked],
        )
        digest = audit.content_digest(asdict(labelling))
        entries = [access.act(AuditAction.FACE_LABELLED, face_id, digest=digest) for face_id in faces]
        shown_again = labelling.label not in HIDDEN_LABELS
        back = [face.face_id for face in locked if face.label in HIDDEN_LABELS and shown_again]
        body = {"act_id": act_id, "faces": faces, "label": labelling.label, "taken_back": back}
        await log.append(tx, head, entries, [Outgoing("label", labelling.face_id, body)])
        labelled = await tx.one(queries.LABELS, face_id=labelling.face_id)
        assert labelled is not None
        return _labels(labelled, actor)

    return await log.write(access.store, work)


async def read_labels(access: Access, face_id: str) -> FaceLabels:
    """The face's labels; the access is audited."""
    row = await access.store.read(lambda tx: tx.one(queries.LABELS, face_id=face_id))
    check_may(access.person, Permission.SEE, row["districts"] if row else [])
    assert row is not None
    await access.record(AuditAction.FACE_LABELS_SEEN, face_id)
    return _labels(row, access.person)


def _labels(row: Row, viewer: Person) -> FaceLabels:
    items: list[PastLabel] = []
    for past in row["history"]:
        by = display_name_on_face(viewer, Maker(past["by"], past["role"], past["district"]), row["districts"])
        reason = past["reason"] if by == past["by"] else None
        items.append(PastLabel(past["act_id"], by, past["at"], past["label"], reason, past["version"]))
    return FaceLabels(row["face_id"], row["label"], row["label_version"], tuple(items))


def _check_face(face: _LockedFace | None, actor: Person) -> _LockedFace:
    districts = [case["district"] for case in face.cases] if face else []
    if face is None or not may(actor, Permission.SEE, districts):
        raise NotFound("there is no such face", code="face_unknown")
    check_may(actor, Permission.LABEL, districts)
    return face


def _check_one_case(faces: list[_LockedFace], actor: Person) -> None:
    """Refuses faces of different cases: somebody who reviewed one contact sheet has seen all faces of its case."""

    def cases(face: _LockedFace) -> set[str]:
        return {case["case_id"] for case in face.cases if may(actor, Permission.LABEL, [case["district"]])}

    if not set[str].intersection(*map(cases, faces)):
        raise Invalid("also: all faces of one act lie in one case")


def _check_versions(labelling: Labelling, faces: list[_LockedFace]) -> None:
    outdated = [face for face in faces if face.version != labelling.version]
    if outdated:
        current = {face.face_id: {"label": face.label, "label_version": face.version} for face in outdated}
        message = "somebody labelled this first: see what stands now"
        raise Conflict(message, code="stale_version", current={"faces": current})
