"""Finds the faces and victims' means similar to query faces, many at a time in one pass over the gallery."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graph.domain.comparison import InScope
from streams.gallery.columns import Numbers
from streams.gallery.entities import Face
from streams.gallery.face_table import HIDDEN, LEADS_ONLY, POOR, OwnCases
from streams.gallery.matrix import Neighbours, Vectors, all_scores
from streams.gallery.state import Staged

FIRST_LIMIT: Final = 32
"""Faces of other cases looked up at first: the caps keep at most 10 of them."""


@dataclass(frozen=True, slots=True)
class FaceNeighbours:
    """What is similar to a face of this `scope` in the committed gallery.

    `others` are stored faces that share no case with it, `own` those that share one, `means` victims' means, and
    `reclassified` the faces whose scope, label or victim the batch changed, as of this version of the batch.
    """

    scope: InScope
    others: Neighbours
    own: Neighbours
    means: Neighbours
    reclassified: Neighbours
    version: int


class Scored(NamedTuple):
    """A similar face; sorts by descending score, then by id. `number`: its number, if from the committed gallery."""

    negative_score: float
    face_id: str
    by_mean: bool
    number: int | None


class Comparability(NamedTuple):
    """A face's present scope (None: not compared), victim, and whether it gives leads only."""

    scope: InScope | None
    victim_id: str | None
    leads_only: bool


_NOTHING: Final = Neighbours(np.zeros(0, np.int64), np.zeros(0), 0.0)
_NOT_COMPARED: Final = Comparability(None, None, False)


@dataclass(frozen=True, slots=True)
class FullCaps:
    """Cases and victims of which the caps keep no further face."""

    cases: frozenset[str] = frozenset()
    victims: frozenset[str] = frozenset()


_NONE_FULL: Final = FullCaps()


