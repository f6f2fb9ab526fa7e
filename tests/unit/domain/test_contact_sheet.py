"""A contact sheet confirms as few links as make two sides one person."""

import pytest

from graph.domain.contact_sheet import ContactSheet, Pair, SheetSubject, pairs_to_confirm
from graph.domain.errors import Conflict, Invalid

GROUP, VICTIM, FACE = SheetSubject("group", "g"), SheetSubject("victim", "v"), SheetSubject("face", "x")


def sheet(pairs: list[Pair], sides: dict[str, SheetSubject], **quality: float) -> ContactSheet:
    return ContactSheet(tuple(pairs), sides, {face: quality.get(face, 0.5) for face in sides})


def test_two_faces_are_joined_by_their_link() -> None:
    one = sheet([("a", "b")], {"a": SheetSubject("face", "a"), "b": SheetSubject("face", "b")})
    assert pairs_to_confirm(one) == [("a", "b")]


def test_a_face_is_joined_to_a_victim_by_the_link_with_the_best_picture() -> None:
    pairs = [("a", "n"), ("b", "n"), ("c", "n")]
    one = sheet(pairs, {"a": VICTIM, "b": VICTIM, "c": VICTIM, "n": SheetSubject("face", "n")}, b=0.6, n=0.9)
    assert pairs_to_confirm(one) == [("b", "n")]


def test_a_group_is_joined_to_its_best_face_and_that_face_to_the_other_side() -> None:
    sides = {"g1": GROUP, "g2": GROUP, "g3": GROUP, "v1": VICTIM, "v2": VICTIM}
    pairs = [("g1", "v1"), ("g2", "v2"), ("g2", "v1")]
    assert pairs_to_confirm(sheet(pairs, sides, g2=0.9)) == [("g1", "g2"), ("g2", "g3"), ("g2", "v1")]


def test_the_best_face_is_joined_by_a_link_of_its_own_where_the_machine_proposed_none() -> None:
    sides = {"g1": GROUP, "g2": GROUP, "v1": VICTIM}
    assert pairs_to_confirm(sheet([("g1", "v1")], sides, g2=0.9)) == [("g1", "g2"), ("g2", "v1")]


def test_two_groups_are_joined_by_their_best_faces() -> None:
    other = SheetSubject("group", "h")
    sides = {"g1": GROUP, "g2": GROUP, "h1": other, "h2": other}
    assert pairs_to_confirm(sheet([("g1", "h1")], sides, g2=0.9, h2=0.8)) == [
        ("g1", "g2"),
        ("g2", "h2"),
        ("h1", "h2"),
    ]


def test_links_between_more_than_two_people_are_several_items() -> None:
    sides = {"a": FACE, "b": VICTIM, "c": GROUP}
    with pytest.raises(Invalid) as refused:
        pairs_to_confirm(sheet([("a", "b"), ("b", "c")], sides))
    assert refused.value.code == "several_items"
    with pytest.raises(Invalid):
        pairs_to_confirm(sheet([("a", "a2"), ("b", "b2")], {"a": FACE, "a2": FACE, "b": VICTIM, "b2": VICTIM}))
    with pytest.raises(Invalid):
        pairs_to_confirm(sheet([], {}))


def test_a_link_inside_one_victim_is_settled_and_stands_for_nothing() -> None:
    sides = {"a": VICTIM, "a2": VICTIM, "b": FACE}
    assert pairs_to_confirm(sheet([("a", "a2"), ("a", "b")], sides)) == [("a", "b")]
    with pytest.raises(Conflict) as refused:
        pairs_to_confirm(sheet([("a", "a2")], sides))
    assert refused.value.code == "settled"


def test_a_group_of_another_district_is_joined_face_by_face_over_the_sheets_own_links() -> None:
    far = SheetSubject("far", "h")
    sides = {"g1": GROUP, "g2": GROUP, "h1": far, "h2": far}
    pairs = [("g1", "h1"), ("g2", "h1"), ("g1", "h2")]
    assert pairs_to_confirm(sheet(pairs, sides, g2=0.9)) == [("g1", "g2"), ("g1", "h2"), ("g2", "h1")]
