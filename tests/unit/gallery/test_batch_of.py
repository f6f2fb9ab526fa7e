"""Records that were once read wrongly in a batch: erasures, other models, broken vectors, overtaking searches."""

from dataclasses import replace

import numpy as np
import pytest

from graph.domain import ids
from streams.faces.models import MODEL_ID
from streams.gallery.calibration import packaged
from streams.gallery.counts import Coverage
from streams.link.batch import Batch
from streams.records.gallery import GalleryRecord, MediaEmbedded
from streams.records.incoming import DeclaredVictim
from tests.support import factories_streams as make
from tests.support.batch_writes import Links
from tests.support.factories_streams import Log
from tests.support.reference_gallery import Reference
from tests.support.register import Register, batch_of


def test_a_media_that_is_erased_and_submitted_again_in_one_batch_survives_another_erasure_in_it() -> None:
    """The second erasure took the rows of the first one's media along: in memory it stood, in the graph it did not."""
    rng = np.random.default_rng(1)
    pictures = {name: [make.unit(rng)] for name in ("one", "two")}

    def submission(name: str, place: int) -> MediaEmbedded:
        return make.embedded(name, pictures[name], make.submitted(), make.origin(place))

    made = Links(64)
    made.take(
        list(
            enumerate(
                [
                    submission("one", 0),
                    submission("two", 1),
                    make.erasure("media_id", make.media_id("one"), make.origin(2, kind="erasures")),
                    submission("one", 3),
                    make.erasure("media_id", make.media_id("two"), make.origin(4, kind="erasures")),
                ]
            )
        )
    )

    assert made.media == set(made.gallery.media) == {make.media_id("one")}


def test_a_media_that_comes_back_after_its_erasure_goes_through_embed_once_more() -> None:
    """Embed had stored the new submission's crops before link came to the erasure, which took them along."""
    picture = [make.unit(np.random.default_rng(3))]
    gallery = Register()

    def taken(place: int, record: GalleryRecord) -> list[str]:
        batch = batch_of(gallery, MODEL_ID, [(place, record)])
        gallery.merge(batch.staged)
        return [row["event"] for row in batch.changes.replays]

    def submission(place: int) -> MediaEmbedded:
        return make.embedded("one", picture, make.submitted(), make.origin(place))

    assert taken(0, submission(0)) == []
    assert taken(1, make.erasure("media_id", make.media_id("one"), make.origin(1, kind="erasures"))) == []
    assert taken(2, submission(2)) == [make.origin(2).event]
    assert taken(3, submission(2)) == []


def test_an_erased_face_comes_back_with_a_later_submission_of_its_media() -> None:
    """The media stood in the graph, so nothing but its memberships was taken from the later event."""
    rng = np.random.default_rng(4)
    vectors = [make.unit(rng), make.unit(rng)]
    erased = make.face_id("one")
    made = Links(1)
    submission = make.submitted()

    def take(place: int, record: GalleryRecord) -> Batch:
        batch = batch_of(made.gallery, MODEL_ID, [(place, record)])
        made.take([(place, record)])
        return batch

    take(0, make.embedded("one", vectors, submission, make.origin(0)))
    take(1, make.embedded("two", vectors, make.submitted("local:n2"), make.origin(1)))
    assert len(made.links) == 2
    take(2, make.erasure("face_id", erased, make.origin(2, kind="erasures")))
    assert len(made.links) == 1

    take(3, make.embedded("one", vectors, submission, make.origin(3, at=1)))
    assert len(made.links) == 1
    back = take(4, make.embedded("one", vectors, submission, make.origin(4)))
    again = take(5, make.embedded("one", vectors, submission, make.origin(4)))
    # An erasure that was asked for before that submission, and is late, takes nothing any more.
    take(6, make.erasure("face_id", erased, make.origin(6, at=3, kind="erasures")))

    assert len(made.links) == 2
    assert made.gallery.media[make.media_id("one")].faces == (erased, make.face_id("one", 1))
    assert [row["face_id"] for row in back.changes.faces] == [erased]
    assert back.changes.removed_files == []
    [face] = [row["face"] for row in back.changes.faces]
    stored = [face["display_crop"], face["aligned_crop"], face["context_view"]]
    assert [row["unless_stored"] for row in back.changes.replays] == [stored]
    assert [row.outcome for batch in (back, again) for row in batch.changes.notices] == ["faces_found", "duplicate"]
    assert again.changes.faces == again.changes.replays == []


