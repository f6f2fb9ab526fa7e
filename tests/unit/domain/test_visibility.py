"""What is left of a face, a case and a search answer that lies in another district."""

from dataclasses import replace
from typing import Any

import pytest

from graph.domain.case_view import linked_cases, media_facts, media_statements
from graph.domain.link import State
from graph.domain.people import Person, Role
from graph.domain.visibility import (
    VisibleEndpoint,
    may_see_case,
    may_see_face,
    may_see_link,
    visible_endpoint,
    visible_link,
)
from tests.support.factories import ANNA, BEN, SUE

WANDA = Person("wanda@west", frozenset({Role.INVESTIGATOR}), "west")
AUDITOR = Person("auditor", frozenset({Role.AUDITOR, Role.OPERATOR}), "north")
NOWHERE = replace(ANNA, district=None)


def case(case_id: str) -> dict[str, Any]:
    """A case whose district is its source."""
    district = case_id.partition(":")[0]
    return {"case_id": case_id, "district": district, "contact": f"duty {district}"}


def side(face: str, *cases: str) -> dict[str, Any]:
    return {"face_id": face, "media_id": "m", "box": [1, 2, 3, 4], "quality": 0.5, "cases": [case(c) for c in cases]}


def row(state: State = State.CANDIDATE, a: tuple[str, ...] = ("north:1",), b: tuple[str, ...] = ("south:1",)) -> Any:
    link = {
        "link_id": "l",
        "state": state.value,
        "version": 1,
        "score": 0.5,
        "band": "b",
        "model_id": "m",
        "threshold": 0.4,
        "proposed_by": "machine",
        "proposed_in": None,
        "proposed_at": "2026-11-20",
    }
    return {"link": link, "acts": [], "a": side("a", *a), "b": side("b", *b)}


def test_a_case_and_its_links_are_seen_from_its_own_district_by_who_investigates_or_supervises() -> None:
    seen = {
        who.actor: (may_see_case(who, case("north:1")), may_see_link(who, row())) for who in (ANNA, BEN, SUE, WANDA)
    }
    assert seen == {
        "anna@north": (True, True),
        "ben@south": (False, True),
        "sue@north": (True, True),
        "wanda@west": (False, False),
    }
    for who in (AUDITOR, NOWHERE):
        assert not may_see_case(who, case("north:1")) and not may_see_link(who, row())
    assert not may_see_case(NOWHERE, {"district": None})


@pytest.mark.parametrize("state", [state for state in State if state is not State.APPROVED])
def test_the_other_side_is_id_district_and_contact_in_every_state_before_approval(state: State) -> None:
    link = visible_link(row(state), ANNA)

    assert link.a == VisibleEndpoint("a", "m", ("north:1",), (1, 2, 3, 4), 0.5, "north", "duty north")
    assert link.b == VisibleEndpoint("b", None, (), None, None, "south", "duty south")
    mirrored = visible_link(row(state), BEN)
    assert (mirrored.a.media_id, mirrored.b.media_id) == (None, "m")


def test_an_approved_link_shows_both_sides_whole() -> None:
    assert visible_link(row(State.APPROVED), ANNA).b == VisibleEndpoint(
        "b", "m", ("south:1",), (1, 2, 3, 4), 0.5, "south", "duty south"
    )


def test_of_a_face_in_cases_of_several_districts_one_sees_ones_own_case_only() -> None:
    both = side("x", "north:1", "south:1", "south:2")
    assert visible_endpoint(both, ANNA).case_ids == ("north:1",)
    assert (visible_endpoint(both, BEN).case_ids, visible_endpoint(both, BEN).district) == (
        ("south:1", "south:2"),
        "south",
    )
    assert visible_endpoint(both, WANDA) == VisibleEndpoint("x", None, (), None, None, "north", "duty north")


@pytest.mark.parametrize("state", [State.CONFIRMED, State.APPROVED])
@pytest.mark.parametrize("viewer", [ANNA, BEN])
def test_of_an_erased_face_everybody_sees_the_district_and_the_contact(viewer: Person, state: State) -> None:
    assert visible_endpoint(stub("north"), viewer, state) == VisibleEndpoint(
        "x", None, (), None, None, "north", "duty north", True
    )


