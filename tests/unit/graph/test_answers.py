"""What a person may see of a face that a search returned."""

from typing import Any

from graph.actions.read.answers import found_face
from graph.domain.people import Person
from tests.support.factories import ANNA, BEN


def seen(viewer: Person) -> tuple[Any, ...]:
    place = {"case_id": "south:1", "district": "south", "contact": "duty south"}
    row = {
        "part": 0,
        "offset": 7,
        "rank": 3,
        "above": True,
        "probe_face_id": "p",
        "face_id": "x",
        "media_id": "m",
        "box": [1, 2, 3, 4],
        "quality": 0.5,
        "cases": [place],
        "dates": None,
        "group_id": None,
    }
    face = found_face(row, viewer, {}, None)
    assert (face.rank, face.above, face.probe_face_id, face.face_id, face.erased) == (3, True, "p", "x", False)
    assert (face.district, face.contact) == ("south", "duty south")
    return face.media_id, face.case_ids, face.box


def test_a_returned_face_is_masked_as_a_side_is() -> None:
    assert seen(ANNA) == (None, (), None)
    assert seen(BEN) == ("m", ("south:1",), (1, 2, 3, 4))