def test_a_face_that_came_back_goes_with_the_membership_that_brought_it() -> None:
    vector = make.unit(np.random.default_rng(4))
    made = Links(1)
    south = make.submitted("local:s1", district="south")
    made.take(
        list(
            enumerate(
                [
                    make.embedded("one", [vector], make.submitted(), make.origin(0)),
                    make.erasure("face_id", make.face_id("one"), make.origin(1, kind="erasures")),
                    make.embedded("one", [vector], south, make.origin(2)),
                ]
            )
        )
    )
    assert make.face_id("one") in made.gallery.faces

    made.take([(3, make.erasure("case_id", "local:s1", make.origin(3, kind="erasures")))])

    assert made.gallery.faces == {}
    assert set(made.gallery.media[make.media_id("one")].memberships) == {make.NORTH}


def test_new_faces_of_another_model_wait_in_quarantine_until_they_come_embedded_with_the_registers() -> None:
    """They were stored without a vector, compared with nothing for ever, and nobody was notified."""
    rng = np.random.default_rng(1)
    vectors = [make.unit(rng), make.unit(rng)]
    one = make.embedded("one", vectors, make.submitted(), make.origin(0))
    before = make.embedded("two", vectors, make.submitted("local:n2"), make.origin(1), model_id="m2")
    now = make.embedded("two", vectors, make.submitted("local:n2"), make.origin(1))

    batch = batch_of(Register(), MODEL_ID, [(0, one), (1, before)])

    assert set(batch.staged.media.changed) == {make.media_id("one")}
    assert "local:n2" not in batch.staged.cases.changed
    (waits,) = batch.changes.quarantined
    assert (waits["event"], waits["code"], waits["host"]) == (before.origin.event, "other_model", f"model {MODEL_ID}")
    assert len(batch_of(Register(), MODEL_ID, [(0, one), (1, before), (2, now)]).changes.links) == 2


def test_what_another_model_makes_of_known_faces_is_kept_beside_and_compared_with_nothing() -> None:
    rng = np.random.default_rng(1)
    vector = make.unit(rng)
    one = make.embedded("one", [vector], make.submitted(), make.origin(0))
    two = make.embedded("two", [make.unit(rng)], make.submitted("local:n2"), make.origin(1))
    again = make.embedded("two", [vector], make.submitted("local:s1", district="south"), make.origin(2), model_id="m2")
    empty = make.embedded("three", [], make.submitted("local:n2"), make.origin(3), model_id="m2")

    batch = batch_of(Register(), MODEL_ID, [(0, one), (1, two), (2, again), (3, empty)])

    assert batch.changes.links == {}
    assert batch.changes.quarantined == []
    assert [row["model_id"] for row in batch.changes.embeddings] == [MODEL_ID, MODEL_ID, "m2"]
    assert len({row["embedding_id"] for row in batch.changes.embeddings}) == 3
    assert set(batch.staged.media.changed[make.media_id("two")].memberships) == {"local:n2", "local:s1"}
    assert make.media_id("three") in batch.staged.media.changed


def test_an_erased_face_does_not_come_back_with_vectors_of_another_model() -> None:
    rng = np.random.default_rng(2)
    vectors = [make.unit(rng), make.unit(rng)]
    gone = make.erasure("face_id", make.face_id("one"), make.origin(1, kind="erasures"))
    gallery = Register()
    for place, record in enumerate([make.embedded("one", vectors, make.submitted(), make.origin(0)), gone]):
        gallery.merge(batch_of(gallery, MODEL_ID, [(place, record)]).staged)

    later = make.embedded("one", vectors, make.submitted("local:n2"), make.origin(2), model_id="m2")
    older = make.embedded("one", vectors, make.submitted("local:n2"), make.origin(3, at=0), model_id="m2")

    assert [row["code"] for row in batch_of(gallery, MODEL_ID, [(2, later)]).changes.quarantined] == ["other_model"]
    batch = batch_of(gallery, MODEL_ID, [(2, older)])
    assert batch.changes.quarantined == []
    assert make.face_id("one") not in batch.staged.media.changed[make.media_id("one")].faces