class NeighbourFinder:
    """Finds neighbours within a batch, including what the batch stages later."""

    def __init__(self, staged: Staged, floor: float) -> None:
        self._staged = staged
        self._floor = floor
        self._table = staged.base.faces
        self._prefetched: dict[str, FaceNeighbours] = {}
        self._cases: dict[frozenset[str], OwnCases] = {}
        self._new_version, self._new_faces = -1, list[Face]()
        self._new_vectors: Vectors = np.zeros((0, 0), np.float32)

    def prefetch(self, faces: Sequence[tuple[str, Vectors, InScope]]) -> None:
        """Looks up faces, given by id, vector and scope, in one pass over the gallery for a later `of`."""
        found = self._find(np.stack([vector for _, vector, _ in faces]), [scope for _, _, scope in faces])
        self._prefetched |= {face_id: neighbours for (face_id, _, _), neighbours in zip(faces, found, strict=True)}

    def forget(self, faces: Iterable[str]) -> None:
        """Drops what was prefetched for these faces."""
        for face_id in faces:
            self._prefetched.pop(face_id, None)

    def of(self, faces: Sequence[Face], scope: InScope) -> list[FaceNeighbours]:
        """The neighbours of each of one media's faces in the committed gallery."""
        known = [self._prefetched.get(face.face_id) for face in faces]
        if any(each is None or each.scope != scope for each in known):
            return self._find(vectors_of(faces), [scope] * len(faces))
        version = self._staged.reclassified_version
        found = [each for each in known if each is not None]
        if self._staged.reclassified and any(each.version != version for each in found):
            now = self._reclassified(vectors_of(faces))
            found = [replace(each, reclassified=some, version=version) for each, some in zip(found, now, strict=True)]
        return found

    def _find(self, queries: Vectors, scopes: Sequence[InScope]) -> list[FaceNeighbours]:
        others = self._others(queries, scopes, FIRST_LIMIT)
        own = [_NOTHING] * len(queries)
        for cases in {scope.cases for scope in scopes}:
            places = [place for place, scope in enumerate(scopes) if scope.cases == cases]
            rows = self.own_cases(cases).rows
            if len(rows):
                found = self._table.matrix.among(queries[places], rows, self._floor)
                for place, neighbours in zip(places, found, strict=True):
                    own[place] = neighbours
        means = self._staged.means.committed_neighbours(queries, self._floor)
        reclassified, version = self._reclassified(queries), self._staged.reclassified_version
        return [FaceNeighbours(*each, version) for each in zip(scopes, others, own, means, reclassified, strict=True)]

    def _others(
        self, queries: Vectors, scopes: Sequence[InScope], most: int, full: FullCaps = _NONE_FULL
    ) -> list[Neighbours]:
        """For each query of the register its best committed faces of other cases, without those that are `full`."""
        able = [place for place, scope in enumerate(scopes) if scope.register]
        found = [_NOTHING] * len(scopes)
        if not able or not len(self._table.matrix):
            return found
        kinds = list({scopes[place].cases for place in able})
        own = np.stack([self.own_cases(cases).codes for cases in kinds])
        kind = np.array([kinds.index(scopes[place].cases) for place in able])
        table = self._table
        skipped = table.media.codes.counted_in(full.cases)
        victims = [number for name in full.victims if (number := table.victims.get(name)) is not None]

        def allowed(which: Numbers, rows: Numbers) -> NDArray[np.bool_]:
            codes = table.codes_at(rows)
            comparable = table.open_to_register(rows) & ~own[kind[which], codes] & ~skipped[codes]
            return comparable & ~np.isin(table.victim[table.face_at[rows]], victims) if victims else comparable

        for place, neighbours in zip(
            able, table.matrix.nearest(queries[able], self._floor, most, allowed), strict=True
        ):
            found[place] = neighbours
        return found

    def extended(self, face: Face, scope: InScope, before: Neighbours, most: int, full: FullCaps) -> Neighbours:
        """The neighbours `before`, plus further faces of other cases that are not full."""
        (more,) = self._others(vectors_of([face]), [scope], most, full)
        rows, places = np.unique(np.concatenate([before.rows, more.rows]), return_index=True)
        return Neighbours(rows, np.concatenate([before.scores, more.scores])[places], more.cutoff)

    def in_cases(self, face: Face, cases: frozenset[str], floor: float) -> Neighbours:
        """The committed faces of these cases with a score >= `floor`."""
        (found,) = self._table.matrix.among(vectors_of([face]), self.own_cases(cases).rows, floor)
        return found

    def _reclassified(self, queries: Vectors) -> list[Neighbours]:
        if not self._staged.reclassified:
            return [_NOTHING] * len(queries)
        rows = np.array(sorted({row for rows in self._staged.reclassified.values() for row in rows}), np.int64)
        return self._table.matrix.among(queries, rows, self._floor)

    def new_faces(self, queries: Vectors, floor: float) -> list[list[tuple[Face, float]]]:
        """For each query the faces that this batch added, with a score >= `floor`."""
        if not self._staged.new_faces:
            return [[] for _ in range(len(queries))]
        if self._new_version != self._staged.new_faces_version:
            self._new_version, self._new_faces = self._staged.new_faces_version, list(self._staged.new_faces.values())
            self._new_vectors = vectors_of(self._new_faces)
        faces = self._new_faces
        scores = all_scores(queries, self._new_vectors)
        return [[(faces[at], float(row[at])) for at in np.flatnonzero(row >= floor)] for row in scores]

    def own_cases(self, cases: frozenset[str]) -> OwnCases:
        """The committed faces of these cases; computed once per batch."""
        if cases not in self._cases:
            self._cases[cases] = self._table.of_cases(cases)
        return self._cases[cases]

    def comparability(self, face_id: str, number: int | None, own_media: int | None) -> Comparability:
        """What decides comparison with a committed or new face; it is not compared with its own media."""
        if number is not None and face_id not in self._staged.faces.changed:
            media = int(self._table.media_of[number])
            if media == own_media:
                return _NOT_COMPARED
            if not self._staged.media.changed or self._table.media.ids.name(media) not in self._staged.media.changed:
                state, victim = int(self._table.state[number]), int(self._table.victim[number])
                scope = None if state & (POOR | HIDDEN) else self._table.media.scope_at(media)
                return Comparability(scope, self._table.victims.name(victim), bool(state & LEADS_ONLY))
        face = self._staged.faces.get(face_id)
        if face is None:
            return _NOT_COMPARED
        return Comparability(self._staged.scope_of(face), face.victim_id, face.leads_only)

    def in_order(self, neighbours: Neighbours) -> Iterator[Scored]:
        """The faces of these rows, the highest score first, the smaller id if tied."""
        order = np.argsort(-neighbours.scores, kind="stable")
        scores, faces = neighbours.scores[order].tolist(), self._table.face_at[neighbours.rows[order]].tolist()
        start = 0
        while start < len(scores):
            end = start + 1
            while end < len(scores) and scores[end] == scores[start]:
                end += 1
            for name, number in sorted((self._table.ids.name(face), face) for face in faces[start:end]):
                yield Scored(-scores[start], name, False, number)
            start = end


def vectors_of(faces: Sequence[Face]) -> Vectors:
    """The vectors (n, d) of faces that all have one."""
    return np.stack([face.vector for face in faces if face.vector is not None])
