"""The pages of cases, pictures and victims: who opens them, what they say, and that no name breaks them."""

import html
import re
from urllib.parse import quote

import pytest

from graph.store.session import Store
from tests.integration.conftest import Pages, entries
from tests.support.factories import ANNA, BEN, NORTH, SOUTH, SUE, Scene

pytestmark = pytest.mark.anyio

CHILD = "local:child"
HOSTILE = "local:<script>alert(1)</script> \u202egnp.exe" + "e\u0301" * 20 + "\"'&/" + "W" * 40


def of_case(case_id: str, rest: str = "") -> str:
    return f"/app/cases/{quote(case_id, safe='')}{rest}"


def of_victim(victim_id: str, rest: str = "") -> str:
    return f"/app/victims/{quote(victim_id, safe='')}{rest}"


async def named(scene: Scene) -> dict[str, str]:
    """Every address of these pages, by its route."""
    await scene.depicts("n1", CHILD)
    media = await scene.media("n", NORTH, faces=["n1", "n2"])
    return {
        "cases": "/app/cases",
        "case": of_case(NORTH),
        "case_graph": of_case(NORTH, "/graph"),
        "case_pictures": of_case(NORTH, "/pictures"),
        "why": of_case(NORTH, f"/why?to={quote(NORTH + '2', safe='')}"),
        "upload": of_case(NORTH, "/upload"),
        "picture": f"/app/media/{media}",
        "victim": of_victim(CHILD),
        "victim_leads": of_victim(CHILD, "/leads"),
    }


async def test_a_case_shows_its_people_and_masks_what_is_elsewhere(pages: Pages, scene: Scene) -> None:
    anna = await pages(ANNA)
    text = (await anna.get(of_case(NORTH))).text
    assert "Held by south" in text and "Person 1" in text and SOUTH not in text
    assert scene.faces["t1"] not in text
    assert scene.faces["t1"] in (await anna.get(of_case(NORTH, "?show=leads"))).text
    assert "No line of this kind." in (await anna.get(of_case(NORTH, "?show=approved"))).text
    assert "0.52" not in text and "score" not in text.lower()


async def test_a_victim_shows_what_is_missing_and_who_may_propose_a_name(pages: Pages, scene: Scene) -> None:
    await scene.depicts("n1", CHILD)
    link = await scene.decided("n1", "s1", "confirmed")
    anna, sue = await pages(ANNA), await pages(SUE)
    text = (await anna.get(of_victim(CHILD))).text
    assert "1 link waits for a second person." in text and link in text
    assert "Nobody can be named before" in text and "person_ref" not in text
    of_sue = (await sue.get(of_victim(CHILD))).text
    assert "person_ref" not in of_sue and "/app/review?" not in of_sue and "/app/approvals" in of_sue
    assert "/app/review?" in text


async def test_every_look_is_in_the_audit_with_the_purpose(pages: Pages, scene: Scene, store: Store) -> None:
    anna = await pages(ANNA)
    before = len(await entries(store))
    for path in (await named(scene)).values():
        await anna.get(path)
    seen = (await entries(store))[before:]
    assert {entry.purpose for entry in seen} == {"victim identification"}
    assert {"cases.seen", "case.seen", "case.media_seen", "media.seen", "victim.seen", "links.seen"} <= {
        entry.action for entry in seen
    }


async def test_hostile_names_are_shown_and_break_nothing(pages: Pages, scene: Scene) -> None:
    long = "x" * 10_000
    await scene.case(HOSTILE, "north", "<b>desk</b> \u202e" + long)
    media = await scene.media("h", HOSTILE, faces=["h1"])
    await scene.depicts("h1", HOSTILE)
    await scene.link("h1", "n1")
    anna = await pages(ANNA)
    paths = [of_case(HOSTILE, rest) for rest in ("", "/graph", "/pictures", "/upload")]
    paths += [of_case(NORTH), f"/app/cases?begins={quote(HOSTILE)}", f"/app/media/{media}?case_id={quote(HOSTILE)}"]
    paths += [of_victim(HOSTILE), of_victim(HOSTILE, "/leads"), of_case(NORTH, f"/why?to={quote(HOSTILE, safe='')}")]
    for path in paths:
        answer = await anna.get(path)
        assert (path, answer.status_code) == (path, 200)
        assert "<script>alert" not in answer.text and "<b>desk" not in answer.text
        assert "&lt;script&gt;" in answer.text


