"""When a picture was taken, as a batch of the gallery log has it."""

from datetime import datetime
from typing import Any

import numpy as np

from streams.faces.models import MODEL_ID
from streams.records.gallery import MediaEmbedded
from tests.support import factories_streams as make
from tests.support.register import Register, batch_of

FACE = make.unit(np.random.default_rng(1))


def record(place: int, date: str | None, at: int, exif: str | None = None) -> tuple[int, MediaEmbedded]:
    event = make.submitted(captured_at=datetime.fromisoformat(date) if date else None)
    return place, make.embedded("a", [FACE], event, make.origin(place, at=at), captured_at=exif)


def dates(*log: tuple[int, MediaEmbedded], together: bool) -> tuple[Any, ...]:
    """What the graph has in the end of the membership's date, and the outcomes that were outcomes."""
    gallery, outcomes, last = Register(), list[str](), None
    for batch in [list(log)] if together else [[one] for one in log]:
        batch = batch_of(gallery, MODEL_ID, batch)
        gallery.merge(batch.staged)
        outcomes += [row.outcome for row in batch.changes.notices]
        last = batch.changes.memberships[-1] if batch.changes.memberships else last
    assert last is not None
    return last["captured_at"], last["captured_told"] - make.START_MS, outcomes


def test_of_events_that_differ_the_latest_says_when_a_picture_was_taken() -> None:
    early, late = "2012-05-01T10:00:00+02:00", "2013-05-01T10:00:00+02:00"
    for together in (True, False):
        log = [record(0, early, 10), record(1, late, 20), record(2, None, 30)]
        assert dates(*log, together=together) == (late, 20, ["faces_found", "faces_found", "duplicate"])
        # Whatever their order in the log; one that says nothing takes nothing away.
        log = [record(0, late, 20), record(1, None, 30), record(2, early, 10)]
        assert dates(*log, together=together)[:2] == (late, 20)


def test_the_cameras_own_date_is_kept_with_its_offset() -> None:
    batch = batch_of(Register(), MODEL_ID, [record(0, None, 10, "2012-05-01T10:00:00+02:00")])
    assert batch.changes.media[0]["captured_at"] == "2012-05-01T10:00:00+02:00"
    assert batch.changes.memberships[0]["captured_at"] is None


def test_odd_dates_are_ignored_and_the_notice_says_so() -> None:
    batch = batch_of(Register(), MODEL_ID, [record(0, "1601-01-01T00:00:00+00:00", 10, "0000-00-00T00:00:00")])
    assert batch.changes.media[0]["captured_at"] is None
    assert batch.changes.memberships[0]["captured_at"] is None
    (notice,) = batch.changes.notices
    assert notice.body["captured_at_ignored"] == (
        "1601-01-01T00:00:00+00:00 is before the first photograph; 0000-00-00T00:00:00 is no date"
    )


def test_a_record_of_an_older_release_has_no_date_of_the_camera() -> None:
    _, new = record(0, None, 10)
    older = new.model_dump(mode="json")
    del older["captured_at"]
    assert MediaEmbedded.model_validate(older) == new
