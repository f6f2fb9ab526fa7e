"""Compares faces with victims: by the mean of a victim's faces, beside the comparison with each single face.

A link is always between two faces: the victim's nearest face stands for the victim, and the better of its own score
and the mean's, less SCORES_HIGHER, is the score.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graph.domain.comparison import InScope, Similar, similar, within_caps
from streams.gallery.matrix import Vectors, above
from streams.gallery.state import Face, Staged
from streams.gallery.templates import SCORES_HIGHER, Template

Comparable = tuple[Face, InScope, float]
"""A stored face that may be compared with a new one, with its scope and the score."""


def victims_like(staged: Staged, faces: Sequence[Face], floor: float) -> list[list[tuple[Template, Face, float]]]:
    """For each of the faces, all with vectors, the means that it resembles at or above the floor, whatever its scope.

    With the victim's face nearest to it, and the mean's score.
    """
    result: list[list[tuple[Template, Face, float]]] = []
    for face, means in zip(
        faces, staged.templates.near(np.stack([_vector(face) for face in faces]), floor), strict=True
    ):
        named = [(template, staged.face(template.nearest(_vector(face))[0]), score) for template, score in means]
        result.append([(template, nearest, score) for template, nearest, score in named if nearest is not None])
    return result


def near_victims(staged: Staged, faces: Sequence[Face], floor: float) -> list[list[Comparable]]:
    """For each of the faces, all with vectors, the victims whose mean it resembles: their nearest face and the score.

    At or above the floor, and in the register only: of no other faces is a mean made.
    """
    result: list[list[Comparable]] = []
    for face, means in zip(faces, victims_like(staged, faces, floor), strict=True):
        asked = [(near, staged.scope_of(near), score) for mean, near, score in means if _may_be(staged, face, mean)]
        result.append([(nearest, stored, score) for nearest, stored, score in asked if stored is not None])
    return result


def with_means(near: Sequence[Comparable], means: Sequence[Comparable]) -> list[Comparable]:
    """Each face once, a victim's nearest face with the better one of its two scores."""
    best = {face.face_id: (face, stored, score) for face, stored, score in near}
    for face, stored, score in means:
        if face.face_id not in best or best[face.face_id][2] < score:
            best[face.face_id] = (face, stored, score)
    return list(best.values())


def scope_of(staged: Staged, template: Template) -> InScope:
    """The whole register; the victim's own cases are those of the faces in its mean."""
    scopes = (_scope(staged, face_id) for face_id in template.faces)
    cases = frozenset[str]().union(*(scope.cases for scope in scopes if scope is not None))
    return InScope("", register=True, cases=cases)


def proposals(staged: Staged, template: Template, whole: InScope, floor: float) -> list[tuple[Similar, str, bool]]:
    """What the whole register has for a victim whose mean is new: with the victim's face nearest to it, and whether the
    mean is more like it than that one.

    At or above the floor, capped like what is proposed for a new face; `whole` is the victim's `scope_of`.
    """
    found: list[Similar] = []
    nearest: dict[str, tuple[str, bool]] = {}
    for face, score in near_mean(staged, template.vector, floor):
        scope = staged.scope_of(face)
        if scope is not None and _may_be(staged, face, template):
            name, single = template.nearest(_vector(face))
            nearest[face.face_id] = name, score > single
            found.append(similar(whole, scope, face.face_id, max(score, single), face.victim_id))
    return [(item, *nearest[item.face_id]) for item in within_caps(found)]


def near_mean(staged: Staged, vector: Vectors, floor: float) -> list[tuple[Face, float]]:
    """The stored and staged faces whose score with a mean is at or above the floor, whatever their scope."""
    (rows,) = staged.base.matrix.above(vector[None], floor + SCORES_HIGHER)
    near = [(staged.face(staged.base.face_at[item.row]), item.score) for item in rows]
    fresh = staged.fresh_faces()
    if fresh:
        (rows,) = above(vector[None], np.stack([_vector(face) for face in fresh]), floor + SCORES_HIGHER)
        near += [(fresh[item.row], item.score) for item in rows]
    return [(face, score - SCORES_HIGHER) for face, score in near if face is not None]


def _may_be(staged: Staged, face: Face, template: Template) -> bool:
    """Whether the face may be compared with the mean, and somebody is left to ask if it is this victim.

    Not of the victim's own face, of one beside the victim in a picture, and of one that people told apart from it.
    """
    scope, media = staged.scope_of(face), staged.one_media(face.media_id)
    if scope is None or not scope.register or scope.hidden or media is None:
        return False
    together = (staged.face(face_id) for face_id in (face.face_id, *media.faces))
    if any(other is not None and other.victim_id == template.victim_id for other in together):
        return False
    return staged.groups.apart_from(face.face_id).isdisjoint(staged.templates.faces(template.victim_id))


def _scope(staged: Staged, face_id: str) -> InScope | None:
    face = staged.face(face_id)
    return staged.scope_of(face) if face is not None else None


def _vector(face: Face) -> Vectors:
    assert face.vector is not None, "only faces with a vector are compared"
    return face.vector
