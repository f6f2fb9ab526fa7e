"""A newer detector examines a picture of the register again: its faces stay the same faces, new ones are added."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from graph.actions.decide.decision import Judgement, Seen
from graph.actions.decide.erase import do_erase
from graph.actions.decide.verdicts import do_approval, do_verdict
from graph.domain import ids
from graph.domain.erasure import ErasureCode
from graph.domain.link import Decision, SecondDecision
from graph.store.session import Store
from streams.faces.models import DETECTOR_ID, MODEL_ID
from streams.gallery.load import load_gallery
from streams.records.gallery import EmbeddedFace, GalleryRecord, MediaEmbedded, MediaReexamined
from tests.support import factories_streams as make
from tests.support.access import access_of
from tests.support.factories import ANNA, BEN, NOW, SAM, SUE
from tests.support.graph_contents import empty
from tests.support.link_in_process import LinkInProcess, link_in_process
from tests.support.signed_in import as_

pytestmark = pytest.mark.anyio
NEWER = "a detector with more looks"
MEDIA = make.media_id("group")
RNG = np.random.default_rng(11)
CHILD, SISTER, FRIEND, LATE = (make.unit(RNG) for _ in range(4))
AT = {"child": [10, 20, 60, 80], "sister": [200, 20, 60, 80], "friend": [400, 20, 60, 80], "late": [10, 300, 50, 60]}
VECTORS = {"child": CHILD, "sister": SISTER, "friend": FRIEND, "late": LATE}
BEFORE_PAGES = """
MATCH (m:Media) REMOVE m.frames_examined, m.partial_percent
WITH count(*) AS media MATCH (f:Face) REMOVE f.page, f.context_view
"""
"""The graph as the release before pages, newer detectors and context views wrote it."""
FACES = """
MATCH (f:Face)-[:SEEN_IN]->(m:Media {media_id: $media})
RETURN f.face_id AS face_id, f.box AS box, f.ordinal AS ordinal, f.display_crop AS crop,
       f.context_view AS context ORDER BY f.ordinal
