"""A graph of any size for `bench review`: cases, faces, victims and candidates drawn by chance, the same for a seed."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final, LiteralString

from graph.domain import ids
from graph.store.queries import ingest
from graph.store.session import Row, Store
from tests.bench.review import cypher

ROWS_A_WRITE: Final = 2000
LINKS_OF_ITEM: Final = 3
"""A new face and a victim have this many links: link proposes no more for one victim."""
WITH_VICTIM: Final = 0.1
"""Share of the items whose older side is a victim."""
DANGER: Final = 0.01
URGENT: Final = 0.05
UNSURE: Final = 0.02
"""Share of the candidates that were left unsure: what the walk through the queue meets and has to pass."""
VICTIM_FACES: Final = 5
SUBMITTED_MS: Final = 1_790_000_000_000


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large a graph; every media has one face."""

    faces: int
    candidates: int
    cases: int = 2000
    districts: int = 4

    def district(self, case: int) -> str:
        return f"d{case % self.districts}"


async def build(store: Store, sizes: Sizes, crop: str | None, seed: int, announce: Callable[[str], None]) -> None:
    """Fills an empty graph; every face's display crop is `crop`."""
    chance = random.Random(seed)
    now = datetime.now(UTC).isoformat()

    async def write(query: LiteralString, rows: Iterator[Row], what: str) -> None:
        done = 0
        while chunk := list(islice(rows, ROWS_A_WRITE)):
            await store.write(lambda tx, chunk=chunk: tx.do(query, rows=chunk, now=now))
            done += len(chunk)
            if done % (50 * ROWS_A_WRITE) == 0:
                announce(f"{done} {what}")

    await write(ingest.MERGE_CASES, _cases(sizes), "cases")
    await write(cypher.BULK_FACES, _faces(sizes, crop, chance), "faces")
    await write(cypher.BULK_VICTIMS, _victims(sizes), "victims")
    links = list(_links(sizes, chance))
    await write(ingest.MERGE_LINKS, iter(links), "candidates")
    await write(cypher.BULK_UNSURE, (row for row in links if chance.random() < UNSURE), "unsure")


def _cases(sizes: Sizes) -> Iterator[Row]:
    for case in range(sizes.cases):
        yield {
            "case_id": _case_id(case),
            "source": "bench",
            "district": sizes.district(case),
            "status": "open",
            "version": 1,
            "contact": "duty desk",
            "review_by": None,
        }


def _faces(sizes: Sizes, crop: str | None, chance: random.Random) -> Iterator[Row]:
    for face in range(sizes.faces):
        media_id, case_id, drawn = _media_id(face), _case_id(face % sizes.cases), chance.random()
        urgency = "danger_now" if drawn < DANGER else "urgent" if drawn < DANGER + URGENT else "routine"
        yield {
            "media_id": media_id,
            "case_id": case_id,
            "membership_id": ids.membership_id(media_id, case_id),
            "face_id": _face_id(face),
            "urgency": urgency,
            "submitted_at": SUBMITTED_MS + face,
            "crop": crop,
        }


def _victims(sizes: Sizes) -> Iterator[Row]:
    """The first fifth of the faces, a few to a victim."""
    for victim in range(sizes.faces // 5 // VICTIM_FACES):
        faces = range(victim * VICTIM_FACES, (victim + 1) * VICTIM_FACES)
        yield {"victim_id": f"bench-{victim:07d}", "faces": [_face_id(face) for face in faces]}


def _links(sizes: Sizes, chance: random.Random) -> Iterator[Row]:
    """Candidates between faces drawn by chance, and from new faces to several faces of one victim."""
    made, free, victims = 0, sizes.faces // 5, sizes.faces // 5 // VICTIM_FACES
    seen: set[str] = set()
    while made < sizes.candidates:
        new = chance.randrange(free, sizes.faces)
        if victims and chance.random() < WITH_VICTIM:
            first = chance.randrange(victims) * VICTIM_FACES
            others = list(range(first, first + LINKS_OF_ITEM))
        else:
            others = [chance.randrange(free, sizes.faces)]
        for other in others[: sizes.candidates - made]:
            if other == new:
                continue
            row = _link(new, other, chance)
            if row["link_id"] not in seen:
                seen.add(row["link_id"])
                made += 1
                yield row


def _link(one: int, other: int, chance: random.Random) -> dict[str, Any]:
    a, b = ids.ordered(_face_id(one), _face_id(other))
    return {
        "link_id": ids.link_id(a, b),
        "a": a,
        "b": b,
        "state": "candidate",
        "score": 0.4 + 0.5 * chance.random(),
        "band": "drawn by chance",
        "model_id": "bench",
        "threshold": 0.4,
    }


def media_ids(number: int) -> list[str]:
    """The ids of the first media."""
    return [_media_id(face) for face in range(number)]


def _case_id(case: int) -> str:
    return f"bench:{case:05d}"


def _media_id(face: int) -> str:
    return ids.digest("bench", face)


def _face_id(face: int) -> str:
    return ids.face_id(_media_id(face), "yunet", 0)
