"""The accuracy is that of the best threshold on the other folds, and its pairs are what they say."""

import numpy as np
import pytest

from infra.evaluation.verification import FOLDS, best_threshold, seeded_pairs, verify


def test_the_best_threshold_has_the_fewest_errors_of_all() -> None:
    chance = np.random.default_rng(5)
    for _ in range(200):
        # Rounded, so that many scores are equal.
        scores = np.round(chance.normal(0.4, 0.2, 40), 1)
        truth = scores + chance.normal(0, 0.2, 40) > 0.4
        tried = [*np.unique(scores), np.inf]
        fewest = min(int(np.sum((scores >= threshold) != truth)) for threshold in tried)
        assert int(np.sum((scores >= best_threshold(scores, truth)) != truth)) == fewest


def test_separated_scores_verify_without_error_and_equal_ones_by_chance() -> None:
    apart = verify([0.8] * 30, [0.1] * 30)
    assert apart is not None and apart.accuracy == 1.0 and 0.1 < apart.threshold <= 0.8
    alike = verify([0.5] * 30, [0.5] * 30)
    assert alike is not None and alike.accuracy == 0.5


def test_too_few_pairs_for_the_folds_give_no_accuracy() -> None:
    assert verify([0.9] * (FOLDS - 1), [0.1] * 50) is None


@pytest.mark.parametrize("seed", [1, 2])
def test_seeded_pairs_are_distinct_and_of_the_people_they_claim(seed: int) -> None:
    person_of = {f"{person}-{number}": person for person in "abcdef" for number in range(4)}
    same, different = seeded_pairs(person_of, seed, count=30)
    assert (len(same), len(different)) == (30, 30)
    assert len(set(map(frozenset, same))) == len(set(map(frozenset, different))) == 30
    assert all(person_of[a] == person_of[b] and a != b for a, b in same)
    assert all(person_of[a] != person_of[b] for a, b in different)
    assert seeded_pairs(person_of, seed, count=30) == (same, different)


def test_all_pairs_are_taken_where_there_are_fewer() -> None:
    same, different = seeded_pairs({"a-0": "a", "a-1": "a", "b-0": "b"}, 1, count=30)
    assert (len(same), len(different)) == (1, 2)