"""
JUDGED = """
MATCH (a:Face)-[r:CANDIDATE]->(b:Face) WHERE r.version > 0
RETURN r.link_id AS link_id, r.state AS state, r.version AS version, a.face_id AS a, b.face_id AS b
"""
VICTIMS = "MATCH (f:Face)-[:DEPICTS]->(v:Victim) RETURN f.face_id AS face_id, v.victim_id AS victim_id ORDER BY face_id"


@pytest.fixture
async def site(store: Store, tmp_path: Path) -> AsyncIterator[LinkInProcess]:
    async with link_in_process(store, tmp_path) as site:
        yield site


def face(who: str, rank: int, detector: str, *, moved: int = 0, poor: bool = False) -> EmbeddedFace:
    """The face as this detector finds it at this rank, its box moved by some pixels."""
    name = ids.face_id(MEDIA, detector, rank)
    x, *rest = AT[who]
    facts = {
        "face_id": name,
        "box": [x + moved, *rest],
        "display_crop": f"{MEDIA[:2]}/{MEDIA}/{name}.display.jpg",
        "aligned_crop": f"{MEDIA[:2]}/{MEDIA}/{name}.aligned.png",
        "context_view": f"{MEDIA[:2]}/{MEDIA}/{name}.context.jpg",
    }
    made = make.face("group", rank, VECTORS[who], "too dark" if poor else None)
    return made.model_copy(update=facts)


def group(
    faces: Sequence[EmbeddedFace], place: int, detector: str = DETECTOR_ID, *, case: str = "local:n1", **facts: Any
) -> MediaEmbedded:
    district = make.CASES[case]
    record = make.embedded("group", [], make.submitted(case, "register", district), make.origin(place))
    return record.model_copy(update={"faces": list(faces), "detector_id": detector, **facts})


def of_before() -> list[EmbeddedFace]:
    return [face(who, rank, DETECTOR_ID) for rank, who in enumerate(("child", "sister", "friend"))]


def of_newer() -> list[EmbeddedFace]:
    """One more face, so that all ranks are shifted, and each box is a little elsewhere."""
    return [face(who, rank, NEWER, moved=8) for rank, who in enumerate(("late", "friend", "child", "sister"))]


OLD = {who: ids.face_id(MEDIA, DETECTOR_ID, rank) for rank, who in enumerate(("child", "sister", "friend"))}
NEW = {who: ids.face_id(MEDIA, NEWER, rank) for rank, who in enumerate(("late", "friend", "child", "sister"))}


async def stored_before(site: LinkInProcess) -> str:
    """A graph of the release before: a picture of three, whose child is approved as the child of a picture of south."""
    twin = make.embedded(
        "twin", [make.near(RNG, CHILD, 0.95)], make.submitted("local:s1", "register", "south"), make.origin(0)
    )
    site.write([twin, group(of_before(), 1)])
    await site.linked()
    link_id = ids.link_id(OLD["child"], make.face_id("twin"))
    await do_verdict(access_of(site.store, ANNA, NOW), Judgement(link_id, 0, Decision.CONFIRMED, ("ears",), ""))
    [row] = await site.rows("MATCH ()-[r:CANDIDATE {link_id: $id}]->() RETURN r.version AS version", id=link_id)
    await do_approval(access_of(site.store, SAM, NOW), Seen(link_id, row["version"]), SecondDecision.APPROVED, "")
    await site.linked()
    await site.do(BEFORE_PAGES)
    await site.restart()
    return link_id


async def faces(site: LinkInProcess) -> dict[str, dict[str, Any]]:
    return {row["face_id"]: row for row in await site.rows(FACES, media=MEDIA)}


async def test_faces_keep_their_ids_verdicts_and_victims_and_a_new_face_is_added_and_compared(
    site: LinkInProcess,
) -> None:
    await stored_before(site)
    before = await site.rows(JUDGED), await site.rows(VICTIMS)
    late_twin = make.embedded(
        "late", [make.near(RNG, LATE, 0.95)], make.submitted("local:s2", "register", "south"), make.origin(2)
    )

    site.write([late_twin, group(of_newer(), 3, NEWER)])
    await site.linked()

    found = await faces(site)
    assert {name: row["box"][0] for name, row in found.items()} == {
        OLD["child"]: 18,
        OLD["sister"]: 208,
        OLD["friend"]: 408,
        NEW["late"]: 18,
    }
    assert [row["ordinal"] for row in found.values()] == [0, 1, 2, 3]
    assert NEW["child"] in found[OLD["child"]]["crop"]
    assert (await site.rows(JUDGED), await site.rows(VICTIMS)) == before
    assert {"face_a": NEW["late"], "face_b": make.face_id("late")} in await proposed(site)
    [media] = await site.rows("MATCH (m:Media {media_id: $media}) RETURN m {.*} AS m", media=MEDIA)
    assert media["m"]["detector_id"] == NEWER
    notice = site.notices()[-1]
    assert (notice["outcome"], notice["faces"]) == ("faces_found", 4)


async def proposed(site: LinkInProcess) -> list[dict[str, str]]:
    rows = await site.rows("MATCH (a:Face)-[r:CANDIDATE]-(b:Face) RETURN a.face_id AS face_a, b.face_id AS face_b")
    return [dict(row) for row in rows]


async def test_a_record_of_the_former_detector_changes_nothing_of_what_the_newer_one_found(site: LinkInProcess) -> None:
    await stored_before(site)
    site.write([group(of_newer(), 3, NEWER)])
    await site.linked()
    after = await faces(site), await site.rows(JUDGED)

    site.write([group([*of_before(), face("late", 3, DETECTOR_ID, moved=200)], 4), group(of_newer(), 3, NEWER)])
    await site.linked()

    assert (await faces(site), await site.rows(JUDGED)) == after
    [media] = await site.rows("MATCH (m:Media {media_id: $media}) RETURN m.detector_id AS d", media=MEDIA)
    assert media["d"] == NEWER


async def test_a_face_too_poor_before_is_compared_by_the_vector_of_the_newer_look(site: LinkInProcess) -> None:
    dark = face("late", 0, DETECTOR_ID, poor=True)
    twin = make.embedded(
        "late", [make.near(RNG, LATE, 0.95)], make.submitted("local:s2", "register", "south"), make.origin(0)
    )
    site.write([twin, group([dark], 1)])
    await site.linked()

    site.write([group([face("late", 0, NEWER)], 2, NEWER)])
    await site.linked()
    await site.restart()

    [link] = await site.rows("MATCH ()-[r:CANDIDATE]->() RETURN r.link_id AS link_id, r.state AS state")
    assert (link["link_id"], link["state"]) == (ids.link_id(dark.face_id, make.face_id("late")), "candidate")
    rows = await site.rows(
        "MATCH (e:Embedding)-[:OF]->(f:Face {face_id: $f}) RETURN e.quality AS q, f.quality AS f", f=dark.face_id
    )
    assert rows == [{"q": 0.999, "f": 0.999}]


async def test_one_batch_with_both_detectors_ends_like_two_batches(site: LinkInProcess) -> None:
    site.write([group(of_before(), 1), group(of_newer(), 2, NEWER), group(of_before(), 3)])
    await site.linked()

    assert set(await faces(site)) == {OLD["child"], OLD["sister"], OLD["friend"], NEW["late"]}


async def test_an_erased_face_is_erased_under_every_detectors_id(site: LinkInProcess) -> None:
    await stored_before(site)
    site.write([group(of_newer(), 3, NEWER)])
    await site.linked()
    await do_erase(access_of(site.store, SUE, datetime.now(UTC)), "face_id", OLD["friend"], "x")
    await site.linked()

    site.write([group(of_newer(), 3, NEWER)])
    await site.linked()

    assert set(await faces(site)) == {OLD["child"], OLD["sister"], NEW["late"]}


async def test_a_newer_detector_does_not_bring_back_a_face_that_was_erased_before_it_came(site: LinkInProcess) -> None:
    """No box of an erased face is kept: what the newer detector finds there may be that face."""
    await stored_before(site)
    await do_erase(access_of(site.store, SUE, datetime.now(UTC)), "face_id", OLD["friend"], "x")
    await site.linked()

    site.write([group(of_newer(), 3, NEWER)])
    await site.linked()

    assert set(await faces(site)) == {OLD["child"], OLD["sister"]}


async def test_a_face_erased_as_no_face_stays_away_from_another_case_and_any_other_comes_back_and_is_told(
    site: LinkInProcess, api: httpx.AsyncClient
) -> None:
    await stored_before(site)
    site.write([group(of_newer(), 3, NEWER)])
    await site.linked()
    labelling = {"label": "unrelated", "reason": "a passer-by"}
    version = {"If-Match": '"0"'}
    assert (await api.post(f"/faces/{NEW['late']}/labels", json=labelling, headers=version)).is_success
    for who, reason, code in (
        ("friend", "no face", "no_face"),
        ("sister", "period over", "period_over"),
        ("late", "its label says why", "unrelated"),
    ):
        name = OLD.get(who) or NEW[who]
        asked = {"subject": {"face_id": name}, "reason": reason}
        receipt = (await api.post("/erasures", json=asked, headers=as_(SUE))).headers["location"]
        assert (await api.get(receipt, headers=as_(SUE))).json()["code"] == code
    await site.linked()
    assert set(await faces(site)) == {OLD["child"]}

    later = make.origin(5, at=10**12)
    again = group(of_newer(), 5, NEWER, case="local:n2").model_copy(update={"origin": later})
    site.write([again])
    await site.linked()
    await site.restart()

    assert set(await faces(site)) == {OLD["child"], OLD["sister"]}
    notice = site.notices()[-1]
    assert [(item["subject"], item["code"]) for item in notice["erased_before"]] == [
        (f"face:{OLD['sister']}", "period_over")
    ]
    assert {(item["subject"], item["code"]) for item in notice["stays_erased"]} == {
        (f"face:{OLD['friend']}", "no_face"),
        (f"face:{NEW['late']}", "unrelated"),
    }
    shown = (await api.get(f"/media/{MEDIA}")).json()["erased_before"]
    assert [(item["subject"], item["code"]) for item in shown] == [(f"face:{OLD['sister']}", "period_over")]


async def test_pages_and_a_part_of_a_picture_are_told_to_the_case_system_and_to_people(
    site: LinkInProcess, api: httpx.AsyncClient
) -> None:
    second = face("late", 0, f"{DETECTOR_ID} page 2").model_copy(update={"page": 2, "ordinal": 1})
    first = face("child", 0, DETECTOR_ID)
    in_part = {"frames": 40, "frames_examined": 3, "partial_percent": 70, "captured_at": "2019-07-14T18:05:09"}
    site.write([group([first, second], 1, **in_part)])
    await site.linked()

    told = {"frames": 40, "frames_examined": 3, "partial_percent": 70}
    assert told.items() <= site.notices()[-1].items()
    media = (await api.get(f"/media/{MEDIA}")).json()
    assert {**told, "captured_at": "2019-07-14T18:05:09"}.items() <= media.items()
    [item] = (await api.get("/cases/local:n1/media")).json()["items"]
    assert told.items() <= item.items()
    assert [one["page"] for one in (await api.get(f"/media/{MEDIA}/faces")).json()["items"]] == [1, 2]


async def test_a_face_of_another_page_is_never_the_same_face(site: LinkInProcess) -> None:
    site.write([group([face("child", 0, DETECTOR_ID)], 1)])
    await site.linked()
    page_2 = face("child", 0, f"{NEWER} page 2").model_copy(update={"page": 2})

    site.write([group([page_2], 2, NEWER)])
    await site.linked()

    assert set(await faces(site)) == {OLD["child"], page_2.face_id}


async def test_the_crops_of_a_face_are_deleted_wherever_a_detector_stored_them(site: LinkInProcess) -> None:
    for crop in (*of_before(), *of_newer()):
        for kind in ("display", "aligned", "context"):
            site.files.put_crop(MEDIA, crop.face_id, kind, b"crop")
    site.write([group(of_before(), 1)])
    await site.linked()
    site.write([group(of_newer(), 2, NEWER)])
    await site.linked()
    assert [row["crop"] for row in (await faces(site)).values() if not site.files.has(row["crop"])] == []
    assert [row["context"] for row in (await faces(site)).values() if not site.files.has(row["context"])] == []
    assert not site.files.has(of_before()[0].display_crop)
    assert not site.files.has(of_before()[0].context_view or "")

    await do_erase(access_of(site.store, SUE, datetime.now(UTC)), "face_id", OLD["child"], "x")
    await site.linked()

    gone = {who for who, name in NEW.items() if not site.files.has(f"{MEDIA[:2]}/{MEDIA}/{name}.display.jpg")}
    assert gone == {"child"}
    assert not site.files.has(f"{MEDIA[:2]}/{MEDIA}/{NEW['child']}.context.jpg")


def examined_again(faces: Sequence[EmbeddedFace], place: int, detector: str) -> MediaReexamined:
    """The record of a reexamination."""
    facts = dict(group(faces, place, detector))
    return MediaReexamined(**{name: facts[name] for name in MediaReexamined.model_fields})


async def test_the_same_log_makes_the_same_graph_in_one_batch_in_many_and_onto_the_graph_that_it_made(
    site: LinkInProcess,
) -> None:
    dark = face("late", 1, DETECTOR_ID, poor=True)
    log: list[GalleryRecord] = [
        group([*of_before()[:1], dark], 0),
        examined_again(of_newer(), 1, NEWER),
        group([*of_before()[:1], dark], 2, case="local:s1"),
        make.erasure("face_id", OLD["child"], make.origin(3, at=10**6, kind="erasures.requested")),
        group(of_newer(), 4, NEWER),
        group(of_newer(), 5, NEWER, case="local:s2").model_copy(update={"origin": make.origin(5, at=10**9)}),
        examined_again([face("late", 0, "a third detector")], 6, "a third detector"),
    ]
    for record in log:
        site.write([record])
        await site.linked()
    one_by_one = await site.snapshot(times=False)
    await site.stop()

    await site.do("MATCH (c:Cursor) SET c.offset = -1")
    await site.restart()
    await site.linked()
    assert (await site.snapshot(times=False)).keys() == one_by_one.keys()
    await site.stop()

    await empty(site.store)
    await site.restart()
    await site.linked()
    assert await site.snapshot(times=False) == one_by_one


async def test_link_holds_in_memory_what_it_loads_after_a_restart(site: LinkInProcess) -> None:
    await stored_before(site)
    site.write([examined_again(of_newer(), 3, NEWER)])
    await site.linked()
    await do_erase(access_of(site.store, SUE, datetime.now(UTC)), "face_id", OLD["friend"], "no face")
    await site.linked()

    assert site._link is not None
    held, loaded = site._link._gallery, await load_gallery(site.store, MODEL_ID)
    assert (loaded.media, loaded.erasures) == (held.media, held.erasures)
    assert loaded.faces.keys() == held.faces.keys()
    assert held.erasures[f"face:{NEW['friend']}"].face_id == OLD["friend"]


async def test_another_district_does_not_learn_of_an_erasure_that_concerned_none_of_its_cases(
    site: LinkInProcess, api: httpx.AsyncClient
) -> None:
    site.write([group(of_before(), 1)])
    await site.linked()
    await do_erase(access_of(site.store, SUE, datetime.now(UTC)), "face_id", OLD["sister"], "period over")
    await site.linked()

    for place, case in ((2, "local:s1"), (3, "local:n2")):
        again = group(of_before(), place, case=case)
        site.write([again.model_copy(update={"origin": make.origin(place, at=10**12 + place)})])
    await site.linked()

    assert OLD["sister"] in await faces(site)
    told = {notice.get("case_id"): "erased_before" in notice for notice in site.notices()}
    assert (told["local:s1"], told["local:n2"]) == (False, True)
    shown = [(await api.get(f"/media/{MEDIA}", headers=who)).json()["erased_before"] for who in (as_(BEN), {})]
    assert [len(erasures) for erasures in shown] == [0, 1]


async def test_a_face_that_was_left_out_is_added_once_its_picture_is_lawfully_submitted_again(
    site: LinkInProcess,
) -> None:
    """A reexamination between erasure and submission made the detector the media's own, whose new faces counted as
    known: a missed face for ever."""
    await stored_before(site)
    await do_erase(access_of(site.store, SUE, datetime.now(UTC)), "face_id", OLD["friend"], "x")
    await site.linked()
    site.write([examined_again(of_newer(), 3, NEWER)])
    await site.linked()
    assert set(await faces(site)) == {OLD["child"], OLD["sister"]}

    later = make.origin(4, at=10**13)
    site.write([group(of_newer(), 4, NEWER, case="local:n2").model_copy(update={"origin": later})])
    await site.linked()

    assert set(await faces(site)) == {OLD["child"], OLD["sister"], NEW["late"], NEW["friend"]}
    assert len(site.read(later.topic)) == 1, "replayed: the first record had its crops deleted, and none is stored"


async def test_an_older_record_of_a_poor_face_changes_nothing_in_a_batch_of_its_own(site: LinkInProcess) -> None:
    """Link read no stored media for a record that names known faces only, and took its detector for the media's."""
    site.write([group([face("late", 0, DETECTOR_ID, poor=True)], 1)])
    await site.linked()
    site.write([examined_again([face("late", 0, NEWER, moved=8, poor=True)], 2, NEWER)])
    await site.linked()
    after = await faces(site)

    site.write([group([face("late", 0, DETECTOR_ID, poor=True)], 3, case="local:n2")])
    await site.linked()

    assert await faces(site) == after


