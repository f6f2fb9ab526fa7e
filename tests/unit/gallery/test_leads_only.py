"""A face that is compared although it is poor (half of it lies outside the picture) gives leads and nothing more."""

from dataclasses import replace

import numpy as np
import pytest

from streams.faces.models import MODEL_ID
from streams.records.gallery import GalleryRecord, VictimsAssigned
from tests.support import factories_streams as make
from tests.support.register import Register, batch_of
from tests.unit.gallery.test_recompare import recompared_links

CASE = "local:n1"
CHILD = make.unit(np.random.default_rng(3))
"""All pictures here show it, and are as alike as can be."""
HALF, GOOD, TWIN = (make.face_id(name) for name in ("half", "good", "twin"))
HALF_QUALITY = 0.3


def picture(name: str, place: int) -> GalleryRecord:
    quality = HALF_QUALITY if name == "half" else 0.99
    return make.embedded(name, [CHILD], make.submitted(CASE), make.origin(place), quality=quality)


def taken(*names: str) -> tuple[Register, dict[frozenset[str], str]]:
    """The gallery after these pictures one by one, and the state of each link that was proposed."""
    gallery, states = Register(), dict[frozenset[str], str]()
    for place, name in enumerate(names):
        batch = batch_of(gallery, MODEL_ID, [(place, picture(name, place))])
        gallery.merge(batch.staged)
        states |= {frozenset((row.a, row.b)): row.state for row in batch.changes.links.values()}
    return gallery, states


def answer(gallery: Register, *faces: str) -> tuple[str, dict[str, bool]]:
    """The status of a search for these faces, and what it returned: face, and whether it is similar."""
    asked = make.search("search", CASE, "register", sorted(faces))
    (found,) = batch_of(gallery, MODEL_ID, [(9, asked)]).changes.answers
    return found["answer"]["status"], {item["face_id"]: item["above"] for item in found["returned"]}


@pytest.mark.parametrize("names", [("half", "good", "twin"), ("good", "twin", "half"), ("good", "half", "twin")])
def test_its_links_are_leads_whichever_face_came_first(names: tuple[str, ...]) -> None:
    _, states = taken(*names)

    assert states[frozenset((GOOD, TWIN))] == "candidate", "that is how alike they are"
    assert states[frozenset((HALF, GOOD))] == states[frozenset((HALF, TWIN))] == "lead"


@pytest.mark.parametrize("names", [("half", "good", "twin"), ("good", "twin", "half")])
def test_it_joins_no_group(names: tuple[str, ...]) -> None:
    gallery, _ = taken(*names)

    assert [set(group.faces) for group in gallery.groups.by_id.values()] == [{GOOD, TWIN}]


def test_it_leaves_its_group_where_another_model_finds_it_poor() -> None:
    gallery, _ = taken("good", "twin")
    gallery.faces.put_all([replace(gallery.faces[GOOD], leads_only=True)])

    recompared_links(gallery)

    assert gallery.groups.by_id == {}


def test_it_counts_for_no_mean_of_its_victim() -> None:
    gallery, _ = taken("half", "good", "twin")

    for offset, faces in enumerate([(HALF, GOOD), (HALF, GOOD, TWIN)], 5):
        gallery.merge(batch_of(gallery, MODEL_ID, [(offset, VictimsAssigned(faces=dict.fromkeys(faces, "v")))]).staged)
        means = [set(mean.faces) for mean in gallery.means.values()]
        assert means == ([{GOOD, TWIN}] if TWIN in faces else []), "of one good face there is no mean"


def test_a_search_finds_it_as_a_lead() -> None:
    gallery, _ = taken("half", "good", "twin")

    assert answer(gallery, GOOD) == ("answered", {HALF: False, TWIN: True})


def test_who_asks_with_it_alone_gets_leads_and_beside_a_good_face_it_is_not_asked_by() -> None:
    gallery, _ = taken("half", "good", "twin")

    assert answer(gallery, HALF) == ("answered", {GOOD: False, TWIN: False})
    assert answer(gallery, HALF, GOOD) == ("answered", {TWIN: True})


def test_an_open_search_finds_it_as_a_lead_when_it_comes() -> None:
    gallery, _ = taken("good")
    asked = make.search("search", CASE, "register", [GOOD], keep_asking=True)
    gallery.merge(batch_of(gallery, MODEL_ID, [(5, asked)]).staged)

    batch = batch_of(gallery, MODEL_ID, [(6, picture("half", 6)), (7, picture("twin", 7))])

    found = [item for part in batch.changes.answer_parts.values() for item in part["returned"]]
    assert {item["face_id"]: item["above"] for item in found} == {HALF: False, TWIN: True}
