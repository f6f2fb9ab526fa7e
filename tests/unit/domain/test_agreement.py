"""How often two people agreed, and when no figure is shown."""

from graph.domain.agreement import PEOPLE_MIN, SHOWN_FROM, Agreement, Share, Verdicts, by_band, by_month
from graph.domain.calibration import BAND_WORDS

THREE = frozenset({"anna", "bob", "cleo"})


def verdicts(
    number: int,
    answer: str | None = None,
    *,
    decision: str = "confirmed",
    by_another: bool = True,
    people: frozenset[str] = THREE,
    band: str = "strong support",
    month: str = "2026-11",
) -> Verdicts:
    return Verdicts(month, band, decision, answer, by_another and answer is not None, number, people)


def test_an_approval_agrees_and_a_return_or_a_reopening_by_another_person_does_not() -> None:
    found = Agreement.of(
        "all", [verdicts(8, "approved"), verdicts(1, "returned"), verdicts(1, "reopened"), verdicts(5)]
    )

    assert found == Agreement("all", same=Share(15, 15), agreed=Share(8, 10))


def test_what_its_maker_took_back_counts_nowhere() -> None:
    found = Agreement.of("all", [verdicts(10), verdicts(10, "reopened", by_another=False, decision="dismissed")])

    assert found == Agreement("all", same=Share(10, 10), agreed=None)


def test_a_later_verdict_by_another_person_is_no_second_decision() -> None:
    found = Agreement.of("all", [verdicts(12, "confirmed", decision="unsure")])

    assert found == Agreement("all", same=Share(0, 12), agreed=None)


def test_a_figure_that_would_point_at_a_person_is_withheld() -> None:
    few = Agreement.of("all", [verdicts(SHOWN_FROM - 1, "approved")])
    two_people = frozenset(sorted(THREE)[: PEOPLE_MIN - 1])
    alone = Agreement.of("all", [verdicts(100, "approved", people=two_people)])

    assert few == alone == Agreement("all", None, None)


def test_bands_stand_weakest_first_and_months_as_asked_for_with_gaps() -> None:
    found = [verdicts(10, band="strong support"), verdicts(10, band="", month="2026-10")]

    assert [item.name for item in by_band(found)] == list(BAND_WORDS)
    assert [item.same for item in by_band(found) if item.same] == [Share(10, 10)]
    assert [item.same for item in by_month(found, ["2026-09", "2026-10", "2026-11"])] == [
        None,
        Share(10, 10),
        Share(10, 10),
    ]
