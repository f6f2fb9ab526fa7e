"""The candidates that a change of the register's model or score would make appear or vanish, before it is made."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from graph.actions.link.cursor import read_cursor
from graph.actions.operate import models
from graph.atomic import whole_file
from graph.domain.calibration import Calibration
from graph.domain.errors import Invalid
from graph.domain.link import State
from graph.store.session import Store
from streams.gallery.load import load_gallery
from streams.link.recompare import recompared

Pairs = dict[str, tuple[str, str]]
"""Face ids by link id."""


@dataclass(frozen=True, slots=True)
class Differing:
    """Candidates that the new model alone proposes, and those of today that it does not; links that people judged are
    in neither. `kept` counts those that both propose."""

    appear: Pairs
    vanish: Pairs
    kept: int

    def rows(self) -> Iterator[dict[str, str]]:
        """One object a candidate: link and face ids only."""
        for change, pairs in (("appears", self.appear), ("vanishes", self.vanish)):
            for link_id, (a, b) in sorted(pairs.items()):
                yield {"change": change, "link_id": link_id, "face_a": a, "face_b": b}


async def would_differ(store: Store, calibration: Calibration) -> Differing:
    """What a switch to the calibration's model and score would change now, by the comparison that link does then."""
    offset = (await read_cursor(store)).offset
    model_id = calibration.model_id
    gallery = await load_gallery(store, model_id, calibrations={model_id: calibration})
    proposed: Pairs = {}
    pieces = recompared(gallery, model_id, offset)
    while (batch := await asyncio.to_thread(next, pieces, None)) is not None:
        proposed |= {
            row.link_id: (row.a, row.b) for row in batch.changes.links.values() if row.state == State.CANDIDATE
        }
        gallery.merge(batch.staged)
    today: Pairs = {}
    async for page in models.links(store, *State):
        for link in page:
            if not link.undecided:
                proposed.pop(link.link_id, None)
            elif link.state is State.CANDIDATE:
                today[link.link_id] = (link.a, link.b)
    appear = {link_id: pair for link_id, pair in proposed.items() if link_id not in today}
    vanish = {link_id: pair for link_id, pair in today.items() if link_id not in proposed}
    return Differing(appear, vanish, len(today) - len(vanish))


def write_list(found: Differing, file: Path) -> None:
    """The list stands in `file`, a JSON object a line, readable by its owner only. Raises Invalid."""
    try:
        with whole_file(file) as out:
            out.writelines(f"{json.dumps(row)}\n".encode() for row in found.rows())
    except OSError as failure:
        raise Invalid(f"the list cannot be written to {file} ({failure.strerror})") from failure
