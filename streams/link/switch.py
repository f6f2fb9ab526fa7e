"""Link's change of the register to another model or score, at one record of the gallery log."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from graph.actions.link.cursor import LOG
from graph.actions.operate import models
from graph.domain.calibration import Calibration
from graph.store.session import Store
from streams.gallery.calibration import as_text
from streams.gallery.load import load_gallery
from streams.gallery.state import Gallery
from streams.link.batch import Batch
from streams.link.recompare import empty_batch, recompared

Write = Callable[[Batch, bool], Awaitable[object]]
"""Commits a piece of the record; True: it is the last one, and the cursor moves over the record."""


async def switch_model(
    store: Store, calibration: Calibration, offset: int, write: Write, progress: Callable[[], None]
) -> Gallery:
    """The gallery under the new model and score, once the graph has the links that it proposes and no others undecided.

    Every face is compared anew; links that no person has judged are refreshed, and in the end those of the former
    score go that the new one does not propose. Groups lose the faces that are not alike enough any more. What people
    said stays as it is. Cut short anywhere it can be done again from its begin: the cursor and the register's model
    and score change with the last piece.
    """
    model_id, score_id = calibration.model_id, calibration.score_id
    gallery = await load_gallery(store, model_id, progress=progress, calibrations={model_id: calibration})
    pieces = recompared(gallery, model_id, offset, progress)
    while (batch := await asyncio.to_thread(next, pieces, None)) is not None:
        await write(batch, False)
        gallery.merge(batch.staged)
    async for page in models.links(store, *models.UNDECIDED):
        progress()
        stale = [link.link_id for link in page if link.undecided and link.score_id != score_id]
        if stale:
            batch = empty_batch(gallery, model_id, offset)
            batch.changes.removed_links = stale
            await write(batch, False)
    batch = empty_batch(gallery, model_id, offset)
    batch.changes.new_model = [
        {"log": LOG, "model_id": model_id, "since": offset, "score_id": score_id, "calibration": as_text(calibration)}
    ]
    await write(batch, True)
    return gallery
