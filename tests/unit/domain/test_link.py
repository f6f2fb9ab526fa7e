"""The state table of a link, and that a reopening restores exactly."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.domain.errors import Conflict, Invalid
from graph.domain.link import (
    REOPENED,
    Decision,
    LinkAct,
    LinkStatus,
    SecondDecision,
    State,
    check_reasons,
    check_text,
    link_status,
    next_state,
    state_after_reopening,
)

VERDICTS_FROM = {State.LEAD, State.CANDIDATE, State.UNSURE, State.RETURNED, State.WITHDRAWN}
SAID = [*Decision, *SecondDecision]


@pytest.mark.parametrize(("state", "said"), list(product(State, SAID)))
def test_each_act_is_taken_where_the_table_says_so_and_refused_elsewhere(
    state: State, said: Decision | SecondDecision
) -> None:
    allowed = state in VERDICTS_FROM if isinstance(said, Decision) else state is State.CONFIRMED
    if allowed:
        assert next_state(state, said) == State(said.value)
    else:
        with pytest.raises(Conflict):
            next_state(state, said)


def entry(number: int, decision: str, state_then: State, undoes: str | None = None) -> LinkAct:
    return LinkAct(f"v{number}", f"a{number}", "anna", f"2026-01-01T00:00:{number:02}", decision, state_then, undoes)


@given(st.sampled_from([State.LEAD, State.CANDIDATE]), st.lists(st.sampled_from([*SAID, REOPENED]), max_size=40))
def test_a_reopening_takes_the_last_act_still_standing_back_and_nothing_else(
    first: State, wishes: list[Decision | SecondDecision | str]
) -> None:
    history: list[LinkAct] = []
    states = [first]  # the states before each act that still stands, and the state now
    for number, wish in enumerate(wishes):
        now = link_status(first, history)
        assert now.state is states[-1]
        assert len(now.acts) == len(states) - 1
        if isinstance(wish, Decision | SecondDecision):
            try:
                state = next_state(now.state, wish)
            except Conflict:
                continue
            history.append(entry(number, wish.value, now.state))
            states.append(state)
        elif len(states) == 1:
            with pytest.raises(Conflict) as refused:
                state_after_reopening(now)
            assert refused.value.code == "nothing_to_reopen"
        else:
            state, undone = state_after_reopening(now)
            history.append(entry(number, REOPENED, now.state, undone.verdict_id))
            states.pop()
            assert state is states[-1]
    assert link_status(first, history).state is states[-1]


def test_a_confirmation_is_that_of_the_verdict_still_standing() -> None:
    first = entry(1, "confirmed", State.CANDIDATE)
    returned = entry(2, "returned", State.CONFIRMED)
    second = entry(3, "confirmed", State.RETURNED)
    approved = entry(4, "approved", State.CONFIRMED)

    assert link_status(State.CANDIDATE, [first]).confirmation == first
    assert link_status(State.CANDIDATE, [first, returned]).confirmation is None
    assert link_status(State.CANDIDATE, [first, returned, second, approved]).confirmation == second
    undone = [entry(5, REOPENED, State.APPROVED), entry(6, REOPENED, State.CONFIRMED)]
    assert link_status(State.CANDIDATE, [first, returned, second, approved, *undone]) == LinkStatus(
        State.RETURNED, (first, returned)
    )


def test_dismissing_needs_no_reason_and_confirming_one_that_speaks_for_it() -> None:
    check_reasons(Decision.DISMISSED, [], "")
    check_reasons(Decision.CONFIRMED, ["against:hair", "ears"], "")
    for reasons in ([], ["against:hair"], ["looks"]):
        with pytest.raises(Invalid):
            check_reasons(Decision.CONFIRMED, reasons, "")
    with pytest.raises(Invalid):
        check_text("  ", needed=True)
    with pytest.raises(Invalid):
        check_text("x" * 4001)
