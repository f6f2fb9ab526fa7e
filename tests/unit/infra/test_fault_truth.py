"""Which stored decisions agree with what was asked, where answers were lost."""

import pytest

from tests.support.faults.truth import Verdict, agrees

YES, NO = "confirmed", "dismissed"


@pytest.mark.parametrize(
    ("stored", "asked", "wanted"),
    [
        ([YES, NO], [(YES, True), (NO, True)], True),
        ([YES], [(YES, False), (YES, True)], True),
        ([YES, YES], [(YES, False), (YES, True)], True),
        ([], [(YES, False)], True),
        ([], [(YES, True)], False),
        ([NO], [(YES, True)], False),
        ([NO, YES], [(YES, True), (NO, True)], False),
        ([YES, YES], [(YES, True)], False),
    ],
)
def test_only_records_that_were_never_acknowledged_may_be_missing(
    stored: list[str], asked: list[tuple[str, bool]], wanted: bool
) -> None:
    assert agrees(stored, [Verdict(*said) for said in asked]) is wanted
