"""A recompared register has the links that brute force finds, and only groups of similar faces."""

from dataclasses import replace

import numpy as np
import pytest

from streams.faces.models import MODEL_ID
from streams.gallery.calibration import packaged
from streams.gallery.state import Staged
from streams.link import recompare
from streams.link.batch import Batch
from streams.link.recompare import recompared
from streams.records.gallery import VictimsAssigned
from tests.support import factories_streams as make
from tests.support.factories_streams import Log, drawn_log
from tests.support.reference_gallery import Reference
from tests.support.register import Register, batch_of
from tests.support.scored import compared_by

Links = dict[tuple[str, str], tuple[str, float, str, float]]


def taken(log: Log) -> Register:
    gallery = Register()
    for place, record in log:
        gallery.merge(batch_of(gallery, MODEL_ID, [(place, record)]).staged)
    return gallery


def recompared_links(gallery: Register) -> tuple[Links, list[Batch]]:
    """The links of all pieces in the order in which they are written, each piece taken in before the next."""
    links, batches = Links(), list[Batch]()
    gallery.calibrations = {"m2": replace(packaged()[MODEL_ID], model_id="m2")}
    for batch in recompared(gallery, "m2", 500):
        links |= {(r.a, r.b): (r.state, r.score, r.band, r.threshold) for r in batch.changes.links.values()}
        gallery.merge(batch.staged)
        batches.append(batch)
    return links, batches


@pytest.mark.parametrize("piece", [3, 500])
@pytest.mark.parametrize("seed", range(12))
def test_any_register_recompared_in_any_pieces_has_the_links_of_brute_force(
    seed: int, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recompare, "CHUNK", piece)
    log = drawn_log(seed, 70, acts=True)
    reference = Reference()
    for offset, record in log:
        reference.apply(offset, record)
    reference.recompare_all()

    gallery = taken(log)
    links, batches = recompared_links(gallery)

    assert links == reference.links
    assert {row["face_id"] for batch in batches for row in batch.changes.graded} == set(gallery.faces)
    assert {row.model_id for batch in batches for row in batch.changes.links.values()} <= {"m2"}
    counted = {cut["face_id"] for batch in batches for row in batch.changes.comparisons for cut in row["cut"]}
    assert {face_id for batch in batches for face_id in batch.changes.uncounted} == set(gallery.faces) - counted
    for group in gallery.groups.by_id.values():
        assert reference.is_group(group.case_id, group.faces)


def test_a_victims_mean_is_recompared_as_well() -> None:
    """Three others of the victim's case are more like the face, and the mean alone asks for it."""
    rng = np.random.default_rng(5)
    child = make.unit(rng)
    one, two, three = (make.near(rng, child, cosine) for cosine in (0.62, 0.62, 0.38))
    scores = [float(compared_by(three) @ compared_by(single)) for single in (one, two)]
    assert max(scores) < packaged()[MODEL_ID].floor
    log: Log = [(0, make.embedded("three", [three], make.submitted("local:s1", district="south"), make.origin(0)))]
    pictures = {"one": one, "two": two, **{f"other-{n}": make.near(rng, three, 0.9) for n in range(3)}}
    log += [
        (n, make.embedded(name, [vector], make.submitted("local:n2"), make.origin(n)))
        for n, (name, vector) in enumerate(pictures.items(), 1)
    ]
    faces = [make.face_id(name) for name in ("one", "two")]
    log.append((9, VictimsAssigned(faces=dict.fromkeys(faces, "v1"))))

    links, _ = recompared_links(taken(log))

    assert any(make.face_id("three") in pair and not set(faces).isdisjoint(pair) for pair in links)


def test_a_group_keeps_the_faces_that_are_alike_under_the_new_vectors_and_gains_others() -> None:
    rng = np.random.default_rng(2)
    person, other = make.unit(rng), make.unit(rng)
    names = ["a", "b", "c", "d"]
    log: Log = [
        (
            n,
            make.embedded(
                name, [make.near(rng, person if name != "d" else other, 0.95)], make.submitted(), make.origin(n)
            ),
        )
        for n, name in enumerate(names)
    ]
    gallery = taken(log)
    [group] = gallery.groups.by_id.values()
    assert group.faces == {make.face_id(name) for name in "abc"}
    other_gallery = taken(
        [
            (
                n,
                make.embedded(
                    name,
                    [make.near(rng, other if name == "c" else person, 0.95)],
                    make.submitted("local:s1", "case", "south"),
                    make.origin(n),
                ),
            )
            for n, name in enumerate(names)
        ]
    )
    staged = Staged(gallery)
    for face_id, face in list(gallery.faces.items()):
        staged.put_face(replace(face, vector=other_gallery.faces[face_id].vector))
    gallery.merge(staged)

    recompared_links(gallery)

    [now] = gallery.groups.by_id.values()
    assert now.group_id == group.group_id
    assert now.faces == {make.face_id(name) for name in "abd"}
