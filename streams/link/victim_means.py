"""Compares victims' means with faces: a grown mean with the whole register, and each new face with the means."""

from collections.abc import Container, Iterable, Iterator
from dataclasses import replace
from heapq import merge
from itertools import groupby

import numpy as np

from graph.domain.comparison import Caps, InScope, Similar, similar
from streams.gallery.entities import Face, Media
from streams.gallery.matrix import all_scores
from streams.gallery.means import MEAN_PENALTY, VictimMean
from streams.gallery.state import Staged
from streams.link.neighbours import NeighbourFinder, Scored, vectors_of


class MeanComparer:
    """Compares within a batch: reads the means and faces of the gallery, and what the batch has staged so far."""

    def __init__(self, staged: Staged, finder: NeighbourFinder, floor: float) -> None:
        self._staged = staged
        self._finder = finder
        self._floor = floor
        self._table = staged.base.faces

    def by_mean(self, face: Face, means: Iterable[tuple[str, float]], present: Container[str]) -> Iterator[Scored]:
        """Victims' nearest faces in the order of the means' scores, the smaller face id if tied."""
        for score, tied in groupby(means, key=lambda pair: pair[1]):
            names = [victim_id for victim_id, _ in tied if self._may_be(face, victim_id, present)]
            nearest = filter(None, (self.nearest(face, victim_id) for victim_id in names))
            for name in sorted(other.face_id for other in nearest):
                yield Scored(-score, name, True, self._table.number(name))

    def nearest(self, face: Face, victim_id: str) -> Face | None:
        """The face of the victim's mean that is most similar to this one; None: it has no mean."""
        mean = self._staged.means.get(victim_id)
        return self._staged.faces.get(mean.nearest(vectors_of([face])[0])[0]) if mean is not None else None

    def victims_in(self, media: Media | None) -> frozenset[str]:
        """The victims of the media's faces."""
        faces = self._staged.faces_of(media) if media is not None else []
        return frozenset(face.victim_id for face in faces if face.victim_id is not None)

    def _may_be(self, face: Face, victim_id: str, present: Container[str]) -> bool:
        """Whether the face may be compared with the victim's mean, and its identity is still open.

        Not if it is the victim's own face, the victim is `present` in its picture, or people dismissed the pair.
        """
        scope = self._staged.scope_of(face)
        if scope is None or not scope.register or scope.hidden or victim_id in present:
            return False
        cannot_link = filter(None, map(self._staged.faces.get, self._staged.groups.cannot_link(face.face_id)))
        return all(other.victim_id != victim_id for other in cannot_link)

    def scope_of(self, mean: VictimMean) -> InScope:
        """The whole register; the victim's own cases are those of the faces in its mean."""
        faces = filter(None, map(self._staged.faces.get, mean.faces))
        scopes = filter(None, map(self._staged.scope_of, faces))
        cases = frozenset[str]().union(*(scope.cases for scope in scopes))
        return InScope("", register=True, cases=cases)

    def candidates(self, mean: VictimMean, whole: InScope) -> list[tuple[Similar, str, bool]]:
        """The register's faces that score at least the floor with the mean, capped like those of a new face.

        Each with the victim's nearest face, and whether the mean scores higher than that one. `whole` is the victim's
        scope.
        """
        floor = self._floor + MEAN_PENALTY
        (near,) = self._table.matrix.above(mean.vector[None], floor)
        best = near
        if len(near.rows):
            single = all_scores(self._table.matrix.take(near.rows), mean.vectors).max(axis=1)
            best = replace(near, scores=np.maximum(near.scores - MEAN_PENALTY, single))
        (new,) = self._finder.new_faces(mean.vector[None], floor)
        staged = [(max(score - MEAN_PENALTY, mean.nearest(vectors_of([face])[0])[1]), face) for face, score in new]
        added = sorted(Scored(-score, face.face_id, False, None) for score, face in staged)
        caps = Caps()
        for negative_score, name, _, number in merge(self._finder.in_order(best), added):
            scope, victim_id, _ = self._finder.comparability(name, number, None)
            if scope is None or (caps.others_full and scope.cases.isdisjoint(whole.cases)):
                continue  # most of a large register, once the caps keep no more of it
            face = self._staged.faces.get(name)
            media = self._staged.media.get(face.media_id) if face is not None else None
            if face is not None and self._may_be(face, mean.victim_id, self.victims_in(media)):
                caps.offer(similar(whole, scope, name, -negative_score, victim_id))
                if caps.own_full and caps.others_full:
                    break
        return [(item, *self._nearest_of(item.face_id, mean)) for item in caps.kept]

    def _nearest_of(self, face_id: str, mean: VictimMean) -> tuple[str, bool]:
        """The victim's face nearest to this one, and whether the mean scores higher."""
        face = self._staged.faces.get(face_id)
        assert face is not None, "it was compared just now"
        (vector,) = vectors_of([face])
        name, single = mean.nearest(vector)
        return name, float(all_scores(vector[None], mean.vector[None])[0, 0]) - MEAN_PENALTY > single
