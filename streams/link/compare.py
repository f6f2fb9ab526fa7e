"""Exact comparison within one batch: faces with the gallery and with the batch's earlier records."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Iterator, Sequence
from heapq import merge
from itertools import takewhile
from typing import Final

from graph.actions.link.writes import GraphWrites, ProposedLink
from graph.domain import ids
from graph.domain.calibration import Calibration
from graph.domain.comparison import (
    HIDDEN_LABELS,
    LISTED,
    Caps,
    InScope,
    Similar,
    cut_by_caps,
    may_compare,
    similar,
)
from streams.gallery.entities import Face, Media
from streams.gallery.matrix import QUERIES, Neighbours, Vectors
from streams.gallery.means import VictimMean
from streams.gallery.state import Staged
from streams.link.grouping import Grouping
from streams.link.lookup import Lookup
from streams.link.neighbours import FIRST_LIMIT, FaceNeighbours, FullCaps, NeighbourFinder, Scored, vectors_of
from streams.link.victim_means import MeanComparer

DEEPER: Final = 32
"""Factor by which more neighbours are looked up if the caps keep too few."""


class Comparer:
    """Compares within a batch: reads the gallery and everything that the batch has staged so far."""

    def __init__(
        self, staged: Staged, changes: GraphWrites, calibration: Calibration, progress: Callable[[], None]
    ) -> None:
        self._progress = progress
        self._staged = staged
        self._changes = changes
        self._table = staged.base.faces
        self._finder = NeighbourFinder(staged, calibration.floor)
        self.calibration = calibration
        self.grouping = Grouping(staged, changes, self._finder, calibration.group)
        self._victims = MeanComparer(staged, self._finder, calibration.floor)
        self.lookup = Lookup(staged, self._finder, self._victims, calibration.floor)

    def prefetch(self, faces: Sequence[tuple[str, Vectors, InScope]]) -> None:
        """Looks up faces, given by id, vector and scope, in few passes over the committed gallery.

        The result is used if the face still has that scope when it is compared.
        """
        for start in range(0, len(faces), QUERIES):
            self._finder.prefetch(faces[start : start + QUERIES])
            self._progress()

    def all_media(self, media: Sequence[Media]) -> None:
        """Compares all faces of these media, QUERIES at a time in one pass over the gallery."""
        some: list[Media] = []
        number = 0
        for item in media:
            some.append(item)
            number += len(item.faces)
            if number >= QUERIES or item is media[-1]:
                faces = [(face, each.scope) for each in some for face in self._staged.faces_of(each)]
                self.prefetch(
                    [
                        (face.face_id, face.vector, scope)
                        for face, scope in faces
                        if face.vector is not None and scope is not None
                    ]
                )
                for each in some:
                    self.media(each)
                self._finder.forget(face_id for each in some for face_id in each.faces)
                some, number = [], 0

    def media(self, media: Media, *, only: Collection[str] | None = None) -> None:
        """Compares a media's faces, or `only` these, with everything in their scope; stages links and a comparison."""
        self._progress()
        shown = [face for face in self._staged.faces_of(media) if face.label not in HIDDEN_LABELS]
        able = [face for face in shown if face.vector is not None]
        faces = [face for face in able if only is None or face.face_id in only]
        if not faces or media.scope is None or not (media.scope.register or media.scope.cases):
            return
        covered = self._staged.comparable(media.scope)
        threshold = self._threshold(media.scope, len(able))
        cut: list[dict[str, object]] = []
        present = self._victims.victims_in(media)
        for face, neighbours in zip(faces, self._finder.of(faces, media.scope), strict=True):
            others = self._propose(face, media.scope, neighbours, present, threshold)
            cut.append({"face_id": face.face_id, "number": len(others), "faces": others[:LISTED]})
            self.grouping.add(face, media.scope, neighbours)
        offset = self._changes.last
        self._changes.comparisons.append(
            {
                "comparison_id": ids.comparison_id(media.media_id, offset),
                "faces": [face.face_id for face in faces],
                "cut": cut,
                "comparison": {
                    "model_id": self.calibration.model_id,
                    "threshold": threshold,
                    "floor": self.calibration.floor,
                    "gallery_offset": offset,
                    "gallery_size": self._staged.size(),
                    "compared": max(covered.compared - len(able), 0),
                    "skipped": max(covered.too_poor - (len(shown) - len(able)), 0),
                },
            }
        )

    def means(self, means: Iterable[VictimMean]) -> None:
        """Compares victims' means with all faces of the register; stages links from the victims' nearest faces."""
        for mean in means:
            scope = self._victims.scope_of(mean)
            threshold = self._threshold(scope)
            for item, nearest, by_mean in self._victims.candidates(mean, scope):
                face = self._staged.faces.get(item.face_id)
                leads_only = face is not None and face.leads_only  # faces of a mean never are
                self._stage(item.face_id, nearest, item.score, threshold, by_mean=by_mean, leads_only=leads_only)

    def _propose(
        self,
        face: Face,
        scope: InScope,
        neighbours: FaceNeighbours,
        present: Container[str],
        threshold: float,
    ) -> list[str]:
        """Stages links to the faces that the caps keep; returns the ids of similar faces that they cut.

        `present` are the victims in the same picture: the face is another person.
        """
        others, most, full = neighbours.others, FIRST_LIMIT, FullCaps()
        floor = self.calibration.floor
        means = self._staged.means.similar_victims(vectors_of([face])[0], neighbours.means, floor)
        while True:
            caps, found, flags = Caps(), dict[str, Similar](), dict[str, tuple[bool, bool]]()
            needed = _Needed(caps, threshold, floor)
            for item, by_mean, leads_only in self._best_first(face, scope, neighbours, others, means, present, needed):
                if item.score < others.cutoff and needed.score() < others.cutoff:
                    break  # a face that was not looked up may be better
                found[item.face_id] = item
                flags[item.face_id] = by_mean, leads_only or face.leads_only
                caps.offer(item)
            if others.cutoff <= needed.score():
                break
            before, full = full, FullCaps(caps.full_cases, caps.full_victims)
            most *= DEEPER if full == before else 1
            others = self._finder.extended(face, scope, others, most, full)
        for item in caps.kept:
            by_mean, leads_only = flags[item.face_id]
            self._stage(face.face_id, item.face_id, item.score, threshold, by_mean=by_mean, leads_only=leads_only)
        if full.cases:  # faces of these were skipped, or found by a victim's mean alone, and are still counted
            for item in self._of_full_cases(face, scope, full.cases, needed.score()):
                if item.face_id not in found or found[item.face_id].score < item.score:
                    found[item.face_id] = item
        return cut_by_caps(found.values(), caps.kept, threshold)

    def _of_full_cases(self, face: Face, scope: InScope, cases: frozenset[str], floor: float) -> Iterator[Similar]:
        """The committed faces of these cases with a score >= `floor`."""
        ordered = self._finder.in_order(self._finder.in_cases(face, cases, floor))
        return (item for item, _, _ in self._comparable(face, scope, ordered))

    def _best_first(
        self,
        face: Face,
        scope: InScope,
        neighbours: FaceNeighbours,
        others: Neighbours,
        means: Sequence[tuple[str, float]],
        present: Container[str],
        needed: _Needed,
    ) -> Iterator[tuple[Similar, bool, bool]]:
        """The faces that the face may be compared with, each once with its best score, the highest first.

        Each comes with two flags: whether the score is of a mean, and whether the other face gives leads only. Ends at
        the lowest score at which the caps may keep or count a face.
        """
        victims = self._finder.own_cases(scope.cases).victims | self._staged.means.touched
        own_means = [pair for pair in means if pair[0] in victims]
        other_means = [pair for pair in means if pair[0] not in victims]
        (new,) = self._finder.new_faces(vectors_of([face]), self.calibration.floor)
        ordered = merge(
            takewhile(needed.other, self._finder.in_order(others)),
            takewhile(needed.other, self._victims.by_mean(face, other_means, present)),
            takewhile(needed.own, self._finder.in_order(neighbours.own)),
            self._victims.by_mean(face, own_means, present),
            self._finder.in_order(neighbours.reclassified),
            sorted(Scored(-score, other.face_id, False, None) for other, score in new),
        )
        return self._comparable(face, scope, ordered)

    def _comparable(
        self, face: Face, scope: InScope, ordered: Iterable[Scored]
    ) -> Iterator[tuple[Similar, bool, bool]]:
        """Those that the face may be compared with, each once, as the caps see them; flags as of `_best_first`."""
        own_media, seen = self._table.media.number(face.media_id), set[str]()
        for negative_score, name, by_mean, number in ordered:
            if name in seen:
                continue
            seen.add(name)
            stored, victim_id, leads_only = self._finder.comparability(name, number, own_media)
            if stored is not None and may_compare(scope, stored):
                yield similar(scope, stored, name, -negative_score, victim_id), by_mean, leads_only

    def _threshold(self, scope: InScope, without: int = 0) -> float:
        """By the number of faces that one of this scope is compared with, less `without` of its own picture."""
        return self.calibration.threshold(max(self._staged.comparable(scope).compared - without, 0))

    def _stage(self, one: str, other: str, score: float, threshold: float, *, by_mean: bool, leads_only: bool) -> None:
        a, b = ids.ordered(one, other)
        link_id = ids.link_id(a, b)
        self._changes.links[link_id] = ProposedLink(
            link_id,
            a,
            b,
            "candidate" if score >= threshold and not leads_only else "lead",
            score,
            self.calibration.band(score),
            self.calibration.model_id,
            threshold,
            by_mean,
            self.calibration.score_id,
        )


class _Needed:
    """Whether further neighbours of a face have to be read, by what its caps have kept so far."""

    def __init__(self, caps: Caps, threshold: float, floor: float) -> None:
        self._caps = caps
        self._threshold = threshold
        self._floor = floor

    def score(self) -> float:
        """The lowest score at which a face of another case can be kept, or is counted as cut by the caps."""
        return min(self._caps.last_other, self._threshold) if self._caps.others_full else self._floor

    def other(self, item: Scored) -> bool:
        """Whether a neighbour of another case with this score can matter."""
        return -item.negative_score >= self.score()

    def own(self, _: Scored) -> bool:
        """Whether a further neighbour of the own case can be kept, whatever its score."""
        return not self._caps.own_full
