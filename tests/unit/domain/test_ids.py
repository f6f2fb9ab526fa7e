"""Ids are the same for the same facts, in whatever order these are told, and differ for others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.domain import ids

digests = st.text("0123456789abcdef", min_size=64, max_size=64)


@given(digests, digests)
def test_a_link_has_one_id_from_whichever_side_it_is_named(a: str, b: str) -> None:
    if a == b:
        with pytest.raises(ValueError, match="two different faces"):
            ids.link_id(a, b)
        return

    assert ids.link_id(a, b) == ids.link_id(b, a)
    assert ids.ordered(a, b) == ids.ordered(b, a) == tuple(sorted((a, b)))


@given(digests, digests, digests)
def test_a_marked_face_has_the_id_of_its_act(media: str, act: str, other: str) -> None:
    assert (ids.marked_face_id(media, act) == ids.marked_face_id(media, other)) == (act == other)
    assert ids.marked_face_id(media, act) == ids.digest(media, "person", act)


@given(digests, st.integers(0, 50), st.integers(0, 50))
def test_faces_of_one_media_have_ids_of_their_own(media: str, one: int, other: int) -> None:
    assert (ids.face_id(media, "yunet", one) == ids.face_id(media, "yunet", other)) == (one == other)
    assert ids.is_digest(ids.face_id(media, "yunet", one))


def test_a_media_is_named_by_the_sha256_of_its_bytes() -> None:
    assert ids.media_id(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize("text", ["local:1", "local:2026/002 b", "north-1:Ü-7", "a:" + "x" * 128])
def test_a_case_id_names_its_source_and_any_printable_local_id(text: str) -> None:
    assert ids.is_case_id(text)
    assert text.startswith(ids.source_of(text) + ":")


@pytest.mark.parametrize(
    "text", ["", "1", "local:", ":1", "Local:1", "local: 1", "local:a\nb", "local:a\x00", "a:" + "x" * 129, "-a:1"]
)
def test_what_names_no_source_or_holds_control_characters_is_no_case_id(text: str) -> None:
    assert not ids.is_case_id(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("local:Zoe\u0308", "NFC"),
        ("local:1 ", "end in a space"),
        ("local:1\u3000", "end in a space"),
        ("local:1\u2028", "end in a space"),
        ("local:1\u20282", "invisible"),
        ("local:\u202e1", "direction"),
        ("local:1\u200b", "invisible"),
        ("local:1\u00a02", "invisible"),
    ],
)
def test_a_new_case_gets_no_id_that_can_be_taken_for_another(text: str, says: str) -> None:
    assert ids.is_case_id(text), "a case of an older release stays readable"
    assert says in ids.case_id_fault(text)


@pytest.mark.parametrize("text", ["local:1", "local:2026/002 b", "north-1:Ü-7", "local:写真"])
def test_an_ordinary_case_id_has_no_fault(text: str) -> None:
    assert ids.case_id_fault(text) == ""


def test_case_ids_that_look_alike_have_one_key() -> None:
    alike = ["local:A-1 Zoë", "local:a-1 zoe\u0308", "local:\uff21-1 ZOË"]

    assert len(set(map(ids.case_key, alike))) == 1
    assert ids.case_key("local:A-1") != ids.case_key("local:A-2")


def test_ids_of_different_kinds_of_facts_differ() -> None:
    same = ("a" * 64, "b" * 64)

    made = {
        ids.link_id(*same),
        ids.membership_id(*same),
        ids.notice_id("a" * 64, 1),
        ids.quarantine_id("a" * 64),
        ids.comparison_id("a" * 64, 1),
    }

    assert len(made) >= 4
