"""The state of one batch of the gallery log, and the verbs that the handlers of all record kinds share. No I/O."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace

import numpy as np

from graph.actions.events import Event
from graph.actions.link.writes import GraphWrites
from graph.actions.notices import Notice
from graph.domain import ids
from graph.domain.comparison import TOO_POOR_BELOW
from graph.domain.errors import OtherModel, Unprocessable
from streams.gallery.calibration import calibration_of
from streams.gallery.entities import Case, Face, Media
from streams.gallery.matrix import Vectors
from streams.gallery.scoring import Scorer
from streams.gallery.state import Gallery, Staged
from streams.link.answers import Answers
from streams.link.compare import Comparer
from streams.link.memberships import StoredMembership
from streams.link.stored_media import StoredMedia
from streams.link.vectors import unit_vector
from streams.records.gallery import (
    EmbeddedFace,
    ExaminedMedia,
    FacesEmbedded,
    MarkEmbedded,
    ReembeddedFace,
    SourceEvent,
)

MembershipKey = tuple[str, str]
"""Media id and case id."""


class Batch:
    """Collects what a batch `changes` in the graph and has `staged` for the gallery.

    `memberships` and `stored` media are those that records of the batch may change. `progress` is called for every
    media of a case that is worked on: one record can concern a hundred thousand. `applied` counts the batch's records;
    `changes.last` is the offset of the one that is being applied, `scope_reduced` the media with a reduced scope.
    """

    def __init__(
        self,
        gallery: Gallery,
        model_id: str,
        *,
        offset: int = -1,
        memberships: Mapping[MembershipKey, StoredMembership] | None = None,
        stored: Mapping[str, StoredMedia] | None = None,
        progress: Callable[[], None] = lambda: None,
    ) -> None:
        calibration = calibration_of(gallery.calibrations, model_id)
        self.progress = progress
        self.model_id = model_id
        self.staged = Staged(gallery)
        self.changes = GraphWrites(first=offset, last=offset)
        self._scorer = Scorer(calibration.score)
        self._vectors: dict[str, Vectors] = {}
        self._scored: dict[str, Vectors] = {}
        self.staged.dimensions = self.staged.dimensions or self._scorer.dimensions
        self.compare = Comparer(self.staged, self.changes, calibration, progress)
        self.answers = Answers(self.staged, self.changes, self.compare)
        self.memberships = dict(memberships or {})
        self.stored = dict(stored or {})
        self.scope_reduced: set[str] = set()
        self.applied = 0

    # --- vectors -------------------------------------------------------------------------------------------------

    def vector(self, face: EmbeddedFace | ReembeddedFace) -> Vectors:
        """The stored unit vector (d,) of a face. Raises Unprocessable."""
        if face.vector not in self._vectors:
            self._vectors[face.vector] = unit_vector(face.vector)
        return self._vectors[face.vector]

    def score_all(self, faces: Sequence[EmbeddedFace]) -> None:
        """Computes the scored vectors of faces in one pass; all must be of the register's model."""
        if faces:
            scored = self._scorer.all_scored(np.stack([self.vector(face) for face in faces]))
            self._scored |= {face.vector: vector for face, vector in zip(faces, scored, strict=True)}

    def scored(self, face: EmbeddedFace | ReembeddedFace) -> Vectors:
        """The scored vector (d,) of a face. Raises Unprocessable, Invalid."""
        known = self._scored.get(face.vector)
        return self._scorer.scored(self.vector(face)) if known is None else known

    def check_vectors(self, record: ExaminedMedia | MarkEmbedded | FacesEmbedded) -> None:
        """Raises Unprocessable if a vector of the record is malformed or has other dimensions than its model's."""
        dimensions = self.staged.dimensions if record.model_id == self.model_id else None
        for face in record.faces:
            length = len(self.vector(face))
            dimensions = dimensions or length
            if length != dimensions:
                raise Unprocessable("an embedding has other dimensions than its model's", code="bad_embedding")

    def with_vector(self, stored: Face, face: EmbeddedFace | ReembeddedFace) -> Face:
        """The stored face with the scored vector of this embedding."""
        scored, leads_only = self.scored(face), face.quality < TOO_POOR_BELOW
        if face.too_poor_because is None:
            return replace(stored, vector=scored, poor=None, leads_only=leads_only)
        return replace(stored, vector=None, poor=scored, leads_only=leads_only)

    def put_embedding(self, face: EmbeddedFace | ReembeddedFace, model_id: str, *, supersedes: bool = False) -> None:
        """Stages the row of an embedding under this model; one that is stored stays, unless this one supersedes it."""
        name = ids.embedding_id(face.face_id, model_id)
        if supersedes:  # one statement writes all rows of a batch, so only one of an embedding may set its quality
            self.changes.embeddings = [row for row in self.changes.embeddings if row["embedding_id"] != name]
        self.changes.embeddings.append(
            {
                "embedding_id": name,
                "face_id": face.face_id,
                "model_id": model_id,
                "vector": self.vector(face).astype("<f4").tobytes(),
                "norm": face.norm,
                "quality": face.quality,
                "too_poor_because": face.too_poor_because,
                "supersedes": supersedes,
            }
        )

    def put_grade(self, face_id: str, model_id: str) -> None:
        """Stages that the face takes its quality from its embedding under this model."""
        row = {"face_id": face_id, "embedding_id": ids.embedding_id(face_id, model_id)}
        self.changes.graded.append(row)

    # --- cases ---------------------------------------------------------------------------------------------------

    def case_of(self, case_id: str, district: str, origin: SourceEvent) -> Case:
        """The case, a new one if it is unknown.

        Raises Unprocessable if it belongs to another district, or is new and its id can be taken for another's.
        """
        case = self.staged.cases.get(case_id)
        if case is None:
            if origin.checks_case_id:
                self._check_new_case_id(case_id)
            case = Case(case_id, district)
        if case.district != district:
            raise Unprocessable(
                f"case {case_id} belongs to district {case.district}, the event says {district}", code="two_districts"
            )
        return case

    def _check_new_case_id(self, case_id: str) -> None:
        if fault := ids.case_id_fault(case_id):
            raise Unprocessable(fault, code="case_id_looks_alike")
        key = ids.case_key(case_id)
        staged = (case.case_id for case in self.staged.cases.added() if ids.case_key(case.case_id) == key)
        if alike := self.staged.base.alike_case(case_id) or next(staged, None):
            raise Unprocessable(
                f"there is a case {alike}: use its id, or one that differs more", code="case_id_looks_alike"
            )

    def put_case(self, case: Case, *, contact: str | None = None, review_by: str | None = None) -> None:
        """Stages a case and its row."""
        self.staged.cases.put(case.case_id, case)
        row = {**asdict(case), "status": "open" if case.open else "closed", "source": ids.source_of(case.case_id)}
        self.changes.cases.append({**row, "contact": contact, "review_by": review_by})

    def media_of_case(self, case_id: str) -> Iterator[Media]:
        """The media of a case; reports progress for each."""
        for media in self.staged.media_of_case(case_id):
            self.progress()
            yield media

    # --- the end of an event -------------------------------------------------------------------------------------

    def notify(
        self, origin: SourceEvent, outcome: str, body: dict[str, object], *, sources: Sequence[str] = ()
    ) -> None:
        """Stages the notice of an event; one for each of `sources` if the event has no source of its own.

        A search's picture has neither: its answer is the search's.
        """
        event = event_of(origin)
        self.changes.processed.append(event)
        if origin.ce_id:
            self.changes.processed_ce_ids.append(origin.ce_id)
        subject = f"event:{origin.event}"
        body = {"event": origin.event, "ce_id": origin.ce_id or None, **body}
        if origin.source:
            self.changes.notices.append(Notice(subject, origin.source, outcome, body, event))
            return
        self.changes.notices += [Notice(f"{subject}@{source}", source, outcome, body) for source in sources]

    def quarantine(self, origin: SourceEvent, reason: Unprocessable) -> None:
        """Stages the quarantine of a record's source event, to be replayed through embed."""
        host = {"host": reason.host} if isinstance(reason, OtherModel) else {}
        row = {**origin.model_dump(), "code": reason.code, "reason": reason.message, "stage": "link", **host}
        self.changes.quarantined.append(row)

    def drop_erased(self) -> None:
        """Removes from the changes what is erased by now. The batch ends with this record, so nothing comes back."""
        changes = self.changes
        faces, media = set(changes.removed_faces), set(changes.removed_media)
        memberships = set(changes.removed_memberships)
        changes.links = {k: row for k, row in changes.links.items() if row.a not in faces and row.b not in faces}
        changes.faces = [row for row in changes.faces if row["face_id"] not in faces]
        changes.updated_faces = [row for row in changes.updated_faces if row["face_id"] not in faces]
        changes.embeddings = [row for row in changes.embeddings if row["face_id"] not in faces]
        changes.graded = [row for row in changes.graded if row["face_id"] not in faces]
        changes.depicts = [row for row in changes.depicts if row["face_id"] not in faces]
        changes.media = [row for row in changes.media if row["media_id"] not in media]
        changes.memberships = [row for row in changes.memberships if row["membership_id"] not in memberships]


def event_of(origin: SourceEvent) -> Event:
    """The event as the graph identifies it."""
    return Event.of(origin.event, origin.ce_id, origin.submitted_at)
