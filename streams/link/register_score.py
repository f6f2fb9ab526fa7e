"""The score that a register is compared by: adopted when link first runs, and compared with the settings'."""

import logging
from pathlib import Path

from graph.actions.link import cursor as cursors
from graph.actions.link.cursor import Cursor
from graph.store.session import Store
from streams.gallery.calibration import (
    Calibrations,
    as_text,
    calibration_of,
    legacy_calibration,
    load_calibrations,
)

log = logging.getLogger(__name__)


async def adopt_score(store: Store, epoch: int, cursor: Cursor, model_id: str, settings: Calibrations) -> None:
    """Stores the score of a register that has none: a new register gets the settings', an older one keeps its own.

    A register without a face is new; the cursor does not tell, since a restore resets it.
    """
    chosen, score_id = calibration_of(settings, model_id), cursor.score_id
    if score_id is None:
        first = legacy_calibration(model_id, settings) if await cursors.has_faces(store) else chosen
        await cursors.adopt_calibration(store, epoch, first.score_id, as_text(first))
        score_id = first.score_id
    if score_id != chosen.score_id:
        message = "the register is compared by %s, the settings name %s: `redthread models rescore` brings it over"
        log.warning(message, score_id, chosen.score_id)


async def score_difference(store: Store, own: Path | None) -> str | None:
    """How the register's score differs from the settings', with the command that switches it; None if it does not.

    None too if no link has run yet.
    """
    cursor = await cursors.read_cursor(store)
    if cursor.model_id is None or cursor.offset < 0:
        return None
    wanted = calibration_of(load_calibrations(own), cursor.model_id).score_id
    if cursor.score_id == wanted:
        return None
    now = cursor.score_id or "the score of an older release"
    return (
        f"the register is compared by {now}, the settings name {wanted}: "
        "`redthread models rescore --by NAME` lists what would differ, with --switch it brings the register over"
    )
