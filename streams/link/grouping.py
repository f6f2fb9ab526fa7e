"""Groups the faces of each case that are alike enough, within one batch."""

from collections.abc import Iterable

import numpy as np

from graph.actions.link.writes import GraphWrites
from graph.domain.comparison import InScope, may_compare
from streams.gallery.entities import Face
from streams.gallery.groups import Member
from streams.gallery.state import Staged
from streams.link.neighbours import FaceNeighbours, NeighbourFinder, vectors_of


class Grouping:
    """Puts faces into groups whose every pair scores at least `threshold`."""

    def __init__(self, staged: Staged, changes: GraphWrites, finder: NeighbourFinder, threshold: float) -> None:
        self._staged = staged
        self._changes = changes
        self._finder = finder
        self._threshold = threshold
        self._table = staged.base.faces

    def regroup(self, pairs: Iterable[tuple[str, str]], *, cannot_link: bool) -> None:
        """Adds or removes cannot-link pairs that people decided, and groups the faces that these leave ungrouped."""
        ungrouped = self._staged.groups.set_cannot_link(pairs, cannot_link=cannot_link)
        for face in filter(None, map(self._staged.faces.get, sorted(ungrouped))):
            if face.vector is not None and (scope := self._staged.scope_of(face)) is not None and not scope.hidden:
                (neighbours,) = self._finder.of([face], scope)
                self.add(face, scope, neighbours)

    def add(self, face: Face, scope: InScope, neighbours: FaceNeighbours) -> None:
        """Groups a face in those of its cases in which it has no group yet."""
        groups, threshold = self._staged.groups, self._threshold
        missing = sorted(scope.cases - groups.groups_of(face.face_id).keys())
        if not missing or face.leads_only:
            return
        rows = [some.rows[some.scores >= threshold] for some in (neighbours.own, neighbours.reclassified)]
        known: dict[str, int | None] = {
            self._table.ids.name(number): number for number in self._table.face_at[np.concatenate(rows)].tolist()
        }
        (new,) = self._finder.new_faces(vectors_of([face]), threshold)
        known |= {other.face_id: None for other, _ in new}
        own_media = self._table.media.number(face.media_id)
        similar_faces: list[tuple[str, InScope]] = []
        for name, number in known.items():
            stored, _, leads_only = self._finder.comparability(name, number, own_media)
            if stored is not None and not leads_only and may_compare(scope, stored):
                similar_faces.append((name, stored))
        for case_id in missing:
            of_case = [name for name, stored in similar_faces if case_id in stored.cases]
            if of_case:
                offset = self._changes.last
                groups.add_face(face.face_id, case_id, of_case, self._member, threshold=threshold, offset=offset)

    def _member(self, face_id: str) -> Member:
        face = self._staged.faces.get(face_id)
        assert face is not None and face.vector is not None, "a face of a group is known and has a vector"
        return Member(face.vector, face.media_id, face.victim_id)
