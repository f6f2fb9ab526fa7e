"""How a batch that is too large for one transaction is cut."""

from __future__ import annotations

from graph.actions.link.chunks import in_parts
from graph.actions.link.commit import Changes, LinkRow
from graph.store.session import Row


def link(a: str, b: str) -> LinkRow:
    return LinkRow(f"{a}-{b}", a, b, "candidate", 0.5, "", "", 0.4, False, "")


def test_a_batch_of_usual_size_is_one_part_however_much_it_brings() -> None:
    new = [{"face_id": f"f{number}"} for number in range(9)]
    links = {f"f{number}-x": link(f"f{number}", "x") for number in range(9)}
    changes = Changes(1, 5, faces=new, links=links, gone_faces=["g"])

    assert in_parts(changes, 3) == [changes]


def test_a_large_batch_takes_away_in_an_order_that_can_be_repeated_and_brings_what_is_new_with_the_cursor() -> None:
    new = [{"face_id": "new"}]
    links = {row.link_id: row for row in (link("a", "b"), link("b", "c"), link("c", "new"))}
    lists_new = [{"face_id": "b", "number": 1, "faces": ["new"]}]
    compared: list[Row] = [
        {"comparison_id": "1", "faces": ["a"], "cut": []}, {"comparison_id": "2", "faces": ["new"], "cut": []},
        {"comparison_id": "3", "faces": ["b"], "cut": lists_new},
    ]  # fmt: skip
    changes = Changes(
        1, 5, faces=new, links=links, comparisons=compared, narrowed={"m1", "m2"}, gone_faces=["a", "b", "c"],
        gone_media=["m3"], gone_memberships=["k1", "k2", "k3"], gone_files=["m3", "m4/a", "m4/c", "elsewhere"],
        processed=["e"],
    )  # fmt: skip

    *parts, last = in_parts(changes, 2)

    assert {(part.first, part.last) for part in (*parts, last)} == {(1, 5)}
    assert [(part.narrowed, part.gone_faces, part.gone_media, part.gone_memberships, part.gone_files)
            for part in parts[:6]] == [
        ({"m1", "m2"}, [], [], [], []), (set(), ["a", "b"], [], [], ["m4/a"]), (set(), ["c"], [], [], ["m4/c"]),
        (set(), [], ["m3"], [], ["m3"]), (set(), [], [], ["k1", "k2"], []), (set(), [], [], ["k3"], []),
    ]  # fmt: skip
    assert [(part.comparisons, list(part.links)) for part in parts[6:]] == [(compared[:1], []), ([], ["a-b", "b-c"])]
    assert (last.faces, list(last.links), last.comparisons) == (new, ["c-new"], compared[1:])
    assert (last.gone_files, last.processed) == (["elsewhere"], ["e"])
    assert not (last.narrowed or last.gone_faces or last.gone_media or last.gone_memberships)
