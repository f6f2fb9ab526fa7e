"""`bench accuracy --ages` on drawn vectors: what it counts, that it comes again, and what it refuses."""

import io
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from graph.domain.calibration import Calibration, Population
from graph.domain.errors import Invalid
from infra.evaluation import plots
from infra.evaluation.accuracy.rates import json_safe
from infra.evaluation.ages.groups import measure_groups
from infra.evaluation.ages.pairs import measure_pairs
from infra.evaluation.ages.people import AGE_BANDS, Aged, band_name
from infra.evaluation.ages.register import measure_register
from infra.evaluation.ages.run import aged_files
from infra.evaluation.ages.table import show_ages
from infra.evaluation.ages.victims import measure_victims
from infra.evaluation.product_score import Faces, ProductScore
from streams.faces.models import MODEL_ID
from tests.support import factories_streams as make

SCORE = ProductScore(
    Calibration(
        MODEL_ID,
        Population.ADULTS,
        false_accepts=((0.45, 1e-3), (0.53, 1e-6)),
        evidence=((0.3, 0.0), (0.5, 2.0)),
        cap=3.0,
        floor=0.36,
    )
)
"""Drawn vectors are compared as they are: the map is one of pictures."""
AGES = (1, 2, 5, 6, 10, 14, 20, 30)


def drawn(people: int = 24, *, toddlers_alike: float = 0.0) -> Aged:
    """People with a picture at each of AGES; toddlers may share a look of their own."""
    rng = np.random.default_rng(7)
    look = make.unit(rng)
    vectors, person, age = list[Any](), list[int](), list[int]()
    for one in range(people):
        own = make.unit(rng)
        for at in AGES:
            seen = make.near(rng, own, 0.9)
            if at <= 3 and toddlers_alike:
                mixed = seen * (1 - toddlers_alike) + look * toddlers_alike
                seen = (mixed / np.linalg.norm(mixed)).astype(np.float32)
            vectors.append(seen)
            person.append(one)
            age.append(at)
    return Aged(np.array(person), np.array(age), Faces(np.stack(vectors)))


def everything(aged: Aged, seed: int = 1) -> dict[str, Any]:
    sizes = [{"ages": band_name(band), "pictures": 1, "people": 1, "adults": False} for band in AGE_BANDS]
    return json_safe(
        {
            "people": aged.people,
            "pictures": len(aged.age),
            "unnamed": 0,
            "half": None,
            "seed": seed,
            "register": len(aged.age),
            "model_id": MODEL_ID,
            "no_face": 0,
            "too_poor": 0,
            "bands": sizes,
            **measure_pairs(aged, SCORE, seed),
            "register_sizes": measure_register(aged, aged.person, aged.faces, SCORE, seed),
            "groups": measure_groups(aged, SCORE, seed),
            "victims": measure_victims(aged, aged.person, aged.faces, SCORE, seed),
        }
    )


@cache
def everything_of_some_toddlers_alike() -> dict[str, Any]:
    return everything(drawn(toddlers_alike=0.5))


def test_similar_toddlers_are_false_candidates_and_nobody_else() -> None:
    found = everything(drawn(toddlers_alike=0.6))
    toddlers, *older = found["register_sizes"]["bands"]
    assert toddlers["false_candidates"]["100"]["above"]["value"] > 5
    assert toddlers["false_candidates"]["100"]["proposed"]["value"] <= 10
    assert all(row["false_candidates"]["100"]["above"]["value"] == 0 for row in older)
    assert all(row["rank1"]["value"] == 1 for row in older)
    assert found["pairs"][0]["strangers_above_floor"] > 0.9 and found["pairs"][1]["strangers_above_floor"] == 0
    assert found["one_threshold"]["small_strangers"] > found["one_threshold"]["adult_strangers"] == 0
    assert found["groups"][0]["strangers_per_1000"] > 100 and found["groups"][1]["strangers_per_1000"] == 0
    assert found["register_sizes"]["sizes"] == [100, 192]


def test_people_who_do_not_change_are_found_at_every_gap() -> None:
    found = everything(drawn())
    assert {row["above_floor"] for row in found["by_gap"]} == {1, None}
    assert all(row["tar_at_far"] == {"0.01": 1, "0.001": 1} for row in found["pairs"] if row["mates"])
    for row in found["register_sizes"]["bands"]:
        assert all(each["value"] in (1, None) for each in row["in_places"])
    for row in found["victims"]:
        assert row["people"] == 24 and all(way["rank1"]["value"] == 1 for way in row["ways"].values())


def test_the_same_seed_measures_the_same_and_the_tables_show_every_age() -> None:
    found = everything_of_some_toddlers_alike()
    assert found == everything(drawn(toddlers_alike=0.5))
    out = io.StringIO()
    show_ages(Console(file=out, width=300), found)
    for band in AGE_BANDS:
        assert out.getvalue().count(band_name(band)) >= 4
    assert "register of 100" in plots.ages_svg("By age", found)


def test_each_true_pair_lies_in_its_intervals() -> None:
    found = everything_of_some_toddlers_alike()
    for row in found["register_sizes"]["bands"]:
        for each in (row["rank1"], *row["in_places"], row["false_candidates"]["100"]["above"]):
            if each["value"] is not None:
                assert each["interval"][0] - 1e-9 <= each["value"] <= each["interval"][1] + 1e-9


def test_a_name_tells_person_and_age_and_a_folder_without_two_ages_of_twenty_people_is_refused(tmp_path: Path) -> None:
    for number in range(20):
        for name in (f"{number:03d}A05.JPG", f"{number:03d}A12b.jpg", "notes.txt"):
            (tmp_path / name).write_bytes(b"")
    files, unnamed = aged_files(tmp_path, None)
    assert (len(files), unnamed) == (40, 1)
    assert {(file.person, file.age) for file in files[:2]} == {("000", 5), ("000", 12)}
    (tmp_path / "000A05.JPG").unlink()
    with pytest.raises(Invalid, match="19 people at two ages"):
        aged_files(tmp_path, None)
