"""A victim's mean finds a face that none of its single faces resembles, at whichever record it could be found first."""

import numpy as np
import pytest

from streams.faces.models import MODEL_ID
from streams.gallery.calibration import legacy_calibration
from streams.gallery.matrix import paired_scores
from streams.gallery.means import MAX_FACES, MEAN_PENALTY, mean
from streams.records.gallery import GalleryRecord, VictimsAssigned
from tests.support import factories_streams as make
from tests.support.register import Register, batch_of

CALIBRATION = legacy_calibration(MODEL_ID, {})
CALIBRATIONS = {MODEL_ID: CALIBRATION}
"""For vectors that are drawn as scored ones."""
RNG = np.random.default_rng(7)


def of_child(likeness: float, own: int) -> make.Vector:
    """A face with this cosine to the child's, and the product of theirs to any other face of the child."""
    axes = np.eye(128, dtype=np.float32)
    return likeness * axes[0] + np.float32(np.sqrt(1 - likeness**2)) * axes[own]


OLD = {f"old{n}": of_child(0.64 if n == 2 else 0.62, n + 1) for n in range(4)}
NEW = of_child(0.5, 9)
PROPOSED = frozenset((make.face_id("new"), make.face_id("old2")))


def picture(name: str, vector: make.Vector, place: int, scope: str = "register") -> GalleryRecord:
    return make.embedded(name, [vector], make.submitted(f"local:{name}", scope), make.origin(place))


def assigned(victim: str | None = "v-1") -> VictimsAssigned:
    return VictimsAssigned(faces={make.face_id(name): victim for name in OLD})


def old(scope: str = "register") -> list[GalleryRecord]:
    return [picture(name, vector, place, scope) for place, (name, vector) in enumerate(OLD.items())]


def links_with_new(*log: GalleryRecord, gallery: Register | None = None) -> dict[frozenset[str], float]:
    """The links of the picture `new`, after these records one by one, with their scores."""
    gallery = gallery or Register(CALIBRATIONS)
    found: dict[frozenset[str], float] = {}
    for offset, record in enumerate(log):
        batch = batch_of(gallery, MODEL_ID, [(offset, record)])
        gallery.merge(batch.staged)
        found |= {frozenset((row.a, row.b)): row.score for row in batch.changes.links.values()}
        assert all(row.by_mean for row in batch.changes.links.values() if frozenset((row.a, row.b)) == PROPOSED)
    return {pair: score for pair, score in found.items() if make.face_id("new") in pair}


new = picture("new", NEW, 9)


def test_a_new_face_is_proposed_to_the_victims_nearest_face_with_the_score_of_the_mean() -> None:
    assert max(float(vector @ NEW) for vector in OLD.values()) < CALIBRATION.floor, "no single face is like it"

    found = links_with_new(*old(), assigned(), new)

    cosine = float(paired_scores(mean(np.stack([*OLD.values()]))[None], NEW[None])[0])
    assert found == {PROPOSED: pytest.approx(cosine - MEAN_PENALTY)}
    assert min(found.values()) >= CALIBRATION.threshold(4)
    assert not links_with_new(*old(), new)


def test_a_stored_face_is_found_when_the_victim_gains_a_face_that_makes_it_alike() -> None:
    assert links_with_new(*old(), new, assigned()).keys() == {PROPOSED}


def test_a_decision_that_memory_knew_before_its_record_is_compared_at_the_record() -> None:
    """Link may load the gallery after a person decided and before it reads so."""
    loaded = Register(CALIBRATIONS)
    assert links_with_new(*old(), new, gallery=loaded) == {}
    ahead = batch_of(loaded, MODEL_ID, [(8, assigned())])
    loaded.merge(ahead.staged)

    assert links_with_new(assigned(), gallery=loaded).keys() == {PROPOSED}


def test_a_person_dismissed_against_the_victim_is_not_proposed_again() -> None:
    apart = make.judged([(make.face_id("new"), make.face_id("old0"))])

    assert not links_with_new(*old(), new, apart, assigned())
    assert links_with_new(*old(), new, apart, make.judged(apart.pairs, apart=False), assigned())


@pytest.mark.parametrize("scope", ["case", "none"])
def test_faces_of_a_narrower_scope_are_in_no_mean(scope: str) -> None:
    assert not links_with_new(*old(scope), assigned(), new)
    assert not links_with_new(*old(), assigned(), picture("new", NEW, 9, scope))


def test_a_victim_that_loses_its_faces_has_no_mean_and_one_that_gains_them_again_has() -> None:
    assert not links_with_new(*old(), assigned(), assigned(None), new)
    assert links_with_new(*old(), assigned(), assigned(None), assigned("v-2"), new).keys() == {PROPOSED}
    assert not links_with_new(*old(), assigned(), make.label([make.face_id(name) for name in OLD], "unrelated"), new)


def test_a_mean_has_a_hundred_faces_at_most() -> None:
    """It is made anew with each face that a victim gains."""
    gallery = Register(CALIBRATIONS)
    names = [f"many{n}" for n in range(MAX_FACES + 5)]
    log = [(n, picture(name, make.unit(RNG), n)) for n, name in enumerate(names)]
    faces: dict[str, str | None] = {make.face_id(name): "v-1" for name in names}
    gallery.merge(batch_of(gallery, MODEL_ID, [*log, (200, VictimsAssigned(faces=faces))]).staged)

    assert gallery.means["v-1"].faces == tuple(sorted(faces)[:MAX_FACES])


@pytest.mark.parametrize(("within", "found"), [("register", [make.face_id("old2")]), ("case:local:old2", [])])
def test_a_search_in_the_register_finds_a_victim_by_its_mean(within: str, found: list[str]) -> None:
    gallery = Register(CALIBRATIONS)
    asked = make.search("search", "local:new", within, [make.face_id("new")])
    for offset, record in enumerate([*old(), assigned(), picture("new", NEW, 9, "none"), asked]):
        batch = batch_of(gallery, MODEL_ID, [(offset, record)])
        gallery.merge(batch.staged)

    ((answer),) = batch.changes.answers
    assert [item["face_id"] for item in answer["returned"]] == found
