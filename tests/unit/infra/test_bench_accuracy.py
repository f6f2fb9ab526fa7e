"""The rates of `bench accuracy` are those that a person counts by hand."""

import math
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from graph.domain.calibration import Calibration, Population
from graph.domain.errors import Invalid
from infra.evaluation.accuracy.copies import COPIES
from infra.evaluation.accuracy.faces import MainFace
from infra.evaluation.accuracy.open_set import ScoredBy, Searches, Split, measure_open_set, searched, split_of
from infra.evaluation.accuracy.pairs import AllPairs, all_pairs, measure_pairs
from infra.evaluation.accuracy.people import Method, Sample, cosines, half_of, in_band
from infra.evaluation.accuracy.rates import accepted, interval, json_safe, threshold_at, trade_off
from infra.evaluation.accuracy.worse import measure_copies, strangers_proposed
from streams.gallery.means import MEAN_PENALTY

CALIBRATION = Calibration("a-model", Population.ADULTS, ((0.5, 1e-2), (0.7, 1e-3)), ((0.3, 0.0), (0.7, 2.0)), 3.0, 0.5)

SCORED: tuple[ScoredBy, ...] = ("best", "mean", "better")


def numbers(*values: float) -> np.ndarray:
    return np.array(values, np.float64)


def unit(*values: float) -> np.ndarray:
    return (np.array(values) / np.linalg.norm(values)).astype(np.float32)


@pytest.mark.parametrize(
    ("rate", "taken"), [(0.0, 0), (0.09, 0), (0.1, 1), (0.19, 1), (0.2, 2), (0.3, 2), (0.4, 4), (1.0, 10)]
)
def test_a_threshold_accepts_at_most_the_rate_and_never_one_of_two_equal_scores(rate: float, taken: int) -> None:
    scores = numbers(0.9, 0.8, 0.7, 0.7, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0)

    threshold = threshold_at(scores, rate)

    assert (scores >= threshold).sum() == taken
    assert accepted(scores, threshold) == taken / 10


def test_a_weight_counts_as_if_the_score_stood_there_as_often() -> None:
    scores, times = numbers(0.9, 0.8, 0.7, 0.1), numbers(0, 3, 1, 6)
    repeated = np.repeat(scores, times.astype(int))
    for rate in (0.1, 0.3, 0.4, 0.5, 1.0):
        threshold = threshold_at(scores, rate, times)
        assert threshold == threshold_at(repeated, rate)
        assert accepted(scores, threshold, times) == accepted(repeated, threshold)


def test_the_interval_is_the_middle_95_percent_of_what_is_known() -> None:
    assert interval([*range(101), math.nan]) == pytest.approx([2.5, 97.5])
    assert all(math.isnan(end) for end in interval([]))


def test_the_trade_off_runs_from_one_false_accept_to_all() -> None:
    curve = trade_off(numbers(0.9, 0.6, 0.35, 0.2), numbers(0.7, 0.4, 0.3, 0.1))

    assert curve == [(0.25, 0.75), (0.5, 0.5), (0.75, 0.25), (1.0, 0.0)]


def test_a_number_that_json_cannot_say_is_none() -> None:
    assert json_safe({"a": [math.nan, 0.5], "b": {"c": -math.inf}, "d": 3}) == {
        "a": [None, 0.5],
        "b": {"c": None},
        "d": 3,
    }


def test_tpir_counts_mated_searches_at_the_threshold_that_strangers_may_pass() -> None:
    """Of 100 strangers one may pass: the threshold lies above 0.6, the second best."""
    stranger = np.concatenate([numbers(0.8, 0.6), np.full(98, 0.1)])
    searches = Searches(numbers(0.9, 0.61, 0.6, -math.inf), np.array([1, 2, 21, 50]), stranger)

    assert searches.metrics() == {"tpir_at_fpir": {"0.01": 0.5}, "rank1": 0.25, "rank20": 0.5}
    # The same with the first search three times and the strangers' best not drawn: now 0.6 is the one that may pass.
    times = np.concatenate([numbers(0, 1), np.ones(98)])
    weighted = searches.metrics(numbers(3, 0, 1, 0), np.concatenate([times[:2], numbers(2), times[3:]]))
    assert weighted == {"tpir_at_fpir": {"0.01": 1.0}, "rank1": 0.75, "rank20": 0.75}


def test_a_person_scores_by_the_best_picture_or_by_the_mean_vector() -> None:
    # Person 0 is on file with two pictures at right angles, person 1 with one; the search lies between the two.
    vectors = np.stack([unit(1, 0, 0), unit(0, 1, 0), unit(0, 0, 1), unit(1, 1, 0), unit(0, 1, 9)])
    person = np.array([0, 0, 1, 0, 2])
    split = Split([0, 1, 2], [3], [4])

    best, mean, better = (searched(vectors, person, split, by) for by in SCORED)

    assert (best.own[0], mean.own[0]) == (pytest.approx(math.sqrt(0.5)), pytest.approx(1.0))
    assert (best.rank[0], mean.rank[0]) == (1, 1)
    assert better.own[0] == pytest.approx(mean.own[0] - MEAN_PENALTY)
    assert best.stranger[0] == mean.stranger[0] == pytest.approx(float(vectors[4] @ vectors[2]))


