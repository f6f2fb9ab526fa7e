"""What a batch of the gallery log means: staged changes for the gallery, rows for the graph. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace

import numpy as np

from graph.actions.ingest import Changes, NoticeRow
from graph.domain import ids
from graph.domain.comparison import InScope, Scope
from graph.domain.errors import Unprocessable
from streams.gallery import faces, rows
from streams.gallery.again import embedded_again
from streams.gallery.answers import Answers
from streams.gallery.calibration import calibration_of
from streams.gallery.compare import Comparer
from streams.gallery.erase import erase
from streams.gallery.labels import relabel
from streams.gallery.mark import mark, marked
from streams.gallery.scoring import Scorer
from streams.gallery.state import Case, Gallery, Media, Membership, Staged
from streams.records import (
    CaseRecord,
    Decided,
    ErasureRecord,
    FacesEmbedded,
    GalleryRecord,
    LabelChanged,
    MarkEmbedded,
    MediaEmbedded,
    Migrated,
    ModelSwitched,
    PairsJudged,
    SearchAsked,
    SearchEnded,
    SourceEvent,
    VictimRecord,
    VictimsAssigned,
)


class Plan:
    """One batch: reads the gallery and what the batch staged before, collects `changes` and `staged`.

    The batch ends with the first record that takes something away, so that it is taken from what stands in the graph
    at that record, not at the end of a longer batch; `applied` says how many records it has. `progress` is told of
    every media of a case that is worked on: one record can concern a hundred thousand of them.
    """

    def __init__(
        self,
        gallery: Gallery,
        model_id: str,
        records: Sequence[tuple[int, GalleryRecord]],
        progress: Callable[[], None] = lambda: None,
    ) -> None:
        self.progress = progress
        self.staged = Staged(gallery)
        offsets = [offset for offset, _ in records] or [-1]
        self.changes = Changes(first=offsets[0], last=offsets[-1])
        self.model_id = model_id
        calibration = calibration_of(gallery.calibrations, model_id)
        self.scorer = Scorer(calibration.score)
        self.staged.dimensions = self.staged.dimensions or self.scorer.dimensions
        self.compare = Comparer(self.staged, self.changes, calibration, progress)
        self.answers = Answers(self.staged, self.changes, self.compare, model_id)
        self.compare.look_ahead([face for _, record in records for face in self._new_faces(record)])
        self.applied = 0
        for offset, record in records:
            self._apply(offset, record)
            # Told again by who decided: memory may have been loaded from the graph after the decision.
            decided = record.faces.values() if isinstance(record, VictimsAssigned) else ()
            self.compare.victims(self.staged.templates.grown({victim for victim in decided if victim is not None}))
            self.applied += 1
            self.changes.last = offset
            if self.changes.narrowed or self.changes.gone_faces or self.changes.gone_media:
                break
        self.changes.groups = self.staged.groups.rows()

    def take_back_erased(self) -> None:
        """Takes back what this batch wrote of what is erased now. No record follows in it, so nothing comes back."""
        changes = self.changes
        faces, media = set(changes.gone_faces), set(changes.gone_media)
        memberships = set(changes.gone_memberships)
        changes.links = {k: row for k, row in changes.links.items() if row.a not in faces and row.b not in faces}
        changes.faces = [row for row in changes.faces if row["face_id"] not in faces]
        changes.embeddings = [row for row in changes.embeddings if row["face_id"] not in faces]
        changes.judged = [row for row in changes.judged if row["face_id"] not in faces]
        changes.depicts = [row for row in changes.depicts if row["face_id"] not in faces]
        changes.media = [row for row in changes.media if row["media_id"] not in media]
        changes.memberships = [row for row in changes.memberships if row["membership_id"] not in memberships]

    def _apply(self, offset: int, record: GalleryRecord) -> None:
        self.staged.begin_record()
        try:
            match record:
                case MediaEmbedded():
                    self._media(offset, record)
                case MarkEmbedded():
                    mark(self, offset, record)
                case CaseRecord():
                    self._case(offset, record)
                case VictimRecord():
                    self._victim(record)
                case ErasureRecord():
                    erase(self, record)
                case SearchAsked():
                    self.answers.answer_known(record, offset)
                case SearchEnded():
                    self.answers.end(record.search_id, "asker")
                case VictimsAssigned():
                    self._assign(record)
                case PairsJudged():
                    self.compare.judged(record.pairs, offset, apart=record.apart)
                case LabelChanged():
                    relabel(self, offset, record)
                case FacesEmbedded():
                    embedded_again(self, offset, record)
                case ModelSwitched():
                    raise TypeError("a switch of the model is a batch of its own")
        except Unprocessable as reason:
            if isinstance(record, SearchAsked):
                self.answers.refuse(record.search_id, reason.message)
            elif not isinstance(record, Decided | Migrated):  # which nothing can make unprocessable
                self.changes.quarantined.append(rows.quarantined(record.origin, reason))
        origin: SourceEvent | None = getattr(record, "origin", None)
        self.answers.append(offset, origin.submitted_at if origin is not None else None)

    def _new_faces(self, record: GalleryRecord) -> list[tuple[str, np.ndarray]]:
        if not isinstance(record, MediaEmbedded) or record.model_id != self.model_id:
            return []
        if self.staged.dimensions is None or self.staged.one_media(record.media_id) is not None:
            return []
        try:
            rows.check_vectors(record, self.staged.dimensions)
            good = [face for face in record.faces if face.too_poor_because is None]
            return [(face.face_id, self.scorer.scored(rows.vector(face))) for face in good]
        except Unprocessable:
            return []  # told when the record itself is applied

    def _stored_faces(self, touched: list[Media]) -> list[tuple[str, np.ndarray]]:
        faces = (self.staged.face(face_id) for media in touched for face_id in media.faces)
        return [(face.face_id, face.vector) for face in faces if face is not None and face.vector is not None]

    def _is_erased(self, record: MediaEmbedded) -> bool:
        subjects = (f"media:{record.media_id}", f"case:{record.submitted.case_id}")
        return record.origin.submitted_at <= self.staged.erased_at(*subjects)

    # --- media ---------------------------------------------------------------------------------------------------

    def _media(self, offset: int, record: MediaEmbedded) -> None:
        submitted, origin = record.submitted, record.origin
        case = self._case_of(submitted.case_id, submitted.district)
        known = self.staged.one_media(record.media_id)
        if self._is_erased(record):
            faces.drop_files(self, record, known)
            if record.search is not None:
                self.answers.refuse(record.search.search_id, "the picture or its case was erased meanwhile")
            self.tell(origin, "erased", {"media_id": record.media_id, "case_id": submitted.case_id})
            return
        faces.check(self, record, known)  # before anything of it is staged
        if self.staged.case(case.case_id) is None:
            self._put_case(case)
        before = known.scope if known else None
        media = known or faces.new_media(self, record)
        media, change = self._member(media, record)
        media, gained = faces.complete(self, record, media) if known is not None else (media, False)
        faces.drop_files(self, record, media)
        if known is None or change or gained:
            media = self.staged.put_media(media)
        faces.reissue_after_erasure(self, record, media, known)
        if known is None or gained or _wider(before, media.scope):
            self.compare.faces(media, offset)
        if _wider(media.scope, before):
            self.compare.narrow([media])
        if submitted.victim is not None:
            self._declare(record, media)
        if record.search is not None:
            self.answers.answer_upload(record.search, media, offset)
        old = known.memberships.get(submitted.case_id) if known else None
        repeated = not gained and old is not None and old.says(media.memberships[submitted.case_id])
        self._report(record, media, repeated=repeated)

    def _case_of(self, case_id: str, district: str) -> Case:
        case = self.staged.case(case_id) or Case(case_id, district)
        if case.district != district:
            raise Unprocessable(
                f"case {case_id} belongs to district {case.district}, the event says {district}", code="two_districts"
            )
        return case

    def _member(self, media: Media, record: MediaEmbedded) -> tuple[Media, bool]:
        """The media with the event's membership, and whether that changed anything."""
        submitted, origin = record.submitted, record.origin
        old = media.memberships.get(submitted.case_id)
        if old is not None and record.search is not None:
            return media, False
        exhibits = (submitted.exhibit,) if submitted.exhibit else ()
        new = Membership(
            scope=Scope.NONE if record.search is not None else submitted.scope,
            purpose=submitted.purpose,
            legal_basis=submitted.legal_basis,
            urgency=submitted.urgency,
            submitted_at=origin.submitted_at,
            ce_id=origin.ce_id or origin.event,
            exhibits=exhibits,
            by_search=record.search is not None,
            captured_at=(captured_at := rows.told_date(record)),
            captured_told=origin.submitted_at if captured_at else None,
        )
        if old is not None:
            newest = new if new.age > old.age else old
            dated = max(new, old, key=lambda member: member.date)
            new = replace(
                newest, exhibits=tuple(sorted({*old.exhibits, *exhibits})), captured_at=dated.captured_at,
                captured_told=dated.captured_told,
            )  # fmt: skip
        if new == old:
            return media, False
        self.changes.memberships.append(rows.membership(media.media_id, submitted.case_id, new))
        return replace(media, memberships={**media.memberships, submitted.case_id: new}), True

    def _declare(self, record: MediaEmbedded, media: Media) -> None:
        victim = record.submitted.victim
        if victim is None or (face_id := self._declared(record, media)) is None or face_id not in media.faces:
            return
        self.changes.victims.append({"victim_id": victim.victim_id, "label": None, "version": 0})
        self.changes.depicts.append(
            {"face_id": face_id, "victim_id": victim.victim_id, "declared_by": victim.declared_by}
        )
        if (face := self.staged.face(face_id)) is not None:
            # Of two declared for one face the smallest is kept, in whatever order they came.
            names = filter(None, (face.declared, victim.victim_id))
            self.staged.put_face(replace(face, declared=min(names)))

    def _declared(self, record: MediaEmbedded, media: Media) -> str | None:
        """The face that the event's victim is; None where that is unclear, also for a face that a person marked."""
        victim = record.submitted.victim
        if victim is None or (victim.box is None and marked(self.staged, media)):
            return None
        return rows.declared_face(record, victim.box)

    def _report(self, record: MediaEmbedded, media: Media, *, repeated: bool) -> None:
        compared = media.scope is not None and bool(media.scope.register or media.scope.cases)
        body = rows.outcome(record, len(media.faces), marked(self.staged, media), compared=compared)
        outcome = "duplicate" if repeated else str(body.pop("result"))
        if record.submitted.victim is not None and self._declared(record, media) is None:
            body["to_do"] = "the declared victim fits no single face: a person has to choose one"
        self.tell(record.origin, outcome, body)

    # --- cases, victims ------------------------------------------------------------------------------------------

    def _case(self, offset: int, record: CaseRecord) -> None:
        changed = record.changed
        old = self._case_of(changed.case_id, changed.district)
        if self.staged.case(old.case_id) is not None and changed.version <= old.version:
            self.tell(record.origin, "older_version", {"case_id": old.case_id, "version": old.version})
            return
        case = replace(old, open=changed.status == "open", version=changed.version)
        self._put_case(case, contact=changed.contact, review_by=changed.review_by and changed.review_by.isoformat())
        if case.open != old.open:
            touched = [self.staged.put_media(media) for media in self.media_of_case(case.case_id)]
            if case.open:
                self.compare.look_ahead(self._stored_faces(touched))
                for media in touched:
                    self.compare.faces(media, offset)
            else:
                self.compare.narrow(touched)
                self.answers.end_with_case(case.case_id, "case_closed")
        self.tell(record.origin, "case_changed", {"case_id": case.case_id, "version": case.version})

    def media_of_case(self, case_id: str) -> Iterator[Media]:
        """The media of a case as they stand now, each told as progress."""
        for media in self.staged.media_of_case(case_id):
            self.progress()
            yield media

    def _put_case(self, case: Case, *, contact: str | None = None, review_by: str | None = None) -> None:
        self.staged.put_case(case)
        row = {**asdict(case), "status": "open" if case.open else "closed", "source": ids.source_of(case.case_id)}
        self.changes.cases.append({**row, "contact": contact, "review_by": review_by})

    def _victim(self, record: VictimRecord) -> None:
        changed = record.changed
        self.changes.victims.append(changed.model_dump())
        self.tell(record.origin, "victim_registered", {"victim_id": changed.victim_id})

    def _assign(self, record: VictimsAssigned) -> None:
        """What people decided stands in the graph already: from here on it counts for the caps."""
        for face_id, victim_id in record.faces.items():
            if (face := self.staged.face(face_id)) is not None:
                self.staged.put_face(replace(face, assigned=victim_id))

    def tell(
        self, origin: SourceEvent, outcome: str, body: dict[str, object], *, sources: Sequence[str] = ()
    ) -> None:  # fmt: skip
        """Stages the notice of an event, or one for each of the `sources` of an event that is nobody's own.

        A search's picture has no case system to tell: its answer is the search's.
        """
        event = rows.event(origin)
        self.changes.processed.append(event)
        if origin.ce_id:
            self.changes.ended.append(origin.ce_id)
        told = {**rows.reference(origin), **body}
        if origin.source:
            self.changes.notices.append(NoticeRow(f"event:{origin.event}", origin.source, outcome, told, event))
            return
        self.changes.notices += [
            NoticeRow(f"event:{origin.event}@{source}", source, outcome, told) for source in sources
        ]


def _wider(before: InScope | None, after: InScope | None) -> bool:
    """Whether `after` allows comparisons that `before` does not."""
    if before is None or after is None:
        return False
    return (after.register and not before.register) or bool(after.cases - before.cases)
