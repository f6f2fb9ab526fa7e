"""What is left of an erased face that people judged: its links stay the business of everybody whose they were."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graph.actions.access import Access
from graph.actions.decide.decision import Judgement, Seen
from graph.actions.decide.erase import do_erase
from graph.actions.decide.verdicts import do_approval, do_reopening, do_verdict
from graph.actions.read.approvals import read_approvals
from graph.actions.read.links import read_link, read_links
from graph.actions.read.sheet_faces import read_sheet_faces
from graph.actions.read.victim import VisibleVictim, read_victim
from graph.domain.errors import NotFound
from graph.domain.link import Decision, SecondDecision, State
from graph.domain.people import Person, Role
from graph.domain.visibility import VisibleEndpoint
from graph.store.session import Store
from tests.support import factories_streams as make
from tests.support.access import access_of
from tests.support.factories import ANNA, BEN, NOW, SAM, SUE
from tests.support.link_in_process import LinkInProcess, link_in_process

pytestmark = pytest.mark.anyio
ELSEWHERE = Person("wes@west", frozenset({Role.INVESTIGATOR, Role.SUPERVISOR}), "west")
CONTACTS = "MATCH (c:Case) SET c.contact = 'duty desk ' + c.district"
PLACE = "MATCH ()-[r:CANDIDATE]->() RETURN r.district_low AS low, r.district_high AS high, r.urgency AS urgency"
PICTURES = {"north": "local:n1", "south": "local:s1"}


@pytest.fixture
async def site(store: Store, tmp_path: Path) -> AsyncIterator[LinkInProcess]:
    async with link_in_process(store, tmp_path) as site:
        yield site


def access(store: Store, person: Person) -> Access:
    return access_of(store, person, NOW, "victim identification")


async def pictures(site: LinkInProcess) -> tuple[str, list[Any]]:
    """One child in a picture of each district, and the records; the link of the two is confirmed by ANNA of north."""
    rng = np.random.default_rng(3)
    child = make.unit(rng)
    records = [
        make.embedded(
            name,
            [make.near(rng, child, 0.95)],
            make.submitted(case, "register", name, urgency="urgent"),
            make.origin(place),
        )
        for place, (name, case) in enumerate(PICTURES.items())
    ]
    site.write(records)
    await site.linked()
    await site.do(CONTACTS)
    [row] = await site.rows("MATCH ()-[r:CANDIDATE]->() RETURN r.link_id AS link_id")
    said = Judgement(row["link_id"], 0, Decision.CONFIRMED, ("ears",), "")
    await do_verdict(access_of(site.store, ANNA, NOW), said)
    return row["link_id"], records


async def erase(site: LinkInProcess, how: str) -> None:
    """The picture of north is erased: asked for by its case system, or by a person, which hides it before."""
    if how == "person":
        await do_erase(access_of(site.store, SUE, datetime.now(UTC)), "media_id", make.media_id("north"), "x")
    else:
        site.write([make.erasure("media_id", make.media_id("north"), make.origin(9, at=100, kind="erasures"))])
    await site.linked()
    assert await site.rows("MATCH (f:Face {stub: true}) RETURN f") != []


@pytest.mark.parametrize("how", ["case system", "person"])
async def test_both_districts_see_approve_and_reopen_a_link_whose_one_side_is_a_stub(
    site: LinkInProcess, how: str
) -> None:
    link_id, _ = await pictures(site)
    store = site.store
    stub = VisibleEndpoint(make.face_id("north"), None, (), None, None, "north", "duty desk north", erased=True)

    await erase(site, how)

    for person in (ANNA, SUE, BEN, SAM):
        seen = await read_link(access(store, person), link_id)
        assert {side.face_id: side for side in (seen.a, seen.b)}[make.face_id("north")] == stub
        listed = await read_links(access(store, person), state=State.CONFIRMED, case_id=None, after="", limit=9)
        assert [link.link_id for link in listed.items] == [link_id]
        on_sheet = (await read_sheet_faces(access(store, person), [make.face_id("north")]))[make.face_id("north")]
        assert (on_sheet.district, on_sheet.case_ids, on_sheet.is_erased) == ("north", (), True)
    with pytest.raises(NotFound):
        await read_link(access(store, ELSEWHERE), link_id)
    # The membership that was urgent is gone; the other one is as urgent.
    assert await site.rows(PLACE) == [{"low": "north", "high": "south", "urgency": 1}]
    for person in (SUE, SAM):
        page = await read_approvals(access(store, person), limit=9, after=None)
        assert [link.link_id for approval in page.items for link in approval.links] == [link_id]

    approved = await do_approval(access_of(store, SUE, NOW), Seen(link_id, 1), SecondDecision.APPROVED, "")
    assert stub in (approved.a, approved.b), "approval shows both sides whole, and a stub is whole"
    assert (await do_reopening(access_of(store, SAM, NOW), Seen(link_id, 2), "x")).state is State.CONFIRMED
    assert (await do_reopening(access_of(store, SUE, NOW), Seen(link_id, 3), "x")).state is State.CANDIDATE


async def test_a_stub_changes_by_no_restart_and_no_replay_and_is_a_face_again_once_submitted_again(
    site: LinkInProcess,
) -> None:
    link_id, records = await pictures(site)
    await erase(site, "case system")
    await site.stop()
    before = await site.snapshot()

    await site.do("MATCH (c:Cursor) SET c.offset = -1")
    await site.linked()
    assert await site.snapshot() == before

    # In a case of another district: whose it was is whose it is no longer.
    again = records[0].model_copy(
        update={"origin": make.origin(7, at=200), "submitted": make.submitted("local:s2", "register", "south")}
    )
    site.write([again])
    await site.linked()
    assert await site.rows("MATCH (f:Face)-[:WAS_IN]->(c:Case) RETURN c.case_id AS c") == []
    assert await site.rows(PLACE) == [{"low": "south", "high": "", "urgency": 1}]
    with pytest.raises(NotFound):
        await read_link(access(site.store, ANNA), link_id)


async def test_a_victim_whose_face_is_a_stub_is_still_seen_where_the_face_was(site: LinkInProcess) -> None:
    await pictures(site)
    await erase(site, "case system")
    [row] = await site.rows("MATCH (v:Victim) RETURN v.victim_id AS victim_id")

    seen = await read_victim(access(site.store, ANNA), row["victim_id"])

    assert isinstance(seen, VisibleVictim) and seen.erased == 1
    told = [(case.case_id, case.district, case.contact, [face.face_id for face in case.faces]) for case in seen.cases]
    assert told == [
        (None, "north", "duty desk north", [make.face_id("north")]),
        (None, "south", "duty desk south", [make.face_id("south")]),
    ]
