"""The candidates that a switch of the register's model or score would add and remove, computed beforehand."""

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
class CandidateDifferences:
    """Candidates that only the new score proposes, and those of today that it does not; without decided links.

    `unchanged` counts those that both propose.
    """

    added: Pairs
    removed: Pairs
    unchanged: int

    def rows(self) -> Iterator[dict[str, str]]:
        """One row a candidate, with link and face ids only."""
        for change, pairs in (("appears", self.added), ("vanishes", self.removed)):
            for link_id, (a, b) in sorted(pairs.items()):
                yield {"change": change, "link_id": link_id, "face_a": a, "face_b": b}


async def candidate_differences(store: Store, calibration: Calibration) -> CandidateDifferences:
    """The differences of a switch to this calibration now, by the same comparison as the switch itself."""
    offset = (await read_cursor(store)).offset
    model_id = calibration.model_id
    gallery = await load_gallery(store, model_id, calibrations={model_id: calibration})
    proposed: Pairs = {}
    batches = recompared(gallery, model_id, offset)
    while (batch := await asyncio.to_thread(next, batches, None)) is not None:
        links = batch.changes.links.values()
        proposed |= {row.link_id: (row.a, row.b) for row in links if row.state == State.CANDIDATE}
        gallery.merge(batch.staged)
    today: Pairs = {}
    async for page in models.links(store, *State):
        for link in page:
            if not link.undecided:
                proposed.pop(link.link_id, None)
            elif link.state is State.CANDIDATE:
                today[link.link_id] = (link.a, link.b)
    added = {link_id: pair for link_id, pair in proposed.items() if link_id not in today}
    removed = {link_id: pair for link_id, pair in today.items() if link_id not in proposed}
    return CandidateDifferences(added, removed, len(today) - len(removed))


def write_list(differences: CandidateDifferences, file: Path) -> None:
    """Writes a JSON row per candidate to `file`, readable by its owner only. Raises Invalid."""
    try:
        with whole_file(file) as out:
            out.writelines(f"{json.dumps(row)}\n".encode() for row in differences.rows())
    except OSError as failure:
        raise Invalid(f"the list cannot be written to {file} ({failure.strerror})") from failure
