"""Whether the register is compared by the score that the settings name."""

from __future__ import annotations

from pathlib import Path

from graph.actions.link.cursor import read_cursor
from graph.store.session import Store
from streams.gallery.calibration import calibration_of, load_calibrations


async def out_of_step(store: Store, own: Path | None) -> str | None:
    """What differs and the command that brings the register over; None where nothing does, or no link has run yet."""
    cursor = await read_cursor(store)
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
