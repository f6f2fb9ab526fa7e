"""New faces at known ages in registers of several sizes: false candidates, before and after the caps. Pure."""

import importlib
from typing import Any, Final

import numpy as np

from graph.domain.comparison import OTHER_CASES, Similar, within_caps
from infra.evaluation.accuracy.people import Codes
from infra.evaluation.accuracy.rates import Floats, Metrics
from infra.evaluation.ages.people import AGE_BANDS, GAPS, NEAR, Aged, band_name, rate
from infra.evaluation.product_score import Faces, ProductScore

SIZES: Final = (100, 1000)
REGISTERS: Final = 10
"""Registers of each size that are drawn by chance."""


def measure_register(aged: Aged, person: Codes, everyone: Faces, score: ProductScore, seed: int) -> Metrics:
    """By band of ages of the new face; the aged ones are the first of `everyone`, whose `person` (n,) is given.

    `false_candidates`: strangers above the threshold, a new face, in registers of so many faces, and `proposed` those
    of them that the caps leave, where each person's pictures are a case. `in_places`: the share of a person's pictures
    at most two, and NEAR years from the new one that are at or above the floor with fewer than OTHER_CASES strangers
    before them, among so many of the same band of ages, or of all. `rank1`: the most similar of all others is the
    person's.
    """
    scores = score.scores(aged.faces, everyone)
    strange = aged.person[:, None] != person[None]
    itself = np.arange(len(aged.age))
    rows: list[Metrics] = []
    sizes = [size for size in SIZES if size < len(person)] + [len(person)]
    false = {size: _false_candidates(aged, person, everyone, score, scores, size, seed) for size in sizes}
    others = scores.copy()
    others[itself, itself] = -np.inf
    first = person[others.argmax(axis=1)] == aged.person
    has_mate = (~strange).sum(axis=1) > 1
    for band in AGE_BANDS:
        inside = aged.within(band)
        rows.append(
            {
                "ages": band_name(band),
                "false_candidates": {
                    str(size): {name: rate(values[inside], aged.person[inside], seed) for name, values in found.items()}
                    for size, found in false.items()
                },
                "in_places": _in_places(aged, scores, strange, inside, score.floor, seed),
                "rank1": rate(first[inside & has_mate], aged.person[inside & has_mate], seed),
            }
        )
    return {"sizes": sizes, "bands": rows}


def _false_candidates(
    aged: Aged, person: Codes, everyone: Faces, score: ProductScore, scores: Floats, size: int, seed: int
) -> dict[str, Floats]:
    """How many strangers (n,) are above the threshold for each aged face, and are proposed, in registers of `size`."""
    chance = np.random.default_rng(seed)
    above = score.candidates(aged.faces, everyone, size) & (aged.person[:, None] != person[None])
    draws = REGISTERS if size < len(person) else 1
    counts, proposed = np.zeros(len(aged.age)), np.zeros(len(aged.age))
    for _ in range(draws):
        chosen = np.zeros(len(person), np.bool_)
        chosen[chance.choice(len(person), size, replace=False)] = True
        for face, near in enumerate(above & chosen):
            found = [
                Similar(str(other), float(scores[face, other]), str(person[other]), False)
                for other in np.flatnonzero(near)
            ]
            counts[face] += len(found)
            proposed[face] += len(within_caps(found))
    return {"above": counts / draws, "proposed": proposed / draws}


def _in_places(
    aged: Aged, scores: Floats, strange: np.ndarray, inside: np.ndarray, floor: float, seed: int
) -> list[Metrics]:
    """Each true pair's probability to be in the places: fewer than OTHER_CASES of so many strangers score higher.

    That probability is measured over all pairs of strangers with one face of these ages: the pairs of one face are too
    few for a register of thousands.
    """
    stats: Any = importlib.import_module("scipy.stats")
    rows: list[Metrics] = []
    mine, mates = np.nonzero(~strange[:, : len(aged.age)] & inside[:, None])
    apart = np.abs(aged.age[mine] - aged.age[mates])
    for among, group in (("their age", inside), ("all", np.ones(scores.shape[1], np.bool_))):
        columns = np.zeros(scores.shape[1], np.bool_)
        columns[: len(group)] = group
        rivals = np.sort(scores[inside][:, columns][strange[inside][:, columns]])
        ahead = 1 - np.searchsorted(rivals, scores[mine, mates], side="right") / max(len(rivals), 1)
        kept = scores[mine, mates] >= floor
        for most in (GAPS[0][1], NEAR):
            chosen = (apart <= most) & (mine != mates)
            for size in (*SIZES, 10 * SIZES[-1]):
                within = stats.binom.cdf(OTHER_CASES - 1, size, ahead[chosen]) * kept[chosen]
                found = rate(within, aged.person[mine[chosen]], seed)
                rows.append({"among": among, "years": most, "strangers": size, **found})
    return rows
