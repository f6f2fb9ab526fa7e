"""The people of a case in other cases: whom a row stands for, what a cell says, and what is masked."""

import pytest

from graph.actions.decide import verdicts
from graph.actions.decide.decision import Judgement
from graph.actions.read.case_graph import read_case_graph
from graph.actions.read.threads import CaseThreads, OtherCase, read_threads
from graph.domain import audit
from graph.domain.case_graph import NodeKind
from graph.domain.errors import NotFound
from graph.domain.link import Decision
from graph.domain.people import Person
from graph.domain.queue import Kind, Subject
from graph.domain.threads import Strength, Thread
from graph.store.session import Store
from tests.integration.conftest import entries
from tests.support.access import access_of
from tests.support.factories import ANNA, BEN, NORTH, NOW, SOUTH, Scene, every_face

pytestmark = pytest.mark.anyio
OTHER = "local:2026-014"


@pytest.fixture
async def other(scene: Scene) -> str:
    await scene.case(OTHER, "north", "duty desk north")
    await scene.media("o", OTHER, faces=["o1", "o2"])
    return OTHER


async def confirm(store: Store, link_id: str, who: Person = ANNA) -> None:
    said = Judgement(link_id, 0, Decision.CONFIRMED, ("ears",), "", await every_face(store))
    await verdicts.do_verdict(access_of(store, who, NOW), said)


async def threads(store: Store, case_id: str = NORTH, who: Person = ANNA, **asked: object) -> CaseThreads:
    asked.setdefault("limit", 25)
    return await read_threads(access_of(store, who, NOW, "test"), case_id, **asked)  # type: ignore[arg-type]


def cells(found: CaseThreads) -> dict[tuple[Kind, str | None, str | None], Thread]:
    """Every cell by kind of person, and case and district of its column."""
    return {
        (row.person.kind, found.columns[number].case_id, found.columns[number].district): thread
        for row in found.rows
        for number, thread in row.threads.items()
    }


async def test_a_candidate_in_another_district_shows_district_and_contact_and_no_case(
    store: Store, scene: Scene
) -> None:
    found = await threads(store)

    assert found.columns == (OtherCase(None, "south", None, people=1, media=0),)
    [row] = found.rows
    assert (row.person, row.face_id) == (Subject(Kind.FACE, scene.faces["n1"]), scene.faces["n1"])
    link = await scene.link("n1", "s1")
    assert row.threads == {0: Thread(1, scene.faces["s1"], Strength.CANDIDATE, link)}


async def test_an_approved_link_names_its_case_and_no_other_case_of_that_district(store: Store, scene: Scene) -> None:
    await scene.media("u", SOUTH, faces=["u1"])
    await scene.decided("n1", "s1", "approved")
    await scene.link("n2", "u1")
    found = await threads(store)
    assert {(column.case_id, column.people) for column in found.columns} == {(SOUTH, 1), (None, 1)}


async def test_a_row_is_a_victim_else_a_group_else_a_face(store: Store, scene: Scene, other: str) -> None:
    await scene.media("g", NORTH, faces=["g1"])
    await scene.media("h", NORTH, faces=["h1"])
    await scene.media("p", OTHER, faces=["p1"])
    await scene.group("group", NORTH, "g1", "h1")
    await scene.depicts("n1", "local:child")
    await scene.depicts("p1", "local:child")
    await scene.link("g1", "o1")
    await scene.link("n2", "o2")

    found = await threads(store)

    assert [(row.person.kind, len(row.face_ids)) for row in found.rows] == [
        (Kind.VICTIM, 1),
        (Kind.FACE, 1),
        (Kind.GROUP, 2),
    ]
    assert (found.rows[0].person.id, found.rows[0].label) == ("local:child", "label of local:child")
    assert cells(found)[Kind.VICTIM, OTHER, "north"] == Thread(1, scene.faces["p1"], Strength.DECLARED, None)
    assert found.columns[0] == OtherCase(OTHER, "north", "duty desk north", people=3, media=0)


