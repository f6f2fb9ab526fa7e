"""A case of more pictures than one transaction takes is closed and erased to the end, also across a crash."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from graph.actions.link.chunks import CHUNK
from graph.domain import ids
from graph.domain.errors import NotFound
from graph.files import MediaStore
from graph.store.queries import ingest
from graph.store.session import Store, Tx
from streams.settings import Addresses
from tests.support import factories_streams as make
from tests.support.harness import Site, current_notices, installation
from tests.support.link_in_process import LinkInProcess, link_in_process

pytestmark = pytest.mark.anyio
PICTURES = 2 * CHUNK + 100
LARGE, SMALL = "local:n1", "local:s1"
FILL = """
UNWIND $rows AS row
MATCH (c:Case {case_id: row.case_id})
CREATE (m:Media {media_id: row.media_id, kind: 'picture', first_submitted_at: 1})
CREATE (m)-[:IN_CASE {membership_id: row.membership_id, scope: 'register', purpose: 'x', legal_basis: 'x',
                      exhibits: [], urgency: 'routine', submitted_at: 1, ce_id: 'x', by_search: false}]->(c)
CREATE (f:Face {face_id: row.face_id, ordinal: 0, box: [1, 2, 3, 4]})-[:SEEN_IN]->(m)
CREATE (f)-[:IN_GROUP]->(:Group {group_id: row.face_id, case_id: row.case_id})
"""
LEFT = """
RETURN COUNT { (:Media) } AS media, COUNT { (:Face) } AS faces, COUNT { ()-[:CANDIDATE]->() } AS links,
       COUNT { (:Face {stub: true})-[:WAS_IN]->(:Case) } AS stubs, COUNT { (:Group) } AS groups
"""


def name(number: int) -> str:
    return f"picture-{number}"


@pytest.fixture
async def filled(store: Store) -> None:
    """A large case, and a small one of one picture that every picture of the large one has a link to."""
    cases = [
        {
            "case_id": case_id,
            "source": "local",
            "district": make.CASES[case_id],
            "status": "open",
            "version": 0,
            "contact": None,
            "review_by": None,
        }
        for case_id in (LARGE, SMALL)
    ]
    pictures = [*(_picture(number, LARGE) for number in range(PICTURES)), _picture(PICTURES, SMALL)]
    links = [_link(number) for number in range(PICTURES)]

    async def work(tx: Tx) -> None:
        await tx.do(ingest.MERGE_CASES, rows=cases)
        await tx.do(FILL, rows=pictures)
        await tx.do(ingest.MERGE_LINKS, rows=links, now="2026-11-20")

    await store.write(work)


@pytest.fixture
async def site(filled: None, stack: Addresses, store: Store, tmp_path: Path) -> AsyncIterator[Site]:
    async with installation(stack, store, tmp_path) as site:
        yield site


@pytest.fixture
async def in_process(filled: None, store: Store, tmp_path: Path) -> AsyncIterator[LinkInProcess]:
    async with link_in_process(store, tmp_path) as site:
        yield site


def _picture(number: int, case_id: str) -> dict[str, Any]:
    media_id = make.media_id(name(number))
    return {
        "case_id": case_id,
        "media_id": media_id,
        "membership_id": ids.membership_id(media_id, case_id),
        "face_id": make.face_id(name(number)),
    }


def _link(number: int) -> dict[str, Any]:
    a, b = ids.ordered(make.face_id(name(number)), make.face_id(name(PICTURES)))
    return {
        "link_id": ids.link_id(a, b),
        "a": a,
        "b": b,
        "state": "candidate",
        "score": 0.5,
        "band": "x",
        "model_id": "x",
        "threshold": 0.4,
    }


async def test_a_large_case_is_erased_to_the_end_after_a_crash_in_the_middle(site: Site, tmp_path: Path) -> None:
    """Symptom: link tried for ever to erase a case. Cause: one transaction for all of it overflowed Neo4j's memory."""
    judged = _link(7)["link_id"]
    await site.do("MATCH ()-[r:CANDIDATE {link_id: $id}]->() SET r.state = 'dismissed', r.version = 1", id=judged)
    files = MediaStore((tmp_path / "store").as_uri())
    crops = [
        files.put_crop(make.media_id(name(number)), make.face_id(name(number)), "display", b"x")
        for number in (0, PICTURES - 1, PICTURES)
    ]
    request = make.erasure("case_id", LARGE, make.origin(0, kind="erasures"))
    site.write([request])

    link = site.start("link", REDTHREAD_CRASH_AT=f"link-between-parts@{tmp_path / 'crashed'}")
    assert await link.ended() == -9
    [left] = await site.rows(LEFT)
    assert PICTURES > left["faces"] > 2, "a part is gone"
    assert (await site.cursor()).offset == -1
    site.start("link")
    await site.noticed([f"event:{request.origin.event}"])
    await site.linked()

    assert await site.rows(LEFT) == [{"media": 1, "faces": 2, "links": 1, "stubs": 1, "groups": 1}]
    for crop in crops[:2]:
        with pytest.raises(NotFound):
            files.read_crop(crop)
    assert files.read_crop(crops[2]) == b"x"
    assert [notice["outcome"] for notice in current_notices(site.notices()).values()] == ["erased"]


async def test_a_large_case_is_closed_in_several_transactions(in_process: LinkInProcess) -> None:
    site = in_process
    site.write([make.case_changed(LARGE, "closed", 1, make.origin(0, kind="cases.changed"))])

    await site.linked()

    assert await site.rows(LEFT) == [
        {"media": PICTURES + 1, "faces": PICTURES + 1, "links": 0, "stubs": 0, "groups": PICTURES + 1}
    ]
    assert (await site.rows("MATCH (c:Case {case_id: $id}) RETURN c.status AS s", id=LARGE)) == [{"s": "closed"}]
