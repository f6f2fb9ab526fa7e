"""How a batch that is too large for one transaction is cut into chunks."""

from graph.actions.link.chunks import in_chunks
from graph.actions.link.writes import GraphWrites, ProposedLink
from graph.store.session import Row


def link(a: str, b: str) -> ProposedLink:
    return ProposedLink(f"{a}-{b}", a, b, "candidate", 0.5, "", "", 0.4, False, "")


def test_a_batch_of_normal_size_is_one_chunk_however_many_objects_it_adds() -> None:
    new = [{"face_id": f"f{number}"} for number in range(9)]
    links = {f"f{number}-x": link(f"f{number}", "x") for number in range(9)}
    writes = GraphWrites(1, 5, faces=new, links=links, removed_faces=["g"])

    assert in_chunks(writes, 3) == [writes]


def test_a_large_batch_removes_in_a_repeatable_order_and_adds_new_objects_with_the_cursor() -> None:
    new = [{"face_id": "new"}]
    links = {row.link_id: row for row in (link("a", "b"), link("b", "c"), link("c", "new"))}
    with_a_new_face = [{"face_id": "b", "number": 1, "faces": ["new"]}]
    compared: list[Row] = [
        {"comparison_id": "1", "faces": ["a"], "cut": []},
        {"comparison_id": "2", "faces": ["new"], "cut": []},
        {"comparison_id": "3", "faces": ["b"], "cut": with_a_new_face},
    ]
    writes = GraphWrites(
        1,
        5,
        faces=new,
        links=links,
        comparisons=compared,
        removed_links=["l1", "l2", "l3"],
        removed_similar=[{"a": "a", "b": "b"}],
        removed_faces=["a", "b", "c"],
        removed_media=["m3"],
        removed_memberships=["k1", "k2", "k3"],
        removed_files=["m3", "m4/a", "m4/c", "elsewhere"],
        processed=["e"],
    )

    *chunks, last = in_chunks(writes, 2)

    assert {(chunk.first, chunk.last) for chunk in (*chunks, last)} == {(1, 5)}
    pairs = [(chunk.removed_links, chunk.removed_similar) for chunk in chunks[:3]]
    assert pairs == [(["l1", "l2"], []), (["l3"], []), ([], writes.removed_similar)]
    removed = [
        (chunk.removed_faces, chunk.removed_media, chunk.removed_memberships, chunk.removed_files)
        for chunk in chunks[3:8]
    ]
    assert removed == [
        (["a", "b"], [], [], ["m4/a"]),
        (["c"], [], [], ["m4/c"]),
        ([], ["m3"], [], ["m3"]),
        ([], [], ["k1", "k2"], []),
        ([], [], ["k3"], []),
    ]
    rest = [(chunk.comparisons, list(chunk.links)) for chunk in chunks[8:]]
    assert rest == [(compared[:1], []), ([], ["a-b", "b-c"])]
    assert (last.faces, list(last.links), last.comparisons) == (new, ["c-new"], compared[1:])
    assert (last.removed_files, last.processed) == (["elsewhere"], ["e"])
    assert not (last.removed_links or last.removed_similar or last.removed_faces)
    assert not (last.removed_media or last.removed_memberships)
