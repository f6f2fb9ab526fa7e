"""The pages of cases, pictures and victims: who opens them, what they say, and that no name breaks them."""

import html
import re
from urllib.parse import quote

import pytest

from graph.store.session import Store
from tests.integration.conftest import Pages, entries
from tests.support.access_table import PEOPLE
from tests.support.factories import ANNA, BEN, NORTH, SOUTH, SUE, Scene, drawn_face

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


SEEN_BY = {
    "investigator north": 200,
    "supervisor north": 200,
    "investigator south": 404,
    "supervisor south": 404,
    "investigator west": 404,
    "supervisor west": 404,
    "investigator of no district": 404,
    "auditor": 403,
    "operator": 403,
    "case system": 403,
}


@pytest.mark.parametrize("who", SEEN_BY)
async def test_pages_open_for_whom_the_api_answers(pages: Pages, scene: Scene, who: str) -> None:
    person = PEOPLE[who]
    assert person is not None
    client = await pages(person)
    await scene.case(NORTH + "2", "north")
    for route, path in (await named(scene)).items():
        expected = SEEN_BY[who]
        if route == "cases" and expected == 404:
            expected = 403 if person.district is None else 200
        answer = await client.get(path)
        assert (route, answer.status_code) == (route, expected)
        assert NORTH not in answer.text or expected == 200


async def test_nobody_opens_a_page_without_a_session(pages: Pages, scene: Scene) -> None:
    client = await pages(ANNA)
    client.cookies.clear()
    for path in (await named(scene)).values():
        answer = await client.get(path)
        assert (answer.status_code, answer.headers["location"].startswith("/app/sign-in")) == (303, True)


FORMS = {
    "/upload": {"legal_basis": "law", "scope": "register"},
    "labels": {"face": "face", "version": "0", "reason": "seen", "label": "victim"},
    "marks": {"x": "300", "y": "300", "width": "60", "height": "60"},
    "identifications": {"person_ref": "person 1", "basis": "document", "reason": "seen", "face": "face"},
}


@pytest.mark.parametrize(
    ("what", "investigator", "supervisor"),
    [("/upload", 303, 303), ("labels", 303, 403), ("marks", 303, 403), ("identifications", 303, 403)],
)
async def test_forms_are_taken_from_whom_the_api_takes_them(
    pages: Pages, scene: Scene, what: str, investigator: int, supervisor: int
) -> None:
    await scene.depicts("n1", CHILD)
    media = await scene.media("n", NORTH, faces=["n1", "n2"])
    sent = {name: scene.faces["n1"] if value == "face" else value for name, value in FORMS[what].items()}
    path = {
        "/upload": of_case(NORTH, "/upload"),
        "labels": f"/app/media/{media}/labels",
        "marks": f"/app/media/{media}/marks",
        "identifications": of_victim(CHILD, "/identifications"),
    }[what]
    others = {"investigator south": 404, "supervisor south": 404 if what == "/upload" else 403, "auditor": 403}
    for who, status in {**others, "supervisor north": supervisor, "investigator north": investigator}.items():
        person = PEOPLE[who]
        assert person is not None
        client = await pages(person)
        files = {"file": ("a.jpg", drawn_face(), "image/jpeg")} if what == "/upload" else None
        answer = await client.post(path, data=sent, files=files)
        assert (who, answer.status_code) == (who, status)


async def test_a_case_of_another_district_looks_like_none(pages: Pages, scene: Scene) -> None:
    anna = await pages(ANNA)
    for rest in ("", "/graph", "/pictures", "/upload"):
        hidden, none = [await anna.get(of_case(case_id, rest)) for case_id in (SOUTH, "local:none")]
        # The bar names the address itself; the rest is alike.
        texts = [answer.text.partition("<main")[2].partition("</main")[0] for answer in (hidden, none)]
        assert hidden.status_code == 404 and texts[0] == texts[1]


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
