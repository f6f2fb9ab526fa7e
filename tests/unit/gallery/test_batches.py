"""What a batch changes counts for what it compares, whatever the order and size of batches."""

from typing import Any

import numpy as np

from streams.faces.models import MODEL_ID
from streams.link import apply
from streams.records.gallery import GalleryRecord, VictimsAssigned
from tests.support import factories_streams as make
from tests.support.register import Register, batch_of


def picture(log: make.Log, name: str, case: str, vector: Any) -> None:
    log.append((len(log), make.embedded(name, [vector], make.submitted(case), make.origin(len(log)))))


def links_in_batches_of(size: int) -> set[tuple[str, str]]:
    """A picture comes into the victim's case as well, then the victim's faces are named: in batches of this size."""
    rng = np.random.default_rng(3)
    child, log = make.unit(rng), make.Log()
    for number in range(2):
        picture(log, f"victim-{number}", "local:v", make.near(rng, child, 0.9))
    for number in range(14):
        picture(log, f"other-{number}", f"local:o{number}", make.near(rng, child, 0.85))
    moved = make.near(rng, child, 0.6)
    picture(log, "moved", "local:m", moved)
    gallery, found = Register(), set[tuple[str, str]]()
    for offset, record in log:
        gallery.merge(batch_of(gallery, MODEL_ID, [(offset, record)]).staged)
    known = len(log)
    picture(log, "moved", "local:v", moved)
    faces = {make.face_id(f"victim-{number}"): "v1" for number in range(2)}
    log.append((len(log), VictimsAssigned(faces=faces)))
    for start in range(known, len(log), size):
        batch = batch_of(gallery, MODEL_ID, log[start : start + size])
        found |= {(row.a, row.b) for row in batch.changes.links.values() if make.face_id("moved") in (row.a, row.b)}
        gallery.merge(batch.staged)
    return found


def test_a_victims_mean_proposes_faces_that_the_batch_brought_into_its_cases() -> None:
    assert links_in_batches_of(1)
    assert links_in_batches_of(2) == links_in_batches_of(1)


def test_of_victims_whose_means_are_equally_alike_the_smaller_face_ids_are_proposed() -> None:
    found: list[list[tuple[str, str]]] = []
    for order in (list(range(14)), list(range(13, -1, -1))):
        rng = np.random.default_rng(1)
        child = make.unit(rng)
        two, asked = [make.near(rng, child, 0.8) for _ in range(2)], make.near(rng, child, 0.9)
        gallery, log = Register(), list[GalleryRecord]()
        for victim in order:
            for number in range(2):
                event = make.submitted(f"local:c{victim}")
                log.append(make.embedded(f"tie-{victim}-{number}", [two[number]], event, make.origin(len(log))))
            names = [make.face_id(f"tie-{victim}-{number}") for number in range(2)]
            log.append(VictimsAssigned(faces=dict.fromkeys(names, f"v{victim:02}")))
        log.append(make.embedded("new", [asked], make.submitted("local:new"), make.origin(len(log))))
        for offset, record in enumerate(log):
            batch = batch_of(gallery, MODEL_ID, [(offset, record)])
            gallery.merge(batch.staged)
        found.append(sorted((row.a, row.b) for row in batch.changes.links.values()))
    assert found[0] == found[1]


def test_a_membership_that_memory_knows_and_the_graph_lost_is_written_again() -> None:
    vector = make.unit(np.random.default_rng(1))
    gallery = Register()
    first = make.embedded("picture", [vector], make.submitted(), make.origin(0))
    gallery.merge(batch_of(gallery, MODEL_ID, [(0, first)]).staged)

    again = make.embedded("picture", [vector], make.submitted(), make.origin(1))
    batch = apply.batch_of(gallery, MODEL_ID, [(1, again)], memberships={})

    assert [row["media_id"] for row in batch.changes.memberships] == [again.media_id]