def test_a_face_that_was_not_found_is_never_proposed_and_its_person_is_missed() -> None:
    nothing = np.full(3, np.nan, np.float32)
    vectors = np.stack([unit(1, 0, 0), unit(0, 1, 0), nothing, nothing, unit(1, 0, 0)])
    person = np.array([0, 1, 2, 0, 2])
    for by in SCORED:
        found = searched(vectors, person, Split([0, 1, 2], [3, 4], [3]), by)

        assert found.own.tolist() == [-math.inf, -math.inf]
        assert found.rank.tolist() == [3, 3]
        assert found.stranger.tolist() == [-math.inf]


def test_known_people_have_four_pictures_and_single_pictures_are_halved() -> None:
    pictures_of = {0: [0, 1, 2, 3, 4], 1: [5, 6, 7], 2: [8], 3: [9], 4: [10], 5: [11, 12, 13, 14]}
    for on_file in (1, 3):
        split = split_of(pictures_of, on_file, seed=1)
        known = {0, 1, 2, 3, 4, 11, 12, 13, 14}
        assert len(split.mated) == 9 - 2 * on_file
        assert len(split.on_file) == 2 * on_file + 1
        assert len(split.non_mated) == 2
        assert set(split.mated) < known
        assert {*split.on_file, *split.mated, *split.non_mated} == known | {8, 9, 10}
        assert split_of(pictures_of, on_file, seed=1) == split
    assert any(split_of(pictures_of, 1, seed) != split_of(pictures_of, 1, 1) for seed in (2, 3, 4))


def test_a_folder_without_known_people_or_strangers_is_refused() -> None:
    for pictures_of in ({0: [0, 1, 2], 1: [3], 2: [4]}, {0: [0, 1, 2, 3], 1: [4]}):
        with pytest.raises(Invalid, match="--protocol verification"):
            split_of(pictures_of, 1, seed=1)


def test_every_pair_of_pictures_is_compared_once() -> None:
    vectors = np.stack([unit(1, 0), unit(1, 1), unit(0, 1)])

    found = all_pairs(vectors, np.array([0, 0, 1]))

    assert found.same.tolist() == pytest.approx([math.sqrt(0.5)])
    assert sorted(found.different.tolist()) == pytest.approx([0.0, math.sqrt(0.5)])


def drawn_sample(people: int, pictures: int, noise: float, found: float = 1.0, poor: float = 2.0) -> Sample:
    """People around directions drawn by chance; each copy, and a plain look, is noisier than the picture."""
    chance = np.random.default_rng(3)

    def seen(direction: np.ndarray, more: float) -> MainFace:
        if chance.random() > found:
            return MainFace()
        product, plain = (unit(*(direction + chance.normal(0, noise * part, 16))) for part in (more, 1.5 * more))
        quality = 0.99 if more == 1.0 else chance.uniform(0.2, 0.4)
        return MainFace(product, quality, more > poor, plain)

    names: list[str] = []
    faces: list[dict[str, MainFace]] = []
    for number in range(people):
        direction = chance.normal(0, 1, 16)
        for _ in range(pictures if number % 2 == 0 else 1):
            names.append(f"person-{number:03d}")
            faces.append({"": seen(direction, 1.0), **{copy: seen(direction, 2.5) for copy in COPIES}})
    return Sample.of(names, faces)


def test_the_means_lie_in_their_intervals_and_come_again_with_the_same_seed() -> None:
    sample = drawn_sample(120, 5, 0.4)

    for values, intervals in (measure_pairs(sample, range(5)), measure_open_set(sample, 1, range(5))):
        for name in set(intervals) & {"accuracy", "rank1"}:
            low, high = intervals[name]
            assert 0.5 < low <= values[name] <= high <= 1.0
    assert measure_open_set(sample, 3, range(5)) == measure_open_set(sample, 3, range(5))


def test_more_pictures_on_file_find_more_people_and_less_noise_too() -> None:
    sample = drawn_sample(120, 5, 0.6)

    one, three = (measure_open_set(sample, on_file, range(5))[0] for on_file in (1, 3))

    assert (one["on_file"], one["mated"], three["mated"]) == (1, 240, 120)
    assert (one["gallery"], three["gallery"], one["non_mated"]) == (60 + 30, 180 + 30, 30)
    assert three["tpir_at_fpir"]["0.01"] > one["tpir_at_fpir"]["0.01"]
    assert one["ways"]["template"] == one["ways"]["max"]
    assert one["ways"]["max"]["rank1"] > one["ways"]["plain"]["rank1"]