async def test_a_cell_has_the_best_picture_all_faces_and_the_strongest_decision(
    store: Store, scene: Scene, other: str
) -> None:
    await scene.link("n1", "o1")
    confirmed = await scene.decided("n1", "o2", "confirmed")
    await scene.decided("n2", "o1", "dismissed")
    quality = "MATCH (f:Face {face_id: $face_id}) SET f.quality = 0.9"
    await store.write(lambda tx: tx.do(quality, face_id=scene.faces["o1"]))

    found = await threads(store)

    assert cells(found)[Kind.FACE, OTHER, "north"] == Thread(2, scene.faces["o1"], Strength.CONFIRMED, confirmed)
    assert found.people == 1


async def test_a_page_has_the_columns_of_its_people_and_counts_those_of_all(
    store: Store, scene: Scene, other: str
) -> None:
    """A case with people in a thousand others would be a table that nobody can read, and slow."""
    await scene.link("n1", "o1")
    await scene.link("n1", "o2")
    first = await threads(store, limit=1)
    assert [(column.case_id, column.people) for column in first.columns] == [(OTHER, 1), (None, 1)]
    await scene.case("local:third", "north")
    await scene.media("third", "local:third", faces=["third"])
    await scene.link("n2", "third")
    first = await threads(store, limit=1)
    last = await threads(store, limit=1, after=first.next)
    assert [column.case_id for column in last.columns] == ["local:third"]
    assert (first.cases, last.cases) == (3, 3)


@pytest.mark.parametrize("names", [("local:child",), ("local:child", "local:older")])
async def test_a_victim_has_the_faces_that_its_case_system_states_and_those_that_a_link_leads_to(
    store: Store, scene: Scene, other: str, names: tuple[str, ...]
) -> None:
    """With two names a second statement joins its faces: its id is the one of the two that sorts first."""
    for name in names:
        await scene.depicts("n1", name)
    await scene.depicts("o1", names[-1])
    await scene.link("n1", "o2")
    found = await threads(store)
    assert [(row.person, row.face_ids) for row in found.rows] == [
        (Subject(Kind.VICTIM, "local:child"), (scene.faces["n1"],))
    ]
    thread = cells(found)[Kind.VICTIM, OTHER, "north"]
    assert (thread.faces, thread.strength, thread.link_id) == (2, Strength.DECLARED, None)


async def test_a_victim_is_in_a_case_that_only_other_cases_lead_to(store: Store, scene: Scene, other: str) -> None:
    """No link joins the two cases: its face of a third case is joined to both."""
    await scene.case("local:third", "north")
    await scene.media("third", "local:third", faces=["third"])
    for pair in (("n1", "o1"), ("o1", "third")):
        await confirm(store, await scene.link(*pair))

    found = cells(await threads(store))

    assert found[Kind.VICTIM, OTHER, "north"].strength is Strength.CONFIRMED
    assert found[Kind.VICTIM, "local:third", "north"] == Thread(1, scene.faces["third"], Strength.CONFIRMED, None)


async def test_a_confirmation_of_the_other_district_joins_nobody_here(store: Store, scene: Scene) -> None:
    """n1 and x1 are one person by links between faces of the south; here they are two, as in the victims' pages."""
    await scene.media("x", NORTH, faces=["x1"])
    await scene.media("v", SOUTH, faces=["v1"])
    await confirm(store, await scene.link("n1", "s1"))
    await confirm(store, await scene.link("x1", "t1"))
    await confirm(store, await scene.link("s1", "v1"), BEN)
    await confirm(store, await scene.link("t1", "v1"), BEN)
    assert len((await threads(store)).rows) == 2


async def test_leads_only_on_request_and_states_are_filtered(store: Store, scene: Scene) -> None:
    await scene.decided("n1", "s1", "confirmed")
    assert (await threads(store, strengths=[Strength.CANDIDATE])).rows == ()
    assert [row.person.id for row in (await threads(store)).rows] == [scene.faces["n1"]]
    leads = await threads(store, strengths=list(Strength))
    assert {row.person.id for row in leads.rows} == {scene.faces["n1"], scene.faces["n2"]}


