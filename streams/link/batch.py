"""The state of one batch of the gallery log, and the verbs that the handlers of all kinds of records share. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict

import numpy as np

from graph.actions.link.writes import GraphWrites
from graph.actions.notices import Notice
from graph.domain import ids
from graph.domain.errors import Unprocessable
from streams.gallery.calibration import calibration_of
from streams.gallery.entities import Case, Media
from streams.gallery.matrix import Vectors
from streams.gallery.scoring import Scorer
from streams.gallery.state import Gallery, Staged
from streams.link import rows
from streams.link.answers import Answers
from streams.link.compare import Comparer
from streams.link.memberships import StoredMembership
from streams.records.gallery import EmbeddedFace, ReembeddedFace, SourceEvent

MembershipKey = tuple[str, str]
"""Media id and case id."""


class Batch:
    """Reads the gallery and what the batch staged before; collects `changes` of the graph and what is `staged` of the
    gallery.

    `memberships` are those of the graph that records of the batch may say more of, as they stand there. `progress` is
    called for every media of a case that is worked on: one record can concern a hundred thousand of them. `applied`
    counts the records that the batch has.
    """

    def __init__(
        self,
        gallery: Gallery,
        model_id: str,
        *,
        memberships: Mapping[MembershipKey, StoredMembership] | None = None,
        progress: Callable[[], None] = lambda: None,
    ) -> None:
        calibration = calibration_of(gallery.calibrations, model_id)
        self.progress = progress
        self.model_id = model_id
        self.staged = Staged(gallery)
        self.changes = GraphWrites(first=-1, last=-1)
        self._scorer = Scorer(calibration.score)
        self._scored: dict[str, Vectors] = {}
        self.staged.dimensions = self.staged.dimensions or self._scorer.dimensions
        self.compare = Comparer(self.staged, self.changes, calibration, progress)
        self.answers = Answers(self.staged, self.changes, self.compare)
        self.memberships = dict(memberships or {})
        self.scope_reduced: set[str] = set()
        self.applied = 0

    def score_all(self, faces: Sequence[EmbeddedFace]) -> None:
        """Scores the vectors of faces at once; they are all of the register's model."""
        if faces:
            scored = self._scorer.all_scored(np.stack([rows.vector(face) for face in faces]))
            self._scored |= {face.vector: vector for face, vector in zip(faces, scored, strict=True)}

    def scored(self, face: EmbeddedFace | ReembeddedFace) -> Vectors:
        """The vector (d,) that the face is compared by. Unprocessable, Invalid."""
        known = self._scored.get(face.vector)
        return self._scorer.scored(rows.vector(face)) if known is None else known

    def case_of(self, case_id: str, district: str) -> Case:
        """The case, a new one where it is unknown. Unprocessable where it belongs to another district."""
        case = self.staged.cases.get(case_id) or Case(case_id, district)
        if case.district != district:
            raise Unprocessable(
                f"case {case_id} belongs to district {case.district}, the event says {district}", code="two_districts"
            )
        return case

    def put_case(self, case: Case, *, contact: str | None = None, review_by: str | None = None) -> None:
        """Stages a case and its row."""
        self.staged.cases.put(case.case_id, case)
        row = {**asdict(case), "status": "open" if case.open else "closed", "source": ids.source_of(case.case_id)}
        self.changes.cases.append({**row, "contact": contact, "review_by": review_by})

    def media_of_case(self, case_id: str) -> Iterator[Media]:
        """The media of a case as they stand now; reports progress for each."""
        for media in self.staged.media_of_case(case_id):
            self.progress()
            yield media

    def notify(
        self, origin: SourceEvent, outcome: str, body: dict[str, object], *, sources: Sequence[str] = ()
    ) -> None:
        """Stages the notice of an event, or one for each of the `sources` of an event that is nobody's own.

        A search's picture has no case system to notify: its answer is the search's.
        """
        event = rows.event(origin)
        self.changes.processed.append(event)
        if origin.ce_id:
            self.changes.processed_ce_ids.append(origin.ce_id)
        told = {**rows.reference(origin), **body}
        if origin.source:
            self.changes.notices.append(Notice(f"event:{origin.event}", origin.source, outcome, told, event))
            return
        self.changes.notices += [Notice(f"event:{origin.event}@{source}", source, outcome, told) for source in sources]

    def take_back_erased(self) -> None:
        """Takes back what this batch wrote of what is erased now. No record follows in it, so nothing comes back."""
        changes = self.changes
        faces, media = set(changes.removed_faces), set(changes.removed_media)
        memberships = set(changes.removed_memberships)
        changes.links = {k: row for k, row in changes.links.items() if row.a not in faces and row.b not in faces}
        changes.faces = [row for row in changes.faces if row["face_id"] not in faces]
        changes.embeddings = [row for row in changes.embeddings if row["face_id"] not in faces]
        changes.graded = [row for row in changes.graded if row["face_id"] not in faces]
        changes.depicts = [row for row in changes.depicts if row["face_id"] not in faces]
        changes.media = [row for row in changes.media if row["media_id"] not in media]
        changes.memberships = [row for row in changes.memberships if row["membership_id"] not in memberships]
