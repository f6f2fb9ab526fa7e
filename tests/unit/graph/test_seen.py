"""What a person may see of a link before and after judging it."""

from __future__ import annotations

from typing import Any

import pytest

from graph.actions.seen import link_from, visible_history
from graph.domain.link import State
from tests.factories import ANNA, BEN

HISTORY = [
    {"verdict_id": "v1", "by": "anna", "at": "2026-11-20", "decision": "confirmed", "reasons": ["ears"], "text": "scar",
     "supersedes": None, "role": "investigator", "district": "south"}
]  # fmt: skip


def side(face: str, *cases: str) -> dict[str, Any]:
    known = [{"case_id": case, "district": case[:5], "contact": None} for case in cases]
    return {"face_id": face, "media_id": "m", "box": [1, 2, 3, 4], "quality": 0.5, "cases": known}


def row(state: State, *, judged: bool) -> dict[str, Any]:
    link = {
        "link_id": "l", "state": state.value, "version": 1, "score": 0.5, "band": "b", "model_id": "m",
        "threshold": 0.4, "by_mean": True, "score_id": "s", "proposed_by": "machine", "proposed_in": None,
        "proposed_at": "2026-11-20",
    }  # fmt: skip
    return {"link": link, "judged": judged, "a": side("a", "north:1"), "b": side("b", "south:1")}


@pytest.mark.parametrize("state", list(State))
def test_a_score_is_seen_by_who_has_judged_and_by_nobody_else_in_any_state(state: State) -> None:
    blind, judge = link_from(row(state, judged=False), ANNA), link_from(row(state, judged=True), ANNA)

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
        (State.DISMISSED, True, True),
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
    assert link_from(by_hand, BEN).proposed_by == "ben@south"
    told = "ben@south" if state is State.APPROVED else "investigator of south"
    assert link_from(by_hand, ANNA).proposed_by == told