def test_any_number_of_dimensions_is_compared_and_another_one_is_refused() -> None:
    rng = np.random.default_rng(3)
    vector = make.unit(rng, 512)
    one = make.embedded("one", [vector], make.submitted(), make.origin(0))
    two = make.embedded("two", [make.near(rng, vector, 0.6)], make.submitted("local:n2"), make.origin(1))
    short = make.embedded("three", [make.unit(rng, 128)], make.submitted("local:n2"), make.origin(2))
    gallery = Register({MODEL_ID: replace(packaged()[MODEL_ID], score=None)})

    first = batch_of(gallery, MODEL_ID, [(0, one), (1, short)])
    gallery.merge(first.staged)
    second = batch_of(gallery, MODEL_ID, [(2, short), (3, two)])

    assert [row["code"] for row in (*first.changes.quarantined, *second.changes.quarantined)] == ["bad_embedding"] * 2
    assert [round(row.score, 6) for row in second.changes.links.values()] == [0.6]


def test_vectors_that_are_not_as_long_as_the_measured_directions_are_refused_and_the_rest_goes_on() -> None:
    rng = np.random.default_rng(3)
    log: Log = [
        (0, make.embedded("long", [make.unit(rng, 512)], make.submitted(), make.origin(0))),
        (1, make.embedded("right", [make.unit(rng)], make.submitted(), make.origin(1))),
    ]

    batch = batch_of(Register(), MODEL_ID, log)

    assert [row["code"] for row in batch.changes.quarantined] == ["bad_embedding"]
    assert [row["media_id"] for row in batch.changes.media] == [make.media_id("right")]


def test_strangers_who_are_alike_by_their_pictures_are_no_candidate_and_no_group() -> None:
    """Both lie far along a direction of defects: stored, they are as alike as one person in two pictures."""
    rng = np.random.default_rng(5)
    poor = [make.poorer(make.unit(rng), 1.5) for _ in range(2)]
    assert float(poor[0] @ poor[1]) > 0.5
    links = Links(1)

    for place, (name, vector) in enumerate({"one": poor[0], "stranger": poor[1]}.items()):
        links.take([(place, make.embedded(name, [vector], make.submitted(), make.origin(place)))])

    assert [row[0] for row in links.links.values() if row[0] == "candidate"] == []
    assert links.gallery.groups.by_id == {}


def test_faces_embedded_again_are_kept_beside_and_compared_where_they_had_no_vector() -> None:
    rng = np.random.default_rng(4)
    vector = make.unit(rng)
    gallery = Register()
    log: Log = [
        (0, make.embedded("one", [vector], make.submitted(), make.origin(0))),
        (1, make.embedded("two", [make.unit(rng)], make.submitted("local:n2"), make.origin(1), poor=[0])),
    ]
    gallery.merge(batch_of(gallery, MODEL_ID, log).staged)
    known, unknown = make.face_id("two"), make.face_id("three")

    beside = batch_of(gallery, MODEL_ID, [(2, make.embedded_again({known: vector, unknown: vector}, model_id="m2"))])
    now = batch_of(gallery, MODEL_ID, [(2, make.embedded_again({known: vector, make.face_id("one"): vector}))])
    gallery.merge(now.staged)

    assert [row["face_id"] for row in beside.changes.embeddings] == [known]
    assert (beside.changes.links, beside.changes.graded) == ({}, [])
    assert [(row.a, row.b) for row in now.changes.links.values()] == [ids.ordered(make.face_id("one"), known)]
    assert {row["face_id"] for row in now.changes.graded} == {known, make.face_id("one")}
    assert gallery.counts.total == Coverage(compared=2)
    assert batch_of(gallery, MODEL_ID, [(3, make.embedded_again({known: vector}))]).changes.links == {}


def test_a_record_whose_vector_is_no_unit_vector_goes_to_quarantine_and_stops_nobody() -> None:
    """Vectors were looked at before records were applied one by one, so the whole batch failed on one of them."""
    rng = np.random.default_rng(1)
    good = make.embedded("one", [make.unit(rng)], make.submitted(), make.origin(0))
    bad = make.embedded("two", [make.unit(rng) * 3], make.submitted(), make.origin(1))
    last = make.embedded("three", [make.unit(rng)], make.submitted(), make.origin(2))

    batch = batch_of(Register(), MODEL_ID, [(0, good), (1, bad), (2, last)])

    assert [row["event"] for row in batch.changes.quarantined] == [bad.origin.event]
    assert {row["media_id"] for row in batch.changes.media} == {good.media_id, last.media_id}
    assert {row["media_id"] for row in batch.changes.memberships} == {good.media_id, last.media_id}
    assert set(batch.staged.media.changed) == {good.media_id, last.media_id}


