"""From pairs of labelled faces to a calibration. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import log10
from typing import Final

import numpy as np

from graph.domain.calibration import TYPICAL, Calibration, Population, WeakPairs, log_odds_of
from graph.domain.errors import Invalid
from infra.bench.accuracy_people import ORIGINAL, Codes
from infra.bench.labelled import KINDS, LabelledFaces
from infra.bench.likelihood import Flags, Floats, logistic

SHARES: Final = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7)
MIXED: Final = -1
"""The kind of two faces that are not of one."""
SEEN: Final = 10
"""Pairs of different people that must reach a cosine before its share is believed."""
KNOWN_FROM: Final = round(SEEN / SHARES[0])
"""So many pairs of strangers of a kind tell what they reach."""
STRANGERS_AT_MOST: Final = 3_000_000
"""Pairs of different people of one kind that are looked at, and as many mixed ones: more would take gigabytes."""
BINS: Final = 10
"""Of the better quality, with as many pairs of strangers in each."""
GOOD_FROM: Final = 0.5
"""Share of the pairs of pictures as they are in which the better one counts as poor, if only a little."""
STEP: Final = 0.004
LEVELS: Final = 60
"""What two poor pictures need is raised by up to so many steps of a cosine."""
UP: Final = (1, 2, 4, 8)
"""By how many of them at once."""
CAP_AT_MOST: Final = 4.0


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of faces of different pictures: cosine, the log odds of the worse quality, the better quality, and whether
    they show one person, each (n,).

    `kind` is the place in KINDS of both faces' kind, MIXED where they are not of one.
    """

    cosine: Floats
    worse: Floats
    better: Floats
    same: Flags
    kind: Codes

    @property
    def originals(self) -> Flags:
        """Both are of pictures as they are."""
        return self.kind == KINDS.index(ORIGINAL)


