"""What an answer calls similar: more is asked of many faces, and nothing at all is said by a face that is too poor."""

import numpy as np
import pytest

from streams.faces.models import MODEL_ID
from streams.gallery.calibration import packaged
from streams.records.gallery import FacesEmbedded, GalleryRecord, ReembeddedFace
from tests.support import factories_streams as make
from tests.support.register import Register, batch_of

CALIBRATION = packaged()[MODEL_ID]
RNG = np.random.default_rng(12)
CHILD = make.unit(RNG)
ALIKE = make.near(RNG, CHILD, CALIBRATION.threshold(1000) - 0.01)
ASKED = make.search("search", "local:n1", "register", [make.face_id("asked")])


def picture(name: str, vector: make.Vector, place: int, *, poor: bool = False) -> GalleryRecord:
    event = make.submitted(f"local:{name}")
    return make.embedded(name, [vector], event, make.origin(place), poor=[0] if poor else [])


def returned(*log: GalleryRecord) -> tuple[str, list[tuple[str, bool]]]:
    """The status of the last answer, and what it returned: face, and whether it is similar."""
    gallery = Register()
    for offset, record in enumerate(log):
        batch = batch_of(gallery, MODEL_ID, [(offset, record)])
        gallery.merge(batch.staged)
    ((answer),) = batch.changes.answers
    return answer["answer"]["status"], [(item["face_id"], item["above"]) for item in answer["returned"]]


@pytest.mark.parametrize(("others", "above"), [(3, True), (1000, False)])
def test_a_face_that_is_similar_among_few_is_a_lead_among_many(others: int, above: bool) -> None:
    rng = np.random.default_rng(1)
    many = make.embedded(
        "others", [make.unit(rng) for _ in range(others)], make.submitted("local:others"), make.origin(2)
    )

    log = [picture("asked", CHILD, 0), picture("alike", ALIKE, 1), many, ASKED]

    status, items = returned(*log)
    assert status == "answered"
    assert dict(items)[make.face_id("alike")] is above


def test_a_face_that_is_too_poor_to_compare_is_answered_by_leads_only_and_found_by_nobody() -> None:
    twin = picture("twin", CHILD, 1)
    poor = picture("asked", CHILD, 0, poor=True)

    assert returned(poor, twin, ASKED) == ("too_poor", [(make.face_id("twin"), False)])
    asked_by_twin = make.search("search", "local:n1", "register", [make.face_id("twin")])
    assert returned(poor, twin, asked_by_twin) == ("answered", [])


def test_a_good_face_of_the_person_is_asked_by_and_the_poor_ones_beside_it_are_not() -> None:
    other = make.unit(RNG)
    both = make.search("search", "local:n1", "register", sorted([make.face_id("asked"), make.face_id("good")]))
    log = [picture("asked", CHILD, 0, poor=True), picture("good", other, 1), picture("twin", CHILD, 2)]

    assert returned(*log, both) == ("answered", [])


def test_of_two_faces_that_are_as_similar_the_smaller_id_found_it_in_whatever_order_they_ask() -> None:
    """Symptom: after a restart link asks by a search's faces in the order of their ids, before it as they were asked
    for; of equal scores the first one counted, so that the same log gave two graphs."""
    log = [picture("one", CHILD, 0), picture("two", CHILD, 1), picture("found", ALIKE, 2)]
    gallery = Register()
    for offset, record in enumerate(log):
        gallery.merge(batch_of(gallery, MODEL_ID, [(offset, record)]).staged)
    names = sorted(make.face_id(name) for name in ("one", "two"))

    for order in (names, names[::-1]):
        batch = batch_of(gallery, MODEL_ID, [(3, make.search("search", "local:n1", "register", order))])
        ((answer),) = batch.changes.answers
        assert [item["probe_face_id"] for item in answer["returned"]] == names[:1]


def test_a_poor_face_that_another_look_judges_well_is_compared() -> None:
    poor = make.face("asked", 0, CHILD)
    again = ReembeddedFace(face_id=poor.face_id, vector=poor.vector, norm=12.5, quality=0.9, too_poor_because=None)
    gallery = Register()
    gallery.merge(batch_of(gallery, MODEL_ID, [(0, picture("asked", CHILD, 0, poor=True))]).staged)
    assert gallery.faces[poor.face_id].vector is None

    gallery.merge(batch_of(gallery, MODEL_ID, [(1, FacesEmbedded(model_id=MODEL_ID, faces=[again]))]).staged)

    known = gallery.faces[poor.face_id]
    assert (known.vector is not None, known.poor) == (True, None)
