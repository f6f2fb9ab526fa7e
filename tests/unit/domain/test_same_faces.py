"""Which faces of two detectors are the same: by id, else by the boxes that overlap most, never by rank."""

import pytest

from graph.domain.same_faces import Place, same_faces

LEFT, RIGHT = Place(1, [0, 0, 100, 100]), Place(1, [300, 0, 100, 100])


def moved(place: Place, by: int, page: int = 1) -> Place:
    x, *rest = place.box
    return Place(page, [x + by, *rest])


def test_the_same_id_is_the_same_face_wherever_its_box_is() -> None:
    assert same_faces({"a": RIGHT}, {"a": LEFT, "b": RIGHT}) == {"a": "a"}


def test_faces_are_told_by_their_boxes_and_not_by_their_order() -> None:
    found = {"n0": moved(RIGHT, 9), "n1": moved(LEFT, 9), "n2": Place(1, [0, 300, 50, 50])}

    assert same_faces(found, {"a": LEFT, "b": RIGHT}) == {"n0": "b", "n1": "a"}


def test_a_stored_face_is_one_found_face_at_most_the_one_that_overlaps_most() -> None:
    assert same_faces({"far": moved(LEFT, 30), "near": moved(LEFT, 5)}, {"a": LEFT}) == {"near": "a"}


@pytest.mark.parametrize(("by", "page", "same"), [(33, 1, True), (34, 1, False), (0, 2, False)])
def test_boxes_must_overlap_by_half_on_the_same_page(by: int, page: int, same: bool) -> None:
    assert same_faces({"n": moved(LEFT, by, page)}, {"a": LEFT}) == ({"n": "a"} if same else {})


def test_an_id_by_which_a_face_was_found_before_counts_more_than_a_box() -> None:
    stored = {"a": LEFT, "b": RIGHT}

    assert same_faces({"n": RIGHT}, stored, {"n": "a"}) == {"n": "a"}
    assert same_faces({"n": RIGHT}, {"b": RIGHT}, {"n": "a"}) == {"n": "b"}
