"""Finds similar faces whatever their scope: what a search may show of them is decided afterwards."""

from collections.abc import Sequence

import numpy as np

from streams.gallery.entities import Face
from streams.gallery.matrix import Neighbours, Vectors
from streams.gallery.means import MEAN_PENALTY
from streams.gallery.state import Staged
from streams.link.neighbours import NeighbourFinder, vectors_of
from streams.link.victim_means import MeanComparer


class Lookup:
    """Reads the gallery and everything that the batch has staged so far."""

    def __init__(self, staged: Staged, finder: NeighbourFinder, means: MeanComparer, floor: float) -> None:
        self._staged = staged
        self._finder = finder
        self._means = means
        self._floor = floor
        self._table = staged.base.faces

    def similar_faces(self, faces: Sequence[Face], case_id: str | None = None) -> list[list[tuple[Face, float]]]:
        """For each face, all with vectors, the faces that score at least the floor, whatever their scope.

        With `case_id` those of that case's media and those that the batch changed.
        """
        queries, matrix = vectors_of(faces), self._table.matrix
        if case_id is None:
            found = matrix.above(queries, self._floor)
        else:
            stored = self._table.rows_of(self._table.media.faces_of(self._table.media.in_case(case_id)))
            found = matrix.among(queries, np.union1d(stored, self._staged.changed_rows()), self._floor)
        new = self._finder.new_faces(queries, self._floor)
        return [[*self._scored_faces(some), *added] for some, added in zip(found, new, strict=True)]

    def similar_victims(self, faces: Sequence[Face]) -> list[list[tuple[Face, float]]]:
        """For each face, all with vectors, the victims whose mean scores at least the floor, whatever their scope.

        A victim is given as its nearest face, with the mean's score.
        """
        floor, means = self._floor, self._staged.means
        found: list[list[tuple[Face, float]]] = []
        for face, committed in zip(faces, means.committed_neighbours(vectors_of(faces), floor), strict=True):
            victims = means.similar_victims(vectors_of([face])[0], committed, floor)
            nearest = ((self._means.nearest(face, name), score) for name, score in victims)
            found.append([(other, score) for other, score in nearest if other is not None])
        return found

    def faces_near_mean(self, vector: Vectors) -> list[tuple[Face, float]]:
        """The faces that score at least the floor with a mean, whatever their scope."""
        floor = self._floor + MEAN_PENALTY
        (near,) = self._table.matrix.above(vector[None], floor)
        (new,) = self._finder.new_faces(vector[None], floor)
        return [(face, score - MEAN_PENALTY) for face, score in [*self._scored_faces(near), *new]]

    def _scored_faces(self, neighbours: Neighbours) -> list[tuple[Face, float]]:
        ordered = self._finder.in_order(neighbours)
        known = ((self._staged.faces.get(item.face_id), -item.negative_score) for item in ordered)
        return [(face, score) for face, score in known if face is not None]
