"""Victims follow from what was said, whatever the order in which it is computed and however much of it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from graph.domain.identification import Identification, identities
from graph.domain.link import State
from graph.domain.victim import (
    Contradiction,
    FaceFacts,
    LinkFacts,
    Neighbourhood,
    contradictions,
    explained,
    formed_id,
    victims,
)
from tests.support import reference_victims as reference

FACES = [f"f{number}" for number in range(9)]


def near(faces: dict[str, FaceFacts] | list[str], *links: LinkFacts) -> Neighbourhood:
    known = faces if isinstance(faces, dict) else {face: FaceFacts(face, f"m-{face}") for face in faces}
    return Neighbourhood(known, {link.link_id: link for link in links})


def confirmed(a: str, b: str, at: str = "1", state: State = State.CONFIRMED) -> LinkFacts:
    return LinkFacts(f"{a}-{b}", a, b, state, at)


def declared(**names: str) -> dict[str, FaceFacts]:
    return {face: FaceFacts(face, f"m-{face}", frozenset(text.split())) for face, text in names.items()}


drawn_faces = st.fixed_dictionaries({face: st.sets(st.sampled_from(["r1", "r2"]), max_size=1) for face in FACES})
drawn_links = st.lists(
    st.tuples(
        st.sampled_from(FACES),
        st.sampled_from(FACES),
        st.sampled_from(["confirmed", "approved", "dismissed"]),
        st.integers(0, 5),
    ).filter(lambda drawn: drawn[0] < drawn[1]),
    max_size=14,
    unique_by=lambda drawn: drawn[:2],
)


@settings(max_examples=600)
@given(drawn_faces, drawn_links)
def test_they_are_what_a_plain_computation_finds(
    names: dict[str, set[str]], drawn: list[tuple[str, str, str, int]]
) -> None:
    faces = {face: FaceFacts(face, f"m-{face}", frozenset(ids)) for face, ids in names.items()}
    links = [confirmed(a, b, str(at), State(state)) for a, b, state, at in drawn]
    found = victims(near(faces, *links))

    histories = {
        link.link_id: [
            reference.HistoryEntry(
                "dismissed" if link.state is State.DISMISSED else "confirmed", link.confirmed_at, "candidate"
            ),
            *([reference.HistoryEntry("approved", "9", "confirmed")] if link.state is State.APPROVED else []),
        ]
        for link in links
    }
    pairs = {link.link_id: (link.a, link.b) for link in links}
    expected, pending = reference.victims({face: sorted(ids) for face, ids in names.items()}, pairs, histories)
    assert found.of_face == expected
    assert found.pending == pending
    # A closed part of it computed alone gives the same.
    for victim in found.by_id.values():
        part = near({face: faces[face] for face in victim.faces}, *(x for x in links if {x.a, x.b} <= victim.faces))
        assert victims(part).of_face == {face: victim.victim_id for face in victim.faces}


def test_a_formed_victim_keeps_the_name_of_its_oldest_confirmation_under_growth_and_split() -> None:
    first, second, third = confirmed("a", "b", "1"), confirmed("b", "c", "2"), confirmed("c", "d", "3")
    faces = ["a", "b", "c", "d"]

    assert set(victims(near(faces, first)).of_face.values()) == {formed_id("a-b")}
    assert set(victims(near(faces, first, second, third)).of_face.values()) == {formed_id("a-b")}
    split = victims(near(faces, first, third)).of_face
    assert split == dict.fromkeys("ab", formed_id("a-b")) | dict.fromkeys("cd", formed_id("c-d"))


def test_two_registered_victims_join_only_by_approval() -> None:
    faces = declared(a="r2", b="r1", c="")
    link = confirmed("a", "b")

    found = victims(near(faces, link))
    assert found.pending == {"a-b"}
    assert found.of_face == {"a": "r2", "b": "r1"}

    joined = victims(near(faces, confirmed("a", "b", state=State.APPROVED)))
    assert joined.pending == frozenset()
    assert joined.of_face == {"a": "r1", "b": "r1"}


def test_the_link_confirmed_later_is_the_one_that_waits() -> None:
    faces = declared(a="r1", b="", c="r2")
    first, second = confirmed("a", "b", "1"), confirmed("b", "c", "2")

    assert victims(near(faces, first, second)).pending == {"b-c"}
    earlier = confirmed("b", "c", "0")
    assert victims(near(faces, first, earlier)).pending == {"a-b"}


def test_a_chain_may_not_join_a_dismissed_pair_or_two_faces_of_one_frame_and_the_hardest_link_is_named() -> None:
    quality = {"a": 0.9, "b": 0.8, "c": 0.4, "d": 0.9}
    faces = {face: FaceFacts(face, "one" if face in "ad" else face, quality=quality[face]) for face in "abcd"}
    chain = [confirmed("a", "b"), confirmed("b", "c"), confirmed("c", "d")]
    dismissed = LinkFacts("a-c", "a", "c", State.DISMISSED)
    around = near(faces, *chain, dismissed)
    found = victims(around)

    wrong = contradictions(around, found)
    assert wrong == {Contradiction("one_frame", "a", "d"), Contradiction("dismissed", "a", "c")}
    told = explained(Contradiction("one_frame", "a", "d"), around, found)
    assert told.path == ("a-b", "b-c", "c-d")
    assert told.weakest == "b-c"


def test_faces_of_a_video_that_are_seen_at_different_times_may_be_one_person() -> None:
    early, late = FaceFacts("a", "video", start_ms=0, end_ms=900), FaceFacts("b", "video", start_ms=1000, end_ms=2000)
    both = FaceFacts("c", "video", start_ms=800, end_ms=1500)

    assert not early.in_one_frame_with(late)
    assert early.in_one_frame_with(both)
    assert FaceFacts("d", None).in_one_frame_with(FaceFacts("e", None)) is False


def test_an_identification_stands_while_its_faces_are_one_victim() -> None:
    faces = ["a", "b", "c"]
    first, second = confirmed("a", "b", "1"), confirmed("b", "c", "2")
    whole = victims(near(faces, first, second))
    made = Identification("i", formed_id("a-b"), "person", "approved", ("a", "b", "c"), "anna")

    assert identities([made], whole, faces).person_of == {formed_id("a-b"): "person"}
    split = identities([made], victims(near(faces, first)), faces)
    assert [item.state for item in split.lapsed] == ["to_be_approved_again"]
    assert split.person_of == {}
    erased = identities([made], victims(near(["a", "b"], first)), ["a", "b"])
    assert erased.lapsed == ()


def test_two_people_never_become_one_victim() -> None:
    faces = ["a", "b", "c", "d"]
    links = [confirmed("a", "b"), confirmed("c", "d"), confirmed("b", "c")]
    one = Identification("i", "x", "person 1", "approved", ("a", "b"), "anna")
    other = Identification("j", "y", "person 2", "approved", ("c", "d"), "anna")

    assert identities([one, other], victims(near(faces, *links)), faces).conflicting == {"i", "j"}
    assert identities([one, other], victims(near(faces, *links[:2])), faces).conflicting == frozenset()
