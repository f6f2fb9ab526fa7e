"""Who may do what, tabulated: deed, role, district, and who decided before."""

from __future__ import annotations

import pytest

from graph.domain.errors import Forbidden
from graph.domain.people import ALLOWED, Deed, Person, Role, check_may, may

HERE, ELSEWHERE = ["north", "south"], ["west"]
EXPECTED = {
    Deed.SEE: {Role.INVESTIGATOR, Role.SUPERVISOR},
    Deed.SEARCH: {Role.INVESTIGATOR, Role.SUPERVISOR},
    Deed.UPLOAD: {Role.INVESTIGATOR, Role.SUPERVISOR},
    Deed.JUDGE: {Role.INVESTIGATOR},
    Deed.APPROVE: {Role.SUPERVISOR},
    Deed.REOPEN: {Role.SUPERVISOR},
    Deed.LABEL: {Role.INVESTIGATOR},
    Deed.MARK: {Role.INVESTIGATOR},
    Deed.IDENTIFY: {Role.INVESTIGATOR},
    Deed.APPROVE_IDENTIFICATION: {Role.SUPERVISOR},
    Deed.ERASE: {Role.SUPERVISOR},
    Deed.READ_AUDIT: {Role.AUDITOR},
    Deed.READ_QUARANTINE: {Role.OPERATOR},
    Deed.REPLAY: {Role.OPERATOR},
}
ANYWHERE = {Deed.READ_AUDIT, Deed.READ_QUARANTINE, Deed.REPLAY}


def person(role: Role, district: str | None = "north", actor: str = "one") -> Person:
    return Person(actor, frozenset({role}), district)


def test_every_deed_has_a_row_here_and_there() -> None:
    assert set(EXPECTED) == set(Deed) == set(ALLOWED)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("deed", Deed)
def test_a_role_may_do_what_its_row_says_in_its_district_and_nothing_else(deed: Deed, role: Role) -> None:
    allowed = role in EXPECTED[deed]
    assert may(person(role), deed, HERE, made_by="two") is allowed
    assert may(person(role), deed, ELSEWHERE, made_by="two") is (allowed and deed in ANYWHERE)
    assert may(person(role, None), deed, HERE, made_by="two") is (allowed and deed in ANYWHERE)
    assert may(person(role), deed, [], made_by="two") is (allowed and deed in ANYWHERE)
    assert may(person(role, None), deed, [None], made_by="two") is (allowed and deed in ANYWHERE)


def test_nobody_approves_what_they_decided_themselves_or_what_nobody_did() -> None:
    for deed in (Deed.APPROVE, Deed.APPROVE_IDENTIFICATION):
        both = Person("one", frozenset(Role), "north")
        assert not may(both, deed, HERE, made_by="one")
        assert not may(both, deed, HERE, made_by=None)
        with pytest.raises(Forbidden) as refused:
            check_may(both, deed, HERE, made_by="one")
        assert refused.value.code == "own_decision"


def test_who_made_an_act_may_reopen_it_while_still_an_investigator_there() -> None:
    assert may(person(Role.INVESTIGATOR), Deed.REOPEN, HERE, made_by="one")
    assert not may(person(Role.INVESTIGATOR), Deed.REOPEN, HERE, made_by="two")
    assert not may(person(Role.INVESTIGATOR, "west"), Deed.REOPEN, HERE, made_by="one")
    assert not may(person(Role.AUDITOR), Deed.REOPEN, HERE, made_by="one")
