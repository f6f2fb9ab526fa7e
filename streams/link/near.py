"""What faces resemble in the gallery and in the batch: looked up for many at once, in one pass over the vectors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from graph.domain.comparison import InScope
from streams.gallery.columns import Numbers
from streams.gallery.entities import Face
from streams.gallery.face_table import HIDDEN, LEADS_ONLY, POOR, OwnCases
from streams.gallery.matrix import Neighbours, Vectors, all_scores
from streams.gallery.state import Staged

AT_FIRST: Final = 32
"""Stored faces of other cases that are looked at first: the caps leave 10 of them at the most."""


@dataclass(frozen=True, slots=True)
class Near:
    """What a face resembles in the committed gallery: stored faces that share no case with it (`others`), those that
    share one (`own`), victims' means, and faces whose scope the batch has changed (`moved`), as of a version of it."""

    scope: InScope
    others: Neighbours
    own: Neighbours
    means: Neighbours
    moved: Neighbours
    version: int


Scored = tuple[float, str, bool, int | None]
"""A face among those that resemble one: the score with its sign turned, its id, whether the score is of a victim's
mean, and its number where the committed gallery told it. Smaller ones come first."""

_NOTHING: Final = Neighbours(np.zeros(0, np.int64), np.zeros(0), 0.0)


@dataclass(frozen=True, slots=True)
class Full:
    """Cases and victims of which the caps keep no further face."""

    cases: frozenset[str] = frozenset()
    victims: frozenset[str] = frozenset()


_NONE_FULL: Final = Full()


class NearFinder:
    """Finds within a batch; whatever the batch stages later is added when it is asked for."""

    def __init__(self, staged: Staged, floor: float) -> None:
        self._staged = staged
        self._floor = floor
        self._table = staged.base.faces
        self._ahead: dict[str, Near] = {}
        self._cases: dict[frozenset[str], OwnCases] = {}
        self._fresh_at, self._fresh_faces = -1, list[Face]()
        self._fresh_vectors: Vectors = np.zeros((0, 0), np.float32)

    def look_ahead(self, faces: Sequence[tuple[str, Vectors, InScope]]) -> None:
        """Looks up faces, each by its id with vector and scope, in one pass over the gallery, before their turn."""
        near = self._near(np.stack([vector for _, vector, _ in faces]), [scope for _, _, scope in faces])
        self._ahead |= {face_id: found for (face_id, _, _), found in zip(faces, near, strict=True)}

    def forget(self, faces: Iterable[str]) -> None:
        """Drops what was looked up ahead for these."""
        for face_id in faces:
            self._ahead.pop(face_id, None)

    def of(self, faces: Sequence[Face], scope: InScope) -> list[Near]:
        """What each of one media's faces resembles in the committed gallery."""
        known = [self._ahead.get(face.face_id) for face in faces]
        if any(near is None or near.scope != scope for near in known):
            return self._near(vectors_of(faces), [scope] * len(faces))
        version = self._staged.reclassified_version
        found = [near for near in known if near is not None]
        if self._staged.reclassified and any(near.version != version for near in found):
            moved = self._moved(vectors_of(faces))
            found = [replace(near, moved=now, version=version) for near, now in zip(found, moved, strict=True)]
        return found

    def _near(self, queries: Vectors, scopes: Sequence[InScope]) -> list[Near]:
        others = self.others(queries, scopes, AT_FIRST)
        own = [_NOTHING] * len(queries)
        for cases in {scope.cases for scope in scopes}:
            places = [place for place, scope in enumerate(scopes) if scope.cases == cases]
            rows = self.own_cases(cases).rows
            if len(rows):
                found = self._table.matrix.among(queries[places], rows, self._floor)
                for place, near in zip(places, found, strict=True):
                    own[place] = near
        means = self._staged.means.committed_neighbours(queries, self._floor)
        moved, version = self._moved(queries), self._staged.reclassified_version
        return [Near(*each, version) for each in zip(scopes, others, own, means, moved, strict=True)]

    def others(
        self, queries: Vectors, scopes: Sequence[InScope], most: int, full: Full = _NONE_FULL
    ) -> list[Neighbours]:
        """For each query of the register its best faces of other cases, as the committed gallery has them; none that
        counts against what is `full`."""
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
            open_to = table.open_to_register(rows) & ~own[kind[which], codes] & ~skipped[codes]
            return open_to & ~np.isin(table.victim[table.face_at[rows]], victims) if victims else open_to

        for place, near in zip(able, table.matrix.nearest(queries[able], self._floor, most, allowed), strict=True):
            found[place] = near
        return found

    def deeper(self, face: Face, scope: InScope, before: Neighbours, most: int, full: Full) -> Neighbours:
        """What lies `before`, with further faces of other cases that count against nothing that is full."""
        (more,) = self.others(vectors_of([face]), [scope], most, full)
        rows, places = np.unique(np.concatenate([before.rows, more.rows]), return_index=True)
        return Neighbours(rows, np.concatenate([before.scores, more.scores])[places], more.cutoff)

    def in_cases(self, face: Face, cases: frozenset[str], least: float) -> Neighbours:
        """The stored faces of these cases with a score >= `least`."""
        (found,) = self._table.matrix.among(vectors_of([face]), self.own_cases(cases).rows, least)
        return found

    def _moved(self, queries: Vectors) -> list[Neighbours]:
        if not self._staged.reclassified:
            return [_NOTHING] * len(queries)
        rows = np.array(sorted({row for rows in self._staged.reclassified.values() for row in rows}), np.int64)
        return self._table.matrix.among(queries, rows, self._floor)

    def fresh(self, queries: Vectors, floor: float) -> list[list[tuple[Face, float]]]:
        """For each query the faces at or above the floor that only this batch brought."""
        if not self._staged.new_faces:
            return [[] for _ in range(len(queries))]
        if self._fresh_at != self._staged.new_faces_version:
            self._fresh_at, self._fresh_faces = self._staged.new_faces_version, list(self._staged.new_faces.values())
            self._fresh_vectors = vectors_of(self._fresh_faces)
        fresh = self._fresh_faces
        scores = all_scores(queries, self._fresh_vectors)
        return [[(fresh[at], float(row[at])) for at in np.flatnonzero(row >= floor)] for row in scores]

    def own_cases(self, cases: frozenset[str]) -> OwnCases:
        """What the committed gallery has of these cases; looked up once in a batch."""
        if cases not in self._cases:
            self._cases[cases] = self._table.of_cases(cases)
        return self._cases[cases]

    def standing(
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
        face = self._staged.faces.get(face_id)
        if face is None:
            return None, None, False
        return self._staged.scope_of(face), face.victim_id, face.leads_only

    def in_order(self, near: Neighbours) -> Iterator[Scored]:
        """The stored faces of these rows, the best first, of equals the smaller id."""
        order = np.argsort(-near.scores, kind="stable")
        scores, faces = near.scores[order].tolist(), self._table.face_at[near.rows[order]].tolist()
        start = 0
        while start < len(scores):
            end = start + 1
            while end < len(scores) and scores[end] == scores[start]:
                end += 1
            for name, number in sorted((self._table.ids.name(face), face) for face in faces[start:end]):
                yield -scores[start], name, False, number
            start = end


def vectors_of(faces: Sequence[Face]) -> Vectors:
    """The vectors (n, d) of faces that all have one."""
    return np.stack([face.vector for face in faces if face.vector is not None])
