"""A face that a person marked: it joins its media for good, and goes for good with what it was marked on."""

from typing import Any

import numpy as np
import pytest

from graph.domain import ids
from streams.faces.models import MODEL_ID
from streams.link.batch import Batch
from streams.records.gallery import GalleryRecord, MarkEmbedded, MediaEmbedded
from streams.records.incoming import DeclaredVictim
from tests.support import factories_streams as make
from tests.support.register import Register, batch_of

RNG = np.random.default_rng(4)
CHILD, OTHER = make.unit(RNG), make.unit(RNG)
ONE = make.media_id("one")
MARKED = ids.marked_face_id(ONE, "act")


def picture(name: str, case: str, at: int, *vectors: Any, **facts: Any) -> MediaEmbedded:
    event = make.submitted(case, "register", make.CASES[case], **facts)
    return make.embedded(name, vectors, event, make.origin(at))


def mark(on: dict[str, int], *, poor: bool = False, model_id: str = MODEL_ID) -> MarkEmbedded:
    source = make.origin(0, at=99, kind="probes.submitted", source="")
    return make.marked("one", "act", make.near(RNG, CHILD, 0.95), on, source, poor=poor, model_id=model_id)


def erased(kind: str, subject: str, at: int) -> GalleryRecord:
    return make.erasure(kind, subject, make.origin(at, kind="erasures.requested"))


def taken(gallery: Register, *records: GalleryRecord) -> list[Batch]:
    """The batches of these records one by one, each taken in."""
    batches = [batch_of(gallery, MODEL_ID, [])]
    for record in records:
        batches.append(batch_of(gallery, MODEL_ID, [(len(batches), record)]))
        gallery.merge(batches[-1].staged)
    return batches


def test_it_is_added_behind_the_detected_faces_compared_and_each_source_is_notified_of_its_own_cases() -> None:
    gallery = Register()
    last = taken(
        gallery, picture("two", "local:s1", 1, CHILD), picture("one", "local:n1", 2, OTHER), mark({"local:n1": 2})
    )[-1]

    assert gallery.media[ONE].faces == (make.face_id("one"), MARKED)
    assert [(row.a, row.b) for row in last.changes.links.values()] == [ids.ordered(MARKED, make.face_id("two"))]
    assert [row["faces"] for row in last.changes.comparisons] == [[MARKED]]
    assert last.changes.marks == [{"act_id": "act", "face_id": MARKED}]
    [notice] = last.changes.notices
    assert (notice.subject, notice.source, notice.outcome) == (f"face:{MARKED}@local", "local", "face_marked")
    assert (notice.body["case_ids"], notice.body["standing"]) == (["local:n1"], "assessed")


def test_read_again_it_changes_nothing_and_another_model_s_vector_is_kept_beside() -> None:
    gallery = Register()
    taken(gallery, picture("one", "local:n1", 2), mark({"local:n1": 2}))
    before = (dict(gallery.media), dict(gallery.faces))

    again, other = taken(gallery, mark({"local:n1": 2}), mark({"local:n1": 2}, model_id="another-model"))[1:]

    assert (again.changes.faces, again.changes.embeddings, again.changes.links) == ([], [], {})
    assert [row["model_id"] for row in other.changes.embeddings] == ["another-model"]
    assert (gallery.media, gallery.faces) == before
    assert again.changes.removed_files == other.changes.removed_files == []


def test_a_picture_that_is_submitted_again_keeps_it_and_is_reported_with_a_face() -> None:
    """`no_face` would be wrong of a picture in which a person saw one."""
    gallery = Register()
    *_, first, _, again = taken(
        gallery, picture("one", "local:n1", 2), mark({"local:n1": 2}), picture("one", "local:s1", 3)
    )

    assert gallery.media[ONE].faces == (MARKED,)
    assert first.changes.notices[0].outcome == "no_face"
    assert again.changes.notices[0].outcome == "faces_found"
    assert [again.changes.notices[0].body[name] for name in ("faces", "too_poor", "compared")] == [1, 0, True]