async def test_a_picture_that_is_turned_now_gives_no_face_the_place_of_another(site: LinkInProcess) -> None:
    """Boxes of the upright picture and of the picture as an older release turned it have nothing in common."""
    site.write([group([face("child", 0, DETECTOR_ID)], 1, width=640, height=480)])
    await site.linked()
    other = face("friend", 0, NEWER).model_copy(update={"box": AT["child"]})

    site.write([examined_again([other], 2, NEWER).model_copy(update={"width": 480, "height": 640})])
    await site.linked()

    assert set(await faces(site)) == {OLD["child"], other.face_id}


async def test_a_face_that_stays_away_is_erased_whichever_of_erasure_and_later_submission_comes_first(
    site: LinkInProcess,
) -> None:
    site.write([group(of_before(), 1)])
    later = group(of_before(), 2, case="local:n2").model_copy(update={"origin": make.origin(2, at=10**9)})
    away = make.erasure("face_id", OLD["friend"], make.origin(3, at=10**6, kind="erasures.requested"))
    away = away.model_copy(update={"erasure": away.erasure.model_copy(update={"code": ErasureCode.UNRELATED})})
    site.write(
        [later, away, make.erasure("face_id", OLD["friend"], make.origin(4, at=10**7, kind="erasures.requested"))]
    )
    await site.linked()
    assert set(await faces(site)) == {OLD["child"], OLD["sister"]}

    site.write([group(of_before(), 5, case="local:n1").model_copy(update={"origin": make.origin(5, at=10**10)})])
    await site.linked()
    assert set(await faces(site)) == {OLD["child"], OLD["sister"]}


