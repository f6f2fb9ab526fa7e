"""The list of cases, and what became of every picture of a case."""

import pytest

from graph.actions.decide.upload import Submission, do_upload
from graph.actions.read.case_list import read_cases
from graph.actions.read.outcomes import Outcome, Waiting, read_completeness, read_outcomes
from graph.actions.read.search import Picture
from graph.domain.comparison import Scope
from graph.domain.errors import Forbidden, NotFound
from graph.domain.people import Person, Role
from graph.files import MediaStore
from graph.store.session import Store
from tests.integration.conftest import entries
from tests.support.access import access_of
from tests.support.factories import ANNA, NORTH, NOW, SOUTH, SUE, Scene

pytestmark = pytest.mark.anyio


async def test_the_list_has_the_cases_of_ones_district_the_last_id_first(store: Store, scene: Scene) -> None:
    for number in (2, 3, 10):
        await scene.case(f"local:2026-{number:03}", "north")
    await scene.case("other:2026-9", "north")
    await scene.case("west:1", "west")
    access = access_of(store, ANNA, NOW, "test")

    first = await read_cases(access, limit=2)
    assert [case.case_id for case in first.items] == ["other:2026-9", "local:2026-010"]
    last = await read_cases(access, limit=9, before=str(first.next))
    assert [(case.case_id, case.media) for case in last.items] == [
        ("local:2026-003", 0),
        ("local:2026-002", 0),
        (NORTH, 1),
    ]
    assert last.next is None
    for begins in ("2026-00", "local:2026-00"):
        some = await read_cases(access, begins=begins, limit=9)
        assert [case.case_id for case in some.items] == ["local:2026-003", "local:2026-002", NORTH]
    assert [entry.action for entry in await entries(store)] == ["cases.seen"] * 4


async def test_an_erased_case_is_not_in_the_list(store: Store, scene: Scene) -> None:
    await scene.case("local:gone", "north")
    await store.write(lambda tx: tx.do("MATCH (c:Case {case_id: 'local:gone'}) SET c.erased = true"))
    found = await read_cases(access_of(store, ANNA, NOW, "test"), limit=9)
    assert [case.case_id for case in found.items] == [NORTH]


async def test_nobody_without_a_district_or_role_lists_cases(store: Store, scene: Scene) -> None:
    for who in (Person("olga", frozenset({Role.OPERATOR}), "north"), Person("ann", frozenset({Role.SUPERVISOR}))):
        with pytest.raises(Forbidden):
            await read_cases(access_of(store, who, NOW, "test"), limit=9)


SET_FACTS = """
MATCH (m:Media {media_id: $id})-[i:IN_CASE]->() SET m += $media, i += $membership
WITH m MATCH (f:Face)-[:SEEN_IN]->(m) SET f.too_poor_because = $poor
"""


async def pictures(store: Store, scene: Scene) -> dict[str, str]:
    """One picture of each outcome in NORTH, by name."""
    made = {
        "compared": await scene.media("good", NORTH, faces=["good"]),
        "in part": await scene.media("part", NORTH, faces=["part"]),
        "too poor": await scene.media("poor", NORTH, faces=["poor"]),
        "no face": await scene.media("none", NORTH),
        "not compared": await scene.media("kept", NORTH, faces=["kept"]),
    }

    async def set_facts(name: str, poor: str | None = None, membership: object = None, **media: object) -> None:
        values = {"id": made[name], "poor": poor, "media": media, "membership": membership or {}}
        await store.write(lambda tx: tx.do(SET_FACTS, **values))

    await set_facts("in part", partial_percent=40, frames=3, frames_examined=1)
    await set_facts("too poor", poor="the face is small")
    await set_facts("not compared", membership={"scope": "none"})
    return made


