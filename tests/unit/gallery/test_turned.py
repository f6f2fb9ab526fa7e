"""A search turns a picture that is known: the faces that only the turned picture shows join it and are asked with."""

import numpy as np

from graph.domain.errors import OtherModel
from streams.faces.models import MODEL_ID
from streams.records.gallery import GalleryRecord
from tests.support import factories_streams as make
from tests.support.register import Register, batch_of

RNG = np.random.default_rng(5)
CHILD, ADULT = make.unit(RNG), make.unit(RNG)
KNOWN = make.embedded("known", [make.near(RNG, CHILD, 0.9)], make.submitted("local:known"), make.origin(0))
PICTURE = make.embedded("picture", [ADULT], make.submitted("local:asks"), make.origin(1))
NEW = make.face_id("picture", 1)


def turned(place: int, turn: int = 90) -> GalleryRecord:
    """A search with the same picture, in which the turned look shows the child too."""
    return make.probe("picture", [ADULT, CHILD], "search", "local:asks", "register", make.origin(place), turn)


def after(*log: GalleryRecord) -> tuple[tuple[str, ...], list[tuple[str, str]], list[str]]:
    """The picture's faces, what the last record's search returned by which face, and the files to be deleted."""
    gallery = Register()
    for offset, record in enumerate(log):
        batch = batch_of(gallery, MODEL_ID, [(offset, record)])
        gallery.merge(batch.staged)
    found = [(item["probe_face_id"], item["face_id"]) for item in batch.changes.answers[0]["returned"]]
    return gallery.media[make.media_id("picture")].faces, found, batch.changes.removed_files


def test_a_face_that_only_the_turned_picture_shows_joins_the_known_one_and_is_asked_with() -> None:
    faces, found, gone = after(KNOWN, PICTURE, turned(2))

    assert faces == (make.face_id("picture"), NEW)
    assert (NEW, make.face_id("known")) in found
    assert gone == []
    assert after(KNOWN, PICTURE, turned(2), turned(3)) == (faces, found, gone)


def test_a_search_that_turns_nothing_adds_no_face_and_its_files_go() -> None:
    faces, found, gone = after(KNOWN, PICTURE, turned(2, 0))

    assert faces == (make.face_id("picture"),)
    assert make.face_id("known") not in {face for _, face in found}
    assert gone == [f"{make.media_id('picture')}/{NEW}"]


def test_one_that_was_erased_stays_away() -> None:
    erased = make.erasure("face_id", NEW, make.origin(3, at=3))

    assert after(KNOWN, PICTURE, turned(2), erased, turned(4))[0] == (make.face_id("picture"),)


def test_one_of_another_model_waits() -> None:
    gallery = Register()
    gallery.merge(batch_of(gallery, MODEL_ID, [(0, PICTURE)]).staged)
    other = turned(1).model_copy(update={"model_id": "another"})

    batch = batch_of(gallery, MODEL_ID, [(1, other)])

    assert [row["code"] for row in batch.changes.quarantined] == [OtherModel("", host="").code]
