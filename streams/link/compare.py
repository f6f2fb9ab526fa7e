"""Exact comparison of one batch: new faces with the gallery and with the batch's earlier records."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import merge
from typing import Final

import numpy as np
from numpy.typing import NDArray

from graph.actions.ingest import Changes, LinkRow
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
    within_caps,
)
from streams.gallery.columns import Numbers
from streams.gallery.entities import Face, Media
from streams.gallery.groups import Member
from streams.gallery.matrix import Hits, Vectors, all_scores
from streams.gallery.means import SCORES_HIGHER, VictimMean
from streams.gallery.state import Staged
from streams.gallery.tables import HIDDEN, LEADS_ONLY, POOR, OwnCases

QUERIES: Final = 512
"""Faces that are compared with the gallery in one pass over it."""
MOST: Final = 32
"""Stored faces of other cases that are looked at first: the caps leave 10 of them at the most."""
DEEPER: Final = 32
"""How many times more are looked at where the caps leave too few of those."""

Scored = tuple[float, str, bool, int | None]
"""A face among those that resemble one: the score with its sign turned, its id, whether the score is of a victim's
mean, and its number where the committed gallery told it. Smaller ones come first."""


@dataclass(frozen=True, slots=True)
class _Near:
    """What a face resembles in the committed gallery: stored faces that share no case with it (`others`), those that
    share one (`own`), victims' means, and faces whose scope the batch has changed (`moved`), as of a version of it."""

    scope: InScope
    others: Hits
    own: Hits
    means: Hits
    moved: Hits
    version: int


_NOTHING: Final = Hits(np.zeros(0, np.int64), np.zeros(0), 0.0)


