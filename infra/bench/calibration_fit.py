"""From pairs of labelled faces to a calibration. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10
from typing import Final

import numpy as np

from graph.domain.calibration import Calibration, Population, WeakPairs
from graph.domain.errors import Invalid
from infra.bench.labelled import LabelledFaces
from infra.bench.likelihood import Flags, Floats, logistic

SHARES: Final = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7)
SEEN: Final = 10
"""Pairs of different people that must reach a cosine before its share is believed."""
STRANGERS_AT_MOST: Final = 6_000_000
"""Pairs of different people that are looked at: more would take gigabytes."""
NORM_BINS: Final = 4
GOOD_FROM: Final = 0.3
"""Share of the pictures as they are whose norm lies below that of a good one: above it no pair is held to be weak."""
CAP_AT_MOST: Final = 4.0
_NORMAL: Final = (3.0902, 3.7190)
"""Standard deviations above the mean that a normal score reaches once in 1,000 and once in 10,000."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of faces of different pictures: cosine, both norms, and whether they show one person, each (n,)."""

    cosine: Floats
    worse_norm: Floats
    better_norm: Floats
    same: Flags
    originals: Flags
    """Both faces are of pictures as they are, not of copies."""


def pairs_of(faces: LabelledFaces, seed: int) -> Pairs:
    """All pairs of one person, and all or a seeded sample of those of different people; none of a picture's copy."""
    count = len(faces.person)
    kept_share = min(1.0, STRANGERS_AT_MOST / max(count * (count - 1) / 2, 1))
    rng = np.random.default_rng(seed)
    left: list[np.ndarray] = []
    right: list[np.ndarray] = []
    cosines: list[np.ndarray] = []
    for one in range(count - 1):
        others = np.arange(one + 1, count)
        wanted = (faces.person[others] == faces.person[one]) | (rng.random(len(others)) < kept_share)
        others = others[wanted & (faces.picture[others] != faces.picture[one])]
        left.append(np.full(len(others), one))
        right.append(others)
        cosines.append(faces.vectors[others] @ faces.vectors[one])
    a, b = (np.concatenate(side) if side else np.zeros(0, np.int64) for side in (left, right))
    cosine = np.concatenate(cosines).astype(np.float64) if cosines else np.zeros(0)
    norms = faces.norms[a], faces.norms[b]
    originals = ~(faces.is_copy[a] | faces.is_copy[b])
    return Pairs(cosine, np.minimum(*norms), np.maximum(*norms), faces.person[a] == faces.person[b], originals)


def fit(pairs: Pairs, model_id: str, population: Population) -> Calibration:
    """The calibration that these pairs give. Invalid where they are too few to say anything."""
    strangers = _falling(pairs.cosine[~pairs.same & pairs.originals])
    shares = [share for share in SHARES if share * len(strangers) >= SEEN]
    if len(shares) < 2 or not pairs.same.any():
        raise Invalid(
            f"half of the people make {len(strangers)} pairs of different people and {int(pairs.same.sum())} of one: "
            f"it takes {SEEN / SHARES[1]:.0f} and some, so about 900 pictures in all"
        )
    points = tuple((round(_reached_by(strangers, share), 4), share) for share in shares)
    weak = _weak_pairs(pairs, points[0][0], points[1][0])
    offset, slope = logistic(as_good(pairs, weak, points[0][0], points[1][0]), pairs.same)
    evidence = ((0.0, round(offset, 3)), (1.0, round(offset + slope, 3)))
    # A ratio beyond the number of pairs could not have been seen to be wrong.
    cap = round(min(log10(pairs.same.sum()), log10((~pairs.same).sum()), CAP_AT_MOST), 1)
    return Calibration(model_id, population, points, weak, evidence, cap)


def log_ratios(calibration: Calibration, pairs: Pairs) -> Floats:
    """`Calibration.log_ratio` of each pair, (n,)."""
    (often, _), (seldom, _) = calibration.false_accepts[:2]
    cosine, height = (np.array(side) for side in zip(*calibration.evidence, strict=True))
    as_if = as_good(pairs, calibration.weak_pairs, often, seldom)
    inner = np.interp(as_if, cosine, height)
    low = (height[1] - height[0]) / (cosine[1] - cosine[0])
    high = (height[-1] - height[-2]) / (cosine[-1] - cosine[-2])
    outer = np.minimum(as_if - cosine[0], 0) * low + np.maximum(as_if - cosine[-1], 0) * high
    return np.clip(inner + outer, -calibration.cap, calibration.cap)


def as_good(pairs: Pairs, weak: Sequence[WeakPairs], often: float, seldom: float) -> Floats:
    """The cosines that different people in two good pictures reach as rarely as these pairs' do."""
    norms = [row.norm for row in weak]
    at_often = np.interp(pairs.better_norm, norms, [row.often for row in weak])
    width = np.interp(pairs.better_norm, norms, [row.seldom for row in weak]) - at_often
    beyond = pairs.cosine - at_often
    return often + np.where(beyond > 0, beyond * (seldom - often) / width, beyond)


def _weak_pairs(pairs: Pairs, often: float, seldom: float) -> tuple[WeakPairs, ...]:
    """What pairs score that are both weak, by norm; a weaker bin is never believed to be less dangerous."""
    good = float(np.quantile(pairs.worse_norm[pairs.originals], GOOD_FROM))
    edges = np.linspace(float(pairs.worse_norm.min()), good, NORM_BINS + 1)
    rows = [WeakPairs(round(good, 2), often, seldom)]
    for low, high in zip(edges[-2::-1], edges[:0:-1], strict=True):
        inside = ~pairs.same & (pairs.worse_norm >= low) & (pairs.better_norm < high)
        strangers = _falling(pairs.cosine[inside])
        if SHARES[0] * len(strangers) < SEEN:
            break
        at_often = _reached_by(strangers, SHARES[0])
        if SHARES[1] * len(strangers) >= SEEN:
            at_seldom = _reached_by(strangers, SHARES[1])
        else:  # straight on, as a normal distribution goes
            at_seldom = at_often + (at_often - strangers.mean()) * (_NORMAL[1] - _NORMAL[0]) / _NORMAL[0]
        better = rows[-1]
        raised = max(round(at_often, 4), better.often)
        width = max(at_seldom - at_often, better.seldom - better.often)
        rows.append(WeakPairs(round((low + high) / 2, 2), raised, round(raised + width, 4)))
    return tuple(reversed(rows))


def _falling(scores: Floats) -> Floats:
    return np.sort(scores)[::-1]


def _reached_by(falling: Floats, share: float) -> float:
    """The score that this share of all reaches."""
    return float(falling[int(share * len(falling))])
