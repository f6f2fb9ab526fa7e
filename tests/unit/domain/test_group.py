"""Faces are one group only where every pair of them is strictly similar; who is apart leaves."""

from graph.domain.group import SHEET_MAX, FaceSet, grown_group, without_cannot_links

STRICT = 0.528


def group(*faces: str) -> FaceSet:
    return frozenset(faces)


def weakest_of(scores: dict[str, float]):
    """The lowest of the scores between two units; a pair is named by its two letters, one that is not has 0."""
    return lambda one, other: min(scores.get("".join(sorted(a + b)), 0.0) for a in one for b in other)


def test_a_chain_of_likenesses_joins_nobody() -> None:
    """`n` is like `a` and like `b`, who are not like each other: it goes to the one it is more like."""
    scores = weakest_of({"an": 0.6, "bn": 0.7})
    assert grown_group("n", [group("a"), group("b")], scores, STRICT) == (group("b", "n"), [group("b")])


def test_a_face_that_is_like_all_of_two_groups_makes_them_one_where_they_are_alike() -> None:
    pairs = {"ab": 0.9, "an": 0.6, "bn": 0.6, "cn": 0.7, "ac": 0.55, "bc": 0.53}
    assert grown_group("n", [group("a", "b"), group("c")], weakest_of(pairs), STRICT)[0] == group("a", "b", "c", "n")


def test_one_weak_pair_keeps_a_face_out_of_a_group() -> None:
    scores = weakest_of({"an": 0.9, "bn": STRICT - 0.001})
    assert grown_group("n", [group("a", "b")], scores, STRICT) == (group("n"), [])


def test_a_group_that_would_not_fit_on_a_contact_sheet_takes_nobody_in() -> None:
    full = frozenset(f"{number:03}" for number in range(SHEET_MAX))
    assert grown_group("n", [full], lambda _, __: 1.0, STRICT) == (group("n"), [])


def test_a_face_dismissed_against_most_leaves_and_the_others_stay() -> None:
    apart = {"x": {"a", "b"}, "a": {"x"}, "b": {"x"}}
    assert without_cannot_links("abcx", apart) == group("a", "b", "c")


def test_of_a_dismissed_pair_one_face_leaves_in_either_order() -> None:
    assert (
        without_cannot_links("ab", {"a": {"b"}, "b": {"a"}})
        == without_cannot_links("ba", {"b": {"a"}, "a": {"b"}})
        == group("a")
    )
