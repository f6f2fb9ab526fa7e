"""Identifications of victims: proposed by one person, approved by another, taken back."""

from dataclasses import replace

import pytest

from graph.actions.decide import identify
from graph.actions.identification import Proposal
from graph.domain.errors import Conflict, Forbidden, NotFound
from graph.domain.identification import Basis, IdentificationState
from graph.domain.link import SecondDecision
from graph.domain.victim import formed_id
from graph.store.session import Store
from tests.support.access import access_of
from tests.support.decisions import WHO_LEFT, approve, decision_notices, judge, reopen
from tests.support.factories import ANNA, BEN, NOW, SAM, SOUTH, SUE, Scene, every_face

pytestmark = pytest.mark.anyio


async def formed_victim(scene: Scene, link_id: str) -> str:
    """The victim of a link that ANNA confirmed and a second person approved."""
    await judge(scene.store, link_id)
    await approve(scene.store, link_id)
    return formed_id(link_id)


async def proposal(store: Store) -> Proposal:
    return Proposal("north:person-1", Basis.INTERVIEW, "named by a teacher", await every_face(store))


async def identified(scene: Scene, link_id: str) -> str:
    """ANNA's identification of the link's victim, which waits for a second person."""
    name = await formed_victim(scene, link_id)
    access = access_of(scene.store, ANNA, NOW)
    return (await identify.do_identification(access, name, await proposal(scene.store))).identification_id


async def test_a_victim_is_identified_by_two_people_and_the_identity_falls_with_the_faces(
    scene: Scene, link_id: str
) -> None:
    store, name = scene.store, await formed_victim(scene, link_id)
    said = await proposal(store)
    found = await identify.do_identification(access_of(store, ANNA, NOW), name, said)
    assert found.state is IdentificationState.PROPOSED
    with pytest.raises(Forbidden):
        await identify.do_identification_approval(
            access_of(store, BEN, NOW), found.identification_id, 0, SecondDecision.APPROVED, ""
        )
    with pytest.raises(NotFound):
        await identify.do_identification(access_of(store, WHO_LEFT, NOW), name, said)
    await identify.do_identification_approval(
        access_of(store, SAM, NOW), found.identification_id, 0, SecondDecision.APPROVED, ""
    )
    assert await identity(store, name) == "north:person-1"

    await reopen(store, link_id, 2, by=SUE)
    await reopen(store, link_id, 3)
    assert await identity(store, name) is None
    [row] = await store.read(lambda tx: tx.rows("MATCH (i:Identification) RETURN i.state AS state"))
    assert row["state"] == "to_be_approved_again"
    assert any(notice["outcome"] == "to_be_approved_again" for notice in await decision_notices(store))


async def test_an_equal_proposal_is_refused_while_the_first_waits(scene: Scene, link_id: str) -> None:
    """A form that was sent twice left two of them to be approved."""
    store, name = scene.store, await formed_victim(scene, link_id)
    said, access = await proposal(store), access_of(store, ANNA, NOW)
    await identify.do_identification(access, name, said)
    with pytest.raises(Conflict, match="waits for a second person"):
        await identify.do_identification(access, name, said)
    await identify.do_identification(access, name, replace(said, basis=Basis.DOCUMENT))
    await identify.do_identification(access, name, replace(said, person_ref="north:person-2"))
    assert len(await store.read(lambda tx: tx.rows("MATCH (i:Identification) RETURN i"))) == 3


async def test_an_approved_identification_can_be_taken_back_and_the_case_system_is_notified(
    scene: Scene, link_id: str
) -> None:
    store, named = scene.store, await identified(scene, link_id)
    name = formed_id(link_id)
    with pytest.raises(Conflict) as stale:
        await identify.do_identification_approval(access_of(store, SUE, NOW), named, 7, SecondDecision.APPROVED, "")
    assert stale.value.current == {"state": "proposed", "version": 0, "by": ANNA.actor}
    await identify.do_identification_approval(access_of(store, SUE, NOW), named, 0, SecondDecision.APPROVED, "")
    with pytest.raises(Forbidden):
        await identify.do_identification_reopening(access_of(store, ANNA, NOW), named, 1, "another child")

    found = await identify.do_identification_reopening(access_of(store, SAM, NOW), named, 1, "another child")

    assert (found.state, found.version, found.decided_by) == (IdentificationState.PROPOSED, 2, None)
    assert await identity(store, name) is None
    last = [notice for notice in await decision_notices(store) if notice["subject"].startswith("identification:")][-1]
    assert (last["outcome"], last["standing"]) == ("identification_reopened", "assessed")
    with pytest.raises(Conflict):
        await identify.do_identification_reopening(access_of(store, SAM, NOW), named, 2, "once more")
    await identify.do_identification_approval(access_of(store, SUE, NOW), named, 2, SecondDecision.APPROVED, "")
    assert await identity(store, name) == "north:person-1"


async def test_who_identified_in_another_district_is_a_role_and_a_district_until_it_is_approved(
    scene: Scene, link_id: str
) -> None:
    store, named = scene.store, await identified(scene, link_id)
    assert ANNA.district != SAM.district

    with pytest.raises(Conflict) as stale:
        await identify.do_identification_approval(access_of(store, SAM, NOW), named, 7, SecondDecision.APPROVED, "")
    returned = await identify.do_identification_approval(
        access_of(store, SAM, NOW), named, 0, SecondDecision.RETURNED, "which teacher?"
    )
    again = await identify.do_identification_reopening(access_of(store, SAM, NOW), named, 1, "she is named")
    approved = await identify.do_identification_approval(
        access_of(store, SAM, NOW), named, 2, SecondDecision.APPROVED, ""
    )

    assert (stale.value.current or {})["by"] == returned.by == again.by == f"investigator of {ANNA.district}"
    assert (returned.decided_by, again.decided_by) == (SAM.actor, None)
    assert (approved.by, approved.decided_by) == (ANNA.actor, SAM.actor)
    with pytest.raises(Conflict) as late:
        await identify.do_identification_reopening(access_of(store, SUE, NOW), named, 7, "late")
    assert (late.value.current or {})["by"] == SAM.actor


async def test_two_people_with_two_identities_are_not_joined(scene: Scene) -> None:
    store = scene.store
    links = [await scene.link("n1", "s1"), await scene.link("n2", "t1")]
    for number, link in enumerate(links):
        await judge(store, link)
        await approve(store, link)
        said = Proposal(f"person-{number}", Basis.DOCUMENT, "passport", await every_face(store))
        made = await identify.do_identification(access_of(store, ANNA, NOW), formed_id(link), said)
        await identify.do_identification_approval(
            access_of(store, SUE, NOW), made.identification_id, 0, SecondDecision.APPROVED, ""
        )
    await scene.media("y", SOUTH, faces=["y1"])
    await judge(store, await scene.link("s1", "y1"), by=BEN)
    with pytest.raises(Conflict) as refused:
        await judge(store, await scene.link("t1", "y1"), by=BEN)
    assert refused.value.current["kind"] in ("identified_apart", "one_frame")


async def identity(store: Store, victim_id: str) -> str | None:
    [row] = await store.read(lambda tx: tx.rows("MATCH (v:Victim {victim_id: $v}) RETURN v.identity AS i", v=victim_id))
    return row["i"]
