"""Drawn logs in any batches have the meaning of a plain reading: see tests/support/reference_gallery.py."""

from dataclasses import replace

import pytest

from streams.faces.models import MODEL_ID
from streams.gallery.calibration import packaged
from tests.support.batch_writes import Links
from tests.support.factories_streams import drawn_log
from tests.support.reference_gallery import Reference

STEEP = {
    MODEL_ID: replace(
        packaged()[MODEL_ID],
        false_accepts=((0.357, 0.3), (0.42, 0.1), (0.5, 0.03), (0.6, 0.01)),
        floor=0.357,
    )
}
"""Thresholds that rise with the first few faces: a drawn log has no hundreds of them."""


@pytest.mark.parametrize("acts", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_any_log_in_any_batches_means_what_a_plain_reading_of_it_means(seed: int, acts: bool) -> None:
    log = drawn_log(seed, 70, acts=acts, other_model=0.1 if seed % 2 else 0.0)
    measured = STEEP if seed % 3 else None
    expected, one_by_one = Reference(calibrations=measured), Links(1, measured)
    for offset, record in log:
        expected.group_of = {face: min(at.values()) for face, at in one_by_one.gallery.groups.of_face.items() if at}
        expected.apply(offset, record)
        one_by_one.take([(offset, record)])

    for batch in (1, 2, 7, 64):
        made = Links(batch, measured)
        made.take(log)
        assert made.links == expected.links, f"batches of {batch}"
        assert made.answers == expected.answers, f"batches of {batch}"
        assert made.parts_by_search() == expected.parts, f"batches of {batch}"
        assert made.gallery.searches.by_id.keys() == expected.asked.keys()
        assert made.quarantined == expected.quarantined
        assert made.media == set(expected.media) == set(made.gallery.media)
        assert set(made.gallery.faces) == {face for known in expected.media.values() for face in known.faces}
        assert made.compared == expected.compared, f"batches of {batch}"
        stored = made.gallery.faces.keys()
        counted = {face: cut for face, cut in expected.cut.items() if face in stored and cut[0]}
        assert {face: cut for face, cut in made.cut.items() if face in stored and cut[0]} == counted
        assert made.searched.items() >= expected.searched.items(), f"batches of {batch}"
        assert {m: media.scope for m, media in made.gallery.media.items()} == {
            media_id: expected.scope(media_id) for media_id in expected.media
        }


@pytest.mark.parametrize("acts", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_after_every_record_each_group_is_one_that_may_be_and_in_any_batches_the_same_ones_are_left(
    seed: int, acts: bool
) -> None:
    log = drawn_log(seed, 120, acts=acts, alike=(0.62, 0.75, 0.8, 0.95))
    expected, one_by_one, seen = Reference(), Links(1), 0
    for offset, record in log:
        expected.apply(offset, record)
        one_by_one.take([(offset, record)])
        of_case: list[tuple[str, str]] = []
        for (case_id, _), faces in one_by_one.groups.items():
            assert expected.is_group(case_id, faces), f"after record {offset}"
            of_case += [(case_id, face) for face in faces]
        assert len(of_case) == len(set(of_case)), "a face is in one group of a case at the most"
        seen += len(of_case)

    assert seen, "the log had groups at all"
    for batch in (2, 7, 64):
        made = Links(batch)
        made.take(log)
        assert made.groups == one_by_one.groups, f"batches of {batch}"
        kept = {(group.case_id, name): set(group.faces) for name, group in made.gallery.groups.by_id.items()}
        assert kept == made.groups, "memory holds what the graph does"


@pytest.mark.parametrize("seed", range(6))
def test_a_log_taken_twice_changes_nothing(seed: int) -> None:
    log = drawn_log(seed, 50)
    made = Links(16)
    made.take(log)
    links, scopes = dict(made.links), {m: media.scope for m, media in made.gallery.media.items()}

    made.take([(offset + len(log), record) for offset, record in log])

    assert made.links == links
    assert {m: media.scope for m, media in made.gallery.media.items()} == scopes
