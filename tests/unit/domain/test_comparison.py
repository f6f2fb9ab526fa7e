"""Who may be compared with whom, how many are proposed, and what a search may find."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from graph.domain.comparison import (
    HIDDEN_LABELS,
    OTHER_CASES,
    OWN_CASE,
    PER_CASE,
    PER_PERSON,
    PER_VICTIM,
    InScope,
    Scope,
    Similar,
    cut_by_caps,
    may_compare,
    may_find,
    order,
    people_within,
    within_caps,
)

cases = st.sampled_from(["a:1", "a:2", "b:1"])
labels = st.sampled_from([None, "victim", *sorted(HIDDEN_LABELS)])
memberships = st.dictionaries(cases, st.sampled_from(Scope), max_size=3)
open_cases = st.sets(cases)
media = st.sampled_from(["m1", "m2", "m3"])


@given(media, media, memberships, memberships, open_cases, labels, labels)
def test_two_faces_may_be_compared_exactly_where_the_rule_says_so_from_either_side(
    media_a: str,
    media_b: str,
    of_a: dict[str, Scope],
    of_b: dict[str, Scope],
    still_open: set[str],
    label_a: str | None,
    label_b: str | None,
) -> None:
    a, b = InScope.of(media_a, of_a, still_open, label_a), InScope.of(media_b, of_b, still_open, label_b)
    counting_a = {case: scope for case, scope in of_a.items() if case in still_open}
    counting_b = {case: scope for case, scope in of_b.items() if case in still_open}
    both_registered = Scope.REGISTER in counting_a.values() and Scope.REGISTER in counting_b.values()
    one_case = any(
        case in counting_b and Scope.NONE not in (scope, counting_b[case]) for case, scope in counting_a.items()
    )
    hidden = label_a in HIDDEN_LABELS or label_b in HIDDEN_LABELS

    assert may_compare(a, b) == (media_a != media_b and not hidden and (both_registered or one_case))
    assert may_compare(b, a) == may_compare(a, b)


found = st.lists(
    st.builds(
        Similar,
        face_id=st.uuids().map(str),
        score=st.sampled_from([0.36, 0.4, 0.41, 0.7, 0.9]),
        case_id=st.sampled_from([f"a:{number}" for number in range(8)]),
        own_case=st.booleans(),
        victim_id=st.sampled_from([None, None, "v1", "v2"]),
    ),
    max_size=60,
    unique_by=lambda item: item.face_id,
)


@given(found)
def test_the_caps_hold_and_what_is_left_out_is_left_out_for_a_reason(items: list[Similar]) -> None:
    kept = within_caps(items)
    others = [item for item in kept if not item.own_case]

    assert kept == sorted(kept, key=order)
    assert len(others) <= OTHER_CASES
    assert len(kept) - len(others) <= OWN_CASE
    assert max(Counter(item.case_id for item in others).values(), default=0) <= PER_CASE
    assert max(Counter(i.victim_id for i in kept if i.victim_id).values(), default=0) <= PER_VICTIM
    for left in set(items) - set(kept):
        better = [item for item in kept if order(item) < order(left)]
        of_kind = [item for item in better if item.own_case == left.own_case]
        assert (
            len(of_kind) >= (OWN_CASE if left.own_case else OTHER_CASES)
            or (not left.own_case and sum(item.case_id == left.case_id for item in of_kind) >= PER_CASE)
            or (left.victim_id and sum(item.victim_id == left.victim_id for item in better) >= PER_VICTIM)
        )


@given(found, st.randoms(use_true_random=False))
def test_the_proposals_do_not_depend_on_the_order_in_which_faces_are_found(items: list[Similar], dice: object) -> None:
    shuffled = list(items)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]

    assert within_caps(shuffled) == within_caps(items)


@given(found, st.integers(1, 5))
def test_the_registers_list_has_a_few_faces_of_each_of_the_best_people(items: list[Similar], limit: int) -> None:
    person_of = {item.face_id: item.victim_id or item.face_id for item in items}
    kept = people_within(items, limit, person_of.__getitem__)

    best_first = list(dict.fromkeys(person_of[item.face_id] for item in sorted(items, key=order)))
    assert kept == sorted(kept, key=order)
    assert list(dict.fromkeys(person_of[item.face_id] for item in kept)) == best_first[:limit]
    for person in best_first[:limit]:
        faces = [item for item in sorted(items, key=order) if person_of[item.face_id] == person]
        assert [item for item in kept if person_of[item.face_id] == person] == faces[:PER_PERSON]


@given(memberships, open_cases, labels, cases)
def test_a_search_in_one_case_finds_only_its_own_media_that_are_not_out_of_scope(
    of: dict[str, Scope], still_open: set[str], label: str | None, case: str
) -> None:
    scope = InScope.of("m", of, still_open, label)

    expected = label not in HIDDEN_LABELS and of.get(case, Scope.NONE) is not Scope.NONE

    assert may_find(scope, of, "a:1", f"case:{case}") == expected


@given(memberships, open_cases, labels, cases)
def test_a_search_in_the_register_finds_registered_faces_and_the_asking_cases_own(
    of: dict[str, Scope], still_open: set[str], label: str | None, asking: str
) -> None:
    scope = InScope.of("m", of, still_open, label)
    counting = {case: kind for case, kind in of.items() if case in still_open}
    own = counting.get(asking, Scope.NONE) is not Scope.NONE

    expected = label not in HIDDEN_LABELS and (Scope.REGISTER in counting.values() or own)

    assert may_find(scope, of, asking, "register") == expected


@given(found, st.sampled_from([0.41, 0.9]))
def test_what_the_caps_cut_is_counted_where_it_is_as_similar_as_what_is_proposed(
    items: list[Similar], threshold: float
) -> None:
    kept = within_caps(items)
    cut = cut_by_caps(items, kept, threshold)

    away = [item for item in kept if not item.own_case]
    by_id = {item.face_id: item for item in items}
    assert cut == sorted(cut) and not {item.face_id for item in kept} & set(cut)
    for item in items:
        seen = item in kept or item.own_case or any(one.victim_id == item.victim_id for one in kept if item.victim_id)
        as_similar = item.score >= threshold or (bool(away) and item.score >= away[-1].score)
        assert (item.face_id in cut) == (as_similar and not seen)
    assert all(not by_id[face_id].own_case for face_id in cut)