class Comparer:
    """Compares within a batch; sees the gallery and everything that the batch staged so far."""

    def __init__(
        self, staged: Staged, changes: Changes, calibration: Calibration, progress: Callable[[], None]
    ) -> None:
        self._progress = progress
        self._staged = staged
        self._changes = changes
        self._table = staged.base.faces
        self._ahead: dict[str, _Near] = {}
        self._cases: dict[frozenset[str], OwnCases] = {}
        self._fresh_at, self._fresh_faces = -1, list[Face]()
        self._fresh_vectors: Vectors = np.zeros((0, 0), np.float32)
        self.calibration = calibration

    def look_ahead(self, faces: Sequence[tuple[str, Vectors, InScope]]) -> None:
        """Compares faces, each by its id with vector and scope, with the committed gallery in one pass over it.

        What is found is used where the face has that scope when its turn comes.
        """
        for start in range(0, len(faces), QUERIES):
            some = faces[start : start + QUERIES]
            near = self._near(np.stack([vector for _, vector, _ in some]), [scope for _, _, scope in some])
            self._ahead |= {face_id: found for (face_id, _, _), found in zip(some, near, strict=True)}
            self._progress()

    def may_compare(self, a: str, b: str) -> bool:
        face_a, face_b = self._staged.face(a), self._staged.face(b)
        scope_a = self._staged.scope_of(face_a) if face_a else None
        scope_b = self._staged.scope_of(face_b) if face_b else None
        return scope_a is not None and scope_b is not None and may_compare(scope_a, scope_b)

    def all_media(self, media: Sequence[Media], offset: int) -> None:
        """Compares all faces of these media, QUERIES at a time in one pass over the gallery."""
        some: list[Media] = []
        number = 0
        for item in media:
            some.append(item)
            number += len(item.faces)
            if number >= QUERIES or item is media[-1]:
                found = [(item, self._staged.face(face_id)) for item in some for face_id in item.faces]
                self.look_ahead(
                    [
                        (face.face_id, face.vector, item.scope)
                        for item, face in found
                        if face is not None and face.vector is not None and item.scope is not None
                    ]
                )
                for each in some:
                    self.faces(each, offset)
                self._ahead.clear()
                some, number = [], 0

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
        cut: list[dict[str, object]] = []
        for face, near in zip(mine, self._nears(mine, media.scope), strict=True):
            others = self._propose(face, media.scope, near, threshold)
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
                face = self._staged.face(item.face_id)
                leads_only = face is not None and face.leads_only  # those of a mean are never
                self._stage(item.face_id, nearest, item.score, threshold, by_mean=by_mean, leads_only=leads_only)

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

    def everyone_like(self, faces: Sequence[Face], case_id: str | None = None) -> list[list[tuple[Face, float]]]:
        """For each face, all with vectors, the stored and staged faces at or above the floor, whatever their scope;
        of one case's media only where one is named, and staged ones."""
        queries, matrix = _vectors(faces), self._table.matrix
        if case_id is None:
            found = matrix.all_above(queries, self.calibration.floor)
        else:
            stored = self._table.rows_of(self._table.media.faces_of(self._table.media.in_case(case_id)))
            found = matrix.among(queries, np.union1d(stored, self._staged.rows()), self.calibration.floor)
        fresh = self._fresh(queries, self.calibration.floor)
        result: list[list[tuple[Face, float]]] = []
        for hits, staged in zip(found, fresh, strict=True):
            known = [(self._staged.face(name), -score) for score, name, *_ in self._scored(hits)]
            result.append([(face, score) for face, score in [*known, *staged] if face is not None])
        return result

    def victims_like(self, faces: Sequence[Face]) -> list[list[tuple[Face, float]]]:
        """For each face, all with vectors, the victims whose mean it resembles at or above the floor, whatever their
        scope: as their nearest face, with the mean's score."""
        floor, means = self.calibration.floor, self._staged.means
        found: list[list[tuple[Face, float]]] = []
        for face, hits in zip(faces, means.hits(_vectors(faces), floor), strict=True):
            like = means.like(_vectors([face])[0], hits, floor)
            found.append([(near, score) for name, score in like if (near := self._nearest(face, name)) is not None])
        return found

    def near_mean(self, vector: Vectors) -> list[tuple[Face, float]]:
        """The stored and staged faces whose score with a mean is at or above the floor, whatever their scope."""
        least = self.calibration.floor + SCORES_HIGHER
        (hits,) = self._table.matrix.all_above(vector[None], least)
        (fresh,) = self._fresh(vector[None], least)
        stored = [(self._staged.face(name), -score) for score, name, *_ in self._scored(hits)]
        return [(face, score - SCORES_HIGHER) for face, score in [*stored, *fresh] if face is not None]

    # --- candidates of a face ------------------------------------------------------------------------------------

    def _propose(self, face: Face, scope: InScope, near: _Near, threshold: float) -> list[str]:
        """Stages the links to what the caps leave; the ids of what they cut that is as similar."""
        others, most = near.others, MOST
        means = self._staged.means.like(_vectors([face])[0], near.means, self.calibration.floor)
        while True:
            caps, found, flags = Caps(), list[Similar](), dict[str, tuple[bool, bool]]()
            needed = _Needed(caps, threshold, self.calibration.floor)
            for item, by_mean, leads_only in self._best_first(face, scope, near, others, means, needed):
                found.append(item)
                flags[item.face_id] = by_mean, leads_only or face.leads_only
                caps.offer(item)
            if others.down_to <= needed.score():
                break
            most *= DEEPER
            (others,) = self._others(_vectors([face]), [scope], most)
        for item in caps.kept:
            by_mean, leads_only = flags[item.face_id]
            self._stage(face.face_id, item.face_id, item.score, threshold, by_mean=by_mean, leads_only=leads_only)
        return cut_by_caps(found, caps.kept, threshold)

    def _best_first(
        self,
        face: Face,
        scope: InScope,
        near: _Near,
        others: Hits,
        means: Sequence[tuple[str, float]],
        needed: _Needed,
    ) -> Iterator[tuple[Similar, bool, bool]]:
        """Whom the face may be compared with, each once with its best score, the best first; as far down as the caps
        let any be kept or counted. With whether the score is of a mean, and whether the other one gives leads only."""
        owners = self._own_cases(scope.cases).victims
        own_means = [pair for pair in means if pair[0] in owners or pair[0] in self._staged.means.touched]
        other_means = [pair for pair in means if pair[0] not in owners and pair[0] not in self._staged.means.touched]
        (fresh,) = self._fresh(_vectors([face]), self.calibration.floor)
        ordered = merge(
            _while(self._scored(others), needed.others),
            _while(self._by_mean(face, other_means), needed.others),
            _while(self._scored(near.own), needed.own),
            self._by_mean(face, own_means),
            self._scored(near.moved),
            sorted((-score, other.face_id, False, None) for other, score in fresh),
        )
        own_media, seen = self._table.media.number(face.media_id), set[str]()
        for turned, name, is_mean, number in ordered:
            if name in seen:
                continue
            seen.add(name)
            stored, victim_id, leads_only = self._compared(name, number, own_media)
            if stored is not None and may_compare(scope, stored):
                yield similar(scope, stored, name, -turned, victim_id), is_mean, leads_only

    def _compared(
        self, face_id: str, number: int | None, own_media: int | None
    ) -> tuple[InScope | None, str | None, bool]:
        """The scope of a stored or staged face, whose face it counts as, and whether it gives leads only; no scope
        where it is compared with nothing, or is a face of the media itself."""
        if number is not None and face_id not in self._staged.faces.changed:
            home = int(self._table.media_of[number])
            if home == own_media:
                return None, None, False
            if not self._staged.media.changed or self._table.media.ids.name(home) not in self._staged.media.changed:
                state, victim = int(self._table.state[number]), int(self._table.victim[number])
                scope = None if state & (POOR | HIDDEN) else self._table.media.scope_at(home)
                return scope, self._table.victims.name(victim), bool(state & LEADS_ONLY)
        face = self._staged.face(face_id)
        if face is None:
            return None, None, False
        return self._staged.scope_of(face), face.victim_id, face.leads_only

    def _by_mean(self, face: Face, means: Iterable[tuple[str, float]]) -> Iterator[Scored]:
        """Victims, in the order of their means' scores, as their nearest face."""
        for victim_id, score in means:
            nearest = self._nearest(face, victim_id)
            mean = self._staged.means.of(victim_id)
            if nearest is not None and mean is not None and self._may_be(face, mean):
                yield -score, nearest.face_id, True, self._table.number(nearest.face_id)

    def _nearest(self, face: Face, victim_id: str) -> Face | None:
        mean = self._staged.means.of(victim_id)
        return self._staged.face(mean.nearest(_vectors([face])[0])[0]) if mean is not None else None

    def _may_be(self, face: Face, mean: VictimMean) -> bool:
        """Whether the face may be compared with the mean, and somebody is left to ask if it is this victim.

        Not of the victim's own face, of one beside the victim in a picture, and of one that people told apart from it.
        """
        scope, media = self._staged.scope_of(face), self._staged.one_media(face.media_id)
        if scope is None or not scope.register or scope.hidden or media is None:
            return False
        others = {face.face_id, *media.faces, *self._staged.groups.apart_from(face.face_id)}
        return all(other is None or other.victim_id != mean.victim_id for other in map(self._staged.face, others))

    # --- candidates of a victim ----------------------------------------------------------------------------------

    def _scope_of_mean(self, mean: VictimMean) -> InScope:
        """The whole register; the victim's own cases are those of the faces in its mean."""
        faces = filter(None, map(self._staged.face, mean.faces))
        scopes = filter(None, map(self._staged.scope_of, faces))
        cases = frozenset[str]().union(*(scope.cases for scope in scopes))
        return InScope("", register=True, cases=cases)

    def _proposals(self, mean: VictimMean, whole: InScope) -> list[tuple[Similar, str, bool]]:
        """What the whole register has for a victim whose mean is new: with the victim's face nearest to it, and whether
        the mean is more like it than that one.

        At or above the floor, capped like what is proposed for a new face; `whole` is the victim's scope.
        """
        found: list[Similar] = []
        nearest: dict[str, tuple[str, bool]] = {}
        for face, score in self.near_mean(mean.vector):
            scope = self._staged.scope_of(face)
            if scope is not None and self._may_be(face, mean):
                name, single = mean.nearest(_vectors([face])[0])
                nearest[face.face_id] = name, score > single
                found.append(similar(whole, scope, face.face_id, max(score, single), face.victim_id))
        return [(item, *nearest[item.face_id]) for item in within_caps(found)]

    # --- what lies near ------------------------------------------------------------------------------------------

    def _nears(self, faces: Sequence[Face], scope: InScope) -> list[_Near]:
        """What each of one media's faces resembles in the committed gallery."""
        known = [self._ahead.get(face.face_id) for face in faces]
        if any(near is None or near.scope != scope for near in known):
            return self._near(_vectors(faces), [scope] * len(faces))
        version = self._staged.version
        found = [near for near in known if near is not None]
        if self._staged.moved and any(near.version != version for near in found):
            moved = self._moved(_vectors(faces))
            found = [replace(near, moved=hits, version=version) for near, hits in zip(found, moved, strict=True)]
        return found

    def _near(self, queries: Vectors, scopes: Sequence[InScope]) -> list[_Near]:
        others = self._others(queries, scopes, MOST)
        own = [_NOTHING] * len(queries)
        for cases in {scope.cases for scope in scopes}:
            places = [place for place, scope in enumerate(scopes) if scope.cases == cases]
            rows = self._own_cases(cases).rows
            if len(rows):
                found = self._table.matrix.among(queries[places], rows, self.calibration.floor)
                for place, hits in zip(places, found, strict=True):
                    own[place] = hits
        means = self._staged.means.hits(queries, self.calibration.floor)
        moved, version = self._moved(queries), self._staged.version
        return [_Near(*each, version) for each in zip(scopes, others, own, means, moved, strict=True)]

    def _others(self, queries: Vectors, scopes: Sequence[InScope], most: int) -> list[Hits]:
        """For each query of the register its best faces of other cases, as the committed gallery has them."""
        able = [place for place, scope in enumerate(scopes) if scope.register]
        found = [_NOTHING] * len(scopes)
        if not able or not len(self._table.matrix):
            return found
        kinds = list({scopes[place].cases for place in able})
        own = np.stack([self._own_cases(cases).codes for cases in kinds])
        kind = np.array([kinds.index(scopes[place].cases) for place in able])
        table = self._table

        def allowed(which: Numbers, rows: Numbers) -> NDArray[np.bool_]:
            return table.visible_to_all(rows) & ~own[kind[which], table.codes_at(rows)]

        for place, hits in zip(
            able, table.matrix.nearest(queries[able], self.calibration.floor, most, allowed), strict=True
        ):
            found[place] = hits
        return found

    def _moved(self, queries: Vectors) -> list[Hits]:
        if not self._staged.moved:
            return [_NOTHING] * len(queries)
        rows = np.array(sorted({row for rows in self._staged.moved.values() for row in rows}), np.int64)
        return self._table.matrix.among(queries, rows, self.calibration.floor)

    def _fresh(self, queries: Vectors, floor: float) -> list[list[tuple[Face, float]]]:
        """For each query the faces at or above the floor that only this batch brought."""
        if not self._staged.fresh:
            return [[] for _ in range(len(queries))]
        if self._fresh_at != self._staged.version:
            self._fresh_at, self._fresh_faces = self._staged.version, list(self._staged.fresh.values())
            self._fresh_vectors = _vectors(self._fresh_faces)
        fresh = self._fresh_faces
        scores = all_scores(queries, self._fresh_vectors)
        return [[(fresh[at], float(row[at])) for at in np.flatnonzero(row >= floor)] for row in scores]

    def _own_cases(self, cases: frozenset[str]) -> OwnCases:
        """What the committed gallery has of these cases; looked up once in a batch."""
        if cases not in self._cases:
            self._cases[cases] = self._table.of_cases(cases)
        return self._cases[cases]

    def _scored(self, hits: Hits) -> Iterator[Scored]:
        """The stored faces of these rows, the best first, of equals the smaller id."""
        order = np.argsort(-hits.scores, kind="stable")
        scores, faces = hits.scores[order].tolist(), self._table.face_at[hits.rows[order]].tolist()
        start = 0
        while start < len(scores):
            end = start + 1
            while end < len(scores) and scores[end] == scores[start]:
                end += 1
            for name, number in sorted((self._table.ids.name(face), face) for face in faces[start:end]):
                yield -scores[start], name, False, number
            start = end

    def _threshold(self, scope: InScope, without: int = 0) -> float:
        """By how many faces are compared with one of this scope, but `without` those of its own picture."""
        return self.calibration.threshold(max(self._staged.comparable(scope)[0] - without, 0))

    def _stage(self, one: str, other: str, score: float, threshold: float, *, by_mean: bool, leads_only: bool) -> None:
        a, b = ids.ordered(one, other)
        state = "candidate" if score >= threshold and not leads_only else "lead"
        link_id, band = ids.link_id(a, b), self.calibration.band(score)
        model_id, score_id = self.calibration.model_id, self.calibration.score_id
        self._changes.links[link_id] = LinkRow(
            link_id, a, b, state, score, band, model_id, threshold, by_mean, score_id
        )

    # --- groups --------------------------------------------------------------------------------------------------

    def judged(self, pairs: Iterable[tuple[str, str]], offset: int, *, apart: bool) -> None:
        """Groups the case's faces as people's decisions on these pairs leave them."""
        freed = self._staged.groups.judge(pairs, apart=apart)
        for face in filter(None, map(self._staged.face, sorted(freed))):
            if face.vector is not None and (scope := self._staged.scope_of(face)) is not None and not scope.hidden:
                (near,) = self._nears([face], scope)
                self._group(face, scope, near, offset)

    def _group(self, face: Face, scope: InScope, near: _Near, offset: int) -> None:
        groups, strict = self._staged.groups, self.calibration.group
        missing = sorted(scope.cases - groups.groups_of(face.face_id).keys())
        if not missing or face.leads_only:
            return
        close = [hits.rows[hits.scores >= strict] for hits in (near.own, near.moved)]
        known: dict[str, int | None] = {
            self._table.ids.name(number): number for number in self._table.face_at[np.concatenate(close)].tolist()
        }
        (fresh,) = self._fresh(_vectors([face]), strict)
        known |= {other.face_id: None for other, _ in fresh}
        own_media = self._table.media.number(face.media_id)
        alike: list[tuple[str, InScope]] = []
        for name, number in known.items():
            stored, _, leads_only = self._compared(name, number, own_media)
            if stored is not None and not leads_only and may_compare(scope, stored):
                alike.append((name, stored))
        for case_id in missing:
            of_case = [name for name, stored in alike if case_id in stored.cases]
            if of_case:
                groups.join(face.face_id, case_id, of_case, self._member, strict, offset)

    def _member(self, face_id: str) -> Member:
        face = self._staged.face(face_id)
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


def _vectors(faces: Sequence[Face]) -> Vectors:
    """The vectors (n, d) of faces that all have one."""
    return np.stack([face.vector for face in faces if face.vector is not None])
