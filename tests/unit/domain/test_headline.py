"""What an answer says in one sentence, and what it never says."""

import pytest

from graph.domain.headline import AnswerCounts, headline

NUMBERS = "in 1204 compared, 31 could not be judged"
CAUTION = "similar is not the same person"


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (AnswerCounts(identified=1), f"leads to an identified victim {NUMBERS}; {CAUTION}"),
        (AnswerCounts(unidentified=1, weak=3), f"leads to an unidentified victim {NUMBERS}; {CAUTION}"),
        (AnswerCounts(unknown=4), f"leads to 4 unknown faces {NUMBERS}; {CAUTION}"),
        (
            AnswerCounts(identified=2, unidentified=1, unknown=1),
            f"leads to 2 identified victims, an unidentified victim and an unknown face {NUMBERS}; {CAUTION}",
        ),
        (AnswerCounts(weak=2), f"nothing similar {NUMBERS}; the nearest are listed"),
        (AnswerCounts(), f"nothing similar {NUMBERS}"),
        (AnswerCounts(coming=12), f"nothing similar {NUMBERS}; 12 still to come"),
    ],
)
def test_an_answer_is_of_four_kinds_and_tells_what_could_not_be_judged(found: AnswerCounts, said: str) -> None:
    assert headline("answered", found, 1204, 31) == said


@pytest.mark.parametrize("status", ["no_face", "too_poor", "quarantined"])
def test_a_search_that_compared_nothing_says_so(status: str) -> None:
    assert headline(status, AnswerCounts(), 0, 31).endswith("nothing was compared")


def test_a_face_that_is_too_poor_has_leads_and_no_answer() -> None:
    told = "the face is too poor to compare"
    assert (
        headline("too_poor", AnswerCounts(weak=2), 1204, 31)
        == f"{told}: the nearest are listed as leads only, {NUMBERS}"
    )
    assert (
        headline("too_poor", AnswerCounts(), 1204, 31) == f"{told}: nothing resembles it, which says little, {NUMBERS}"
    )


@pytest.mark.parametrize("status", ["asked", "answered", "no_face", "too_poor", "quarantined"])
@pytest.mark.parametrize(
    "found", [AnswerCounts(), AnswerCounts(weak=1), AnswerCounts(identified=1), AnswerCounts(unknown=1, coming=3)]
)
def test_no_headline_claims_that_somebody_is_not_in_the_register(status: str, found: AnswerCounts) -> None:
    said = headline(status, found, 1204, 31)

    assert "not in the register" not in said
    assert "match" not in said