def test_a_victim_declared_without_a_box_is_a_task_for_a_person_where_a_face_was_marked() -> None:
    gallery, victim = Register(), DeclaredVictim(victim_id="v1", declared_by="source")
    declared = picture("one", "local:n2", 3, OTHER, victim=victim)
    last = taken(gallery, picture("one", "local:n1", 2, OTHER), mark({"local:n1": 2}), declared)[-1]

    assert last.changes.depicts == []
    assert "to_do" in last.changes.notices[0].body


ERASURES = [("face_id", MARKED), ("media_id", ONE), ("case_id", "local:n1")]


@pytest.mark.parametrize(("kind", "subject"), ERASURES)
@pytest.mark.parametrize("again", [False, True])
def test_what_is_erased_is_never_made_again_from_the_old_mark(kind: str, subject: str, again: bool) -> None:
    """Also where the picture itself comes back: a new submission does not hold what was marked in the old one."""
    gallery = Register()
    back = [picture("one", "local:n1", 9, OTHER)] if again else []
    records = [picture("one", "local:n1", 2, OTHER), mark({"local:n1": 2}), erased(kind, subject, 5), *back]
    batches = taken(gallery, *records, mark({"local:n1": 2}))

    assert MARKED in batches[3].changes.removed_faces
    assert f"{ONE}/{MARKED}" in batches[3].changes.removed_files
    assert MARKED not in gallery.faces
    assert batches[-1].changes.removed_files == [f"{ONE}/{MARKED}"]
    assert batches[-1].changes.quarantined == batches[-1].changes.notices == []
    assert batches[-1].changes.marks == [{"act_id": "act", "face_id": MARKED}]  # it waits no longer
    assert (ONE in gallery.media) == (again or kind == "face_id")


@pytest.mark.parametrize(("kind", "subject"), ERASURES)
def test_an_erasure_that_is_read_after_a_younger_submission_takes_what_was_marked_before_it(
    kind: str, subject: str
) -> None:
    """The picture stays, for it was submitted again since; the mark was not made again."""
    gallery = Register()
    young = picture("one", "local:n1", 9, OTHER)
    taken(gallery, picture("one", "local:n1", 2, OTHER), mark({"local:n1": 2}), young, erased(kind, subject, 5))

    assert gallery.media[ONE].faces == (make.face_id("one"),)


def test_it_stays_while_one_of_the_cases_that_it_was_marked_in_does() -> None:
    gallery = Register()
    both = {"local:n1": 2, "local:n2": 3}
    taken(
        gallery,
        picture("one", "local:n1", 2),
        picture("one", "local:n2", 3),
        mark(both),
        picture("one", "local:s1", 4),
        erased("case_id", "local:n1", 5),
    )
    assert gallery.media[ONE].faces == (MARKED,)

    taken(gallery, erased("case_id", "local:n2", 6))

    assert gallery.media[ONE].faces == ()


def test_a_mark_whose_media_is_not_there_yet_goes_to_quarantine_as_its_event_and_can_be_replayed() -> None:
    gallery = Register()
    early = taken(gallery, mark({"local:n1": 2}))[-1]
    assert [(row["code"], row["topic"]) for row in early.changes.quarantined] == [
        ("media_unknown", "redthread.probes.submitted.local.v1")
    ]
    assert early.changes.processed == early.changes.removed_files == []

    replayed = taken(gallery, picture("one", "local:n1", 2), mark({"local:n1": 2}))[-1]

    assert gallery.media[ONE].faces == (MARKED,)
    assert [event.place for event in replayed.changes.processed] == [mark({"local:n1": 2}).origin.event]


def test_one_that_is_too_poor_is_counted_and_compared_with_nothing() -> None:
    gallery = Register()
    last = taken(
        gallery, picture("two", "local:s1", 1, CHILD), picture("one", "local:n1", 2), mark({"local:n1": 2}, poor=True)
    )[-1]

    assert (last.changes.links, last.changes.comparisons) == ({}, [])
    assert gallery.counts.total.too_poor == 1
    assert last.changes.notices[0].body["too_poor"] is True
