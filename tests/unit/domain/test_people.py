"""Who may do what, tabulated: deed, role, district, and who decided before."""

import pytest

from graph.domain.errors import Forbidden, NotFound
from graph.domain.people import (
    ALLOWED,
    Maker,
    Permission,
    Person,
    Role,
    check_actor,
    check_may,
    check_role,
    display_name,
    districts_of,
    may,
)
from tests.support.factories import ANNA, BEN

HERE, ELSEWHERE = ["north", "south"], ["west"]
EXPECTED = {
    Permission.SEE: {Role.INVESTIGATOR, Role.SUPERVISOR},
    Permission.SEARCH: {Role.INVESTIGATOR, Role.SUPERVISOR},
    Permission.SEE_SEARCH: {Role.INVESTIGATOR, Role.SUPERVISOR},
    Permission.END_SEARCH: {Role.SUPERVISOR},
    Permission.UPLOAD: {Role.INVESTIGATOR, Role.SUPERVISOR},
    Permission.JUDGE: {Role.INVESTIGATOR},
    Permission.APPROVE: {Role.SUPERVISOR},
    Permission.REOPEN: {Role.SUPERVISOR},
    Permission.LABEL: {Role.INVESTIGATOR},
    Permission.MARK: {Role.INVESTIGATOR},
    Permission.IDENTIFY: {Role.INVESTIGATOR},
    Permission.APPROVE_IDENTIFICATION: {Role.SUPERVISOR},
    Permission.ERASE: {Role.SUPERVISOR},
    Permission.READ_AUDIT: {Role.AUDITOR},
    Permission.READ_COUNTS: {Role.OPERATOR},
    Permission.READ_QUARANTINE: {Role.OPERATOR},
    Permission.REPLAY: {Role.OPERATOR},
}
ANYWHERE = {Permission.READ_AUDIT, Permission.READ_COUNTS, Permission.READ_QUARANTINE, Permission.REPLAY}


def person(role: Role, district: str | None = "north", actor: str = "one") -> Person:
    return Person(actor, frozenset({role}), district)


def test_every_deed_has_a_row_here_and_there() -> None:
    assert set(EXPECTED) == set(Permission) == set(ALLOWED)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("deed", Permission)
def test_a_role_may_do_what_its_row_says_in_its_district_and_nothing_else(deed: Permission, role: Role) -> None:
    allowed = role in EXPECTED[deed]
    assert may(person(role), deed, HERE, made_by="two") is allowed
    assert may(person(role), deed, ELSEWHERE, made_by="two") is (allowed and deed in ANYWHERE)
    assert may(person(role, None), deed, HERE, made_by="two") is (allowed and deed in ANYWHERE)
    assert may(person(role), deed, [], made_by="two") is (allowed and deed in ANYWHERE)
    assert may(person(role, None), deed, [None], made_by="two") is (allowed and deed in ANYWHERE)


def test_nobody_approves_what_they_decided_themselves_or_what_nobody_did() -> None:
    for deed in (Permission.APPROVE, Permission.APPROVE_IDENTIFICATION):
        both = Person("one", frozenset(Role), "north")
        assert not may(both, deed, HERE, made_by="one")
        assert not may(both, deed, HERE, made_by=None)
        with pytest.raises(Forbidden) as refused:
            check_may(both, deed, HERE, made_by="one")
        assert refused.value.code == "own_decision"


def test_who_made_an_act_may_reopen_it_while_still_an_investigator_there() -> None:
    assert may(person(Role.INVESTIGATOR), Permission.REOPEN, HERE, made_by="one")
    assert not may(person(Role.INVESTIGATOR), Permission.REOPEN, HERE, made_by="two")
    assert not may(person(Role.INVESTIGATOR, "west"), Permission.REOPEN, HERE, made_by="one")
    assert not may(person(Role.AUDITOR), Permission.REOPEN, HERE, made_by="one")


def test_who_asked_a_search_sees_its_answer_from_another_district_too() -> None:
    assert may(person(Role.INVESTIGATOR, "west"), Permission.SEE_SEARCH, HERE, made_by="one")
    assert not may(person(Role.INVESTIGATOR, "west"), Permission.SEE_SEARCH, HERE, made_by="two")
    assert not may(person(Role.AUDITOR), Permission.SEE_SEARCH, HERE, made_by="one")


@pytest.mark.parametrize("deed", [deed for deed in Permission if ALLOWED[deed].in_district])
def test_what_lies_where_one_sees_nothing_is_not_found_whatever_ones_role(deed: Permission) -> None:
    for who in (*(person(role, "west") for role in Role), *(person(role, None) for role in Role), person(Role.AUDITOR)):
        with pytest.raises(NotFound) as refused:
            check_may(who, deed, HERE, made_by="two")
        assert refused.value.code == "not_found"


def test_what_one_sees_and_may_not_do_is_forbidden() -> None:
    with pytest.raises(Forbidden):
        check_may(person(Role.SUPERVISOR), Permission.JUDGE, HERE)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("deed", Permission)
def test_a_role_that_may_do_it_nowhere_is_refused_before_anything_is_looked_up(deed: Permission, role: Role) -> None:
    somewhere = role in EXPECTED[deed] or (
        deed in (Permission.REOPEN, Permission.END_SEARCH) and role is Role.INVESTIGATOR
    )
    if somewhere:
        check_role(person(role, None), deed)
    else:
        with pytest.raises(Forbidden):
            check_role(person(role), deed)


def test_a_query_looks_through_the_own_district_or_none() -> None:
    assert districts_of(person(Role.INVESTIGATOR), Permission.SEE) == {"north"}
    assert districts_of(person(Role.INVESTIGATOR, None), Permission.SEE) == frozenset()
    assert districts_of(person(Role.AUDITOR), Permission.SEE) == frozenset()


def test_an_act_names_its_maker_at_home_and_elsewhere_the_role_and_district_until_approved() -> None:
    both = Person("sue@north", frozenset({Role.INVESTIGATOR, Role.SUPERVISOR}), "north")
    for deed, role in (
        (Permission.JUDGE, "investigator"),
        (Permission.APPROVE, "supervisor"),
        (Permission.REOPEN, "supervisor"),
    ):
        maker = Maker.of(both, deed)
        assert display_name(ANNA, maker, approved=False) == display_name(BEN, maker, approved=True) == "sue@north"
        assert display_name(BEN, maker, approved=False) == f"{role} of north"
    moved = Maker(BEN.actor, "investigator", "north")
    assert display_name(BEN, moved, approved=False) == BEN.actor, "everybody knows the own acts"
    unknown = Maker("sue@north", None, None)
    assert display_name(Person("x"), unknown, approved=False) == "somebody of another district"
    assert check_actor(BEN.actor) == BEN.actor
    with pytest.raises(Forbidden):
        check_actor(display_name(BEN, Maker.of(both, Permission.APPROVE), approved=False))
