"""Open-set search: people who are on file are to be found, people who are not are not to be proposed. Pure.

Of a person with at least four pictures, one or three chosen by chance are on file and the rest are mated searches. Of
the people with a single picture a half, chosen by chance, is on file, and the other half are non-mated searches.
Terms: ISO/IEC 19795-1; a mated search succeeds where its person scores at or above the threshold that the given share
of non-mated searches passes with anybody (TPIR at FPIR).
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from graph.domain.errors import Invalid
from infra.evaluation.accuracy.people import BANDS, Codes, Method, Sample, Vectors, band_name, cosines, in_band
from infra.evaluation.accuracy.rates import (
    RESAMPLES,
    Curve,
    Floats,
    Metrics,
    Whole,
    accepted,
    combined,
    drawn_people,
    interval,
    threshold_at,
    trade_off,
)
from streams.gallery.means import MEAN_PENALTY

ScoredBy = Literal["best", "mean", "better"]
"""How a person's pictures on file score: by the best, by their mean, or, as in link, by the better of the two."""
KNOWN_FROM: Final = 4
"""Pictures of a person who is known."""
FPIR: Final = ("0.01",)
RANKS: Final = (1, 20)


@dataclass(frozen=True, slots=True)
class Split:
    """Pictures by number: on file, mated searches and non-mated ones."""

    on_file: list[int]
    mated: list[int]
    non_mated: list[int]