async def test_a_picture_of_both_cases_is_counted_and_is_no_thread(store: Store, scene: Scene, other: str) -> None:
    await scene.media("both", NORTH, OTHER, SOUTH, faces=["b1"])
    await scene.link("n2", "b1")
    found = await threads(store)
    assert [(column.case_id, column.people, column.media) for column in found.columns] == [(None, 1, 1)]
    assert [(column.case_id, column.people, column.media) for column in found.shared] == [(OTHER, 0, 1)]
    assert found.cases == 1


async def test_rows_are_paged_and_the_most_spread_come_first(store: Store, scene: Scene, other: str) -> None:
    await scene.link("n1", "o1")
    await scene.link("n2", "o2")
    first = await threads(store, limit=1)
    assert (first.people, [row.person.id for row in first.rows]) == (2, [scene.faces["n1"]])
    last = await threads(store, limit=1, after=first.next)
    assert (last.next, [row.person.id for row in last.rows]) == (None, [scene.faces["n2"]])


async def test_an_erased_face_is_no_thread(store: Store, scene: Scene, other: str) -> None:
    await scene.decided("n1", "o1", "approved")
    await store.write(
        lambda tx: tx.do(
            "MATCH (f:Face {face_id: $id})-[s:SEEN_IN]->(:Media)-[:IN_CASE]->(c) MERGE (f)-[:WAS_IN]->(c) DELETE s "
            "SET f = {face_id: $id, stub: true}",
            id=scene.faces["o1"],
        )
    )
    assert {column.case_id for column in (await threads(store)).columns} == {None}


async def test_a_case_of_another_district_is_no_case(store: Store, scene: Scene) -> None:
    for case_id in (SOUTH, "local:none"):
        with pytest.raises(NotFound):
            await threads(store, case_id)
        with pytest.raises(NotFound):
            await read_case_graph(access_of(store, ANNA, NOW, "test"), case_id)
    assert await entries(store) == []


async def test_the_graph_has_people_cases_and_pictures_of_several_people_in_stable_places(
    store: Store, scene: Scene, other: str
) -> None:
    await scene.link("n1", "o1")
    await scene.link("n2", "o2")
    access = access_of(store, ANNA, NOW, "test")

    placed = await read_case_graph(access, NORTH)
    nodes = placed.graph.nodes

    assert [node.id for node in nodes if node.kind is NodeKind.CASE] == [NORTH, OTHER, None]
    assert {node.id for node in nodes if node.kind is NodeKind.FACE} == {scene.faces["n1"], scene.faces["n2"]}
    [picture] = [node for node in nodes if node.kind is NodeKind.MEDIA]
    beside = {edge.a for edge in placed.graph.edges if nodes[edge.b] == picture}
    assert {nodes[number].id for number in beside} == {scene.faces["n1"], scene.faces["n2"]}
    assert len(placed.places) == len(nodes)
    assert (await read_case_graph(access, NORTH)).places == placed.places


async def test_the_audit_has_each_look_at_threads_and_graph(
    store: Store, scene: Scene, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests: list[object] = []
    real = audit.content_digest
    monkeypatch.setattr(audit, "content_digest", lambda shown: (digests.append(shown), real(shown))[1])
    await scene.link("n1", "o1")
    await threads(store)
    await read_case_graph(access_of(store, ANNA, NOW, "test"), NORTH)
    looks = [shown for shown in digests if isinstance(shown, list)]
    assert len(looks) == 2
    assert all({scene.faces["n1"], OTHER} <= {*shown} for shown in looks), "other cases that are named are seen, too"
    assert [(entry.action, entry.subject, entry.purpose) for entry in await entries(store)] == [
        ("case.seen", NORTH, "test")
    ] * 2
