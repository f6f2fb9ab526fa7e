"""What a person may see of a link before and after judging it."""

from typing import Any

import pytest

from graph.domain.link import LinkAct, State
from graph.domain.visibility import has_unsealed, poorest_first, visible_history, visible_link, was_shown_score
from tests.support.disclosures import DISCLOSURES
from tests.support.factories import ANNA, BEN

HISTORY = [
    {
        "verdict_id": "v1",
        "by": "anna",
        "at": "2026-11-20",
        "decision": "confirmed",
        "reasons": ["ears"],
        "text": "scar",
        "supersedes": None,
        "role": "investigator",
        "district": "south",
        "blind": True,
    }
]


def side(face: str, *cases: str) -> dict[str, Any]:
    known = [{"case_id": case, "district": case[:5], "contact": None} for case in cases]
    return {"face_id": face, "media_id": "m", "box": [1, 2, 3, 4], "quality": 0.5, "cases": known}


def row(state: State, *, judged: bool) -> dict[str, Any]:
    link = {
        "link_id": "l",
        "state": state.value,
        "version": 1,
        "score": 0.5,
        "band": "b",
        "model_id": "m",
        "threshold": 0.4,
        "by_mean": True,
        "score_id": "s",
        "proposed_by": "machine",
        "proposed_in": None,
        "proposed_at": "2026-11-20",
    }
    acts = [said("v1", "anna@north", "confirmed")] if judged else []
    return {"link": link, "acts": acts, "a": side("a", "north:1"), "b": side("b", "south:1")}


def said(verdict_id: str, by: str, decision: str, undoes: str | None = None) -> dict[str, Any]:
    return {"verdict_id": verdict_id, "by": by, "decision": decision, "undoes": undoes}


@pytest.mark.parametrize(
    ("acts", "opened"),
    [
        ([said("1", "anna@north", "confirmed")], True),
        ([said("1", "anna@north", "dismissed")], True),
        ([said("1", "ANNA@north", "approved")], True),
        ([said("1", "ben@south", "confirmed")], False),
        ([said("1", "anna@north", "unsure")], False),
        ([said("1", "ben@south", "confirmed"), said("2", "anna@north", "returned")], False),
        ([said("1", "ben@south", "confirmed"), said("2", "anna@north", "reopened", "1")], False),
        ([said("1", "anna@north", "confirmed"), said("2", "sue@north", "reopened", "1")], False),
        ([said("1", "anna@north", "confirmed"), said("2", "sue@north", "returned")], True),
    ],
)
def test_a_decision_of_ones_own_opens_a_link_while_it_stands_and_nothing_else_does(
    acts: list[Any], opened: bool
) -> None:
    assert has_unsealed(ANNA, acts) is opened


@pytest.mark.parametrize(
    ("entry", "seen"),
    [
        (LinkAct("1", "act", "anna@north", "", "confirmed", State.CANDIDATE, opened=True), True),
        (LinkAct("1", "act", "Anna@North", "", "confirmed", State.CANDIDATE, opened=True), True),
        (LinkAct("1", "act", "anna@north", "", "unsure", State.CANDIDATE, opened=False), False),
        (LinkAct("1", "act", "anna@north", "", "unsure", State.CANDIDATE, opened=True), True),  # of an older release
        (LinkAct("1", "act", "ben@south", "", "confirmed", State.CANDIDATE, opened=True), False),
        (LinkAct("1", "act", "ben@south", "", "approved", State.CONFIRMED, opened=True), True),
    ],
)
def test_who_was_ever_shown_a_score_or_reasons_is_not_blind_any_more(entry: LinkAct, seen: bool) -> None:
    assert was_shown_score(ANNA, [entry]) is seen


def test_each_deliberate_disclosure_has_its_reason() -> None:
    assert all(told.fact and told.reason for told in DISCLOSURES)


def test_links_with_hidden_scores_come_by_the_poorer_picture_and_then_by_id() -> None:
    links = [("c", 0.9, 0.2), ("a", 0.2, 0.3), ("b", None, 0.9), ("d", 0.5, 0.6)]
    assert [name for name, a, b in sorted(links, key=lambda one: poorest_first(one[1], one[2], one[0]))] == list("bacd")


@pytest.mark.parametrize("state", list(State))
def test_a_score_is_seen_by_who_has_judged_and_by_nobody_else_in_any_state(state: State) -> None:
    blind, judge = visible_link(row(state, judged=False), ANNA), visible_link(row(state, judged=True), ANNA)

    assert (blind.score, blind.band, blind.model_id, blind.threshold, blind.by_mean) == (None,) * 5
    assert (judge.score, judge.band, judge.model_id, judge.threshold, judge.by_mean) == (0.5, "b", "m", 0.4, True)


@pytest.mark.parametrize(
    ("state", "told", "why"),
    [
        (State.LEAD, False, False),
        (State.CANDIDATE, False, False),
        (State.UNSURE, False, False),
        (State.RETURNED, False, False),
        (State.CONFIRMED, True, False),
        (State.DISMISSED, True, False),
        (State.APPROVED, True, True),
    ],
)
def test_who_has_not_judged_reads_of_others_only_what_cannot_sway(state: State, told: bool, why: bool) -> None:
    seen = visible_history(state, False, HISTORY, BEN)

    assert [past.by for past in seen] == (["anna"] if told else [])
    assert all((past.text is not None) == why and (past.reasons is not None) == why for past in seen)


@pytest.mark.parametrize("state", list(State))
def test_who_has_judged_reads_all(state: State) -> None:
    [past] = visible_history(state, True, HISTORY, ANNA)
    assert (past.reasons, past.text) == (("ears",), "scar")


@pytest.mark.parametrize("state", [State.CONFIRMED, State.DISMISSED, State.APPROVED])
def test_who_acted_in_another_district_is_a_role_and_a_district_until_the_link_is_approved(state: State) -> None:
    [past] = visible_history(state, False, HISTORY, ANNA)
    assert past.by == ("anna" if state is State.APPROVED else "investigator of south")


@pytest.mark.parametrize("state", [State.CONFIRMED, State.APPROVED])
def test_who_made_a_link_by_hand_is_named_as_who_acted_is(state: State) -> None:
    by_hand = row(state, judged=False)
    by_hand["link"] |= {"proposed_by": "ben@south", "proposed_in": "south"}
    assert visible_link(by_hand, BEN).proposed_by == "ben@south"
    told = "ben@south" if state is State.APPROVED else "investigator of south"
    assert visible_link(by_hand, ANNA).proposed_by == told
