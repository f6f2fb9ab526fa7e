"""Compares all faces of a register again, under the scored vectors that a gallery holds. No I/O."""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from graph.domain.group import FaceSet, without_cannot_links
from graph.paging import chunks
from streams.gallery.groups import Group
from streams.gallery.matrix import all_scores
from streams.gallery.state import Gallery
from streams.link.batch import Batch

CHUNK: Final = 500
"""Groups, media or victims of one batch: compared in one pass over the gallery, written in a few transactions."""


def recompared(
    gallery: Gallery, model_id: str, offset: int, progress: Callable[[], None] = lambda: None
) -> Iterator[Batch]:
    """Batches that reduce groups to their similar faces, then propose links of every face and every victim's mean.

    Media and victims are in the order of their ids. Merge each batch before asking for the next: ungrouped faces may
    find a group.
    """

    def empty() -> Batch:
        return Batch(gallery, model_id, offset=offset, progress=progress)

    for names in chunks(sorted(gallery.groups.by_id), CHUNK):
        batch = empty()
        for group in [gallery.groups.by_id[name] for name in names]:
            similar = _still_similar(gallery, group.faces, batch.compare.calibration.group)
            batch.staged.groups.put(Group(group.group_id, group.case_id, similar))
            progress()
        batch.changes.groups = batch.staged.groups.rows()
        yield batch
    for names in chunks(sorted(gallery.media), CHUNK):
        batch = empty()
        media = [gallery.media[name] for name in names]
        batch.compare.all_media(media)
        faces = [face_id for item in media for face_id in item.faces]
        for face_id in faces:
            batch.put_grade(face_id, model_id)
        compared = {face_id for row in batch.changes.comparisons for face_id in row["faces"]}
        batch.changes.uncounted = [face_id for face_id in faces if face_id not in compared]
        batch.changes.groups = batch.staged.groups.rows()
        yield batch
    # Last, as in the log: a victim's mean is compared after the record that changed it.
    for names in chunks(sorted(gallery.means), CHUNK):
        batch = empty()
        for name in names:
            batch.compare.means([gallery.means[name]])
            progress()
        yield batch


def _still_similar(gallery: Gallery, faces: FaceSet, threshold: float) -> FaceSet:
    """The faces of a group of which every pair reaches `threshold`; without those that give leads only."""
    members = [gallery.faces[name] for name in sorted(faces)]
    able = [(face.face_id, face.vector) for face in members if face.vector is not None and not face.leads_only]
    if not able:
        return frozenset()
    vectors = np.stack([vector for _, vector in able])
    weak = all_scores(vectors, vectors) < threshold
    cannot_link = {
        name: {able[other][0] for other in np.flatnonzero(weak[at]) if other != at} for at, (name, _) in enumerate(able)
    }
    return without_cannot_links(list(cannot_link), cannot_link)
