"""From pairs of labelled faces to thresholds and evidence. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10
from typing import Final

import numpy as np

from graph.domain.calibration import Calibration, Point, Population
from graph.domain.errors import Invalid
from graph.domain.score import ScoreMap
from infra.evaluation.accuracy.people import ORIGINAL, Codes
from infra.evaluation.calibration.labelled import KINDS, LabelledFaces
from infra.evaluation.calibration.likelihood import Flags, Floats, logistic
from streams.gallery.scoring import Scorer

SHARES: Final = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7)
FLOOR_SHARE: Final = 1e-2
"""Share of strangers above the floor: it lies below the first threshold, so that a true pair which misses the threshold
is stored as a lead."""
MIXED: Final = -1
"""The kind of a pair whose faces are of different kinds."""
SEEN: Final = 10
"""Pairs of different people that must reach a score before its share is used."""
STRANGERS_AT_MOST: Final = 3_000_000
"""Most pairs of different people of one kind, and of mixed kinds: more would take gigabytes."""
CAP_AT_MOST: Final = 4.0


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of faces of different pictures: their score and whether they show one person, each (n,).

    `kind` is the index in KINDS of both faces' kind, MIXED where they differ; `age` is the older face's, not a number
    where one is unknown.
    """

    score: Floats
    same: Flags
    kind: Codes
    age: Floats

    @property
    def originals(self) -> Flags:
        """Both are of pictures as they are."""
        return self.kind == KINDS.index(ORIGINAL)

    def __add__(self, other: Pairs) -> Pairs:
        """Both together."""
        return Pairs(*(np.concatenate(each) for each in zip(self._all, other._all, strict=True)))

    @property
    def _all(self) -> Sequence[np.ndarray]:
        return self.score, self.same, self.kind, self.age


def pairs_of(faces: LabelledFaces, score: ScoreMap | None, seed: int) -> Pairs:
    """All pairs of one person, and all or a seeded sample of those of different people; none within one picture."""
    count = len(faces.person)
    alike = sum(int(of_kind) * (int(of_kind) - 1) // 2 for of_kind in np.bincount(faces.kind, minlength=len(KINDS)))
    mixed = count * (count - 1) // 2 - alike
    share_alike, share_mixed = (min(1.0, STRANGERS_AT_MOST / max(pairs, 1)) for pairs in (alike, mixed))
    rng = np.random.default_rng(seed)
    vectors = Scorer(score).all_scored(faces.vectors)
    left: list[np.ndarray] = []
    right: list[np.ndarray] = []
    scores: list[np.ndarray] = []
    for one in range(count - 1):
        others = np.arange(one + 1, count)
        kept = np.where(faces.kind[others] == faces.kind[one], share_alike, share_mixed)
        wanted = (faces.person[others] == faces.person[one]) | (rng.random(len(others)) < kept)
        others = others[wanted & (faces.picture[others] != faces.picture[one])]
        left.append(np.full(len(others), one))
        right.append(others)
        scores.append(vectors[others] @ vectors[one])
    a, b = (np.concatenate(side) if side else np.zeros(0, np.int64) for side in (left, right))
    score_of = np.concatenate(scores).astype(np.float64) if scores else np.zeros(0)
    kind = np.where(faces.kind[a] == faces.kind[b], faces.kind[a], MIXED)
    return Pairs(score_of, faces.person[a] == faces.person[b], kind, np.maximum(faces.age[a], faces.age[b]))


def fit(
    pairs: Pairs, model_id: str, population: Population, score: ScoreMap | None, floor_at_most: float = 1.0
) -> Calibration:
    """The calibration that these pairs give. Invalid where they are too few to say anything."""
    strangers = ~pairs.same & pairs.originals
    shares = [share for share in SHARES if share * strangers.sum() >= SEEN]
    if len(shares) < 2 or not pairs.same.any():
        raise Invalid(
            f"these people make {strangers.sum()} pairs of different people and {pairs.same.sum()} of one: "
            f"it takes {SEEN / SHARES[1]:.0f} and some, so about 900 pictures in all"
        )
    falling = np.sort(pairs.score[strangers])[::-1]
    points = tuple((_reached_by(falling, share), share) for share in shares)
    floor = min(_reached_by(falling, FLOOR_SHARE), floor_at_most, points[0][0])
    return Calibration(model_id, population, points, *_evidence(pairs), floor, score)


def _evidence(pairs: Pairs) -> tuple[tuple[Point, Point], float]:
    offset, (slope,) = logistic(pairs.score[:, None], pairs.same)
    # A ratio larger than the number of pairs could not be tested.
    cap = round(min(log10(pairs.same.sum()), log10((~pairs.same).sum()), CAP_AT_MOST), 1)
    return ((0.0, round(offset, 3)), (1.0, round(offset + slope, 3))), cap


def log_ratios(calibration: Calibration, pairs: Pairs) -> Floats:
    """`Calibration.log_ratio` of each pair, (n,)."""
    found = _on_lines(calibration.evidence, pairs.score)
    rarity = _on_lines([(at, -log10(share)) for at, share in calibration.false_accepts], pairs.score)
    return np.minimum(np.clip(found, -calibration.cap, calibration.cap), np.maximum(rarity, 0))


def _on_lines(points: Sequence[Point], scores: Floats) -> Floats:
    at, height = (np.array(side) for side in zip(*points, strict=True))
    low = (height[1] - height[0]) / (at[1] - at[0])
    high = (height[-1] - height[-2]) / (at[-1] - at[-2])
    outer = np.minimum(scores - at[0], 0) * low + np.maximum(scores - at[-1], 0) * high
    return np.asarray(np.interp(scores, at, height) + outer, np.float64)


def _reached_by(falling: Floats, share: float) -> float:
    """The score that this share of all reaches."""
    return round(float(falling[int(share * len(falling))]), 4)