def split_of(pictures_of: Mapping[int, Sequence[int]], on_file: int, seed: int) -> Split:
    """The split that this seed always gives. Raises Invalid where the folder has too few people for one."""
    chance = random.Random(seed)
    split = Split([], [], [])
    single: list[int] = []
    for pictures in pictures_of.values():
        if len(pictures) >= KNOWN_FROM:
            shuffled = chance.sample(pictures, len(pictures))
            split.on_file.extend(shuffled[:on_file])
            split.mated.extend(shuffled[on_file:])
        elif len(pictures) == 1:
            single.extend(pictures)
    chance.shuffle(single)
    if not split.mated or len(single) < 2:
        raise Invalid(
            f"the open-set protocol needs a person with at least {KNOWN_FROM} pictures and two people with one each: "
            "ask for --protocol verification"
        )
    split.on_file.extend(single[: len(single) // 2])
    split.non_mated.extend(single[len(single) // 2 :])
    return split


@dataclass(frozen=True, slots=True)
class Searches:
    """Results of the searches of a split: score and rank of the person searched for, best score of each stranger."""

    own: Floats
    rank: Whole
    stranger: Floats

    def metrics(self, mated: Floats | None = None, non_mated: Floats | None = None) -> Metrics:
        """Rates, with each search counted as often as its weight says."""
        rates: Metrics = {"tpir_at_fpir": {}}
        for fpir in FPIR:
            threshold = threshold_at(self.stranger, float(fpir), non_mated)
            rates["tpir_at_fpir"][fpir] = accepted(self.own, threshold, mated)
        for rank in RANKS:
            rates[f"rank{rank}"] = accepted(-self.rank.astype(np.float64), -rank, mated)
        return rates


def searched(vectors: Vectors, person: Codes, split: Split, by: ScoredBy) -> Searches:
    """All searches of a split.

    A person scores by the best of their pictures on file, by the mean of their vectors, as long as they are, or as
    link scores them: by the better of the two, the mean's less what strangers score higher by it.
    """
    galleries = [
        (_gallery(vectors, person, split, by_mean=by_mean), less)
        for by_mean, less, wanted in (
            (False, 0.0, by != "mean"),
            (True, MEAN_PENALTY if by == "better" else 0.0, by != "best"),
        )
        if wanted
    ]

    def scores(pictures: list[int]) -> Floats:
        return np.maximum.reduce([gallery.scores(vectors[pictures]) - off for gallery, off in galleries])

    own_column = np.searchsorted(galleries[0][0].people, person[split.mated])
    mated = scores(split.mated)
    own = mated[np.arange(len(split.mated)), own_column]
    # People with the same score rank first: a tie is no success.
    rank = (mated >= own[:, None]).sum(axis=1)
    return Searches(own, rank.astype(np.int64), scores(split.non_mated).max(axis=1))


@dataclass(frozen=True, slots=True)
class _Gallery:
    """Vectors on file, ordered by person; `first` is where each of `people` begins."""

    vectors: Vectors
    people: Codes
    first: Codes

    def scores(self, asked: Vectors) -> Floats:
        """The score (n, people) of each person on file for each vector."""
        return np.maximum.reduceat(cosines(asked, self.vectors), self.first, axis=1)


def _gallery(vectors: Vectors, person: Codes, split: Split, *, by_mean: bool) -> _Gallery:
    on_file = np.array(split.on_file)
    on_file = on_file[np.argsort(person[on_file], kind="stable")]
    people, first = np.unique(person[on_file], return_index=True)
    stored = vectors[on_file]
    if not by_mean:
        return _Gallery(stored, people, first)
    seen = ~np.isnan(stored[:, 0])
    sums = np.add.reduceat(np.where(seen[:, None], stored, 0).astype(np.float64), first, axis=0)
    sums[np.add.reduceat(seen, first) == 0] = np.nan  # nobody was seen in any of the person's pictures
    lengths = np.add.reduceat(np.where(seen, np.linalg.norm(np.nan_to_num(stored), axis=1), 0), first)
    counts = np.maximum(np.add.reduceat(seen.astype(np.int64), first), 1)
    means = sums * (lengths / counts / np.linalg.norm(sums, axis=1))[:, None]
    return _Gallery(means.astype(np.float32), people, np.arange(len(people)))


METHODS: Final[Mapping[str, tuple[Method, ScoredBy]]] = {
    "product": ("product", "better"),
    "max": ("product", "best"),
    "template": ("product", "mean"),
    "plain": ("plain", "best"),
}
"""By name: the method of the vectors, and how a person's pictures on file score."""


def measure_open_set(sample: Sample, on_file: int, seeds: Sequence[int]) -> tuple[Metrics, Metrics]:
    """The values of `open_set`, means over the seeded splits, and their intervals under the same keys.

    A person scores as a victim of confirmed faces does: by the best picture on file or the mean of these, whichever is
    better. `ways` has that as `product`, each alone as `max` and `template`; `plain` is `max` by one detection pass.
    Intervals: people, known and unknown, drawn again with replacement in each split, all splits pooled.
    """
    pictures_of = sample.pictures_of()
    vectors = {method: sample.vectors(method) for method in ("product", "plain")}
    means: dict[str, list[Metrics]] = {name: [] for name in METHODS}
    drawn: dict[str, list[Metrics]] = {name: [] for name in METHODS}
    bands: dict[str, list[tuple[int, float]]] = {band_name(band): [] for band in BANDS}
    split = Split([], [], [])
    for seed in seeds:
        split = split_of(pictures_of, on_file, seed)
        found = {name: searched(vectors[method], sample.person, split, by) for name, (method, by) in METHODS.items()}
        for name, searches in found.items():
            means[name].append(searches.metrics())
        chance = np.random.default_rng(seed)
        for _ in range(RESAMPLES):
            times = drawn_people(sample.people, chance)
            mated, non_mated = times[sample.person[split.mated]], times[sample.person[split.non_mated]]
            for name, searches in found.items():
                drawn[name].append(searches.metrics(mated, non_mated))
        _note_bands(bands, found["product"], sample.quality()[split.mated])
    size = {
        "on_file": on_file,
        "gallery": len(split.on_file),
        "mated": len(split.mated),
        "non_mated": len(split.non_mated),
    }
    values = {name: combined(runs, lambda numbers: float(np.nanmean(numbers))) for name, runs in means.items()}
    intervals = {name: combined(runs, interval) for name, runs in drawn.items()}
    by_quality = [
        {
            "quality": name,
            "searches": sum(number for number, _ in runs),
            "tpir_at_fpir": {FPIR[0]: sum(number * rate for number, rate in runs) / sum(number for number, _ in runs)},
        }
        for name, runs in bands.items()
        if any(number for number, _ in runs)
    ]
    return (
        {**size, **values["product"], "ways": values, "by_quality": by_quality},
        {**intervals["product"], "ways": intervals},
    )


def curves_of(sample: Sample, on_file: int, seeds: Sequence[int]) -> dict[str, Curve]:
    """By method the trade-off of all splits' searches: strangers with a candidate, known people who are missed."""
    curves: dict[str, Curve] = {}
    for name, (method, by) in METHODS.items():
        vectors = sample.vectors(method)
        runs = [searched(vectors, sample.person, split_of(sample.pictures_of(), on_file, seed), by) for seed in seeds]
        own, stranger = (np.concatenate([getattr(run, kind) for run in runs]) for kind in ("own", "stranger"))
        curves[f"search, {name}"] = trade_off(own, stranger)
    return curves


def _note_bands(bands: dict[str, list[tuple[int, float]]], searches: Searches, quality: Floats) -> None:
    threshold = threshold_at(searches.stranger, float(FPIR[0]))
    for band in BANDS:
        own = searches.own[in_band(quality, band)]
        bands[band_name(band)].append((len(own), accepted(own, threshold) if len(own) else 0.0))
