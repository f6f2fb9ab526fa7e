"""Verification with worse copies as one picture of each pair, at thresholds that were fixed on clean pairs. Pure."""

import math
import random
from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Final

import numpy as np

from graph.domain.calibration import Calibration
from infra.evaluation.accuracy.copies import COPIES
from infra.evaluation.accuracy.pairs import AllPairs
from infra.evaluation.accuracy.people import BANDS, ORIGINAL, Codes, Method, Sample, band_name, in_band, paired
from infra.evaluation.accuracy.rates import RESAMPLES, Floats, Metrics, accepted, drawn_people, interval

COPIED: Final = 2
"""Pictures of each person: with each kind of copy of them the work is several times that of all originals."""
STRICT: Final = "0.001"
"""The false-accept rate at which the methods are compared."""

Pairs = tuple[Codes, Codes]


def measure_copies(
    sample: Sample, clean: Mapping[Method, AllPairs], seed: int, calibration: Calibration
) -> tuple[list[Metrics], list[Metrics]]:
    """Rates of pairs in which one picture is a worse copy: by kind of copy, the original first; and by quality.

    `tar_at_far`: the share of pairs (clean picture, copy of another picture of the person) that is accepted; `plain`:
    the same by a single detection pass, at its own thresholds. `gain` is the difference at FAR 0.001 with its interval
    over people drawn with replacement. `candidates_of_strangers`: the share of pairs of two people, both pictures
    copies of this kind and good enough to compare, that link proposes, by its share of two good pictures.
    """
    pairs = _pairs(sample)
    rows: list[Metrics] = []
    scores: list[Floats] = []
    for copy in (ORIGINAL, *COPIES):
        product, its_scores = _measured(sample, "product", copy, pairs, clean["product"])
        plain, plain_scores = _measured(sample, "plain", copy, pairs, clean["plain"])
        limits = [clean[method].thresholds().get(STRICT, math.inf) for method in ("product", "plain")]
        gain = (its_scores >= limits[0]).astype(np.float64) - (plain_scores >= limits[1])
        rows.append(
            {
                "copy": copy or "as it is",
                "pairs": len(gain),
                **_seen_in(sample, copy, pairs[1]),
                **product,
                "plain": plain,
                "candidates_of_strangers": strangers_proposed(sample, copy, calibration),
                "gain": {"mean": float(gain.mean()), "interval": _interval(gain, sample, pairs, seed)},
            }
        )
        scores.append(its_scores)
    quality = [sample.quality(copy)[pairs[1]] for copy in (ORIGINAL, *COPIES)]
    return rows, _by_quality(np.concatenate(scores), np.concatenate(quality), clean["product"].thresholds())


def to_copy(people: Sequence[str], seed: int) -> list[Sequence[str]]:
    """The copies to make of each picture, given its person: all copies of two random pictures of each person."""
    chosen: set[int] = set()
    numbers = Sample.of(people, []).pictures_of()
    chance = random.Random(seed)
    for pictures in numbers.values():
        if len(pictures) > 1:
            chosen.update(chance.sample(pictures, min(COPIED, len(pictures))))
    return [tuple(COPIES) if number in chosen else () for number in range(len(people))]


def copy_scores(sample: Sample) -> dict[str, Floats]:
    """By kind of copy the product's scores of the same pairs."""
    clean, pairs = sample.vectors("product"), _pairs(sample)
    return {copy: paired(clean, sample.vectors("product", copy), pairs) for copy in COPIES}


def _pairs(sample: Sample) -> Pairs:
    """All pairs of two pictures of one person of which the second was copied."""
    copied = [len(by_copy) > 1 for by_copy in sample.faces]
    numbers = [(a, b) for pictures in sample.pictures_of().values() for a, b in permutations(pictures, 2) if copied[b]]
    return np.array([a for a, _ in numbers], np.int64), np.array([b for _, b in numbers], np.int64)


def _measured(sample: Sample, method: Method, copy: str, pairs: Pairs, clean: AllPairs) -> tuple[Metrics, Floats]:
    """The rates of one method, and the scores of all pairs."""
    limits = clean.thresholds()
    scores = paired(sample.vectors(method), sample.vectors(method, copy), pairs)
    return {"tar_at_far": {far: accepted(scores, limit) for far, limit in limits.items()}}, scores


def strangers_proposed(sample: Sample, copy: str, calibration: Calibration) -> Metrics:
    """By share of pairs of good pictures: how many pairs of two people are candidates at their threshold; not a number
    where none could be compared."""
    there = sample.found(copy) & ~sample.too_poor(copy)
    vectors, person, two = sample.vectors("product", copy)[there], sample.person[there], calibration.false_accepts[:2]
    if len(vectors) < 2:
        return {str(share): math.nan for _, share in two}
    proposed, pairs = np.zeros(2, np.int64), 0
    for one in range(len(vectors) - 1):
        others = np.flatnonzero(person[one + 1 :] != person[one]) + one + 1
        scores = vectors[others] @ vectors[one]
        proposed += [int((scores >= score).sum()) for score, _ in two]
        pairs += len(others)
    return {str(share): proposed[at] / pairs if pairs else math.nan for at, (_, share) in enumerate(two)}


def _seen_in(sample: Sample, copy: str, pictures: Codes) -> Metrics:
    """Shares of the pictures that have a face at all, and one that is too poor; and their median quality."""
    shown = np.unique(pictures)
    return {
        "found": float(sample.found(copy)[shown].mean()),
        "too_poor": float(sample.too_poor(copy)[shown].mean()),
        "median_quality": float(np.median(sample.quality(copy)[shown])),
    }


def _interval(gain: Floats, sample: Sample, pairs: Pairs, seed: int) -> list[float]:
    """Of the mean over pairs, when people are drawn again with replacement."""
    person = sample.person[pairs[0]]
    sums, counts = np.bincount(person, gain, sample.people), np.bincount(person, minlength=sample.people)
    chance = np.random.default_rng(seed)
    draws = [drawn_people(sample.people, chance) for _ in range(5 * RESAMPLES)]
    return interval([float(times @ sums / (times @ counts)) for times in draws if times @ counts > 0])


def _by_quality(scores: Floats, quality: Floats, limits: Mapping[str, float]) -> list[Metrics]:
    """TAR by the quality of the worse picture, over all kinds of copies and the originals together."""
    rows: list[Metrics] = []
    for band in BANDS:
        mine = scores[in_band(quality, band)]
        if len(mine):
            rates = {far: accepted(mine, limit) for far, limit in limits.items()}
            rows.append({"quality": band_name(band), "pairs": len(mine), "tar_at_far": rates})
    return rows
