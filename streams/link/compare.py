"""Exact comparison of one batch: new faces with the gallery and with the batch's earlier records."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Iterator, Sequence
from dataclasses import replace
from heapq import merge
from itertools import groupby
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
from streams.link.near import AT_FIRST, Full, Near, NearFinder, Scored, vectors_of

DEEPER: Final = 32
"""How many times more are looked at where the caps leave too few of those."""


class Comparer:
    """Compares within a batch; sees the gallery and everything that the batch staged so far."""

    def __init__(
        self, staged: Staged, changes: GraphWrites, calibration: Calibration, progress: Callable[[], None]
    ) -> None:
        self._progress = progress
        self._staged = staged
        self._changes = changes
        self._table = staged.base.faces
        self._finder = NearFinder(staged, calibration.floor)
        self.calibration = calibration

    def look_ahead(self, faces: Sequence[tuple[str, Vectors, InScope]]) -> None:
        """Compares faces, each by its id with vector and scope, with the committed gallery in few passes over it.

        What is found is used where the face has that scope when its turn comes.
        """
        for start in range(0, len(faces), QUERIES):
            self._finder.look_ahead(faces[start : start + QUERIES])
            self._progress()

    def all_media(self, media: Sequence[Media], offset: int) -> None:
        """Compares all faces of these media, QUERIES at a time in one pass over the gallery."""
        some: list[Media] = []
        number = 0
        for item in media:
            some.append(item)
            number += len(item.faces)
            if number >= QUERIES or item is media[-1]:
                found = [(item, self._staged.faces.get(face_id)) for item in some for face_id in item.faces]
                self.look_ahead(
                    [
                        (face.face_id, face.vector, item.scope)
                        for item, face in found
                        if face is not None and face.vector is not None and item.scope is not None
                    ]
                )
                for each in some:
                    self.faces(each, offset)
                self._finder.forget(face_id for each in some for face_id in each.faces)
                some, number = [], 0

    def faces(self, media: Media, offset: int, *, only: Collection[str] | None = None) -> None:
        """Compares a media's faces, or `only` these, with everything in their scope; stages links and the record."""
        self._progress()
        own = [face for face in map(self._staged.faces.get, media.faces) if face and face.label not in HIDDEN_LABELS]
        able = [face for face in own if face.vector is not None]
        mine = [face for face in able if only is None or face.face_id in only]
        if not mine or media.scope is None or not (media.scope.register or media.scope.cases):
            return
        compared, too_poor = self._staged.comparable(media.scope)
        threshold = self._threshold(media.scope, len(able))
        cut: list[dict[str, object]] = []
        beside = self._victims_in(media.media_id)
        for face, near in zip(mine, self._finder.of(mine, media.scope), strict=True):
            others = self._propose(face, media.scope, near, beside, threshold)
            cut.append({"face_id": face.face_id, "number": len(others), "faces": others[:LISTED]})
            self._group(face, media.scope, near, offset)
        self._changes.comparisons.append(
            {
                "comparison_id": ids.comparison_id(media.media_id, offset),
                "faces": [face.face_id for face in mine],
                "cut": cut,
                "comparison": {
                    "model_id": self.calibration.model_id,
                    "threshold": threshold,
                    "floor": self.calibration.floor,
                    "gallery_offset": offset,
                    "gallery_size": self._staged.size(),
                    "compared": max(compared - len(able), 0),
                    "skipped": max(too_poor - (len(own) - len(able)), 0),
                },
            }
        )

    def victims(self, grown: Iterable[VictimMean]) -> None:
        """Compares these victims' means with every face of the register; stages links to their nearest faces."""
        for mean in grown:
            scope = self._scope_of_mean(mean)
            threshold = self._threshold(scope)
            for item, nearest, by_mean in self._proposals(mean, scope):
                face = self._staged.faces.get(item.face_id)
                leads_only = face is not None and face.leads_only  # those of a mean are never
                self._stage(item.face_id, nearest, item.score, threshold, by_mean=by_mean, leads_only=leads_only)

    def everyone_like(self, faces: Sequence[Face], case_id: str | None = None) -> list[list[tuple[Face, float]]]:
        """For each face, all with vectors, the stored and staged faces at or above the floor, whatever their scope;
        of one case's media only where one is named, and staged ones."""
        queries, matrix = vectors_of(faces), self._table.matrix
        if case_id is None:
            found = matrix.above(queries, self.calibration.floor)
        else:
            stored = self._table.rows_of(self._table.media.faces_of(self._table.media.in_case(case_id)))
            found = matrix.among(queries, np.union1d(stored, self._staged.changed_rows()), self.calibration.floor)
        fresh = self._finder.fresh(queries, self.calibration.floor)
        result: list[list[tuple[Face, float]]] = []
        for near, staged in zip(found, fresh, strict=True):
            known = [(self._staged.faces.get(name), -score) for score, name, *_ in self._finder.in_order(near)]
            result.append([(face, score) for face, score in [*known, *staged] if face is not None])
        return result

    def victims_like(self, faces: Sequence[Face]) -> list[list[tuple[Face, float]]]:
        """For each face, all with vectors, the victims whose mean it resembles at or above the floor, whatever their
        scope: as their nearest face, with the mean's score."""
        floor, means = self.calibration.floor, self._staged.means
        found: list[list[tuple[Face, float]]] = []
        for face, near in zip(faces, means.committed_neighbours(vectors_of(faces), floor), strict=True):
            like = means.similar_victims(vectors_of([face])[0], near, floor)
            found.append([(other, score) for name, score in like if (other := self._nearest(face, name)) is not None])
        return found

    def near_mean(self, vector: Vectors) -> list[tuple[Face, float]]:
        """The stored and staged faces whose score with a mean is at or above the floor, whatever their scope."""
        least = self.calibration.floor + MEAN_PENALTY
        (near,) = self._table.matrix.above(vector[None], least)
        (fresh,) = self._finder.fresh(vector[None], least)
        stored = [(self._staged.faces.get(name), -score) for score, name, *_ in self._finder.in_order(near)]
        return [(face, score - MEAN_PENALTY) for face, score in [*stored, *fresh] if face is not None]

    # --- candidates of a face ------------------------------------------------------------------------------------

    def _propose(self, face: Face, scope: InScope, near: Near, beside: Container[str], threshold: float) -> list[str]:
        """Stages the links to what the caps leave; the ids of what they cut that is as similar."""
        others, most, full = near.others, AT_FIRST, Full()
        means = self._staged.means.similar_victims(vectors_of([face])[0], near.means, self.calibration.floor)
        while True:
            caps, found, flags = Caps(), dict[str, Similar](), dict[str, tuple[bool, bool]]()
            needed = _Needed(caps, threshold, self.calibration.floor)
            for item, by_mean, leads_only in self._best_first(face, scope, near, others, means, beside, needed):
                if item.score < others.cutoff and needed.score() < others.cutoff:
                    break  # others may come first that were not looked at
                found[item.face_id] = item
                flags[item.face_id] = by_mean, leads_only or face.leads_only
                caps.offer(item)
            if others.cutoff <= needed.score():
                break
            before, full = full, Full(caps.full_cases, caps.full_victims)
            most *= DEEPER if full == before else 1
            others = self._finder.deeper(face, scope, others, most, full)
        for item in caps.kept:
            by_mean, leads_only = flags[item.face_id]
            self._stage(face.face_id, item.face_id, item.score, threshold, by_mean=by_mean, leads_only=leads_only)
        if full.cases:  # of these not all were looked at that are counted, or by a victim's mean alone
            for item in self._of_full_cases(face, scope, full.cases, needed.score()):
                if item.face_id not in found or found[item.face_id].score < item.score:
                    found[item.face_id] = item
        return cut_by_caps(found.values(), caps.kept, threshold)

    def _of_full_cases(self, face: Face, scope: InScope, cases: frozenset[str], least: float) -> Iterator[Similar]:
        """The stored faces of these cases with a score >= `least`."""
        own_media = self._table.media.number(face.media_id)
        for turned, name, _, number in self._finder.in_order(self._finder.in_cases(face, cases, least)):
            stored, victim_id, _ = self._finder.standing(name, number, own_media)
            if stored is not None and may_compare(scope, stored):
                yield similar(scope, stored, name, -turned, victim_id)

    def _best_first(
        self,
        face: Face,
        scope: InScope,
        near: Near,
        others: Neighbours,
        means: Sequence[tuple[str, float]],
        beside: Container[str],
        needed: _Needed,
    ) -> Iterator[tuple[Similar, bool, bool]]:
        """Whom the face may be compared with, each once with its best score, the best first; as far down as the caps
        let any be kept or counted. With whether the score is of a mean, and whether the other one gives leads only."""
        owners = self._finder.own_cases(scope.cases).victims
        own_means = [pair for pair in means if pair[0] in owners or pair[0] in self._staged.means.touched]
        other_means = [pair for pair in means if pair[0] not in owners and pair[0] not in self._staged.means.touched]
        (fresh,) = self._finder.fresh(vectors_of([face]), self.calibration.floor)
        ordered = merge(
            _while(self._finder.in_order(others), needed.others),
            _while(self._by_mean(face, other_means, beside), needed.others),
            _while(self._finder.in_order(near.own), needed.own),
            self._by_mean(face, own_means, beside),
            self._finder.in_order(near.moved),
            sorted((-score, other.face_id, False, None) for other, score in fresh),
        )
        own_media, seen = self._table.media.number(face.media_id), set[str]()
        for turned, name, is_mean, number in ordered:
            if name in seen:
                continue
            seen.add(name)
            stored, victim_id, leads_only = self._finder.standing(name, number, own_media)
            if stored is not None and may_compare(scope, stored):
                yield similar(scope, stored, name, -turned, victim_id), is_mean, leads_only

    def _by_mean(self, face: Face, means: Iterable[tuple[str, float]], beside: Container[str]) -> Iterator[Scored]:
        """Victims as their nearest face, in the order of the means' scores, of equals the smaller face id."""
        for score, alike in groupby(means, key=lambda pair: pair[1]):
            names = [victim_id for victim_id, _ in alike if self._may_be(face, victim_id, beside)]
            nearest = filter(None, (self._nearest(face, victim_id) for victim_id in names))
            for name in sorted(other.face_id for other in nearest):
                yield -score, name, True, self._table.number(name)

    def _nearest(self, face: Face, victim_id: str) -> Face | None:
        mean = self._staged.means.get(victim_id)
        return self._staged.faces.get(mean.nearest(vectors_of([face])[0])[0]) if mean is not None else None

    def _may_be(self, face: Face, victim_id: str, beside: Container[str]) -> bool:
        """Whether the face may be compared with the victim's mean, and somebody is left to ask if it is this victim.

        Not of the victim's own face, of one with it `beside` in a picture, and of one that people told apart from it.
        """
        scope = self._staged.scope_of(face)
        if scope is None or not scope.register or scope.hidden or victim_id in beside:
            return False
        apart = filter(None, map(self._staged.faces.get, self._staged.groups.cannot_link(face.face_id)))
        return all(other.victim_id != victim_id for other in apart)

    def _victims_in(self, media_id: str) -> frozenset[str]:
        """Whose faces the media's count as."""
        media = self._staged.media.get(media_id)
        faces = filter(None, map(self._staged.faces.get, media.faces if media is not None else ()))
        return frozenset(face.victim_id for face in faces if face.victim_id is not None)

    # --- candidates of a victim ----------------------------------------------------------------------------------

    def _scope_of_mean(self, mean: VictimMean) -> InScope:
        """The whole register; the victim's own cases are those of the faces in its mean."""
        faces = filter(None, map(self._staged.faces.get, mean.faces))
        scopes = filter(None, map(self._staged.scope_of, faces))
        cases = frozenset[str]().union(*(scope.cases for scope in scopes))
        return InScope("", register=True, cases=cases)

    def _proposals(self, mean: VictimMean, whole: InScope) -> list[tuple[Similar, str, bool]]:
        """What the whole register has for a victim whose mean is new: with the victim's face nearest to it, and whether
        the mean is more like it than that one.

        At or above the floor, capped like what is proposed for a new face; `whole` is the victim's scope.
        """
        least = self.calibration.floor + MEAN_PENALTY
        (near,) = self._table.matrix.above(mean.vector[None], least)
        best = near
        if len(near.rows):
            alone = all_scores(self._table.matrix.take(near.rows), mean.vectors).max(axis=1)
            best = replace(near, scores=np.maximum(near.scores - MEAN_PENALTY, alone))
        (fresh,) = self._finder.fresh(mean.vector[None], least)
        staged = [(max(score - MEAN_PENALTY, mean.nearest(vectors_of([f])[0])[1]), f.face_id) for f, score in fresh]
        caps = Caps()
        ordered = merge(self._finder.in_order(best), sorted((-score, name, False, None) for score, name in staged))
        for turned, name, _, number in ordered:
            scope, victim_id, _ = self._finder.standing(name, number, None)
            if scope is None or (caps.others_full and scope.cases.isdisjoint(whole.cases)):
                continue  # most of a large register, of which nothing can be kept any more
            face = self._staged.faces.get(name)
            if face is not None and self._may_be(face, mean.victim_id, self._victims_in(face.media_id)):
                caps.offer(similar(whole, scope, name, -turned, victim_id))
                if caps.own_full and caps.others_full:
                    break
        nearest = {item.face_id: self._nearest_of(item.face_id, mean) for item in caps.kept}
        return [(item, *nearest[item.face_id]) for item in caps.kept]

    def _nearest_of(self, face_id: str, mean: VictimMean) -> tuple[str, bool]:
        """The victim's face that is nearest to this one, and whether the mean is more like it."""
        face = self._staged.faces.get(face_id)
        assert face is not None, "it was compared just now"
        (vector,) = vectors_of([face])
        name, alone = mean.nearest(vector)
        return name, float(all_scores(vector[None], mean.vector[None])[0, 0]) - MEAN_PENALTY > alone

    def _threshold(self, scope: InScope, without: int = 0) -> float:
        """By how many faces are compared with one of this scope, but `without` those of its own picture."""
        return self.calibration.threshold(max(self._staged.comparable(scope)[0] - without, 0))

    def _stage(self, one: str, other: str, score: float, threshold: float, *, by_mean: bool, leads_only: bool) -> None:
        a, b = ids.ordered(one, other)
        state = "candidate" if score >= threshold and not leads_only else "lead"
        link_id, band = ids.link_id(a, b), self.calibration.band(score)
        model_id, score_id = self.calibration.model_id, self.calibration.score_id
        self._changes.links[link_id] = ProposedLink(
            link_id, a, b, state, score, band, model_id, threshold, by_mean, score_id
        )

    # --- groups --------------------------------------------------------------------------------------------------

    def judged(self, pairs: Iterable[tuple[str, str]], offset: int, *, apart: bool) -> None:
        """Groups the case's faces as people's decisions on these pairs leave them."""
        freed = self._staged.groups.set_cannot_link(pairs, cannot_link=apart)
        for face in filter(None, map(self._staged.faces.get, sorted(freed))):
            if face.vector is not None and (scope := self._staged.scope_of(face)) is not None and not scope.hidden:
                (near,) = self._finder.of([face], scope)
                self._group(face, scope, near, offset)

    def _group(self, face: Face, scope: InScope, near: Near, offset: int) -> None:
        groups, strict = self._staged.groups, self.calibration.group
        missing = sorted(scope.cases - groups.groups_of(face.face_id).keys())
        if not missing or face.leads_only:
            return
        close = [some.rows[some.scores >= strict] for some in (near.own, near.moved)]
        known: dict[str, int | None] = {
            self._table.ids.name(number): number for number in self._table.face_at[np.concatenate(close)].tolist()
        }
        (fresh,) = self._finder.fresh(vectors_of([face]), strict)
        known |= {other.face_id: None for other, _ in fresh}
        own_media = self._table.media.number(face.media_id)
        alike: list[tuple[str, InScope]] = []
        for name, number in known.items():
            stored, _, leads_only = self._finder.standing(name, number, own_media)
            if stored is not None and not leads_only and may_compare(scope, stored):
                alike.append((name, stored))
        for case_id in missing:
            of_case = [name for name, stored in alike if case_id in stored.cases]
            if of_case:
                groups.add_face(face.face_id, case_id, of_case, self._member, threshold=strict, offset=offset)

    def _member(self, face_id: str) -> Member:
        face = self._staged.faces.get(face_id)
        assert face is not None and face.vector is not None, "a face of a group is known and has a vector"
        return Member(face.vector, face.media_id, face.victim_id)


class _Needed:
    """How far down the best faces of a comparison have to be looked through."""

    def __init__(self, caps: Caps, threshold: float, floor: float) -> None:
        self._caps = caps
        self._threshold = threshold
        self._floor = floor

    def score(self) -> float:
        """The score from which on a face of another case can be kept, or is counted as one that the caps cut."""
        return min(self._caps.last_other, self._threshold) if self._caps.others_full else self._floor

    def others(self, score: float) -> bool:
        return score >= self.score()

    def own(self, score: float) -> bool:
        return not self._caps.own_full


def _while(items: Iterator[Scored], goes_on: Callable[[float], bool]) -> Iterator[Scored]:
    for item in items:
        if not goes_on(-item[0]):
            return
        yield item