def test_a_declared_victim_without_a_box_needs_exactly_one_face() -> None:
    rng = np.random.default_rng(1)
    submission = make.submitted(victim=DeclaredVictim(victim_id="v1", declared_by="source"))
    two_faces = make.embedded("two", [make.unit(rng), make.unit(rng)], submission, make.origin(0))
    one_face = make.embedded("one", [make.unit(rng)], submission, make.origin(1))

    batch = batch_of(Register(), MODEL_ID, [(0, two_faces), (1, one_face)])

    assert [row["face_id"] for row in batch.changes.depicts] == [make.face_id("one")]
    assert "to_do" in batch.changes.notices[0].body
    assert "to_do" not in batch.changes.notices[1].body


def test_an_upload_of_a_search_never_changes_a_membership_that_stands() -> None:
    rng = np.random.default_rng(1)
    vector = make.unit(rng)
    before = make.embedded("one", [vector], make.submitted(scope="register"), make.origin(0))
    asked = make.probe("one", [vector], "s1", make.NORTH, "register", make.origin(5))

    batch = batch_of(Register(), MODEL_ID, [(0, before), (1, asked)])

    (media,) = batch.staged.media.changed.values()
    assert media.scope is not None
    assert media.scope.register
    assert [row["search_id"] for row in batch.changes.answers] == ["s1"]
    assert replace(media.scope, register=False) != media.scope


def test_a_search_whose_case_is_erased_before_its_picture_arrives_ends_with_the_reason() -> None:
    """It stayed `asked` for ever: the picture's record was dropped and the search with it."""
    vector = make.unit(np.random.default_rng(1))
    erased = make.erasure("case_id", make.NORTH, make.origin(0, at=9, kind="erasures.requested"))
    asked = make.probe("one", [vector], "s1", make.NORTH, "register", make.origin(1, at=5))

    batch = batch_of(Register(), MODEL_ID, [(0, erased), (1, asked)])

    assert batch.staged.media.changed == {}
    assert [row["answer"]["status"] for row in batch.changes.answers] == ["quarantined"]
    assert batch.changes.removed_files == [make.media_id("one")]


def test_an_event_that_says_what_is_known_already_is_a_duplicate_whichever_came_first() -> None:
    """It was reported as `faces_found` or `duplicate` by chance: the later time of submission counted as a change."""
    vector = make.unit(np.random.default_rng(1))

    def outcomes(*events: tuple[str, str, int]) -> list[str]:
        submission = [
            make.embedded("one", [vector], make.submitted(case, scope, make.CASES[case]), make.origin(n, at=at))
            for n, (case, scope, at) in enumerate(events)
        ]
        return [row.outcome for row in batch_of(Register(), MODEL_ID, list(enumerate(submission))).changes.notices]

    n1, s1 = "local:n1", "local:s1"
    assert outcomes((n1, "case", 0), (n1, "case", 1)) == ["faces_found", "duplicate"]
    assert outcomes((n1, "case", 1), (n1, "case", 0)) == ["faces_found", "duplicate"]
    found, again = "faces_found", "duplicate"
    assert outcomes((n1, "case", 0), (n1, "register", 1), (n1, "case", 0)) == [found, found, again]
    assert outcomes((n1, "case", 0), (s1, "case", 1)) == ["faces_found", "faces_found"]


def test_a_search_that_overtakes_ingestion_switches_no_comparison_off() -> None:
    """The upload's membership of scope `none` was younger than the event's, so the event changed nothing."""
    vector = make.unit(np.random.default_rng(5))
    log: Log = [
        (0, make.embedded("known", [vector], make.submitted("local:s1", "register", district="south"), make.origin(0))),
        (1, make.probe("one", [vector], "s1", make.NORTH, "register", make.origin(9, at=9))),
        (2, make.embedded("one", [vector], make.submitted(make.NORTH, "register"), make.origin(2, at=3))),
    ]
    for order in (log, [log[0], (1, log[2][1]), (2, log[1][1])]):
        made = Links(1)
        made.take(order)

        assert len(made.links) == 1
        assert made.gallery.media[make.media_id("one")].memberships[make.NORTH].scope == "register"


