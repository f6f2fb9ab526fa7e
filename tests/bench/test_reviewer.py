"""The reviewer of the bench says what a person who knows everybody would say of a contact sheet."""

from typing import Any

from tests.bench.reviewer import Answer, answer, people_of


def sheet(links: list[tuple[str, str]], *groups: list[str]) -> dict[str, Any]:
    units = [{"kind": "group", "id": str(number), "face_ids": faces} for number, faces in enumerate(groups)]
    return {"links": [{"a": {"face_id": a}, "b": {"face_id": b}} for a, b in links], "units": units}


def test_a_sheet_of_strangers_is_dismissed() -> None:
    assert answer(sheet([("a", "b")]), {"a": "ann", "b": "bob"}) == Answer(confirmed=False)


def test_who_is_somebody_else_is_ticked_off_whether_a_link_shows_it_or_only_the_group() -> None:
    people = {"a": "ann", "b": "ann", "c": "cat", "d": "dan", "e": "ann"}
    said = answer(sheet([("a", "b"), ("c", "b")], ["a", "c", "d", "e"]), people)
    assert said == Answer(True, ("a", "c", "d", "e"), ("c", "d"))


def test_a_face_without_a_name_is_whom_it_is_most_like_and_else_its_own() -> None:
    people = people_of({"a": "ann", "b": "bob"}, ["x", "y", "z"], [("x", "a", 0.6), ("x", "b", 0.7), ("y", "x", 0.9)])
    assert people == {"a": "ann", "b": "bob", "x": "bob", "y": "bob", "z": "z"}
