"""People say what a face is: who may, on which version, for how many at once, and what is published of it."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from graph.actions.decide.label import Labelling, do_label
from graph.domain.errors import Forbidden, NotFound
from graph.domain.label import Label
from graph.store.session import Store
from tests.integration.conftest import deeds, entries
from tests.support import factories_streams as make
from tests.support.access import access_of
from tests.support.factories import ANNA, BEN, NOW, SUE, Scene
from tests.support.link_in_process import LinkInProcess, link_in_process

pytestmark = pytest.mark.anyio


async def say(api: httpx.AsyncClient, face_id: str, version: str | None, **body: Any) -> httpx.Response:
    told = {"label": "unrelated", "reason": "a poster", **body}
    headers = {} if version is None else {"If-Match": version}
    return await api.post(f"/faces/{face_id}/labels", json=told, headers=headers)


async def outbox(store: Store) -> list[tuple[str, dict[str, Any]]]:
    rows = await store.read(lambda tx: tx.rows("MATCH (o:Outbox) RETURN o.kind AS kind, o.body AS body ORDER BY o.seq"))
    return [(row["kind"], {**json.loads(row["body"]), "act_id": "act"}) for row in rows]


async def test_a_label_its_history_audit_entry_and_record_are_one_act(
    api: httpx.AsyncClient, store: Store, scene: Scene
) -> None:
    face_id = scene.faces["n1"]
    seen = await api.get(f"/faces/{face_id}/labels")
    first = await say(api, face_id, seen.headers["etag"])
    back = await say(api, face_id, first.headers["etag"], label=None, reason="looked again")

    assert (seen.headers["etag"], first.headers["etag"], back.headers["etag"]) == ('"0"', '"1"', '"2"')
    assert (first.status_code, first.json()["label"]) == (201, "unrelated")
    told = (await api.get(f"/faces/{face_id}/labels")).json()
    assert told == back.json()
    assert told["label"] is None
    assert [(past["label"], past["reason"], past["by"]) for past in told["items"]] == [
        ("unrelated", "a poster", "anna@north"),
        (None, "looked again", "anna@north"),
    ]
    assert await outbox(store) == [
        ("label", {"act_id": "act", "faces": [face_id], "label": "unrelated", "taken_back": []}),
        ("label", {"act_id": "act", "faces": [face_id], "label": None, "taken_back": [face_id]}),
    ]
    assert [entry.action for entry in await entries(store)] == [
        "face.labels_seen",
        "face.labelled",
        "face.labelled",
        "face.labels_seen",
    ]


async def test_several_faces_of_one_case_are_labelled_in_one_act_or_not_at_all(
    api: httpx.AsyncClient, store: Store, scene: Scene
) -> None:
    second = await scene.case("local:second")
    await scene.media("o", second, faces=["o1"])
    one, two, far = (scene.faces[name] for name in ("n1", "n2", "o1"))

    apart = await say(api, one, '"0"', also=[two, far])
    assert (apart.status_code, apart.json()["code"]) == (422, "invalid")
    assert (await say(api, two, '"0"', label="witness")).status_code == 201
    stale = await say(api, one, '"0"', also=[two])
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_version")
    assert stale.json()["current"] == {"faces": {two: {"label": "witness", "label_version": 1}}}
    assert (await api.get(f"/faces/{one}/labels")).json()["label"] is None
    assert (await say(api, one, '"0"', label="witness")).status_code == 201

    both = await say(api, one, '"1"', also=[two, two], label="suspect")

    histories = [(await api.get(f"/faces/{face}/labels")).json()["items"] for face in (one, two)]
    assert both.status_code == 201
    assert {history[-1]["act_id"] for history in histories} == {both.json()["items"][-1]["act_id"]}
    assert (await outbox(store))[-1][1]["faces"] == [one, two]


REFUSED: list[tuple[str | None, dict[str, Any], int, str]] = [
    (None, {}, 428, "version_missing"),
    ("0", {}, 400, "malformed_version"),
    ('"3"', {}, 409, "stale_version"),
    ('"0"', {"label": "child"}, 422, "invalid"),
    ('"0"', {"reason": " "}, 422, "invalid"),
    ('"0"', {"reason": "x" * 201}, 422, "invalid"),
    ('"0"', {"also": ["no id"]}, 422, "invalid"),
    ('"0"', {"also": ["f" * 64]}, 404, "face_unknown"),
    ('"0"', {"score": 1}, 422, "invalid"),
]


async def test_a_label_is_refused_on_an_old_version_or_without_a_reason_and_leaves_nothing(
    api: httpx.AsyncClient, store: Store, scene: Scene, subtests: pytest.Subtests
) -> None:
    for version, body, status, code in REFUSED:
        with subtests.test(version=version, body=str(body)[:40]):
            answer = await say(api, scene.faces["n1"], version, **body)

            assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await outbox(store) == []
    assert await deeds(store) == []


async def test_an_investigator_of_the_district_labels_and_nobody_else(store: Store, scene: Scene) -> None:
    said = Labelling(scene.faces["n1"], 0, Label.VICTIM, "looked")
    with pytest.raises(NotFound):
        await do_label(access_of(store, BEN, NOW), said)
    with pytest.raises(Forbidden):
        await do_label(access_of(store, SUE, NOW), said)

    assert (await do_label(access_of(store, ANNA, NOW), said)).label == "victim"


@pytest.fixture
async def site(store: Store, tmp_path: Path) -> AsyncIterator[LinkInProcess]:
    async with link_in_process(store, tmp_path) as site:
        yield site


async def test_link_takes_a_labelled_face_out_of_comparison_and_back_also_after_a_restart(site: LinkInProcess) -> None:
    rng = np.random.default_rng(8)
    child = make.unit(rng)

    def picture(name: str, case: str, place: int) -> Any:
        vector = make.near(rng, child, 0.95)
        return make.embedded(name, [vector], make.submitted(case, "register", make.CASES[case]), make.origin(place))

    async def label(said: Label | None, version: int) -> None:
        labelling = Labelling(make.face_id("one"), version, said, "looked at it")
        await do_label(access_of(site.store, ANNA, datetime.now(UTC)), labelling)

    site.write([picture("one", make.NORTH, 0), picture("two", "local:s1", 1)])
    await site.linked()
    assert len(await site.links()) == 1

    await label(Label.UNRELATED, 0)
    await site.linked()
    assert await site.links() == {}, "the undecided link is removed"
    site.write([picture("three", "local:s2", 2)])
    await site.linked()
    assert len(await site.links()) == 1  # two and three

    # Taken back while link is away: it loads the label first and reads the record then.
    await site.stop()
    await label(None, 1)
    await site.linked()
    assert len(await site.links()) == 3, "the face is compared with all others"