async def test_a_case_counts_the_pairs_that_review_shows(pages: Pages, scene: Scene, store: Store) -> None:
    """Pairs that others judge, or that are settled, were counted: an empty review opened."""
    anna = await pages(ANNA)
    await scene.media("h", SOUTH, faces=["h1"])
    await scene.link("n2", "h1")
    assert "Review 2 pairs" in (await anna.get(of_case(NORTH))).text

    for called in ("n2", "h1"):
        await scene.depicts(called, CHILD)
    assert "Review 1 pair" in (await anna.get(of_case(NORTH))).text

    await (await pages(BEN)).get("/app/review")
    assert "/app/review?" not in (await anna.get(of_case(NORTH))).text


async def test_the_graph_shortens_the_name_and_not_its_markup(pages: Pages, scene: Scene) -> None:
    """A name was cut after it was escaped: `local:2026-"A&B"` read `local:2026-&#34;A&amp;B&#…`."""
    called = 'local:2026-"A&B" <of the north>'
    await scene.case(called, "north")
    await scene.media("h", called, faces=["h1"])
    await scene.link("h1", "n1")
    text = (await (await pages(ANNA)).get(of_case(NORTH, "/graph"))).text
    drawn = [html.unescape(name) for name in re.findall(r"<text[^>]*>([^<]*)</text>", text)]
    assert f"{called[:25]}…" in drawn


async def test_the_address_of_a_hostile_case_leads_back_to_it(pages: Pages, scene: Scene) -> None:
    """Symptom: whoever chose another language on the page of a case with `?` in its number saw another case.

    Cause: the form held the address with its quoting taken off.
    """
    await scene.case("local:a/b?c=d", "north")
    anna = await pages(ANNA)
    path = of_case("local:a/b?c=d")
    assert f'name="back" value="{path}"' in (await anna.get(path)).text


async def test_a_victim_that_fell_apart_leads_to_those_of_now(pages: Pages, scene: Scene, store: Store) -> None:
    await scene.media("m", NORTH, faces=["m1"])
    await scene.depicts("n1", "local:former", "confirmed")
    await scene.depicts("m1", "local:former", "confirmed")
    named = "MATCH (v:Victim {victim_id: 'local:former'}) SET v.registered = false, v.from_link = $link"
    link = await scene.link("n1", "m1")
    await store.write(lambda tx: tx.do(named, link=link))
    await scene.depicts("n1", "local:one")
    await scene.depicts("m1", "local:two")
    anna = await pages(ANNA)
    answer = await anna.get(of_victim("local:former"))
    assert answer.status_code == 410
    assert of_victim("local:one") in answer.text and of_victim("local:two") in answer.text


async def test_crops_are_shown_eye_to_eye_where_the_eyes_are_known(pages: Pages, scene: Scene, store: Store) -> None:
    known = "MATCH (f:Face {face_id: $id})-[:SEEN_IN]->(m) SET f.landmarks = $marks, m.width = 640, m.height = 480"
    marks = [30.0, 50.0, 50.0, 50.0, 40.0, 60.0, 32.0, 75.0, 48.0, 75.0]
    paths = await named(scene)
    shown = [paths[route] for route in ("case", "case_pictures", "picture", "victim")]
    anna = await pages(ANNA)
    for path in shown:
        assert "data-eyes" not in (await anna.get(path)).text
    await store.write(lambda tx: tx.do(known, id=scene.faces["n1"], marks=marks))
    for path in shown:
        text = (await anna.get(path)).text
        image = next(part for part in text.split("<img") if f"{scene.faces['n1']}/crop" in part)
        assert (path, "data-eyes" in image) == (path, True)


async def test_a_face_of_a_video_says_where_in_it(pages: Pages, scene: Scene, store: Store) -> None:
    await store.write(lambda tx: tx.do("MATCH (f:Face) SET f.frame_ms = 65400"))
    paths, anna = await named(scene), await pages(ANNA)
    for route in ("picture", "victim"):
        assert "in the video at 1:05" in (await anna.get(paths[route])).text, route
