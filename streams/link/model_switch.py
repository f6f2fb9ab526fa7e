"""Switches the register to another model or score, at one record of the gallery log."""

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
from streams.link.recompare import recompared

Write = Callable[[Batch, bool], Awaitable[object]]
"""Commits a batch of the record; True: the last one, which moves the cursor over the record."""


async def switch_model(
    store: Store, calibration: Calibration, offset: int, write: Write, progress: Callable[[], None]
) -> Gallery:
    """The gallery under the new model and score, once the graph holds exactly the undecided links that these propose.

    Every face is compared again. Undecided links are updated; those that only the former score proposed are removed at
    the end. Groups lose faces that are no longer similar enough. Decisions stay. After a crash the whole switch is
    repeated: the cursor and the register's model and score change with the last batch.
    """
    model_id, score_id = calibration.model_id, calibration.score_id
    gallery = await load_gallery(store, model_id, progress=progress, calibrations={model_id: calibration})
    batches = recompared(gallery, model_id, offset, progress)
    while (batch := await asyncio.to_thread(next, batches, None)) is not None:
        await write(batch, False)
        gallery.merge(batch.staged)
    async for page in models.links(store, *models.UNDECIDED):
        progress()
        superseded = [link.link_id for link in page if link.undecided and link.score_id != score_id]
        if superseded:
            batch = Batch(gallery, model_id, offset=offset)
            batch.changes.removed_links = superseded
            await write(batch, False)
    batch = Batch(gallery, model_id, offset=offset)
    row = {"log": LOG, "model_id": model_id, "since": offset, "score_id": score_id}
    batch.changes.new_model = [{**row, "calibration": as_text(calibration)}]
    await write(batch, True)
    return gallery