def test_an_erasure_takes_back_a_membership_that_came_in_its_own_batch() -> None:
    """It was removed before it was written, so the graph kept it and a restart brought the media back."""
    vector = make.unit(np.random.default_rng(6))
    batch = batch_of(
        Register(),
        MODEL_ID,
        [
            (0, make.embedded("one", [vector], make.submitted(make.NORTH, "case"), make.origin(0))),
            (1, make.embedded("one", [vector], make.submitted("local:s1", "case", district="south"), make.origin(1))),
            (2, make.erasure("case_id", "local:s1", make.origin(2, kind="erasures"))),
        ],
    )

    assert [row["case_id"] for row in batch.changes.memberships] == [make.NORTH]


def test_crops_of_an_erased_face_that_an_older_event_brings_again_are_deleted() -> None:
    rng = np.random.default_rng(7)
    vectors = [make.unit(rng), make.unit(rng)]
    submission = make.embedded("one", vectors, make.submitted(), make.origin(0))
    erased = submission.faces[0].face_id
    gallery = Register()
    for place, record in enumerate(
        [
            submission,
            make.erasure("face_id", erased, make.origin(1, kind="erasures")),
            make.embedded("one", vectors, make.submitted("local:s1", "case", district="south"), make.origin(2, at=1)),
        ]
    ):
        batch = batch_of(gallery, MODEL_ID, [(place, record)])
        gallery.merge(batch.staged)

        assert batch.changes.removed_files == ([] if place == 0 else [f"{make.media_id('one')}/{erased}"])


def test_a_source_erases_nothing_of_another_source() -> None:
    vector = make.unit(np.random.default_rng(8))
    foreign = make.origin(1, kind="erasures").model_copy(update={"source": "other"})
    for kind, subject in (("media_id", make.media_id("one")), ("case_id", make.NORTH)):
        batch = batch_of(
            Register(),
            MODEL_ID,
            [
                (0, make.embedded("one", [vector], make.submitted(), make.origin(0))),
                (1, make.erasure(kind, subject, foreign)),
            ],
        )

        assert [row["code"] for row in batch.changes.quarantined] == ["other_source"]
        assert make.media_id("one") in batch.staged.media.changed


@pytest.mark.parametrize("status", ["closed", "open", "erased"])
def test_work_on_a_whole_case_reports_progress_for_each_media(status: str) -> None:
    """One record of a huge case took longer than the watchdog waits, which ended link again and again over it."""
    rng, gallery = np.random.default_rng(9), Register()
    log: Log = [(n, make.embedded(f"m{n}", [make.unit(rng)], make.submitted(), make.origin(n))) for n in range(30)]
    if status == "open":
        log.append((30, make.case_changed(make.NORTH, "closed", 1, make.origin(30, kind="cases.changed"))))
    gallery.merge(batch_of(gallery, MODEL_ID, log).staged)
    source = make.origin(31, kind="cases.changed")
    erased = status == "erased"
    record = make.erasure("case_id", make.NORTH, source) if erased else make.case_changed(make.NORTH, status, 2, source)
    reported: list[int] = []

    batch = batch_of(gallery, MODEL_ID, [(31, record)], lambda: reported.append(1))

    assert batch.changes.removed_media or batch.scope_reduced or batch.changes.comparisons
    assert len(reported) >= 30


def test_what_the_caps_cut_is_counted_at_the_face_as_a_plain_reading_counts_it() -> None:
    rng = np.random.default_rng(5)
    person = make.unit(rng)
    log: Log = []
    for number in range(40):
        case = sorted(make.CASES)[number % 5]
        event = make.submitted(case, "register", make.CASES[case])
        face = make.near(rng, person, 0.62 + 0.3 * rng.random())
        log.append((number, make.embedded(f"many-{number}", [face], event, make.origin(number))))
    for number, name in enumerate(("many-3", "many-8"), 40):
        declared = DeclaredVictim(victim_id="v1", declared_by="source")
        event = make.submitted("local:n2", "register", "north", victim=declared)
        log.append((number, make.embedded(name, [], event, make.origin(number))))
    log.append((42, make.erasure("media_id", make.media_id("many-0"), make.origin(42, kind="erasures.requested"))))
    expected = Reference()
    for offset, record in log:
        expected.apply(offset, record)
    for batch in (1, 7, 64):
        made = Links(batch)
        made.take(log)
        counted, stored = ({face: cut[face] for face in made.gallery.faces} for cut in (expected.cut, made.cut))
        assert counted == stored
        last = made.cut[make.face_id("many-39")]
        assert last[0] == len(last[1]) > 10, "ten of other cases are proposed, of over thirty"
