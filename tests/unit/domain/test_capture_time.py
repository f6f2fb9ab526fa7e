"""Dates of pictures: which are believed, which of several counts, and who may know how far two lie apart."""

import pytest

from graph.domain.capture_time import BEYOND, LIMITS, Dates, Gap, StatedDate, gap_between, why_implausible

SUBMITTED = 1_795_000_000_000  # 2026-11-18
NORTH = frozenset({"north"})


def sees_north(district: str) -> bool:
    return district == "north"


def taken(at: str, district: str = "north", submitted_at: int = 1) -> Dates:
    return Dates((StatedDate(at, submitted_at, district),), None, frozenset({district}))


@pytest.mark.parametrize(
    ("date", "why"),
    [
        ("2024-05-17T13:45:01+02:00", None),
        ("2024-05-17T13:45:01", None),
        ("1826-06-01T00:00:00", None),
        ("2026-11-19T00:00:00+00:00", None),
        ("1601-01-01T00:00:00+00:00", "before the first photograph"),
        ("0001-01-01T00:00:00+14:00", "no date"),
        ("2026-11-20T00:00:00+00:00", "later than the submission"),
        ("0000-00-00T00:00:00", "no date"),
        ("9999-12-31T23:59:59-12:00", ""),
    ],
)
def test_a_date_before_photography_or_after_the_submission_is_odd(date: str, why: str | None) -> None:
    told = why_implausible(date, SUBMITTED)
    assert (told is None) if why is None else told is not None and why in told


def test_of_events_that_differ_the_latest_counts_and_any_before_the_file() -> None:
    events = (StatedDate("2015-01-01T00:00:00", 5, "north"), StatedDate("2016-01-01T00:00:00", 9, "north"))
    assert Dates(events, "1999-01-01T00:00:00", NORTH).known_to(sees_north) == "2016-01-01T00:00:00"
    assert Dates((), "1999-01-01T00:00:00", NORTH).known_to(sees_north) == "1999-01-01T00:00:00"


@pytest.mark.parametrize(
    ("later", "years", "band"),
    [
        ("2012-01-01", 2, "to 2"),
        ("2013-01-01", 3, "3-5"),
        ("2015-02-01", 5, "3-5"),
        ("2020-06-01", 10, "6-10"),
        ("2021-01-01", 11, BEYOND),
    ],
)
def test_a_gap_is_shown_in_whole_years_and_marked_where_faces_change_too_much(
    later: str, years: int, band: str
) -> None:
    expected = Gap(years, band, LIMITS.get(band))
    for pair in ((taken("2010-01-01T00:00:00+00:00"), taken(later)), (taken(later), taken("2010-01-01"))):
        assert gap_between(*pair, sees_north) == expected
    assert (expected.limits is None) == (years <= 5)


def test_of_another_districts_date_only_the_band_is_shown() -> None:
    gap = gap_between(taken("2010-01-01"), taken("2017-01-01", "south"), sees_north)
    assert gap == Gap(None, "6-10", LIMITS["6-10"])
    # Its file's date is no more told than its events'.
    assert gap_between(taken("2010-01-01"), Dates((), "2017-01-01", frozenset({"south"})), sees_north) == gap
    # Once all may be known, the years are.
    assert gap_between(taken("2010-01-01"), taken("2017-01-01", "south"), lambda _: True) == Gap(
        7, "6-10", LIMITS["6-10"]
    )


def test_a_picture_of_both_districts_is_dated_by_what_the_reader_may_know() -> None:
    shared = Dates(
        (StatedDate("2010-01-01", 5, "north"), StatedDate("2020-01-01", 9, "south")),
        "1999-01-01",
        frozenset({"north", "south"}),
    )
    assert gap_between(taken("2010-01-01"), shared, sees_north) == Gap(0, "to 2", None)
    # Where the own district said nothing, the file says it: it is the same picture.
    only_theirs = Dates((StatedDate("2020-01-01", 9, "south"),), "2012-01-01", frozenset({"north", "south"}))
    assert gap_between(taken("2010-01-01"), only_theirs, sees_north) == Gap(2, "to 2", None)


def test_without_both_dates_there_is_no_gap() -> None:
    assert gap_between(taken("2010-01-01"), Dates(), sees_north) is None
    assert gap_between(Dates(), taken("2010-01-01"), sees_north) is None
