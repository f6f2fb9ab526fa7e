"""`bench verdicts`: verdicts a second by one person and by several at once, each taking the audit's one head."""

import asyncio
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from graph.actions.decide.decision import Judgement
from graph.actions.decide.verdicts import do_verdict
from graph.actions.link import commit
from graph.actions.link.cursor import read_cursor
from graph.actions.link.writes import GraphWrites, ProposedLink
from graph.domain import audit, ids
from graph.domain.link import Decision
from graph.domain.people import Person, Role
from graph.store.queries import audit as queries
from graph.store.session import Store
from streams.faces.models import MODEL_ID
from streams.settings import Addresses
from tests.bench.bare_loop import cores
from tests.support.access import access_of

WARM_UP = 40
"""Verdicts before the first that counts: until then Neo4j compiles its statements."""
CASES = ("local:bench-north", "local:bench-south")
CHAIN_PAGE = 5_000


@dataclass(slots=True)
class Spent:
    """The rate of each round, and the milliseconds of every verdict."""

    rates: list[float] = field(default_factory=list[float])
    ms: list[float] = field(default_factory=list[float])

    def as_json(self) -> dict[str, float]:
        ranked = sorted(self.ms)
        return {
            "verdicts_per_s": round(statistics.median(self.rates), 1),
            "p50_ms": round(ranked[len(ranked) // 2], 2),
            "p95_ms": round(ranked[int(len(ranked) * 0.95)], 2),
        }


async def measure_verdicts(addresses: Addresses, verdicts: int, writers: int, rounds: int) -> dict[str, Any]:
    """The object of `bench verdicts --json`.

    In each round one person judges `verdicts` links, and then `writers` people judge as many, one verdict after the
    other each; every second verdict confirms. `ratio` is the rate of many by that of one, medians over the rounds: 1
    means that people at once are as fast as one, because the audit's head is theirs one at a time. `chain` says whether
    the audit was whole afterwards.
    """
    one, many = Spent(), Spent()
    async with Store(*addresses.neo4j) as store:
        links = iter(await _propose(store, WARM_UP + 2 * rounds * verdicts))
        await _judge(store, links, WARM_UP, 1, Spent())
        for _ in range(rounds):
            await _judge(store, links, verdicts, 1, one)
            await _judge(store, links, verdicts, writers, many)
        fault = await _fault(store)
    found = {"one": one.as_json(), "many": many.as_json()}
    ratio = found["many"]["verdicts_per_s"] / found["one"]["verdicts_per_s"]
    return {
        "verdicts": verdicts,
        "rounds": rounds,
        "writers": writers,
        "cores": cores(),
        **found,
        "ratio": round(ratio, 3),
        "chain": fault or "whole",
    }


async def _judge(store: Store, links: Iterator[str], verdicts: int, writers: int, spent: Spent) -> None:
    mine = iter([next(links) for _ in range(verdicts)])

    async def person(number: int) -> None:
        actor = Person(f"investigator-{number}@north", frozenset({Role.INVESTIGATOR}), "north")
        for place, link_id in enumerate(mine):
            decision, reasons = (Decision.CONFIRMED, ("ears",)) if place % 2 else (Decision.DISMISSED, ())
            started = time.perf_counter()
            said = Judgement(link_id, 0, decision, reasons, "", ())
            await do_verdict(access_of(store, actor, datetime.now(UTC)), said)
            spent.ms.append((time.perf_counter() - started) * 1000)

    started = time.perf_counter()
    await asyncio.gather(*(person(number) for number in range(writers)))
    spent.rates.append(verdicts / (time.perf_counter() - started))


async def _propose(store: Store, count: int) -> list[str]:
    """The ids of `count` candidates between two cases, each of two faces of its own, written as link writes them."""
    cursor = await read_cursor(store)
    now = datetime.now(UTC)
    found: list[str] = []
    for start in range(0, count, 500):
        changes = GraphWrites(cursor.offset + 1 + start, cursor.offset + 1 + start)
        for number in range(start, min(start + 500, count)):
            found.append(_add_pair(changes, number))
        await commit.commit(store, cursor.epoch, changes, now=now)
    return found


def _add_pair(changes: GraphWrites, number: int) -> str:
    if number == 0:
        changes.cases = [
            {
                "case_id": case_id,
                "source": "local",
                "district": district,
                "status": "open",
                "version": 1,
                "contact": None,
                "review_by": None,
            }
            for case_id, district in zip(CASES, ("north", "south"), strict=True)
        ]
    faces = [_add_media(changes, f"{number}-{side}", case_id) for side, case_id in enumerate(CASES)]
    a, b = ids.ordered(*faces)
    link_id = ids.link_id(a, b)
    band = "provisional: measured on adults, not on children"
    changes.links[link_id] = ProposedLink(link_id, a, b, "candidate", 0.6, band, MODEL_ID, 0.4, False, "score-bench")
    return link_id


def _add_media(changes: GraphWrites, name: str, case_id: str) -> str:
    media_id = ids.media_id(name.encode())
    face_id = ids.face_id(media_id, "yunet", 0)
    changes.media.append(
        {
            "media_id": media_id,
            "kind": "picture",
            "content_type": "image/jpeg",
            "width": 640,
            "height": 480,
            "frames": 1,
            "captured_at": None,
            "first_submitted_at": 0,
            "url": f"file:///{name}.jpg",
        }
    )
    changes.memberships.append(
        {
            "membership_id": ids.membership_id(media_id, case_id),
            "media_id": media_id,
            "case_id": case_id,
            "scope": "register",
            "purpose": "measurement of speed",
            "legal_basis": "none",
            "exhibits": [],
            "urgency": "routine",
            "submitted_at": 0,
            "ce_id": None,
            "by_search": False,
        }
    )
    face = {
        "face_id": face_id,
        "ordinal": 0,
        "box": [0, 0, 100, 100],
        "detection_score": 0.9,
        "quality": 0.8,
        "too_poor_because": None,
        "label": None,
    }
    changes.faces.append({"media_id": media_id, "face_id": face_id, "face": face})
    return face_id


async def _fault(store: Store) -> str | None:
    seq, last = 0, audit.GENESIS
    while True:
        rows = await store.read(lambda tx, after=seq: tx.rows(queries.ENTRIES, after=after, limit=CHAIN_PAGE))
        page: Sequence[audit.Entry] = [audit.Entry(**row) for row in rows]
        if fault := audit.first_fault(page, seq, last):
            return fault
        if len(page) < CHAIN_PAGE:
            return None
        seq, last = page[-1].seq, page[-1].hash
