"""A calibration is found again from scores that were drawn by it, and tells the truth of people it has not seen."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from graph.domain.calibration import Calibration, Population
from graph.domain.errors import Invalid
from infra.bench.calibrate import Terms, measure_calibration
from infra.bench.calibration_fit import FACES_OF_A_WAY, Pairs, fit, flaws_of, log_ratios, pairs_of
from infra.bench.labelled import KINDS, LabelledFaces
from infra.bench.likelihood import cllr, logistic, min_cllr, reliability
from streams.gallery.calibration import load_calibrations
from streams.gallery.flaws import SharedFlaws

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
        np.array(columns[0]), np.array(columns[1]), np.array(columns[2]), np.array(vectors, np.float32),
        np.array(columns[3]), 3, 4,
    )  # fmt: skip


@pytest.fixture(scope="module")
def faces() -> LabelledFaces:
    return drawn_faces()


@pytest.fixture(scope="module")
def pairs(faces: LabelledFaces) -> Pairs:
    return pairs_of(faces, 1)


@pytest.fixture(scope="module")
def fitted(pairs: Pairs) -> Calibration:
    return fit(pairs, "a-model", Population.ADULTS)


def test_pairs_are_of_different_pictures_each_once(faces: LabelledFaces, pairs: Pairs) -> None:
    count = len(faces.person)
    assert len(pairs.cosine) == count * (count - 1) // 2 - count // 2
    assert pairs.same.sum() == 4 * 500, "both pictures and both copies of each person, crosswise"


def test_false_accepts_are_as_rare_as_they_say(pairs: Pairs, fitted: Calibration) -> None:
    strangers = pairs.likeness(fitted.flaws)[~pairs.same & pairs.originals]

    assert [share for _, share in fitted.false_accepts] == [1e-3, 1e-4]
    for cosine, share in fitted.false_accepts:
        assert np.mean(strangers >= cosine) == pytest.approx(share, rel=0.1)


def test_two_poor_pictures_of_strangers_are_a_candidate_no_more_often_than_two_good_ones(
    pairs: Pairs, fitted: Calibration
) -> None:
    poor = ~pairs.same & (pairs.better < 0.8)
    threshold, score = fitted.floor, pairs.likeness(fitted.flaws)
    over = [
        left >= fitted.for_pair(threshold, quality, quality)
        for left, quality in zip(score[poor].tolist(), pairs.better[poor].tolist(), strict=True)
    ]

    assert np.mean(pairs.cosine[poor] >= threshold) > 3e-3, "the drawn copies are alike"
    assert np.mean(over) < 1.2e-3


def test_the_direction_in_which_all_copies_lie_is_found_and_is_nearly_all_that_made_them_alike(
    faces: LabelledFaces, pairs: Pairs, fitted: Calibration
) -> None:
    blur = np.random.default_rng(1).standard_normal(64)
    assert fitted.flaws is not None
    assert abs(np.dot(fitted.flaws.ways[0], blur / np.linalg.norm(blur))) > 0.98

    poor = ~pairs.same & (pairs.kind == KINDS.index("blur 5 px"))
    alike = [np.mean(score[poor] >= fitted.floor) for score in (pairs.cosine, pairs.likeness(fitted.flaws))]
    assert alike[1] < alike[0] / 3

    few = faces.of((faces.kind == 0) | (faces.picture < FACES_OF_A_WAY // 2))
    assert flaws_of(pairs_of(few, 1)) is None, "too few copies to tell"


def test_copies_that_are_no_worse_have_no_direction(faces: LabelledFaces) -> None:
    same = replace(faces, vectors=faces.vectors[np.flatnonzero(faces.kind == 0).repeat(2)])

    assert flaws_of(pairs_of(same, 1)) is None


def test_what_two_poor_pictures_need_at_the_second_point_is_measured_too(pairs: Pairs, fitted: Calibration) -> None:
    poor = ~pairs.same & (pairs.kind == KINDS.index("blur 5 px"))
    threshold = fitted.false_accepts[1][0]
    needed = [fitted.for_pair(threshold, quality, quality) for quality in pairs.better[poor].tolist()]

    assert np.mean(pairs.likeness(fitted.flaws)[poor] >= needed) < 1.2e-4


def test_the_bench_and_link_weigh_a_pair_alike(pairs: Pairs, fitted: Calibration) -> None:
    some = np.random.default_rng(2).choice(len(pairs.cosine), 300, replace=False)
    weighed = log_ratios(fitted, pairs)[some]

    worse, shared = 1 / (1 + np.exp(-pairs.worse)), pairs.shared(fitted.flaws)
    one_by_one = [fitted.log_ratio(pairs.cosine[i], worse[i], pairs.better[i], shared[i]) for i in some]
    assert weighed == pytest.approx(one_by_one)
    vectors, flaws = pairs.faces.vectors, SharedFlaws(fitted.flaws)
    assert shared[some] == pytest.approx([flaws.of_pair(vectors[pairs.a[i]], vectors[pairs.b[i]]) for i in some])


def test_faces_of_good_quality_that_are_alike_do_not_raise_what_poor_ones_need(faces: LabelledFaces) -> None:
    """Of good quality nothing is raised: the poor ones of that kind need not make up for them."""
    made = faces.of(np.ones(len(faces.person), np.bool_))
    alike = replace(made, quality=np.where(made.kind > 0, 0.999 - made.quality / 100, made.quality))
    alike.quality[np.flatnonzero(made.kind)[:250]] = 0.5  # some of them are poor

    found = fit(pairs_of(alike, 1), "a-model", Population.ADULTS)

    assert max(row.often for row in found.weak_pairs) < found.floor + 0.18


def test_a_model_of_which_every_face_has_the_same_quality_is_calibrated_by_the_cosine(faces: LabelledFaces) -> None:
    found = fit(pairs_of(replace(faces, quality=np.full(len(faces.person), 1.0)), 1), "a-model", Population.ADULTS)

    assert found.per_worse == 0
    assert found.log_ratio(0.9, 1, 1) > 0 > found.log_ratio(0.0, 1, 1)


def test_ratios_are_told_truthfully_of_people_whom_the_fit_has_not_seen(faces: LabelledFaces, tmp_path: Path) -> None:
    found = measure_calibration(faces, "a-model", TERMS, 1, None)

    assert found["min_cllr"] <= found["cllr"] <= found["min_cllr"] + 0.05
    for row in found["reliability"]:
        if row["observed"] is not None and min(row["same"], row["different"]) >= 100:
            assert row["observed"] == pytest.approx(row["stated"], abs=0.5)
    file = tmp_path / "own.json"
    file.write_text(json.dumps(found["calibration"]))
    assert load_calibrations(file)["a-model"].population is Population.CHILDREN


def test_too_few_pictures_are_refused_with_how_many_it_takes() -> None:
    with pytest.raises(Invalid, match="900 pictures"):
        fit(pairs_of(drawn_faces(people=20), 1), "a-model", Population.ADULTS)
    one = drawn_faces(people=200)
    with pytest.raises(Invalid, match="0 pairs of different people"):
        fit(pairs_of(replace(one, person=np.zeros_like(one.person)), 1), "a-model", Population.ADULTS)


def test_cllr_is_1_where_nothing_is_told_0_where_all_is_and_more_where_it_misleads() -> None:
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