def test_worse_copies_are_judged_at_clean_thresholds_and_the_better_way_gains() -> None:
    sample = drawn_sample(120, 5, 0.3)
    clean: dict[Method, AllPairs] = {way: all_pairs(sample.vectors(way), sample.person) for way in ("product", "plain")}

    by_copy, by_quality = measure_copies(sample, clean, 1, CALIBRATION)

    original, *copies = by_copy
    assert original["tar_at_far"] == pytest.approx(clean["product"].as_json()["tar_at_far"])
    assert [row["copy"] for row in copies] == list(COPIES)
    for row in copies:
        assert row["pairs"] == 60 * 20
        assert row["tar_at_far"]["0.001"] < original["tar_at_far"]["0.001"]
        assert row["gain"]["interval"][0] > 0
        assert (row["found"], row["too_poor"]) == (1.0, 1.0)
        # Of nothing: none is good enough to compare.
        assert all(math.isnan(share) for share in row["candidates_of_strangers"].values())
    assert [row["pairs"] for row in by_quality] == [60 * 20 * len(COPIES), 60 * 20]


def test_strangers_in_two_copies_of_one_kind_are_proposed_as_link_does_it() -> None:
    sample = drawn_sample(40, 2, 0.3, found=0.9, poor=9.0)
    clean: dict[Method, AllPairs] = {way: all_pairs(sample.vectors(way), sample.person) for way in ("product", "plain")}

    by_copy, _ = measure_copies(sample, clean, 1, CALIBRATION)

    for row, copy in zip(by_copy, ["", *COPIES], strict=True):
        vectors = sample.vectors("product", copy)
        for share, proposed in row["candidates_of_strangers"].items():
            (threshold,) = (cosine for cosine, of in CALIBRATION.false_accepts if of == float(share))
            decided = [
                float(vectors[a] @ vectors[b]) >= threshold
                for a, b in combinations(np.flatnonzero(sample.found(copy)), 2)
                if sample.person[a] != sample.person[b]
            ]
            assert proposed == pytest.approx(np.mean(decided), abs=2 / len(decided))  # thresholds are rounded
        assert 0 < max(row["candidates_of_strangers"].values()) < 0.2


def test_a_kind_of_copy_without_any_face_has_no_rates() -> None:
    whole = drawn_sample(10, 2, 0.3, found=1.0)
    lost = replace(whole, faces=[{name: face for name, face in by_copy.items() if not name} for by_copy in whole.faces])

    json_safe = strangers_proposed(lost, "blur 5 px", CALIBRATION)

    assert all(math.isnan(share) for share in json_safe.values())


def test_a_folder_where_faces_are_missed_is_measured_and_the_missed_count_as_errors() -> None:
    whole, holes = (measure_pairs(drawn_sample(120, 5, 0.2, found), range(5))[0] for found in (1.0, 0.9))

    assert whole["accuracy"] > 0.99
    # Of the pairs of one person, 1 - 0.9 * 0.9 have a picture without a face.
    assert holes["tar_at_far"]["0.01"] == pytest.approx(0.81, abs=0.06)


def test_a_score_with_a_missing_face_is_minus_infinity() -> None:
    nothing = np.full((1, 2), np.nan, np.float32)

    assert cosines(nothing, np.stack([unit(1, 0), unit(0, 1)])).tolist() == [[-math.inf, -math.inf]]


def test_a_person_is_always_in_the_same_half_and_halves_are_about_halves() -> None:
    halves = [half_of(f"person {number}") for number in range(1000)]

    assert 450 < halves.count("a") < 550
    assert [half_of(f"person {number}") for number in range(1000)] == halves


def test_quality_bands_leave_no_face_out() -> None:
    quality = numbers(0.0, 0.4999, 0.5, 0.8, 0.95, 0.989, 1.0)
    bands = [in_band(quality, band) for band in ((0.0, 0.5), (0.5, 0.8), (0.8, 0.95), (0.95, 1.0))]

    assert [band.sum() for band in bands] == [2, 1, 1, 3]


def test_copies_are_worse_and_of_the_size_that_they_say() -> None:
    chance = np.random.default_rng(1)
    picture = chance.integers(0, 255, (250, 200, 3)).astype(np.uint8)
    for name, copy in COPIES.items():
        made = copy(picture, (60, 70, 90, 120))
        assert made.dtype == np.uint8
        assert made.shape == {"face 40 px in a photo": (960, 1280, 3), "stretched": (250, 290, 3)}.get(
            name, picture.shape
        )
        assert not np.array_equal(made, picture)
    photo = COPIES["face 40 px in a photo"](picture, (60, 70, 90, 120))
    assert (photo != photo[0, 0]).any(axis=2).sum() <= 84 * 67
