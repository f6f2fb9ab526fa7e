"""What a register is compared by when link takes it over."""

from __future__ import annotations

import logging

from graph.actions.link.cursor import Cursor, adopt_calibration, has_faces
from graph.store.session import Store
from streams.gallery.calibration import Calibrations, as_text, calibration_of, legacy_calibration

log = logging.getLogger(__name__)


async def adopt_score(store: Store, epoch: int, cursor: Cursor, model_id: str, settings: Calibrations) -> None:
    """The register has a score: a new one that of the settings, one of an older release what it had until then.

    New is one without a face: the cursor of an older one stands at the beginning too, after a restore.
    """
    chosen, score_id = calibration_of(settings, model_id), cursor.score_id
    if score_id is None:
        first = legacy_calibration(model_id, settings) if await has_faces(store) else chosen
        await adopt_calibration(store, epoch, first.score_id, as_text(first))
        score_id = first.score_id
    if score_id != chosen.score_id:
        log.warning(
            "the register is compared by %s, the settings name %s: `redthread models rescore` brings it over",
            score_id, chosen.score_id,
        )  # fmt: skip
