"""How far apart pictures were taken: on links and answers, by what each reader may know, and from an older graph."""

from typing import Any

import httpx
import pytest

from graph.domain.capture_time import LIMITS
from graph.store.migrate import migrations
from graph.store.queries import ingest
from graph.store.session import Store
from streams.gallery.load import load_gallery
from streams.link.memberships import StoredMembership, stored_memberships
from tests.support import factories_streams as make
from tests.support.factories import BEN, MODEL, NORTH, SOUTH, Scene
from tests.support.signed_in import as_

pytestmark = pytest.mark.anyio
BAND_ONLY = {"years": None, "band": "6-10", "limits": LIMITS["6-10"]}


async def gap_of(api: httpx.AsyncClient, link_id: str, **more: Any) -> Any:
    return (await api.get(f"/links/{link_id}", **more)).json()["gap"]


async def test_a_link_shows_years_within_a_district_and_a_band_across_districts(
    api: httpx.AsyncClient, scene: Scene
) -> None:
    await scene.media("old", NORTH, faces=["old"], captured_at="2012-03-01T00:00:00+01:00")
    await scene.media("mid", NORTH, faces=["mid"], exif="2015-03-01T00:00:00")
    await scene.media("new", SOUTH, faces=["new"], captured_at="2020-03-01T00:00:00+01:00")
    home, away, unknown = [await scene.link("old", name) for name in ("mid", "new", "n1")]

    assert await gap_of(api, home) == {"years": 3, "band": "3-5", "limits": None}
    assert await gap_of(api, away) == BAND_ONLY
    assert await gap_of(api, away, headers=as_(BEN)) == BAND_ONLY
    assert await gap_of(api, unknown) is None
    await scene.decided("old", "new", "approved")
    assert await gap_of(api, away) == {**BAND_ONLY, "years": 8}


async def test_a_media_shows_its_capture_time_by_what_its_reader_may_know(
    api: httpx.AsyncClient, store: Store, scene: Scene
) -> None:
    media_id = await scene.media("old", NORTH, SOUTH, faces=["old"], exif="2011-03-01T00:00:00")
    dated = (
        "MATCH (:Media {media_id: $media})-[i:IN_CASE]->(:Case {case_id: $case}) "
        "SET i.captured_at = $at, i.captured_told = 1"
    )
    await store.write(lambda tx: tx.do(dated, media=media_id, case=SOUTH, at="2020-03-01T00:00:00"))

    told = [(await api.get(f"/media/{media_id}", headers=who)).json()["captured_at"] for who in ({}, as_(BEN))]
    assert told == ["2011-03-01T00:00:00", "2020-03-01T00:00:00"]
    page = (await api.get(f"/cases/{NORTH}/media")).json()["items"]
    assert {item["media_id"]: item["captured_at"] for item in page}[media_id] == "2011-03-01T00:00:00"
    graph = (await api.get(f"/cases/{NORTH}/graph")).json()["media"]
    assert {item["media_id"]: item["captured_at"] for item in graph}[media_id] == "2011-03-01T00:00:00"


async def test_a_media_shows_whether_it_is_generated_by_what_its_reader_may_know(
    api: httpx.AsyncClient, store: Store, scene: Scene
) -> None:
    """Of a graph that an earlier release wrote nothing is known of it."""
    media_id = await scene.media("old", NORTH, SOUTH, faces=["old"])

    async def shown() -> list[Any]:
        of_media = [(await api.get(f"/media/{media_id}", headers=who)).json() for who in ({}, as_(BEN))]
        page = (await api.get(f"/cases/{NORTH}/media")).json()["items"]
        graph = (await api.get(f"/cases/{NORTH}/graph")).json()["media"]
        of_case = [item for item in (*page, *graph) if item["media_id"] == media_id]
        return [item["ai_generated"] for item in (*of_media, *of_case)]

    assert await shown() == [None, None, None, None]
    for case, generated, told in ((NORTH, False, 1), (SOUTH, True, 2)):
        event = make.submitted(case, ai_generated=generated)
        record = make.embedded("old", [], event, make.origin(0, at=told)).model_copy(update={"media_id": media_id})
        row = StoredMembership.of(record).row(media_id, case)
        await store.write(lambda tx, row=row: tx.do(ingest.MERGE_MEMBERSHIPS, rows=[row]))
        stored = await stored_memberships(store, await load_gallery(store, MODEL), [record])
        assert [(member.ai_generated, member.ai_generated_told) for member in stored.values()] == [
            (generated, make.START_MS + told)
        ]
    assert await shown() == [False, True, False, False]


async def test_an_answer_shows_the_years_between_each_face_and_the_one_that_found_it(
    api: httpx.AsyncClient, scene: Scene
) -> None:
    await scene.media("asks", NORTH, faces=["asks"], captured_at="2012-03-01T00:00:00+01:00")
    await scene.media("home", NORTH, faces=["home"], captured_at="2012-08-01T00:00:00+01:00")
    await scene.media("away", SOUTH, faces=["away"], captured_at="2019-03-01T00:00:00+01:00")
    body = {
        "case_id": NORTH,
        "purpose": "victim identification",
        "legal_basis": "StPO 98c",
        "in": "register",
        "faces": [scene.faces["asks"]],
    }
    search_id = (await api.post("/searches", json=body)).json()["search_id"]
    await scene.answer(search_id, [("home", 0.8), ("away", 0.7), ("s1", 0.6)], probe="asks")

    items = (await api.get(f"/searches/{search_id}")).json()["items"]
    assert [item["gap"] for item in items] == [{"years": 0, "band": "to 2", "limits": None}, BAND_ONLY, None]


async def test_the_dates_of_an_older_release_are_those_of_the_events_that_gave_them(store: Store, scene: Scene) -> None:
    """Until then the media itself had the date of the event that brought it first, whichever case that was."""
    taken = "2012-03-01T00:00:00+01:00"
    kept = await scene.media("old", NORTH, faces=["old"], exif=taken)
    odd = await scene.media("odd", NORTH, faces=["odd"], exif="1601-03-01T00:00:00+01:00")
    gone = await scene.media("gone", SOUTH, faces=["gone"], exif=taken)
    changed = "MATCH (m:Media {media_id: $media})-[i:IN_CASE]->() SET i.submitted_at = m.first_submitted_at + 1"
    await store.write(lambda tx: tx.do(changed, media=gone))
    [text] = [text for number, _, text in migrations() if number == 12]
    for _ in range(2):
        await store.statement(text.strip().removesuffix(";"))  # type: ignore[arg-type]

    dates = "MATCH (m:Media)-[i:IN_CASE]->() RETURN m.media_id AS media, m.captured_at AS file, i.captured_at AS told"
    found = {row["media"]: (row["file"], row["told"]) for row in await store.read(lambda tx: tx.rows(dates))}
    assert [found[media] for media in (kept, odd, gone)] == [(None, taken), (None, None), (None, None)]
    again = make.embedded("old", [], make.submitted(NORTH), make.origin(0)).model_copy(update={"media_id": kept})
    stored = await stored_memberships(store, await load_gallery(store, MODEL), [again])
    assert {key: member.captured_at for key, member in stored.items()} == {(kept, NORTH): taken}
