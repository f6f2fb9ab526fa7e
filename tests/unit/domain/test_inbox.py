"""New candidates counted by case."""

from graph.domain.inbox import NewInCase, by_case


def test_a_candidate_between_two_cases_of_the_district_counts_in_both() -> None:
    found = by_case([(0, ["local:1", "local:2"]), (2, ["local:2"])])

    assert found == (NewInCase("local:2", 1, 0, 1), NewInCase("local:1", 1, 0, 0))
    assert [case.total for case in found] == [2, 1]


def test_cases_with_danger_come_first_and_numbers_decide_nothing() -> None:
    found = by_case([(0, ["local:3"])] * 9 + [(1, ["local:2"])] * 2 + [(0, ["local:1"]), (2, ["local:4"])])

    assert [case.case_id for case in found] == ["local:4", "local:2", "local:1", "local:3"]