async def test_every_picture_has_one_outcome_and_those_of_one_are_listed(store: Store, scene: Scene) -> None:
    made = await pictures(store, scene)
    access = access_of(store, ANNA, NOW, "test")

    found = await read_completeness(access, NORTH)

    # `n`, the picture of the scene, was compared too.
    assert found.media == {
        Outcome.COMPARED: 3,
        Outcome.TOO_POOR: 1,
        Outcome.NO_FACE: 1,
        Outcome.NOT_COMPARED: 1,
    }
    assert (found.total, found.in_part, found.faces, found.too_poor_faces) == (6, 1, 6, 1)

    async def listed(**asked: object) -> list[str]:
        page = await read_outcomes(access, NORTH, limit=9, **asked)  # type: ignore[arg-type]
        return [item.media_id for item in page.items]

    assert await listed(outcomes=[Outcome.TOO_POOR]) == [made["too poor"]]
    assert await listed(outcomes=[Outcome.NO_FACE, Outcome.NOT_COMPARED]) == sorted(
        [made["no face"], made["not compared"]]
    )
    assert await listed(in_part=True) == [made["in part"]]
    assert len(await listed()) == 6
    [poor] = (await read_outcomes(access, NORTH, outcomes=[Outcome.TOO_POOR], limit=1)).items
    assert [face.too_poor_because for face in poor.faces] == ["the face is small"]


async def test_a_picture_whose_faces_are_all_hidden_by_labels_is_compared_with_nothing(
    store: Store, scene: Scene
) -> None:
    """It counted as compared, though link compares no face with such a label."""
    made = await pictures(store, scene)
    for called, label in (("good", "no_face"), ("poor", "unrelated"), ("n1", "suspect")):
        query = "MATCH (f:Face {face_id: $face}) SET f.label = $label"
        await store.write(lambda tx, q=query, c=called, v=label: tx.do(q, face=scene.faces[c], label=v))
    access = access_of(store, ANNA, NOW, "test")

    # `n` has a second face, which has no label.
    expected = {Outcome.COMPARED: 2, Outcome.TOO_POOR: 0, Outcome.NO_FACE: 1, Outcome.NOT_COMPARED: 3}
    assert (await read_completeness(access, NORTH)).media == expected
    listed = await read_outcomes(access, NORTH, outcomes=[Outcome.NOT_COMPARED], limit=9)
    names = ("compared", "too poor", "not compared")
    assert [item.media_id for item in listed.items] == sorted(made[name] for name in names)


async def test_pictures_come_in_pages(store: Store, scene: Scene) -> None:
    await pictures(store, scene)
    access = access_of(store, ANNA, NOW, "test")
    met: list[str] = []
    after: str | None = ""
    while after is not None:
        page = await read_outcomes(access, NORTH, after=after, limit=2)
        met += [item.media_id for item in page.items]
        after = None if page.next is None else str(page.next)
    assert met == sorted(set(met)) and len(met) == 6


async def test_what_is_on_its_way_and_in_quarantine_is_counted_by_its_code(
    store: Store, scene: Scene, files: MediaStore
) -> None:
    access = access_of(store, SUE, NOW, "test")
    asked = Submission(NORTH, "identification", "law", Scope.REGISTER)
    await do_upload(access, files, asked, Picture(b"picture", "image/jpeg"))
    rows = [
        {"id": str(number), "case": case, "code": code, "at": number, "reason": "http://secret/file.jpg is away"}
        for number, (case, code) in enumerate([(NORTH, "no_page"), (NORTH, "no_page"), (SOUTH, "unprocessable")])
    ]
    await store.write(
        lambda tx: tx.do(
            "UNWIND $rows AS row CREATE (:Quarantined {quarantine_id: row.id, case_id: row.case, code: row.code, "
            "status: 'waiting', submitted_at: row.at, reason: row.reason})",
            rows=rows,
        )
    )

    found = await read_completeness(access, NORTH)

    assert found.quarantined == (Waiting("no_page", 2, 0),)
    assert (found.coming.events, found.coming.quarantined) == (1, 2)
    assert "secret" not in repr(found)


async def test_a_case_of_another_district_has_no_pictures(store: Store, scene: Scene) -> None:
    for read in (read_completeness, lambda *of: read_outcomes(*of, limit=9)):
        with pytest.raises(NotFound):
            await read(access_of(store, ANNA, NOW, "test"), SOUTH)
    assert await entries(store) == []
