"""Exact comparison within one batch: faces with the gallery and with the batch's earlier records."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Iterator, Sequence
from dataclasses import replace
from heapq import merge
from itertools import groupby, takewhile
from typing import Final

import numpy as np

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
from streams.gallery.groups import Member
from streams.gallery.matrix import QUERIES, Neighbours, Vectors, all_scores
from streams.gallery.means import MEAN_PENALTY, VictimMean
from streams.gallery.state import Staged
from streams.link.neighbours import FIRST_LIMIT, FaceNeighbours, FullCaps, NeighbourFinder, Scored, vectors_of

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
        present = self._victims_in(media)
        for face, neighbours in zip(faces, self._finder.of(faces, media.scope), strict=True):
            others = self._propose(face, media.scope, neighbours, present, threshold)
            cut.append({"face_id": face.face_id, "number": len(others), "faces": others[:LISTED]})
            self._group(face, media.scope, neighbours)
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
            scope = self._scope_of_mean(mean)
            threshold = self._threshold(scope)
            for item, nearest, by_mean in self._proposals(mean, scope):
                face = self._staged.faces.get(item.face_id)
                leads_only = face is not None and face.leads_only  # faces of a mean never are
                self._stage(item.face_id, nearest, item.score, threshold, by_mean=by_mean, leads_only=leads_only)

    def similar_faces(self, faces: Sequence[Face], case_id: str | None = None) -> list[list[tuple[Face, float]]]:
        """For each face, all with vectors, the faces that score at least the floor, whatever their scope.

        With `case_id` those of that case's media and those that the batch changed.
        """
        queries, matrix = vectors_of(faces), self._table.matrix
        if case_id is None:
            found = matrix.above(queries, self.calibration.floor)
        else:
            stored = self._table.rows_of(self._table.media.faces_of(self._table.media.in_case(case_id)))
            found = matrix.among(queries, np.union1d(stored, self._staged.changed_rows()), self.calibration.floor)
        new = self._finder.new_faces(queries, self.calibration.floor)
        return [[*self._scored_faces(some), *added] for some, added in zip(found, new, strict=True)]

    def similar_victims(self, faces: Sequence[Face]) -> list[list[tuple[Face, float]]]:
        """For each face, all with vectors, the victims whose mean scores at least the floor, whatever their scope.

        A victim is given as its nearest face, with the mean's score.
        """
        floor, means = self.calibration.floor, self._staged.means
        found: list[list[tuple[Face, float]]] = []
        for face, committed in zip(faces, means.committed_neighbours(vectors_of(faces), floor), strict=True):
            victims = means.similar_victims(vectors_of([face])[0], committed, floor)
            nearest = ((self._nearest(face, name), score) for name, score in victims)
            found.append([(other, score) for other, score in nearest if other is not None])
        return found

    def faces_near_mean(self, vector: Vectors) -> list[tuple[Face, float]]:
        """The faces that score at least the floor with a mean, whatever their scope."""
        floor = self.calibration.floor + MEAN_PENALTY
        (near,) = self._table.matrix.above(vector[None], floor)
        (new,) = self._finder.new_faces(vector[None], floor)
        return [(face, score - MEAN_PENALTY) for face, score in [*self._scored_faces(near), *new]]

    def _scored_faces(self, neighbours: Neighbours) -> list[tuple[Face, float]]:
        ordered = self._finder.in_order(neighbours)
        known = ((self._staged.faces.get(item.face_id), -item.negative_score) for item in ordered)
        return [(face, score) for face, score in known if face is not None]

    # --- candidates of a face ------------------------------------------------------------------------------------

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
            takewhile(needed.other, self._by_mean(face, other_means, present)),
            takewhile(needed.own, self._finder.in_order(neighbours.own)),
            self._by_mean(face, own_means, present),
            self._finder.in_order(neighbours.reclassified),
            sorted(Scored(-score, other.face_id, False, None) for other, score in new),
        )
        return self._comparable(face, scope, ordered)

    def _comparable(
        self, face: Face, scope: InScope, ordered: Iterable[Scored]
    ) -> Iterator[tuple[Similar, bool, bool]]:
        """Those that the face may be compared with, each once, as the caps see them; flags as of `_proposals`."""
        own_media, seen = self._table.media.number(face.media_id), set[str]()
        for negative_score, name, by_mean, number in ordered:
            if name in seen:
                continue
            seen.add(name)
            stored, victim_id, leads_only = self._finder.comparability(name, number, own_media)
            if stored is not None and may_compare(scope, stored):
                yield similar(scope, stored, name, -negative_score, victim_id), by_mean, leads_only

    def _by_mean(self, face: Face, means: Iterable[tuple[str, float]], present: Container[str]) -> Iterator[Scored]:
        """Victims' nearest faces in the order of the means' scores, the smaller face id if tied."""
        for score, tied in groupby(means, key=lambda pair: pair[1]):
            names = [victim_id for victim_id, _ in tied if self._may_be(face, victim_id, present)]
            nearest = filter(None, (self._nearest(face, victim_id) for victim_id in names))
            for name in sorted(other.face_id for other in nearest):
                yield Scored(-score, name, True, self._table.number(name))

    def _nearest(self, face: Face, victim_id: str) -> Face | None:
        mean = self._staged.means.get(victim_id)
        return self._staged.faces.get(mean.nearest(vectors_of([face])[0])[0]) if mean is not None else None

    def _may_be(self, face: Face, victim_id: str, present: Container[str]) -> bool:
        """Whether the face may be compared with the victim's mean, and its identity is still open.

        Not if it is the victim's own face, the victim is `present` in its picture, or people dismissed the pair.
        """
        scope = self._staged.scope_of(face)
        if scope is None or not scope.register or scope.hidden or victim_id in present:
            return False
        cannot_link = filter(None, map(self._staged.faces.get, self._staged.groups.cannot_link(face.face_id)))
        return all(other.victim_id != victim_id for other in cannot_link)

    def _victims_in(self, media: Media | None) -> frozenset[str]:
        """The victims of the media's faces."""
        faces = self._staged.faces_of(media) if media is not None else []
        return frozenset(face.victim_id for face in faces if face.victim_id is not None)

    # --- candidates of a victim ----------------------------------------------------------------------------------

    def _scope_of_mean(self, mean: VictimMean) -> InScope:
        """The whole register; the victim's own cases are those of the faces in its mean."""
        faces = filter(None, map(self._staged.faces.get, mean.faces))
        scopes = filter(None, map(self._staged.scope_of, faces))
        cases = frozenset[str]().union(*(scope.cases for scope in scopes))
        return InScope("", register=True, cases=cases)

    def _proposals(self, mean: VictimMean, whole: InScope) -> list[tuple[Similar, str, bool]]:
        """The register's faces that score at least the floor with the mean, capped like those of a new face.

        Each with the victim's nearest face, and whether the mean scores higher than that one. `whole` is the victim's
        scope.
        """
        floor = self.calibration.floor + MEAN_PENALTY
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
            if face is not None and self._may_be(face, mean.victim_id, self._victims_in(media)):
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

    # --- groups --------------------------------------------------------------------------------------------------

    def regroup(self, pairs: Iterable[tuple[str, str]], *, cannot_link: bool) -> None:
        """Adds or removes cannot-link pairs that people decided, and groups the faces that these leave ungrouped."""
        ungrouped = self._staged.groups.set_cannot_link(pairs, cannot_link=cannot_link)
        for face in filter(None, map(self._staged.faces.get, sorted(ungrouped))):
            if face.vector is not None and (scope := self._staged.scope_of(face)) is not None and not scope.hidden:
                (neighbours,) = self._finder.of([face], scope)
                self._group(face, scope, neighbours)

    def _group(self, face: Face, scope: InScope, neighbours: FaceNeighbours) -> None:
        groups, threshold = self._staged.groups, self.calibration.group
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