def stub(district: str) -> dict[str, Any]:
    place = {"case_id": None, "district": district, "contact": f"duty {district}"}
    return {"face_id": "x", "stub": True, "media_id": None, "box": None, "quality": None, "cases": [place]}


def face(*districts: str, linked: tuple[str, ...] = (), returned: tuple[tuple[str, str], ...] = ()) -> dict[str, Any]:
    return {
        "districts": [*districts],
        "linked": [*linked],
        "returned": [{"district": district, "by": by} for district, by in returned],
    }


@pytest.mark.parametrize(
    ("row", "seen"),
    [
        (face("north"), True),
        (face("south"), False),
        (face("south", linked=("north",)), True),
        (face("south", linked=("west",)), False),
        (face("south", returned=(("north", "sue@north"),)), True),
        (face("south", returned=(("west", "wanda@west"),)), False),
        (face("south", returned=(("west", "anna@north"),)), True),
        (face(), False),
    ],
)
def test_a_face_is_seen_in_the_own_district_or_across_a_link_or_an_answer(row: dict[str, Any], seen: bool) -> None:
    assert may_see_face(ANNA, row) is seen
    assert not may_see_face(AUDITOR, row)


def test_a_picture_names_of_its_other_cases_those_that_one_sees() -> None:
    shared = {
        "media": {},
        "membership": {"exhibits": None},
        "dates": None,
        "others": [case("north:2"), case("south:1")],
    }
    assert media_facts(shared, ANNA)["other_case_ids"] == ("north:2",)


def said(district: str, generated: bool | None, told: int | None) -> dict[str, Any]:
    return {"district": district, "at": None, "ai_generated": generated, "ai_generated_told": told}


@pytest.mark.parametrize(
    ("cases", "known"),
    [
        ([], None),
        ([said("north", None, None), said("south", True, 5)], None),
        ([said("north", False, 1), said("south", True, 5)], False),
        ([said("north", True, 3), said("north", False, 2)], True),
        ([said("north", False, 3), said("north", True, 2)], False),
    ],
)
def test_a_picture_is_shown_as_generated_by_the_latest_event_of_the_readers_cases(
    cases: list[dict[str, Any]], known: bool | None
) -> None:
    assert media_statements({"file": None, "cases": cases}, ANNA)["ai_generated"] is known


def linked(viewer: Person, links: list[Any], media: list[Any]) -> list[tuple[Any, ...]]:
    return [
        (found.case_id, found.district, found.links, found.shared_media)
        for found in linked_cases("north:1", links, media, viewer)
    ]


def test_a_dismissed_link_connects_no_cases_and_shared_media_do() -> None:
    links = [row(State.DISMISSED, b=("north:2",)), row(State.CANDIDATE, b=("north:2",))]
    shared = [{"others": [case("north:3")]}]

    assert linked(ANNA, links, shared) == [("north:2", "north", {"candidate": 1}, 0), ("north:3", "north", {}, 1)]
    assert linked(ANNA, links[:1], []) == []


def test_an_erased_face_names_no_case_to_anybody() -> None:
    links = [
        {**row(state, b=()), "b": stub(where)}
        for state in (State.CONFIRMED, State.APPROVED)
        for where in ("north", "south")
    ]

    assert linked(ANNA, [*links, row(b=("north:2",))], []) == [
        ("north:2", "north", {"candidate": 1}, 0),
        (None, "north", {"confirmed": 1, "approved": 1}, 0),
        (None, "south", {"confirmed": 1, "approved": 1}, 0),
    ]


def test_cases_of_another_district_stand_together_without_their_ids_until_a_link_is_approved() -> None:
    links = [row(b=("south:1",)), row(b=("south:2", "south:3")), row(State.APPROVED, b=("south:2",))]
    shared = [{"others": [case("south:1"), case("south:2")]}]

    assert linked(ANNA, links, shared) == [
        ("south:2", "south", {"approved": 1}, 0),
        (None, "south", {"candidate": 2}, 1),
    ]