async def test_a_newer_detector_that_finds_nothing_removes_no_face_and_one_that_finds_three_after_none_adds_them(
    site: LinkInProcess,
) -> None:
    site.write([group([], 1)])
    await site.linked()
    site.write([examined_again(of_before(), 2, DETECTOR_ID), examined_again(of_newer()[1:], 3, NEWER)])
    await site.linked()
    found = await faces(site)
    assert len(found) == 3

    site.write([examined_again([], 4, "a third detector"), examined_again([], 5, "a third detector")])
    await site.linked()

    assert await faces(site) == found


async def test_of_boxes_that_all_overlap_each_stored_face_is_at_most_one_found_face(site: LinkInProcess) -> None:
    """Verdicts stay with the best overlap, in whatever order the faces come."""
    await stored_before(site)
    judged = await site.rows(JUDGED)
    same = [face(who, rank, NEWER).model_copy(update={"box": [12, 20, 60, 80]}) for rank, who in enumerate(VECTORS)]

    site.write([examined_again(same[::-1], 3, NEWER)])
    await site.linked()

    found = await faces(site)
    assert len(found) == 3 + 3 and [name for name in OLD.values() if name not in found] == []
    assert await site.rows(JUDGED) == judged
    vectors = await site.rows(
        "MATCH (e:Embedding)-[:OF]->(f:Face {face_id: $f}) RETURN e.vector AS vector", f=OLD["child"]
    )
    assert len(vectors) == 1 and np.allclose(np.frombuffer(vectors[0]["vector"], "<f4"), CHILD, atol=1e-6)
