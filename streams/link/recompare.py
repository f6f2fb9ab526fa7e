"""All faces of a register compared anew, under the vectors that a gallery holds. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from graph.domain.group import FaceSet, without_cannot_links
from streams.gallery.groups import Group
from streams.gallery.matrix import all_scores
from streams.gallery.state import Gallery
from streams.link import rows
from streams.link.batch import Batch

PIECE: Final = 500
"""Groups, media or victims of one piece: compared in one pass over the gallery, written in a few transactions."""


def recompared(
    gallery: Gallery, model_id: str, offset: int, progress: Callable[[], None] = lambda: None
) -> Iterator[Batch]:
    """The groups as these vectors let them stand, then the proposals of every face against every other, and of every
    victim's mean.

    Piece by piece, media and victims in the order of their ids; each piece is to be taken in before the next one is
    asked for: faces that have no group may find one.
    """
    for names in _pieces(sorted(gallery.groups.by_id)):
        batch = empty_batch(gallery, model_id, offset, progress)
        for group in [gallery.groups.by_id[name] for name in names]:
            alike = _still_alike(gallery, group.faces, batch.compare.calibration.group)
            batch.staged.groups.put(Group(group.group_id, group.case_id, alike))
            progress()
        batch.changes.groups = batch.staged.groups.rows()
        yield batch
    for names in _pieces(sorted(gallery.media)):
        batch = empty_batch(gallery, model_id, offset, progress)
        media = [gallery.media[name] for name in names]
        batch.compare.all_media(media, offset)
        faces = [face_id for item in media for face_id in item.faces]
        batch.changes.graded = [rows.judged(face_id, model_id) for face_id in faces]
        compared = {face_id for row in batch.changes.comparisons for face_id in row["faces"]}
        batch.changes.uncounted = [face_id for face_id in faces if face_id not in compared]
        batch.changes.groups = batch.staged.groups.rows()
        yield batch
    # Last, as in the log: there too a victim's mean is compared after the record that changed it.
    for names in _pieces(sorted(gallery.means)):
        batch = empty_batch(gallery, model_id, offset, progress)
        for name in names:
            batch.compare.victims([gallery.means[name]])
            progress()
        yield batch


def empty_batch(gallery: Gallery, model_id: str, offset: int, progress: Callable[[], None] = lambda: None) -> Batch:
    """A batch of the record at `offset` that changes nothing yet."""
    batch = Batch(gallery, model_id, progress=progress)
    batch.changes.first = batch.changes.last = offset
    return batch


def _still_alike(gallery: Gallery, faces: FaceSet, strict: float) -> FaceSet:
    """The faces of a group of which every pair still reaches `strict`; none that gives leads only."""
    members = [gallery.faces[name] for name in sorted(faces)]
    able = [(face.face_id, face.vector) for face in members if face.vector is not None and not face.leads_only]
    if not able:
        return frozenset()
    vectors = np.stack([vector for _, vector in able])
    weak = all_scores(vectors, vectors) < strict
    apart = {
        name: {able[other][0] for other in np.flatnonzero(weak[at]) if other != at} for at, (name, _) in enumerate(able)
    }
    return without_cannot_links(list(apart), apart)


def _pieces(names: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(names), PIECE):
        yield names[start : start + PIECE]
