"""A victim's contact sheet: what a person may see of it, and in which order."""

from typing import Any

from graph.actions.read.victim import VictimFace, victim_cases
from graph.domain.link import State
from graph.domain.victim import LinkFacts
from tests.support.factories import ANNA


def face(name: str, *cases: str, quality: float | None = 0.5) -> dict[str, Any]:
    """A face called `name` in cases that are named `<district>:<id>`."""
    places = [{"case_id": case, "district": case.partition(":")[0], "contact": "desk"} for case in cases]
    facts = {"face_id": name, "quality": quality, "stub": False}
    return {"face": facts, "victim_id": "v", "declared": [], "media_id": f"m-{name}", "cases": places}


def link(a: str, b: str, state: State = State.CONFIRMED) -> LinkFacts:
    return LinkFacts(f"{a}-{b}", a, b, state)


def test_faces_stand_by_case_the_weakest_first_and_one_of_two_cases_in_both() -> None:
    rows = [
        face("good", "north:1", quality=0.9),
        face("poor", "north:1", "north:2", quality=0.2),
        face("unknown", "north:1", quality=None),
    ]

    sheets = victim_cases(ANNA, rows, [], {"good", "poor", "unknown"})

    assert [(sheet.case_id, [each.face_id for each in sheet.faces]) for sheet in sheets] == [
        ("north:1", ["unknown", "poor", "good"]),
        ("north:2", ["poor"]),
    ]


def test_a_face_says_who_put_it_there() -> None:
    rows = [face("a", "north:1"), face("b", "north:1"), face("c", "north:1")]
    rows[2]["declared"] = [{"victim_id": "v", "declared_by": "local", "at": None}]

    [sheet] = victim_cases(ANNA, rows, [link("a", "b"), link("b", "c", State.APPROVED)], set("abc"))

    assert {each.face_id: each.bases for each in sheet.faces} == {
        "a": ("confirmed",),
        "b": ("confirmed", State.APPROVED),
        "c": ("declared", State.APPROVED),
    }


def test_a_face_that_is_not_known_is_masked() -> None:
    rows = [face("mine", "north:1"), face("near", "south:1"), face("far", "west:1"), face("other", "south:2")]
    links = [link("mine", "near", State.APPROVED), link("far", "near", State.APPROVED), link("mine", "other")]

    *known, hidden = victim_cases(ANNA, rows, links, {"mine", "near", "far"})
    assert [sheet.case_id for sheet in known] == ["north:1", "south:1", "west:1"]
    assert (hidden.case_id, hidden.district) == (None, "south")
    assert hidden.faces == (VictimFace("other"),)


def test_a_picture_that_two_districts_share_names_the_other_case_to_nobody() -> None:
    sheets = victim_cases(ANNA, [face("mine", "north:1", "south:1")], [], {"mine"})

    assert [(sheet.case_id, sheet.faces[0].media_id) for sheet in sheets] == [("north:1", "m-mine"), (None, "m-mine")]
