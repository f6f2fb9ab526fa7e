"""The demo's figures follow from the notices, and its links name each pair of places once."""

from pathlib import Path

from graph.actions.read.counts import ScoredLink
from infra.demo.result import result_of
from streams.client.folders import SourceFile


def file(case: str, name: str) -> SourceFile:
    return SourceFile(case, f"local:{case}", name, Path("/", case, name))


def notice(media: str, outcome: str = "faces_found", faces: int = 1, too_poor: int = 0) -> dict[str, object]:
    return {"outcome": outcome, "media_id": media, "faces": faces, "too_poor": too_poor}


def link(a: str, b: str, score: float = 0.5, state: str = "candidate") -> ScoredLink:
    return ScoredLink(f"{a}{b}", state, score, 0.4, f"face-{a}", a, (), (1, 2, 3, 4), f"face-{b}", b, (), (5, 6, 7, 8))


FILES = [file("east", "1.jpg"), file("east", "copy.jpg"), file("west", "1.jpg"), file("west", "2.jpg")]


def test_the_same_bytes_count_once_and_quarantined_files_are_no_media() -> None:
    refused = {"outcome": "quarantined", "reason": "not a picture"}
    notices = dict(
        enumerate([notice("m", faces=3, too_poor=1), notice("m", "duplicate", 3, 1), notice("n", faces=0), refused])
    )
    result = result_of(FILES, notices, [])
    assert (result.files, result.media, result.faces, result.no_face, result.too_poor) == (4, 2, 3, 1, 1)
    assert result.quarantined == [{"case": "west", "file": "2.jpg", "reason": "not a picture"}]


def test_a_media_in_two_cases_is_linked_in_both_and_a_copy_within_a_case_adds_nothing() -> None:
    notices = dict(enumerate([notice("m"), notice("m", "duplicate"), notice("m"), notice("n")]))
    links = [found.as_json() for found in result_of(FILES, notices, [link("m", "n")]).links]
    assert [(found["a"]["case"], found["a"]["file"], found["b"]["file"]) for found in links] == [
        ("east", "1.jpg", "2.jpg"),
        ("west", "1.jpg", "2.jpg"),
    ]
    assert links[0]["a"]["box"] == [1, 2, 3, 4] and links[0]["b"]["box"] == [5, 6, 7, 8]


def test_a_links_endpoints_are_ordered_by_case_and_file_whatever_its_face_ids() -> None:
    notices = dict(enumerate([notice("z"), notice("y"), notice("m"), notice("a")]))
    (found,) = result_of(FILES, notices, [link("a", "z")]).links
    assert (found.a.case, found.b.case, found.faces) == ("east", "west", ("face-z", "face-a"))


def test_leads_and_decided_links_are_left_out_and_the_best_score_is_first() -> None:
    notices = dict(enumerate([notice("k"), notice("l"), notice("m"), notice("n")]))
    rows = [link("k", "m", 0.5), link("k", "n", 0.9), link("l", "m", 0.38, "lead"), link("l", "n", 0.8, "dismissed")]
    assert [found.score for found in result_of(FILES, notices, rows).links] == [0.9, 0.5]
