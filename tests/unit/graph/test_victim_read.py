"""A victim's contact sheet: what of it a person may see, and in which order. Pure rows in, sheets out."""

from __future__ import annotations

from typing import Any

from graph.actions.read.victim import victim_cases
from tests.support.factories import ANNA


def face(name: str, *cases: str, quality: float | None = 0.5) -> dict[str, Any]:
    """A face called `name` in cases that are named `<district>:<id>`."""
    places = [{"case_id": case, "district": case.partition(":")[0], "contact": "desk"} for case in cases]
    facts = {"face_id": name, "quality": quality, "stub": False}
    return {"face": facts, "victim_id": "v", "declared": [], "media_id": f"m-{name}", "cases": places}


def link(a: str, b: str, state: str = "confirmed") -> dict[str, Any]:
    return {"link_id": f"{a}-{b}", "a": a, "b": b, "state": state}


def test_faces_stand_by_case_the_weakest_first_and_one_of_two_cases_in_both() -> None:
    rows = [face("good", "north:1", quality=0.9), face("poor", "north:1", "north:2", quality=0.2),
            face("unknown", "north:1", quality=None)]  # fmt: skip

    sheets = victim_cases(ANNA, rows, [], {"good", "poor", "unknown"})

    assert [(sheet.case["case_id"], [each.face["face_id"] for each in sheet.faces]) for sheet in sheets] == [
        ("north:1", ["unknown", "poor", "good"]), ("north:2", ["poor"]),
    ]  # fmt: skip


def test_a_face_says_who_put_it_there() -> None:
    rows = [face("a", "north:1"), face("b", "north:1"), face("c", "north:1")]
    rows[2]["declared"] = [{"victim_id": "v", "declared_by": "local", "at": None}]

    [sheet] = victim_cases(ANNA, rows, [link("a", "b"), link("b", "c", "approved")], set("abc"))

    assert {each.face["face_id"]: each.bases for each in sheet.faces} == {
        "a": ("confirmed",), "b": ("confirmed", "approved"), "c": ("declared", "approved"),
    }  # fmt: skip


def test_a_face_that_is_not_known_is_masked() -> None:
    rows = [face("mine", "north:1"), face("near", "south:1"), face("far", "west:1"), face("other", "south:2")]
    links = [link("mine", "near", "approved"), link("far", "near", "approved"), link("mine", "other")]

    *known, hidden = victim_cases(ANNA, rows, links, {"mine", "near", "far"})
    assert [sheet.case["case_id"] for sheet in known] == ["north:1", "south:1", "west:1"]
    assert (hidden.case["case_id"], hidden.case["district"], hidden.faces[0].masked) == (None, "south", True)
    assert (hidden.faces[0].face, hidden.faces[0].media_id) == ({"face_id": "other"}, None)


def test_a_picture_that_two_districts_share_names_the_other_case_to_nobody() -> None:
    sheets = victim_cases(ANNA, [face("mine", "north:1", "south:1")], [], {"mine"})

    assert [(sheet.case["case_id"], sheet.faces[0].masked) for sheet in sheets] == [("north:1", False), (None, False)]
