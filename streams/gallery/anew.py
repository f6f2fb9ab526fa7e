"""All faces of a register compared anew, under the vectors that a gallery holds. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from graph.domain.group import Unit, without_apart
from streams.gallery import rows
from streams.gallery.groups import Group
from streams.gallery.matrix import all_scores
from streams.gallery.plan import Plan
from streams.gallery.state import Gallery

PIECE: Final = 500
"""Groups, media or victims of one piece: compared in one pass over the gallery, written in a few transactions."""


def compared_anew(
    gallery: Gallery, model_id: str, offset: int, progress: Callable[[], None] = lambda: None
) -> Iterator[Plan]:
    """The groups as these vectors let them stand, then the proposals of every face against every other, and of every
    victim's mean.

    Piece by piece, media and victims in the order of their ids; each piece is to be taken in before the next one is
    asked for: faces that have no group may find one.
    """
    for names in _pieces(sorted(gallery.groups.by_id)):
        plan = empty_plan(gallery, model_id, offset, progress)
        for group in [gallery.groups.by_id[name] for name in names]:
            alike = _still_alike(gallery, group.faces, plan.compare.calibration.group)
            plan.staged.groups.put(Group(group.group_id, group.case_id, alike))
            progress()
        plan.changes.groups = plan.staged.groups.rows()
        yield plan
    for names in _pieces(sorted(gallery.media)):
        plan = empty_plan(gallery, model_id, offset, progress)
        media = [gallery.media[name] for name in names]
        faces = [gallery.faces[face_id] for item in media for face_id in item.faces]
        plan.compare.look_ahead([(face.face_id, face.vector) for face in faces if face.vector is not None])
        for item in media:
            plan.compare.faces(item, offset)
        plan.changes.judged = [rows.judged(face.face_id, model_id) for face in faces]
        compared = {face_id for row in plan.changes.comparisons for face_id in row["faces"]}
        plan.changes.uncounted = [face.face_id for face in faces if face.face_id not in compared]
        plan.changes.groups = plan.staged.groups.rows()
        yield plan
    # Last, as in the log: there too a victim's mean is compared after the record that changed it.
    for names in _pieces(sorted(gallery.templates.known)):
        plan = empty_plan(gallery, model_id, offset, progress)
        for name in names:
            plan.compare.victims([gallery.templates.known[name]])
            progress()
        yield plan


def empty_plan(gallery: Gallery, model_id: str, offset: int, progress: Callable[[], None] = lambda: None) -> Plan:
    """A batch of the record at `offset` that changes nothing yet."""
    plan = Plan(gallery, model_id, [], progress)
    plan.changes.first = plan.changes.last = offset
    return plan


def _still_alike(gallery: Gallery, faces: Unit, strict: float) -> Unit:
    """The faces of a group of which every pair still reaches `strict`; none that gives leads only."""
    names = sorted(faces)
    members = [face for name in names if not (face := gallery.faces[name]).leads_only]
    able = [(face.face_id, face.vector) for face in members if face.vector is not None]
    if not able:
        return frozenset()
    vectors = np.stack([vector for _, vector in able])
    weak = all_scores(vectors, vectors) < strict
    apart = {
        name: {able[other][0] for other in np.flatnonzero(weak[at]) if other != at} for at, (name, _) in enumerate(able)
    }
    return without_apart(list(apart), apart)


def _pieces(names: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(names), PIECE):
        yield names[start : start + PIECE]
