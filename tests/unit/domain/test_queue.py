"""Units, items, filters and the walk through what waits."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.domain.errors import Invalid
from graph.domain.queue import (
    Endpoint,
    Filters,
    Kind,
    Position,
    Segment,
    Subject,
    is_settled,
    item_id,
    read_position,
    remaining,
    subject_of,
    walk,
)

LINK_IDS = st.text("0123456789abcdef", min_size=64, max_size=64)


def place(face: str = "f", **more: Any) -> Endpoint:
    given: dict[str, Any] = {
        "face_id": face,
        "subject": Subject(Kind.FACE, face),
        "label": None,
        "erased": False,
        "identified": False,
        "cases": (("local:1", "north"),),
        "submitted_at": 100,
    }
    return Endpoint(**given | more)


SOUTH = {"cases": (("local:2", "south"),)}


def test_a_face_stands_for_its_victim_else_its_group_else_itself() -> None:
    assert subject_of("f", "g", "v") == Subject(Kind.VICTIM, "v")
    assert subject_of("f", "g", None) == Subject(Kind.GROUP, "g")
    assert subject_of("f", None, None) == Subject(Kind.FACE, "f")


def test_an_item_has_one_name_whichever_side_comes_first() -> None:
    a, b = Subject(Kind.VICTIM, "1"), Subject(Kind.FACE, "2")
    assert item_id(a, b) == item_id(b, a) == "face:2|victim:1"


def test_links_inside_one_victim_are_settled_and_inside_one_group_are_not() -> None:
    assert is_settled(Subject(Kind.VICTIM, "v"), Subject(Kind.VICTIM, "v"))
    assert not is_settled(Subject(Kind.GROUP, "g"), Subject(Kind.GROUP, "g"))
    assert not is_settled(Subject(Kind.VICTIM, "v"), Subject(Kind.VICTIM, "w"))


FILTERS: list[tuple[Filters, Endpoint, Endpoint, bool]] = [
    (Filters(), place("a"), place("b"), True),
    (Filters(), place("a"), place("b", **SOUTH), True),
    (Filters(), place("a", **SOUTH), place("b", **SOUTH), False),
    (Filters(), place("a"), place("b", label="unrelated"), False),
    (Filters(), place("a"), place("b", label="suspect"), False),
    (Filters(), place("a"), place("b", label="witness"), True),
    (Filters(), place("a"), place("b", erased=True), False),
    (Filters(), place("a"), place("b", identified=True), False),
    (Filters(identified=True), place("a"), place("b", identified=True), True),
    (Filters(), place("a", subject=Subject(Kind.VICTIM, "v")), place("b", subject=Subject(Kind.VICTIM, "v")), False),
    (Filters(case_id="local:1"), place("a"), place("b", **SOUTH), True),
    (Filters(case_id="local:2"), place("a"), place("b", **SOUTH), False),
    (Filters(victim_id="v"), place("a", visible_subject=Subject(Kind.VICTIM, "v")), place("b"), True),
    (Filters(victim_id="v"), place("a", subject=Subject(Kind.VICTIM, "v")), place("b"), False),
    (Filters(victim_id="v"), place("a"), place("b", subject=Subject(Kind.VICTIM, "v"), **SOUTH), False),
    (Filters(district="south"), place("a"), place("b", **SOUTH), True),
    (Filters(district="south"), place("a"), place("b"), False),
    (Filters(district="north"), place("a"), place("b"), True),
    (Filters(submitted_before=200), place("a"), place("b", submitted_at=199), True),
    (Filters(submitted_before=200), place("a"), place("b", submitted_at=200), False),
    (Filters(submitted_after=200), place("a", submitted_at=201), place("b"), True),
    (Filters(submitted_after=200), place("a"), place("b"), False),
]


def test_the_subject_of_a_face_is_shown_under_the_name_known_in_the_district() -> None:
    victim = place("a", subject=Subject(Kind.VICTIM, "v"))
    named = victim.visible_in("north", "name", identified=True)
    assert (named.visible_subject, named.identified, named.subject) == (
        Subject(Kind.VICTIM, "name"),
        True,
        Subject(Kind.VICTIM, "v"),
    )
    assert victim.visible_in("north", None, identified=False).visible_subject == Subject(Kind.FACE, victim.face_id)
    assert victim.visible_in("south", "name", identified=True).visible_subject is None
    group = place("a", subject=Subject(Kind.GROUP, "g"), group_case="local:1")
    assert group.visible_in("north", None, identified=False).visible_subject == Subject(Kind.GROUP, "g")
    elsewhere = place("a", subject=Subject(Kind.GROUP, "g"), group_case="local:2")
    assert elsewhere.visible_in("north", None, identified=False).visible_subject == Subject(
        Kind.FACE, elsewhere.face_id
    )
    assert place("a").visible_in("north", None, identified=False).visible_subject == Subject(Kind.FACE, "a")


@pytest.mark.parametrize(("filters", "a", "b", "expected"), FILTERS)
def test_the_queue_of_north_lets_through(filters: Filters, a: Endpoint, b: Endpoint, expected: bool) -> None:
    assert filters.allows(a, b, "north") is expected
    assert filters.allows(b, a, "north") is expected


def met(links: list[tuple[int, str]], stretches: list[Segment]) -> list[tuple[int, str]]:
    """The links in the order in which a walk meets them."""
    return [
        link
        for part in stretches
        for link in sorted(links)
        if link[0] == part.urgency and part.after < link[1] <= part.until
    ]


@given(st.sets(st.tuples(st.integers(0, 2), LINK_IDS)), LINK_IDS)
def test_a_walk_meets_every_link_once_the_most_urgent_first(links: set[tuple[int, str]], start: str) -> None:
    order = met(list(links), walk(start))

    assert sorted(order) == sorted(links)
    assert [urgency for urgency, _ in order] == sorted((urgency for urgency, _ in links), reverse=True)
    assert order == sorted(links, key=lambda link: Position(start, *link).order)


@given(st.sets(st.tuples(st.integers(0, 2), LINK_IDS), min_size=1), LINK_IDS, st.data())
def test_what_is_left_of_a_walk_goes_on_behind_a_position(
    links: set[tuple[int, str]], start: str, data: st.DataObject
) -> None:
    order = met(list(links), walk(start))
    number = data.draw(st.integers(0, len(order) - 1))
    position = Position(start, *order[number])

    assert met(list(links), remaining(walk(start), position)) == order[number + 1 :]
    assert read_position(str(position)) == position


@pytest.mark.parametrize("text", ["", "a.0.b", f"{'0' * 64}.3.{'0' * 64}", f"{'0' * 64}.1.{'0' * 64} "])
def test_a_position_is_read_only_as_it_was_written(text: str) -> None:
    with pytest.raises(Invalid):
        read_position(text)
