"""Faces that the caps cut: counted at the face they are similar to, listed on request, gone with what allowed it."""

import httpx
import pytest

from graph.actions.link import commit as ingest
from graph.actions.link.stored_pairs import stored_pairs
from graph.actions.link.writes import GraphWrites
from graph.store.queries import ingest as queries
from graph.store.session import Row, Store
from tests.integration.conftest import entries
from tests.support.factories import BEN, NOW, SOUTH, Scene
from tests.support.signed_in import as_

pytestmark = pytest.mark.anyio


async def cut(scene: Scene, called: str, *others: str) -> None:
    """Link compared the face called so, and the caps cut these."""
    row = {"face_id": scene.faces[called], "number": len(others) + 300, "faces": [scene.faces[name] for name in others]}
    compared = {"comparison_id": row["face_id"], "comparison": {}, "faces": [], "cut": [row]}
    await scene.store.write(lambda tx: tx.do(queries.MERGE_COMPARISONS, rows=[compared], now=NOW.isoformat()))


async def commit(store: Store, last: int, changes: GraphWrites) -> None:
    changes.last = last
    await ingest.commit(store, 0, changes, now=NOW)


async def listed(api: httpx.AsyncClient, face_id: str, **query: object) -> list[str]:
    answer = await api.get(f"/faces/{face_id}/similar", params=dict(query))  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    return [item["face_id"] for item in answer.json()["items"]]


async def test_they_are_counted_at_the_face_and_listed_by_id(
    api: httpx.AsyncClient, store: Store, scene: Scene
) -> None:
    await scene.media("more", SOUTH, faces=["more0", "more1", "more2"])
    await cut(scene, "n1", "more0", "more1", "t1")
    expected = sorted(scene.faces[name] for name in ("more0", "more1", "t1"))
    n1 = scene.faces["n1"]

    page = (await api.get(f"/faces/{n1}/similar", params={"limit": 2})).json()
    assert (page["number"], [item["face_id"] for item in page["items"]]) == (303, expected[:2])
    assert await listed(api, n1, after=page["next"]) == expected[2:]
    assert {item["media_id"] for item in page["items"]} == {None}, "masked as the other side of a link is"
    assert {item["district"] for item in page["items"]} == {"south"}
    assert (await entries(store))[-1].action == "face.similar_seen"

    # The same number on all links of the face, and none of a face that is hidden.
    [link] = (await api.get("/links")).json()["items"]
    sides = {side["face_id"]: side["more_similar"] for side in (link["a"], link["b"])}
    assert sides == {n1: 303, scene.faces["s1"]: None}
    [link] = (await api.get("/links", params={"state": "lead"})).json()["items"]
    assert [side["more_similar"] for side in (link["a"], link["b"])] == [None, None]


async def test_who_sees_the_face_may_look_at_them_and_link_them(api: httpx.AsyncClient, scene: Scene) -> None:
    await scene.media("more", SOUTH, faces=["more"])
    n2, more = scene.faces["n2"], scene.faces["more"]
    said = {"face_a": n2, "face_b": more, "reasons": ["ears"]}
    assert (await api.get(f"/faces/{more}/crop")).status_code == 404
    assert (await api.post("/links", json=said)).status_code == 404
    await cut(scene, "n2", "more")

    assert (await api.get(f"/faces/{more}/crop")).status_code == 200
    assert (await api.get(f"/faces/{n2}/similar", headers=as_(BEN))).status_code == 404
    # Who sees the other face alone does not learn of this one by it.
    page = (await api.get(f"/faces/{more}/similar", headers=as_(BEN))).json()
    assert (page["number"], page["items"]) == (None, [])
    assert (await api.get(f"/faces/{n2}/crop", headers=as_(BEN))).status_code == 404
    assert (await api.post("/links", json=said, headers=as_(BEN))).status_code == 404
    assert (await api.post("/links", json=said)).status_code == 201


async def test_compared_again_the_number_is_that_of_now(api: httpx.AsyncClient, scene: Scene) -> None:
    await cut(scene, "n1", "t1")
    row = {"face_id": scene.faces["n1"], "number": 0, "faces": []}
    compared = {"comparison_id": row["face_id"], "comparison": {}, "faces": [], "cut": [row]}
    await scene.store.write(lambda tx: tx.do(queries.MERGE_COMPARISONS, rows=[compared], now=NOW.isoformat()))

    page = (await api.get(f"/faces/{scene.faces['n1']}/similar")).json()
    assert (page["number"], page["items"]) == (0, [])


async def test_not_compared_by_the_new_score_it_has_no_number_any_more(
    api: httpx.AsyncClient, store: Store, scene: Scene
) -> None:
    """Symptom: a face that a new model finds too poor kept the number and the list of the model before."""
    await cut(scene, "n1", "t1")
    await cut(scene, "n2", "t1")
    await commit(store, 1, GraphWrites(1, 1, uncounted=[scene.faces["n1"]]))

    page = (await api.get(f"/faces/{scene.faces['n1']}/similar")).json()
    assert (page["number"], page["items"]) == (None, [])
    assert await listed(api, scene.faces["n2"]) == [scene.faces["t1"]]


async def test_what_may_be_compared_no_more_and_what_is_erased_is_not_listed(
    api: httpx.AsyncClient, store: Store, scene: Scene
) -> None:
    media_id = await scene.media("more", SOUTH, faces=["more"])
    await scene.media("gone", SOUTH, faces=["gone"])
    await scene.decided("n1", "gone", "dismissed")  # so that a stub of it stays
    await cut(scene, "n1", "more", "gone", "t1")
    stored = await stored_pairs(store, [media_id])
    assert stored.similar == [(scene.faces["n1"], scene.faces["more"])]
    rows: list[Row] = [{"a": a, "b": b} for a, b in stored.similar]
    await commit(store, 1, GraphWrites(1, 1, removed_similar=rows))
    assert await listed(api, scene.faces["n1"]) == sorted([scene.faces["gone"], scene.faces["t1"]])
    assert (await api.get(f"/faces/{scene.faces['more']}/crop")).status_code == 404

    await commit(store, 2, GraphWrites(2, 2, removed_faces=[scene.faces["gone"]]))
    assert await listed(api, scene.faces["n1"]) == [scene.faces["t1"]]
    left = await store.read(lambda tx: tx.rows("MATCH (:Face {stub: true})-[r:AS_SIMILAR]-() RETURN r"))
    assert left == []
