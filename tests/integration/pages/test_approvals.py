"""The page of approvals: what it shows before and after the own decision, and to whom."""

import re
from typing import Any

import pytest
from httpx import AsyncClient

from api.pages import approvals
from graph.actions.access import Access
from graph.actions.decide import identify
from graph.actions.identification import Proposal
from graph.actions.read.approvals import Approval, read_approvals
from graph.domain.identification import Basis
from graph.domain.link import Decision
from graph.domain.people import Person, Role
from graph.paging import Page
from graph.store.session import Store
from tests.integration.conftest import Pages, deeds
from tests.support.access import access_of
from tests.support.decisions import judge
from tests.support.factories import ANNA, NORTH, NOW, SAM, SUE, Scene, every_face

pytestmark = pytest.mark.anyio
HOSTILE = "<script>alert(1)</script> \u202e\u0301 " + "x" * 300
BOTH = Person("anna@north", frozenset({Role.INVESTIGATOR, Role.SUPERVISOR}), "north")


def form_of(text: str, **more: str) -> dict[str, list[str]]:
    """The hidden fields of the first item's form."""
    form = text[text.index('<article class="item"') : text.index("</article>")]
    fields: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form):
        fields.setdefault(name, []).append(value)
    return fields | {name: [value] for name, value in more.items()}


async def shown(client: AsyncClient, path: str = "/app/approvals") -> str:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_faces_and_facts_come_first_and_reasons_and_score_after_the_own_decision(
    store: Store, link_id: str, pages: Pages
) -> None:
    await judge(store, link_id)
    sue = await pages(SUE)
    before = await shown(sue)
    assert before.count('/crop"') == 2 and NORTH in before and "anna@north" in before
    assert "0.52" not in before and "provisional" not in before and "ears +" not in before

    answer = await sue.post("/app/approvals/decisions", data=form_of(before, decision="approved"))
    assert answer.status_code == 303
    after = await shown(sue, answer.headers["location"])
    assert "ears +" in after and "(0.52, shown from 0.4" in after and "Nothing waits for a second person" in after
    [entry] = [entry for entry in await deeds(store) if entry.action == "links.approved"]
    assert (entry.actor, entry.purpose) == (SUE.actor, "victim identification")

    act = re.search(r'name="act" value="([^"]+)"', after)
    assert act is not None
    undone = await sue.post("/app/approvals/undone", data={"act": act[1]})
    assert "Taken back" in await shown(sue, undone.headers["location"])
    assert 'class="item"' in await shown(sue)


async def test_what_is_returned_needs_a_reason_and_stays_sealed(store: Store, link_id: str, pages: Pages) -> None:
    await judge(store, link_id)
    sue = await pages(SUE)
    fields = form_of(await shown(sue), decision="returned")
    assert (await sue.post("/app/approvals/decisions", data=fields)).status_code == 422

    answer = await sue.post("/app/approvals/decisions", data=fields | {"reason": ["the ears differ"]})
    after = await shown(sue, answer.headers["location"])
    assert "stay hidden" in after and "0.52" not in after and "ears +" not in after


async def test_what_is_put_aside_is_not_shown_again_until_one_looks_again(
    store: Store, scene: Scene, link_id: str, pages: Pages
) -> None:
    await judge(store, link_id)
    await scene.media("m", NORTH, faces=["m1"])
    await scene.media("o", NORTH, faces=["o1"])
    await judge(store, await scene.link("m1", "o1"), by=Person("bob@north", ANNA.roles, "north"))
    sue = await pages(SUE)
    first = form_of(await shown(sue), decision="later")
    answer = await sue.post("/app/approvals/decisions", data=first)
    second = form_of(await shown(sue, answer.headers["location"]))
    assert second["key"] != first["key"] and second["known"][0] == first["key"][0]
    assert form_of(await shown(sue))["key"] == first["key"]

    part = {"Sec-Fetch-Dest": "empty"}
    known = ",".join([*first["key"], *second["key"]])
    answer = await sue.post("/app/approvals/decisions", data=first | {"known": known}, headers=part)
    assert answer.status_code == 200 and "data-last" in answer.text and "<article" not in answer.text


