"""`bench search` compares link with brute force, on a register whose strangers are as alike as real ones."""

import csv
import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from graph.domain.errors import Invalid
from infra.evaluation import plots
from streams.gallery.scoring import Scorer
from tests.bench import __main__ as bench
from tests.bench.environment import NotInstalled
from tests.bench.search import gallery as search_gallery
from tests.bench.search import run
from tests.bench.search.draw import BLOCK, CROWDS, PEOPLE, SINGLE, Register, case_id
from tests.bench.search.graph import NODES, RELATIONSHIPS, write_tables
from tests.bench.search.reference import compared, expected_links
from tests.bench.search.run import Asked, measure_search
from tests.bench.search.store import DrawnStore
from tests.bench.search.table import show_search

pytestmark = pytest.mark.anyio
FACES = 6000
PACKAGED = search_gallery.calibration(mapped=True)


@pytest.fixture(scope="module")
def register() -> Register:
    return Register(FACES, 1, PACKAGED.score)


def test_strangers_are_as_alike_as_the_calibration_says_of_real_ones(register: Register) -> None:
    stored = register.vectors(0, SINGLE)
    assert np.allclose(np.linalg.norm(stored, axis=1), 1, atol=1e-6)
    scored = Scorer(PACKAGED.score).all_scored(stored)
    scores = scored[: SINGLE // 2] @ scored[SINGLE // 2 :].T
    for limit, share in ((PACKAGED.floor, 1e-2), *PACKAGED.false_accepts[:2]):
        assert (scores >= limit).mean() == pytest.approx(share, rel=0.25)


def test_faces_of_one_person_are_alike_also_new_ones(register: Register) -> None:
    scorer = Scorer(PACKAGED.score)
    _, _, person = CROWDS[0]
    crowd = scorer.all_scored(register.vectors(0, BLOCK))[register.person[:BLOCK] == person]
    new = scorer.all_scored(register.new_faces(3, 8, [person, person]))
    scores = crowd @ new.T
    assert scores[:, :2].mean() == pytest.approx(0.6, abs=0.05)
    assert scores[:, 2:].mean() == pytest.approx(0, abs=0.05)


def test_a_seed_gives_the_same_register_and_any_part_of_it(register: Register) -> None:
    again = Register(FACES, 1, PACKAGED.score)
    assert np.array_equal(again.vectors(4990, 5010), register.vectors(0, FACES)[4990:5010])
    assert np.array_equal(again.case, register.case)
    assert not np.array_equal(Register(FACES, 2, PACKAGED.score).case, register.case)


def test_ids_rise_with_their_numbers(register: Register) -> None:
    names = [register.face_id(face) for face in range(FACES)]
    assert names == sorted(names)
    assert [register.number(name) for name in names] == list(range(FACES))
    assert register.number("") == -1


async def test_link_finds_what_brute_force_finds_and_a_lost_link_is_counted(register: Register) -> None:
    gallery = await search_gallery.loaded(DrawnStore(register), PACKAGED)
    new = search_gallery.new_faces(register, 0, 40, crowds=True)
    found = search_gallery.link(gallery, search_gallery.records(new))
    expected = expected_links(register, PACKAGED, new)
    assert len(expected) > 100
    assert compared(found, expected) == {"recall": 1.0, "expected": len(expected), "others": 0}
    (lost, *_), other = expected, {("a", "b"): 0.5}
    short = {pair: score for pair, score in found.items() if pair != lost} | other
    assert compared(short, expected) == {
        "recall": pytest.approx(1 - 1 / len(expected)),
        "expected": len(expected),
        "others": 1,
    }
    assert compared({**found, lost: 0.999}, expected)["recall"] < 1


async def test_the_reference_keeps_to_scope(register: Register) -> None:
    """A new face of a closed scope has no link to a face of a case that it is not in."""
    new = search_gallery.new_faces(register, 1, 40)
    of_case = {face.face_id: case_id(face.case) for face in new if face.scope == "case"}
    cases = {register.face_id(face): case_id(int(register.case[face])) for face in range(FACES)}
    second = {
        register.face_id(face): case_id(int(register.second_case[face]))
        for face in range(FACES)
        if register.second_case[face] >= 0
    }
    pairs = [pair for pair in expected_links(register, PACKAGED, new) if set(pair) & of_case.keys()]
    assert pairs
    for a, b in pairs:
        mine, other = (a, b) if a in of_case else (b, a)
        if other in cases:
            assert of_case[mine] in {cases[other], second.get(other)}


async def test_stored_vectors_are_seen_as_they_lie(register: Register) -> None:
    gallery = await search_gallery.loaded(DrawnStore(register), PACKAGED)
    seen = np.concatenate(search_gallery.blocks(gallery))
    wanted = Scorer(PACKAGED.score).all_scored(register.vectors(0, FACES))
    assert seen.shape == wanted.shape
    assert np.array_equal(np.sort(seen[:, 0]), np.sort(wanted[:, 0]))


def test_tables_hold_the_vectors_and_join_what_they_name(register: Register, tmp_path: Path) -> None:
    small = Register(1000, 1, PACKAGED.score)
    write_tables(small, tmp_path)
    tables = {name: list(csv.reader((tmp_path / f"{name}.csv").open())) for name in NODES | RELATIONSHIPS}
    for name, (header, *rows) in tables.items():
        assert {len(row) for row in rows} <= {len(header)}, name
    vectors = small.vectors(0, 1000)
    for row in tables["Embedding"][1::97]:
        numbers = np.array([int(number) for number in row[3].split(";")], np.int8)
        assert numbers.tobytes() == vectors[int(row[0])].tobytes()
    assert sorted(int(row[1]) for row in tables["SEEN_IN"][1:]) == list(range(1000))


def test_a_share_that_does_not_grow_is_taken_off_up_to_its_limit() -> None:
    def row(ms: float, product: float) -> dict[str, Any]:
        took = {"link": {"ms": ms, "processor_ms": 2 * ms}, "product": {"ms": product, "processor_ms": 2 * product}}
        return {**took, "recall": 1.0, "memory_vs_raw": 1.2}

    sizes = {"1000": row(0.25, 0.01), "1000000": row(2.64, 2.0)}
    found = run._summary(sizes, 1_000_000, None)  # pyright: ignore[reportPrivateUsage]
    assert found["constant_ms"] == pytest.approx(0.24)
    assert found["link_vs_product"]["1000000"] == pytest.approx(1.2)
    assert found["fitted_line"]["ms_per_million"] == pytest.approx(2.39 / 0.999)
    sizes["1000"] = row(0.91, 0.01)
    found = run._summary(sizes, 1_000_000, None)  # pyright: ignore[reportPrivateUsage]
    assert found["link_vs_product"]["1000000"] == pytest.approx((2.64 - 0.3) / 2)


async def test_a_run_without_peers_and_graph_measures_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def none_there(_: object) -> Path:
        raise NotInstalled("the package index cannot be reached")

    monkeypatch.setattr(run, "_environment", none_there)
    monkeypatch.setattr(run, "ROUNDS", 1)
    told: list[str] = []
    found = await measure_search(Asked(1000, (), 1, graph=False), tmp_path, "", told.append)
    assert found["recall"] == 1.0 and set(found["sizes"]) == {"1000"}
    assert found["ms_per_face"]["1000"] > 0 and found["single_vs_memory_read"] > 0 and found["score_vs_cosine"] > 0
    assert "no peers: the package index cannot be reached" in told
    assert os.listdir(tmp_path) == []  # noqa: PTH208
    out = io.StringIO()
    show_search(Console(file=out, width=200), found)
    assert "batch32_vs_faiss_flat_speedup" in out.getvalue() and "not measured" in out.getvalue()
    assert "link's own work" in plots.search_svg("a title", found)


@pytest.mark.parametrize("sizes", ["many", "10000,,-5", "10"])
def test_sizes_that_are_none_are_refused(sizes: str) -> None:
    with pytest.raises(Invalid, match="--sizes"):
        bench.search(sizes=sizes)


def test_people_have_their_faces_in_one_block(register: Register) -> None:
    person = register.person
    assert (person[:SINGLE] == -1).all() and person[SINGLE:BLOCK].min() == 0
    assert person[SINGLE:BLOCK].max() == CROWDS[-1][2] < PEOPLE
    assert [(person == crowd).sum() for *_, crowd in CROWDS] == [stop - start for start, stop, _ in CROWDS]