def pairs_of(faces: LabelledFaces, seed: int) -> Pairs:
    """All pairs of one person, and all or a seeded sample of those of different people; none within one picture."""
    count = len(faces.person)
    alike = sum(int(of_kind) * (int(of_kind) - 1) // 2 for of_kind in np.bincount(faces.kind, minlength=len(KINDS)))
    mixed = count * (count - 1) // 2 - alike
    share_alike, share_mixed = (min(1.0, STRANGERS_AT_MOST / max(pairs, 1)) for pairs in (alike, mixed))
    rng = np.random.default_rng(seed)
    left: list[np.ndarray] = []
    right: list[np.ndarray] = []
    cosines: list[np.ndarray] = []
    for one in range(count - 1):
        others = np.arange(one + 1, count)
        kept = np.where(faces.kind[others] == faces.kind[one], share_alike, share_mixed)
        wanted = (faces.person[others] == faces.person[one]) | (rng.random(len(others)) < kept)
        others = others[wanted & (faces.picture[others] != faces.picture[one])]
        left.append(np.full(len(others), one))
        right.append(others)
        cosines.append(faces.vectors[others] @ faces.vectors[one])
    a, b = (np.concatenate(side) if side else np.zeros(0, np.int64) for side in (left, right))
    cosine = np.concatenate(cosines).astype(np.float64) if cosines else np.zeros(0)
    odds = np.array([log_odds_of(quality) for quality in faces.quality.tolist()])
    worse, better = np.minimum(odds[a], odds[b]), np.maximum(faces.quality[a], faces.quality[b])
    kind = np.where(faces.kind[a] == faces.kind[b], faces.kind[a], MIXED)
    same = faces.person[a] == faces.person[b]
    return Pairs(cosine, worse, better, same, kind)


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
    offset, (slope, per_worse) = logistic(
        np.column_stack([pairs.cosine, pairs.worse - log_odds_of(TYPICAL)]), pairs.same
    )
    evidence = ((0.0, round(offset, 3)), (1.0, round(offset + slope, 3)))
    # A ratio beyond the number of pairs could not have been seen to be wrong.
    cap = round(min(log10(pairs.same.sum()), log10((~pairs.same).sum()), CAP_AT_MOST), 1)
    return Calibration(model_id, population, points, weak, evidence, round(min(max(per_worse, -1.0), 1.0), 3), cap)


def log_ratios(calibration: Calibration, pairs: Pairs) -> Floats:
    """`Calibration.log_ratio` of each pair, (n,)."""
    cosine, height = (np.array(side) for side in zip(*calibration.evidence, strict=True))
    inner = np.interp(pairs.cosine, cosine, height)
    low = (height[1] - height[0]) / (cosine[1] - cosine[0])
    high = (height[-1] - height[-2]) / (cosine[-1] - cosine[-2])
    outer = np.minimum(pairs.cosine - cosine[0], 0) * low + np.maximum(pairs.cosine - cosine[-1], 0) * high
    found = inner + outer + calibration.per_worse * (pairs.worse - log_odds_of(TYPICAL))
    return np.minimum(np.clip(found, -calibration.cap, calibration.cap), np.maximum(_rarity(calibration, pairs), 0))


def _rarity(calibration: Calibration, pairs: Pairs) -> Floats:
    """Minus log10 of the share of such pairs of different people that reach the cosine, (n,)."""
    cosine, share = (np.array(side) for side in zip(*calibration.false_accepts, strict=True))
    strict = -np.log10(share)
    weak = calibration.weak_pairs or (WeakPairs(0.0, cosine[0], cosine[1]),)
    measured = [row.quality for row in weak]
    often = np.interp(pairs.better, measured, [row.often for row in weak])
    stretch = np.interp(pairs.better, measured, [row.width for row in weak]) / (cosine[1] - cosine[0])
    beyond = pairs.cosine - often
    as_good = cosine[0] + np.where(beyond > 0, beyond / stretch, beyond)
    low = (strict[1] - strict[0]) / (cosine[1] - cosine[0])
    high = (strict[-1] - strict[-2]) / (cosine[-1] - cosine[-2])
    outer = np.minimum(as_good - cosine[0], 0) * low + np.maximum(as_good - cosine[-1], 0) * high
    return np.asarray(np.interp(as_good, cosine, strict) + outer, np.float64)


def _weak_pairs(pairs: Pairs, often: float, seldom: float) -> tuple[WeakPairs, ...]:
    """What different people in two poor pictures score too often, by the better quality.

    Faces that are worse in the same way have that way in common, and no single face tells how alike that makes them. So
    the cosines are raised, where it costs the fewest pairs of one person and for all poorer ones at the least as much,
    until of all strangers in two copies of a kind no more exceed theirs than of those in two good pictures. Between the
    middles of the bins lie straight lines.
    """
    strangers = ~pairs.same
    good = float(np.quantile(pairs.better[strangers & pairs.originals], GOOD_FROM))
    weak = strangers & (pairs.kind > 0) & (pairs.better < good)
    kinds = [strangers & (pairs.kind == kind) for kind in range(1, len(KINDS))]
    known = [kind for kind in kinds if kind.sum() >= KNOWN_FROM]
    rows = [WeakPairs(round(good, 4), often, seldom)]
    if not known or weak.sum() < KNOWN_FROM:
        return tuple(rows)
    place = np.searchsorted(np.quantile(pairs.better[weak], np.linspace(0, 1, BINS + 1)[1:-1]), pairs.better, "right")
    place[pairs.better >= good] = BINS
    reached = np.searchsorted(often + STEP * np.arange(LEVELS), pairs.cosine, "right")
    share = float(np.mean(pairs.cosine[strangers & pairs.originals] >= often))
    tables = [_reaching(place[kind], reached[kind]) / kind.sum() for kind in known]
    # Where those of good quality alone are too many, the poor ones need not make up for them.
    goals = [
        max(share, float(table[BINS, 0] + share * np.mean(place[kind] < BINS)))
        for table, kind in zip(tables, known, strict=True)
    ]
    levels = _levels(tables, goals, _reaching(place[pairs.same], reached[pairs.same]))
    typical = float(pairs.cosine[strangers & pairs.originals].mean())
    for one in range(BINS - 1, -1, -1):
        here, better = weak & (place == one), rows[-1]
        quality = round(float(pairs.better[here].mean()), 4) if here.any() else better.quality
        if quality >= better.quality:  # so many are as good as that, to four digits
            continue
        raised = max(round(often + STEP * int(levels[one]), 4), better.often)
        # Straight on, as far in proportion to what is usual there.
        width = (seldom - often) * (raised - float(pairs.cosine[here].mean())) / (often - typical)
        width = max(width, better.width)
        rows.append(WeakPairs(quality, raised, round(raised + width, 4)))
    return tuple(reversed(rows))


def _reaching(place: Codes, reached: Codes) -> Floats:
    """How many pairs of each bin reach each level, (BINS + 1, LEVELS)."""
    counts = np.bincount(place * (LEVELS + 1) + reached, minlength=(BINS + 1) * (LEVELS + 1))
    at_least = counts.reshape(BINS + 1, LEVELS + 1)[:, ::-1].cumsum(axis=1)[:, ::-1]
    return at_least[:, 1:].astype(np.float64)


def _levels(strangers: Sequence[Floats], goals: Sequence[float], same: Floats) -> Codes:
    """The level of each bin, (BINS + 1,), that of each kind's strangers no larger share than its goal reaches.

    Given are the shares of each kind's strangers, and the number of true pairs, that reach each level in each bin. The
    last bin is of good pictures and stays 0.
    """
    level = np.zeros(BINS + 1, np.int64)

    def total(table: Floats, levels: Codes) -> float:
        return float(table[np.arange(BINS + 1), levels].sum())

    while True:
        too_many = [(table, total(table, level) - goal) for table, goal in zip(strangers, goals, strict=True)]
        choices: list[tuple[float, Codes]] = []
        for worst, up in product(range(BINS), UP):
            raised = level.copy()
            raised[: worst + 1] = np.minimum(np.maximum(level[: worst + 1], level[worst] + up), LEVELS - 1)
            fewer = sum(min(much, total(t, level) - total(t, raised)) for t, much in too_many if much > 0)
            if fewer > 0:
                choices.append((fewer / (1 + total(same, level) - total(same, raised)), raised))
        if not choices:
            return level
        level = max(choices, key=lambda choice: choice[0])[1]


def _falling(scores: Floats) -> Floats:
    return np.sort(scores)[::-1]


def _reached_by(falling: Floats, share: float) -> float:
    """The score that this share of all reaches."""
    return float(falling[int(share * len(falling))])