async def test_an_identification_is_approved_and_its_first_reason_comes_after(
    store: Store, scene: Scene, pages: Pages
) -> None:
    await scene.depicts("n1", "local:child")
    said = Proposal("north:person-1", Basis.INTERVIEW, HOSTILE, await every_face(store))
    await identify.do_identification(access_of(store, ANNA, NOW), "local:child", said)
    sue = await pages(SUE)
    before = await shown(sue)
    assert "north:person-1" in before and "interview" in before and "alert(1)" not in before

    answer = await sue.post(
        "/app/approvals/decisions",
        data=form_of(before, decision="approved"),
        headers={"Sec-Fetch-Dest": "empty"},
    )
    assert answer.status_code == 200, answer.text
    assert "&lt;script&gt;alert(1)" in answer.text and "<script>alert" not in answer.text
    fields = dict(re.findall(r'name="(identification|version)" value="([^"]*)"', answer.text))
    undone = await sue.post("/app/approvals/undone", data=fields, headers={"Sec-Fetch-Dest": "empty"})
    assert undone.status_code == 200 and 'class="item"' in undone.text


async def test_who_decided_first_or_has_not_the_role_is_refused(store: Store, link_id: str, pages: Pages) -> None:
    await judge(store, link_id)
    fields = form_of(await shown(await pages(SUE)), decision="approved")
    both = await pages(BOTH)
    assert 'class="item"' not in await shown(both)
    assert (await both.post("/app/approvals/decisions", data=fields)).status_code == 403
    wes = Person("wes@west", frozenset({Role.SUPERVISOR}), "west")
    west = await pages(wes)
    assert 'class="item"' not in await shown(west)
    assert (await west.post("/app/approvals/decisions", data=fields)).status_code == 404
    south = await pages(SAM)
    text = await shown(south)
    assert 'class="item"' in text and NORTH not in text

    for person in (ANNA, Person("audrey", frozenset({Role.AUDITOR})), Person("ole", frozenset({Role.OPERATOR}))):
        client = await pages(person)
        for path in ("/app/approvals", "/app/approvals/agreement"):
            assert (await client.get(path)).status_code == 403
        assert (await client.post("/app/approvals/decisions", data=fields)).status_code == 403


async def test_a_decision_on_what_changed_meanwhile_says_what_happened(
    store: Store, link_id: str, pages: Pages
) -> None:
    await judge(store, link_id)
    sue, sam = await pages(SUE), await pages(SAM)
    fields = form_of(await shown(sue), decision="approved")
    theirs = form_of(await shown(sam), decision="approved")
    assert (await sam.post("/app/approvals/decisions", data=theirs)).status_code == 303
    answer = await sue.post("/app/approvals/decisions", data=fields, headers={"Sec-Fetch-Dest": "empty"})
    assert answer.status_code == 409 and 'data-code="stale_version"' in answer.text
    for broken in ({"link": ["x"]}, {"link": [f"{link_id}:²"]}, {"link": []}, {"decision": ["maybe"]}):
        answer = await sue.post("/app/approvals/decisions", data=fields | broken)
        assert answer.status_code == 422, broken


async def test_agreement_is_shown_without_a_name(store: Store, link_id: str, pages: Pages) -> None:
    await judge(store, link_id, Decision.DISMISSED)
    text = await shown(await pages(SUE), "/app/approvals/agreement")
    assert "too few to show" in text and "strong support" in text and ANNA.actor not in text


async def test_what_waits_behind_all_that_was_put_aside_is_found(
    store: Store, scene: Scene, pages: Pages, link_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An item behind a hundred others was not read, and the page said that nothing waits."""
    read: list[int] = []

    async def counted(access: Access, *, limit: int, **more: Any) -> Page[Approval]:
        read.append(limit)
        return await read_approvals(access, limit=limit, **more)

    monkeypatch.setattr(approvals, "read_approvals", counted)
    await judge(store, link_id)
    most = ",".join(f"{number:012x}" for number in range(150))
    assert 'class="item"' in await shown(await pages(SUE), f"/app/approvals?known={most}")
    assert read[0] > 150
