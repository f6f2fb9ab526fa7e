"""The victims as a viewer may know them: made of what they may know, and of nothing else."""

from hypothesis import given, settings
from hypothesis import strategies as st

from graph.domain.identification import Identification
from graph.domain.known_victims import ELSEWHERE, victim_view, visible_contradiction
from graph.domain.link import State
from graph.domain.victim import Contradiction, FaceFacts, LinkFacts, Neighbourhood, formed_id


def near(faces: dict[str, str], *links: LinkFacts) -> Neighbourhood:
    """Faces with what a case system declared them to be, and the links between them."""
    facts = {face: FaceFacts(face, f"m-{face}", frozenset(names.split())) for face, names in faces.items()}
    return Neighbourhood(facts, {link.link_id: link for link in links})


def link(pair: str, state: State = State.CONFIRMED, at: str = "1") -> LinkFacts:
    return LinkFacts(pair, pair[:2], pair[2:], state, at)


def test_one_persons_confirmation_opens_nothing_of_the_other_side() -> None:
    seen = victim_view(
        near({"n1": "", "n2": "", "s1": "child", "s2": "child"}, link("n1n2"), link("n1s1", at="2")), {"n1", "n2"}
    )

    assert seen.faces == {"n1", "n2"}
    assert seen.victims.of_face == dict.fromkeys(("n1", "n2", "s1"), formed_id("n1n2"))
    assert not seen.victims.by_id[formed_id("n1n2")].registered
    assert seen.near.faces["s1"] == FaceFacts("s1", None)
    assert seen.unapproved(formed_id("n1n2")) == ["n1s1"]


def test_approved_links_open_what_they_reach_and_confirmed_ones_behind_them_nothing() -> None:
    faces = {"n1": "", "s1": "child", "s2": "", "w1": "", "s3": ""}
    approved = [link("n1s1", State.APPROVED), link("s1w1", State.APPROVED)]
    seen = victim_view(near(faces, *approved, link("s1s2"), link("s2s3", State.APPROVED)), {"n1"})

    assert seen.faces == {"n1", "s1", "w1"}
    assert seen.victims.of_face == dict.fromkeys(("n1", "s1", "w1"), "child")
    assert seen.unapproved("child") == []


def test_who_a_victim_is_is_known_over_a_face_that_it_was_said_of() -> None:
    said = [
        Identification("i", "child", "person", "approved", ("s1",), "ben"),
        Identification("j", "child", "other", "proposed", ("n1",), "ben"),
    ]
    confirmed = victim_view(near({"n1": "", "s1": "child"}, link("n1s1")), {"n1"})
    approved = victim_view(near({"n1": "", "s1": "child"}, link("n1s1", State.APPROVED)), {"n1"})

    assert confirmed.identity(formed_id("n1s1"), said) is None
    assert approved.identity("child", said) == "person"
    assert [confirmed.includes(item) for item in said] == [False, True]
    assert (confirmed.name_of(["s1", "n1"]), confirmed.name_of(["s1"])) == (formed_id("n1s1"), None)


def test_a_reader_sees_their_own_links_of_a_contradiction() -> None:
    seen = victim_view(
        near({"n1": "", "s1": "", "s2": "", "n2": ""}, link("n1s1"), link("s1s2"), link("s2n2")), {"n1", "n2"}
    )
    told = visible_contradiction(Contradiction("dismissed", "n1", "n2", ("n1s1", "s1s2", "s2n2"), "s1s2"), seen)
    assert (told.kind, told.path, told.weakest) == (ELSEWHERE, ("n1s1", "s2n2"), "n1s1")


FACES = ["n1", "n2", "n3", "s1", "s2", "s3", "s4"]
drawn = st.lists(
    st.tuples(
        st.sampled_from(FACES), st.sampled_from(FACES), st.sampled_from(["confirmed", "approved", "dismissed"])
    ).filter(lambda one: one[0] < one[1]),
    max_size=10,
    unique_by=lambda one: one[:2],
)
names = st.fixed_dictionaries({face: st.sampled_from(["", "", "x", "y"]) for face in FACES})


@settings(max_examples=400)
@given(names, drawn, drawn, names)
def test_what_is_hidden_changes_nothing(
    faces: dict[str, str], links: list[tuple[str, str, str]], others: list[tuple[str, str, str]], hidden: dict[str, str]
) -> None:
    """Other links among hidden faces, other declarations of them: the viewer knows the same."""
    facts = [LinkFacts(a + b, a, b, State(state), str(place)) for place, (a, b, state) in enumerate(links)]
    own = {face for face in FACES if face[0] == "n"}
    first = victim_view(near(faces, *facts), own)
    south = [LinkFacts(a + b, a, b, State(state), "7") for a, b, state in others if a[0] == b[0] == "s"]
    shown = [item for item in facts if item.link_id in first.near.links]
    hidden_only = [item for item in south if not {item.a, item.b} & first.faces]
    other = faces | {face: hidden[face] for face in FACES if face not in first.faces}
    second = victim_view(near(other, *shown, *hidden_only), own)
    joins = {item.link_id for item in shown}
    assert {name: item for name, item in second.near.links.items() if name in joins} == first.near.links
    assert second.victims == first.victims
