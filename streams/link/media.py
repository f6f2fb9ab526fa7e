"""A media event, embedded: its media, membership and faces are staged and compared, and its source is notified."""

from __future__ import annotations

from dataclasses import replace

from graph.domain.comparison import InScope, Scope
from streams.gallery.entities import Media
from streams.link import faces, rows
from streams.link.batch import Batch
from streams.link.marks import marked
from streams.link.memberships import StoredMembership
from streams.link.scope_reduction import reduce_scope
from streams.records.gallery import MediaEmbedded


def submitted(batch: Batch, offset: int, record: MediaEmbedded) -> None:
    """Stages what the event brings and compares what is new; of what is erased since it was submitted nothing stays."""
    event, origin = record.submitted, record.origin
    case = batch.case_of(event.case_id, event.district)
    known = batch.staged.media.get(record.media_id)
    if _is_erased(batch, record):
        faces.drop_files(batch, record, known)
        if record.search is not None:
            batch.answers.refuse(record.search.search_id, "the picture or its case was erased meanwhile")
        batch.notify(origin, "erased", {"media_id": record.media_id, "case_id": event.case_id})
        return
    faces.check(batch, record, known)  # before anything of it is staged
    if batch.staged.cases.get(case.case_id) is None:
        batch.put_case(case)
    before = known.scope if known else None
    media = known or faces.new_media(batch, record)
    media, joined, repeated = _with_membership(batch, media, record)
    media, gained = faces.complete(batch, record, media) if known is not None else (media, False)
    faces.drop_files(batch, record, media)
    if known is None or joined or gained:
        media = batch.staged.put_media(media)
    faces.reissue_after_erasure(batch, record, media, known)
    if known is None or gained or _wider(before, media.scope):
        batch.compare.faces(media, offset)
    if _wider(media.scope, before):
        reduce_scope(batch, [media])
    if event.victim is not None:
        _declare(batch, record, media)
    if record.search is not None:
        batch.answers.answer_upload(record.search, media, offset)
    _report(batch, record, media, repeated=repeated and not gained)


def first_seen(record: MediaEmbedded) -> Media:
    """The media as its first event alone makes it, without its faces."""
    return Media(record.media_id, {record.submitted.case_id: membership(record).in_memory})


def _is_erased(batch: Batch, record: MediaEmbedded) -> bool:
    subjects = (f"media:{record.media_id}", f"case:{record.submitted.case_id}")
    return record.origin.submitted_at <= batch.staged.erased_at(*subjects)


def membership(record: MediaEmbedded) -> StoredMembership:
    """The membership as this event alone says it."""
    event, origin, date = record.submitted, record.origin, rows.told_date(record)
    return StoredMembership(
        scope=Scope.NONE if record.search is not None else event.scope,
        purpose=event.purpose,
        legal_basis=event.legal_basis,
        urgency=event.urgency,
        submitted_at=origin.submitted_at,
        ce_id=origin.ce_id or origin.event,
        exhibits=(event.exhibit,) if event.exhibit else (),
        by_search=record.search is not None,
        captured_at=date,
        captured_told=origin.submitted_at if date else None,
        ai_generated=event.ai_generated,
        ai_generated_told=None if event.ai_generated is None else origin.submitted_at,
    )


def _with_membership(batch: Batch, media: Media, record: MediaEmbedded) -> tuple[Media, bool, bool]:
    """The media with the event's membership; whether that changed anything, and whether the event only repeats what was
    said of the media before."""
    case_id = record.submitted.case_id
    key = media.media_id, case_id
    # Where a batch was written in part and refused, memory knows one that the graph lost: then it is written again.
    old = batch.memberships.get(key) if case_id in media.memberships else None
    if old is not None and record.search is not None:
        return media, False, True
    new = membership(record) if old is None else old.joined(membership(record))
    if new == old:
        return media, False, True
    batch.memberships[key] = new
    batch.changes.memberships.append(rows.membership(media.media_id, case_id, new))
    joined = replace(media, memberships={**media.memberships, case_id: new.in_memory})
    return joined, True, old is not None and old.says(new)


def _declare(batch: Batch, record: MediaEmbedded, media: Media) -> None:
    victim = record.submitted.victim
    if victim is None or (face_id := _declared(batch, record, media)) is None or face_id not in media.faces:
        return
    batch.changes.victims.append({"victim_id": victim.victim_id, "label": None, "version": 0})
    batch.changes.depicts.append({"face_id": face_id, "victim_id": victim.victim_id, "declared_by": victim.declared_by})
    if (face := batch.staged.faces.get(face_id)) is not None:
        # Of two declared for one face the smallest is kept, in whatever order they came.
        names = filter(None, (face.declared, victim.victim_id))
        batch.staged.put_face(replace(face, declared=min(names)))


def _declared(batch: Batch, record: MediaEmbedded, media: Media) -> str | None:
    """The face that the event's victim is; None where that is unclear, also for a face that a person marked."""
    victim = record.submitted.victim
    if victim is None or (victim.box is None and marked(batch.staged, media)):
        return None
    return rows.declared_face(record, victim.box)


def _report(batch: Batch, record: MediaEmbedded, media: Media, *, repeated: bool) -> None:
    compared = media.scope is not None and bool(media.scope.register or media.scope.cases)
    body = rows.outcome(record, len(media.faces), marked(batch.staged, media), compared=compared)
    outcome = "duplicate" if repeated else str(body.pop("result"))
    if record.submitted.victim is not None and _declared(batch, record, media) is None:
        body["to_do"] = "the declared victim fits no single face: a person has to choose one"
    batch.notify(record.origin, outcome, body)


def _wider(before: InScope | None, after: InScope | None) -> bool:
    """Whether `after` allows comparisons that `before` does not."""
    if before is None or after is None:
        return False
    return (after.register and not before.register) or bool(after.cases - before.cases)
