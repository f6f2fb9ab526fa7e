"""A calibration is found again from scores that were drawn by it, and tells the truth of people it has not seen."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from graph.domain.calibration import Calibration, Population
from graph.domain.errors import Invalid
from infra.evaluation.calibration.fit import Pairs, fit, log_ratios, pairs_of
from infra.evaluation.calibration.labelled import KINDS, LabelledFaces, age_of
from infra.evaluation.calibration.likelihood import cllr, logistic, min_cllr, reliability
from infra.evaluation.calibration.run import Terms, check_ages, file_text, measure_calibration
from infra.evaluation.calibration.score_fit import AGE_DIRECTIONS, fit_score
from streams.gallery.calibration import load_calibrations

TERMS = Terms(Population.CHILDREN, "drawn", date(2026, 11, 23), "a test")


def drawn_faces(seed: int = 1, people: int = 500, dimensions: int = 64) -> LabelledFaces:
    """People with two pictures each and a copy of both: vectors that vary, those of a copy more and with less quality.

    All copies share a direction, as blurred faces do: two of them are more alike than two good pictures.
    """
    rng = np.random.default_rng(seed)
    blur = rng.standard_normal(dimensions) / np.sqrt(dimensions)
    rows, vectors = [], []
    for person in range(people):
        self_ = rng.standard_normal(dimensions) / np.sqrt(dimensions)
        for picture in (2 * person, 2 * person + 1):
            for copy in (0, KINDS.index("blur 5 px")):
                noise = rng.standard_normal(dimensions) / np.sqrt(dimensions)
                made = self_ + 0.6 * noise + (rng.uniform(0.2, 0.9) * blur if copy else 0)
                vectors.append(made / np.linalg.norm(made))
                rows.append((person, picture, copy, rng.uniform(0.5, 0.9) if copy else rng.uniform(0.9, 1)))
    columns = list(zip(*rows, strict=True))
    return LabelledFaces(
        np.array(columns[0]),
        np.array(columns[1]),
        np.array(columns[2]),
        np.array(vectors, np.float32),
        np.array(columns[3]),
        np.full(len(rows), np.nan),
        3,
        4,
    )


@pytest.fixture(scope="module")
def faces() -> LabelledFaces:
    return drawn_faces()


@pytest.fixture(scope="module")
def pairs(faces: LabelledFaces) -> Pairs:
    return pairs_of(faces, fit_score(faces), 1)


@pytest.fixture(scope="module")
def fitted(pairs: Pairs) -> Calibration:
    return fit(pairs, "a-model", Population.ADULTS, None)


def test_pairs_are_of_different_pictures_each_once(faces: LabelledFaces, pairs: Pairs) -> None:
    count = len(faces.person)
    assert len(pairs.score) == count * (count - 1) // 2 - count // 2
    assert pairs.same.sum() == 4 * 500, "both pictures and both copies of each person, crosswise"


def test_false_accepts_are_as_rare_as_they_say(pairs: Pairs, fitted: Calibration) -> None:
    strangers = pairs.score[~pairs.same & pairs.originals]

    assert [share for _, share in fitted.false_accepts] == [1e-3, 1e-4]
    for cosine, share in fitted.false_accepts:
        assert np.mean(strangers >= cosine) == pytest.approx(share, rel=0.1)


def test_two_poor_pictures_of_strangers_are_a_candidate_hardly_more_often_than_two_good_ones(
    faces: LabelledFaces, pairs: Pairs, fitted: Calibration
) -> None:
    plain = pairs_of(faces, None, 1)
    limit = fit(plain, "a-model", Population.ADULTS, None).false_accepts[0][0]
    blurred = ~pairs.same & (pairs.kind == KINDS.index("blur 5 px"))

    assert np.mean(plain.score[blurred] >= limit) > 3e-3, "the drawn copies are alike"
    assert np.mean(pairs.score[blurred] >= fitted.false_accepts[0][0]) < 1.5e-3


def test_ages_and_copies_are_each_left_out_where_there_are_none(faces: LabelledFaces) -> None:
    originals = faces.of(faces.kind == 0)
    young = replace(originals, age=np.arange(len(originals.person)) % 40.0)

    assert fit_score(originals).crowd is None
    known = fit_score(young).crowd
    assert known is not None
    assert len(known.directions) == AGE_DIRECTIONS


def test_children_are_asked_for_by_age_before_anything_is_looked_at() -> None:
    with pytest.raises(Invalid, match=r"3 of 0 to 3 years.*13 to 17"):
        check_ages(np.array([1.0, 2.0, 3.0, *[5.0, 10.0] * 30]), Population.CHILDREN)
    check_ages(np.array([1.0, 5.0, 10.0, 15.0] * 30), Population.BOTH)
    check_ages(np.array([np.nan]), Population.ADULTS)


def test_an_age_is_read_from_a_files_name() -> None:
    assert [age_of(name) for name in ("001A02.JPG", "001A43b.jpg")] == [2.0, 43.0]
    assert np.isnan([age_of(name) for name in ("Anna_0001.jpg", "A1.jpg", "holiday.png")]).all()


def test_the_bench_and_link_weigh_a_pair_alike(pairs: Pairs, fitted: Calibration) -> None:
    some = np.random.default_rng(2).choice(len(pairs.score), 300, replace=False)

    assert log_ratios(fitted, pairs)[some] == pytest.approx([fitted.log_ratio(pairs.score[i]) for i in some])


def test_a_floor_is_never_higher_than_the_packaged_one(pairs: Pairs, fitted: Calibration) -> None:
    assert fit(pairs, "a-model", Population.ADULTS, None, fitted.floor / 2).floor == fitted.floor / 2


def test_ratios_are_true_for_people_outside_the_fit(faces: LabelledFaces, tmp_path: Path) -> None:
    found = measure_calibration(faces, "a-model", TERMS, 1, None)

    assert found["min_cllr"] <= found["cllr"] <= found["min_cllr"] + 0.05
    for row in found["reliability"]:
        if row["observed"] is not None and min(row["same"], row["different"]) >= 100:
            assert row["observed"] == pytest.approx(row["stated"], abs=0.5)
    file = tmp_path / "own.json"
    file.write_text(file_text(found["calibration"]))
    assert load_calibrations(file)["a-model"].population is Population.CHILDREN


def test_too_few_pictures_are_refused_with_how_many_it_takes() -> None:
    with pytest.raises(Invalid, match="900 pictures"):
        fit(pairs_of(drawn_faces(people=20), None, 1), "a-model", Population.ADULTS, None)
    one = drawn_faces(people=200)
    with pytest.raises(Invalid, match="0 pairs of different people"):
        fit(pairs_of(replace(one, person=np.zeros_like(one.person)), None, 1), "a-model", Population.ADULTS, None)


def test_cllr_is_1_without_information_0_when_perfect_and_more_when_it_misleads() -> None:
    same = np.array([True] * 50 + [False] * 500)

    assert cllr(np.zeros(550), same) == pytest.approx(1)
    assert cllr(np.where(same, 9.0, -9.0), same) == pytest.approx(0, abs=1e-8)
    assert cllr(np.where(same, -2.0, 2.0), same) > 6
    assert min_cllr(np.where(same, 0.2, 0.1), same) == pytest.approx(0, abs=1e-8)


def test_a_logistic_line_finds_the_ratios_that_scores_were_drawn_by() -> None:
    """Two normal distributions of one width: the log ratio of their densities is a line."""
    rng = np.random.default_rng(3)
    same = np.arange(60_000) < 20_000
    scores = rng.normal(np.where(same, 0.5, 0.1), 0.1)
    nothing = rng.uniform(3, 5, len(scores))

    offset, (slope, of_nothing) = logistic(np.column_stack([scores, nothing]), same)

    assert slope == pytest.approx(40 / np.log(10), rel=0.05)
    assert of_nothing == pytest.approx(0, abs=0.1)
    assert offset + 4 * of_nothing == pytest.approx(-12 / np.log(10), rel=0.05)
    told = reliability(offset + slope * scores, same)
    assert sum(row["same"] + row["different"] for row in told) == len(scores)
