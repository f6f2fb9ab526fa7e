"""Exact comparison of one batch: new faces with the gallery and with the batch's earlier records."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

import numpy as np

from graph.actions.ingest import Changes, LinkRow
from graph.domain import ids
from graph.domain.calibration import Calibration
from graph.domain.comparison import (
    HIDDEN_LABELS,
    LISTED,
    InScope,
    cut_by_caps,
    may_compare,
    similar,
    within_caps,
)
from streams.gallery.groups import Member
from streams.gallery.matrix import QUERIES, Near, Vectors, above
from streams.gallery.state import Face, Media, Staged
from streams.gallery.templates import Template
from streams.gallery.victims import Comparable, near_victims, proposals, scope_of, with_means


class Comparer:
    """Compares within a batch; sees the gallery and everything that the batch staged so far."""

    def __init__(
        self, staged: Staged, changes: Changes, calibration: Calibration, progress: Callable[[], None]
    ) -> None:
        self._progress = progress
        self._calibration = calibration
        self._staged = staged
        self._changes = changes
        self._model_id = calibration.model_id
        self._ahead: dict[str, list[Near]] = {}

    def look_ahead(self, faces: Sequence[tuple[str, Vectors]]) -> None:
        """Compares all new faces of the batch with the committed gallery in one pass over it."""
        for start in range(0, len(faces), QUERIES):
            some = faces[start : start + QUERIES]
            found = self._staged.base.matrix.above(np.stack([vector for _, vector in some]), self._calibration.floor)
            self._ahead |= {face_id: near for (face_id, _), near in zip(some, found, strict=True)}
            self._progress()

    def may_compare(self, a: str, b: str) -> bool:
        face_a, face_b = self._staged.face(a), self._staged.face(b)
        scope_a = self._staged.scope_of(face_a) if face_a else None
        scope_b = self._staged.scope_of(face_b) if face_b else None
        return scope_a is not None and scope_b is not None and may_compare(scope_a, scope_b)

    def faces(self, media: Media, offset: int, *, only: Collection[str] | None = None) -> None:
        """Compares a media's faces, or `only` these, with everything in their scope; stages links and the record."""
        self._progress()
        own = [face for face in map(self._staged.face, media.faces) if face and face.label not in HIDDEN_LABELS]
        able = [face for face in own if face.vector is not None]
        mine = [face for face in able if only is None or face.face_id in only]
        if not mine or media.scope is None or not (media.scope.register or media.scope.cases):
            return
        compared, too_poor = self._staged.comparable(media.scope)
        threshold = self._threshold(media.scope, len(able))
        means = near_victims(self._staged, mine, self._calibration.floor)
        cut: list[dict[str, object]] = []
        for face, near, by_mean in zip(mine, self.near(mine), means, strict=True):
            in_scope = self._in_scope(face, near)
            others = self._propose(face, media.scope, in_scope, by_mean, threshold)
            cut.append({"face_id": face.face_id, "number": len(others), "faces": others[:LISTED]})
            self._group(face, media.scope, in_scope, offset)
        self._changes.comparisons.append(
            {
                "comparison_id": ids.comparison_id(media.media_id, offset),
                "faces": [face.face_id for face in mine],
                "cut": cut,
                "comparison": {
                    "model_id": self._model_id,
                    "threshold": threshold,
                    "floor": self._calibration.floor,
                    "gallery_offset": offset,
                    "gallery_size": self._staged.size(),
                    "compared": max(compared - len(able), 0),
                    "skipped": max(too_poor - (len(own) - len(able)), 0),
                },
            }
        )

    def victims(self, grown: Iterable[Template]) -> None:
        """Compares these victims' means with every face of the register; stages links to their nearest faces."""
        for template in grown:
            scope = scope_of(self._staged, template)
            threshold = self._threshold(scope)
            for item, nearest, by_mean in proposals(self._staged, template, scope, self._calibration.floor):
                self._stage(item.face_id, nearest, item.score, threshold, by_mean=by_mean)

    def narrow(self, media: Sequence[Media]) -> None:
        """Takes back undecided links of media that may no longer be compared as before, staged ones too.

        So is what comparisons list as similar. Their faces leave the groups of the cases in which they are compared no
        more.
        """
        self._changes.narrowed |= {item.media_id for item in media}
        groups = self._staged.groups
        for face in filter(None, (self._staged.face(face_id) for item in media for face_id in item.faces)):
            scope = self._staged.scope_of(face)
            still = scope.cases if scope is not None and not scope.hidden else frozenset[str]()
            groups.leave([(face.face_id, groups.groups_of(face.face_id).keys() - still)])
        links = self._changes.links
        for link_id in [row.link_id for row in links.values() if not self.may_compare(row.a, row.b)]:
            del links[link_id]
        for row in (row for comparison in self._changes.comparisons for row in comparison["cut"]):
            row["faces"] = [other for other in row["faces"] if self.may_compare(row["face_id"], other)]

    @property
    def calibration(self) -> Calibration:
        """What is compared by."""
        return self._calibration

    def near(self, faces: Sequence[Face]) -> list[list[tuple[Face, float]]]:
        """For each face the stored and staged faces at or above the floor, whatever their scope."""
        vectors, floor = np.stack([face.vector for face in faces if face.vector is not None]), self._calibration.floor
        unseen = [index for index, face in enumerate(faces) if face.face_id not in self._ahead]
        committed = [self._ahead.get(face.face_id, []) for face in faces]
        if unseen:
            for index, near in zip(unseen, self._staged.base.matrix.above(vectors[unseen], floor), strict=True):
                committed[index] = near
        fresh = self._staged.fresh_faces()
        stacked = np.stack([face.vector for face in fresh if face.vector is not None]) if fresh else vectors[:0]
        result: list[list[tuple[Face, float]]] = []
        for index, staged in enumerate(above(vectors, stacked, floor)):
            found = [(self._staged.face(self._staged.base.face_at[near.row]), near.score) for near in committed[index]]
            pairs = [(face, score) for face, score in found if face is not None]
            pairs += [(fresh[near.row], near.score) for near in staged]
            result.append(pairs)
        return result

    def _in_scope(self, face: Face, near: list[tuple[Face, float]]) -> list[Comparable]:
        """Those of the near faces that may be compared with this one."""
        scope = self._staged.scope_of(face)
        found = ((other, self._staged.scope_of(other), score) for other, score in near if other.face_id != face.face_id)
        return [
            (other, stored, score)
            for other, stored, score in found
            if scope is not None and stored is not None and may_compare(scope, stored)
        ]

    def _propose(
        self, face: Face, scope: InScope, near: list[Comparable], means: list[Comparable], threshold: float
    ) -> list[str]:
        """Stages the links to what the caps leave; the ids of what they cut that is as similar."""
        alone = {other.face_id: score for other, _, score in near}
        everyone = with_means(near, means)
        found = [similar(scope, stored, other.face_id, score, other.victim_id) for other, stored, score in everyone]
        kept = within_caps(found)
        for item in kept:
            by_mean = item.score != alone.get(item.face_id)
            self._stage(face.face_id, item.face_id, item.score, threshold, by_mean=by_mean)
        return cut_by_caps(found, kept, threshold)

    def _threshold(self, scope: InScope, without: int = 0) -> float:
        """By how many faces are compared with one of this scope, but `without` those of its own picture."""
        return self._calibration.threshold(max(self._staged.comparable(scope)[0] - without, 0))

    def _stage(self, one: str, other: str, score: float, threshold: float, *, by_mean: bool) -> None:
        a, b = ids.ordered(one, other)
        leads_only = any(face is not None and face.leads_only for face in map(self._staged.face, (a, b)))
        state = "candidate" if score >= threshold and not leads_only else "lead"
        link_id, band = ids.link_id(a, b), self._calibration.band(score)
        self._changes.links[link_id] = LinkRow(
            link_id, a, b, state, score, band, self._model_id, threshold, by_mean, self._calibration.score_id
        )

    # --- groups --------------------------------------------------------------------------------------------------

    def judged(self, pairs: Iterable[tuple[str, str]], offset: int, *, apart: bool) -> None:
        """Groups the case's faces as people's decisions on these pairs leave them."""
        freed = self._staged.groups.judge(pairs, apart=apart)
        for face in filter(None, map(self._staged.face, sorted(freed))):
            if face.vector is not None and (scope := self._staged.scope_of(face)) is not None:
                (near,) = self.near([face])
                self._group(face, scope, self._in_scope(face, near), offset)

    def _group(self, face: Face, scope: InScope, near: list[Comparable], offset: int) -> None:
        groups, strict = self._staged.groups, self._calibration.group
        near = [] if face.leads_only else [item for item in near if not item[0].leads_only]
        for case_id in sorted(scope.cases - groups.groups_of(face.face_id).keys()):
            close = [other.face_id for other, stored, score in near if score >= strict and case_id in stored.cases]
            if close:
                groups.join(face.face_id, case_id, close, self._member, strict, offset)

    def _member(self, face_id: str) -> Member:
        face = self._staged.face(face_id)
        assert face is not None and face.vector is not None, "a face of a group is known and has a vector"
        return Member(face.vector, face.media_id, face.victim_id)
