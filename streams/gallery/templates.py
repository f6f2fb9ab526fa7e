"""The mean vector of each victim's faces: a new face is scored by it beside the single faces.

Of people with three pictures on file it found 99.3 % where the best single picture found 98.6 % (one false alarm in a
hundred strangers, press photographs of adults). A mean is made of faces that everybody in the register is compared
with, and of those alone: so it can't carry what a narrower scope holds back to where it may not go.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from streams.gallery.matrix import Matrix, Vectors, above, all_scores

AT_LEAST: Final = 2
"""Faces: the mean of one is that face."""
MOST: Final = 100
"""Faces of one mean, the smallest ids of all: more move it no further, and it is made anew with each of them."""


SCORES_HIGHER: Final = 0.02
"""What is taken off a score with a mean before it is compared as one of two single faces is.

Measured on cosines of stored vectors, before these were mapped, and not again since. Strangers reach one to a mean
about twice as often (LFW sample, 2 to 5 faces of each of 320 people: at 0.40 3.4e-4 against 1.9e-4), in addition to
those who reach it with a single face. As it is, a mean added a fifth to a half to a person's false candidates and at
thresholds below 0.44 no true one; with this, a sixth of that, and of the up to 1.5 % of true faces that it alone finds
at 0.5 and above, two thirds stay.
"""


@dataclass(frozen=True, slots=True)
class Template:
    """A victim's mean: `vector` (d,), of the `faces` whose scored vectors are the rows of `vectors` (n, d)."""

    victim_id: str
    vector: Vectors
    faces: tuple[str, ...]
    vectors: Vectors

    def nearest(self, vector: Vectors) -> tuple[str, float]:
        """The face of the mean that is most like `vector` (d,), of equals the smaller id, and their score."""
        scores = all_scores(vector[None], self.vectors)[0]
        best = int(np.argmax(scores))  # the first of the highest: `faces` are in order
        return self.faces[best], float(scores[best])


def mean(vectors: Vectors) -> Vectors:
    """The vector (d,) in the middle of vectors (n, d), as long as they are on average, summed in float64."""
    exact = vectors.astype(np.float64)
    total, length = exact.sum(axis=0), np.linalg.norm(exact, axis=1).mean()
    return (total * (length / max(np.linalg.norm(total), np.finfo(np.float64).tiny))).astype(np.float32)


def template_of(victim_id: str, vectors: Mapping[str, Vectors]) -> Template | None:
    """The mean of these faces, by their ids; None with fewer than AT_LEAST, and of more than MOST the smallest ids'."""
    names = tuple(sorted(vectors)[:MOST])
    if len(names) < AT_LEAST:
        return None
    stacked = np.stack([vectors[name] for name in names])
    return Template(victim_id, mean(stacked), names, stacked)


class Templates:
    """The committed ones; `faces` are all faces of each victim."""

    def __init__(self) -> None:
        self.faces: dict[str, frozenset[str]] = {}
        self.known: dict[str, Template] = {}
        self.matrix = Matrix()
        self.victim_at: list[str] = []
        self._row_of: dict[str, int] = {}

    def take_in(self, staged: StagedTemplates) -> None:
        """Makes a committed batch part of them."""
        for victim_id in sorted(staged.touched):
            template, faces = staged.of(victim_id), staged.faces(victim_id)
            if faces:
                self.faces[victim_id] = faces
            else:
                self.faces.pop(victim_id, None)
            if template is None:
                self._drop(victim_id)
            else:
                self._put(template)

    def _put(self, template: Template) -> None:
        self.known[template.victim_id] = template
        if (row := self._row_of.get(template.victim_id)) is not None:
            self.matrix.put(row, template.vector)
            return
        (self._row_of[template.victim_id],) = self.matrix.append(template.vector[None])
        self.victim_at.append(template.victim_id)

    def _drop(self, victim_id: str) -> None:
        if self.known.pop(victim_id, None) is not None:
            self.matrix.remove(self._row_of.pop(victim_id))


class StagedTemplates:
    """A batch's changes over templates that they do not touch; `look` gives the vector (d,) of a face as it is now.

    It gives None where the face does not count for a mean.
    """

    def __init__(self, base: Templates, look: Callable[[str], Vectors | None]) -> None:
        self.touched: set[str] = set()
        self._base = base
        self._look = look
        self._faces: dict[str, frozenset[str]] = {}
        self._now: dict[str, Template | None] = {}
        self._before: dict[str, frozenset[str]] = {}

    def faces(self, victim_id: str) -> frozenset[str]:
        """All faces of the victim, those too that don't count for its mean."""
        found = self._faces.get(victim_id)
        return found if found is not None else self._base.faces.get(victim_id, frozenset())

    def of(self, victim_id: str) -> Template | None:
        """The victim's mean now; None of a victim without enough faces."""
        if victim_id not in self.touched:
            return self._base.known.get(victim_id)
        if victim_id not in self._now:
            self._now[victim_id] = self._made(victim_id)
        return self._now[victim_id]

    def touch(self, victims: Iterable[str | None]) -> None:
        """To be told before a face of these victims, or the scope of its media, changes."""
        for victim_id in victims:
            if victim_id is None:
                continue
            if victim_id not in self._before:
                template = self.of(victim_id)
                self._before[victim_id] = frozenset(template.faces if template is not None else ())
            self.touched.add(victim_id)
            self._now.pop(victim_id, None)

    def move(self, face_id: str, old: str | None, new: str | None) -> None:
        """Makes the face `new`'s and no longer `old`'s; tell `touch` of both before."""
        if old != new:
            if old is not None:
                self._faces[old] = self.faces(old) - {face_id}
            if new is not None:
                self._faces[new] = self.faces(new) | {face_id}

    def grown(self, always: Collection[str] = ()) -> list[Template]:
        """The means that gained a face since this was asked last, and those of the victims `always`."""
        before, self._before = self._before, {}
        found = [self.of(victim_id) for victim_id in sorted({*before, *always})]
        return [
            template
            for template in found
            if template is not None
            and (template.victim_id in always or not before[template.victim_id].issuperset(template.faces))
        ]

    def near(self, queries: Vectors, floor: float) -> list[list[tuple[Template, float]]]:
        """For each of the (q, d) vectors the means with a score at or above the floor: see SCORES_HIGHER."""
        found: list[list[tuple[Template, float]]] = [[] for _ in range(len(queries))]
        least = floor + SCORES_HIGHER
        for index, rows in enumerate(self._base.matrix.above(queries, least) if self._base.known else ()):
            names = [(self._base.victim_at[item.row], item.score - SCORES_HIGHER) for item in rows]
            found[index] += [(self._base.known[name], score) for name, score in names if name not in self.touched]
        fresh = [template for template in map(self.of, sorted(self.touched)) if template is not None]
        if fresh:
            for index, rows in enumerate(above(queries, np.stack([item.vector for item in fresh]), least)):
                found[index] += [(fresh[item.row], item.score - SCORES_HIGHER) for item in rows]
        return found

    def _made(self, victim_id: str) -> Template | None:
        counted: dict[str, Vectors] = {}
        for face_id in sorted(self.faces(victim_id)):
            if (vector := self._look(face_id)) is not None:
                counted[face_id] = vector
                if len(counted) == MOST:
                    break
        return template_of(victim_id, counted)
