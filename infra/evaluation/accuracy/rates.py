"""Rates of error and their intervals, from scores. Pure.

Terms: ISO/IEC 19795-1. A pair or a search with a face that was not found scores minus infinity: it is never accepted.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

Curve = Sequence[tuple[float, float]]
"""Points (share of different people accepted, share of one person's missed)."""

Metrics = dict[str, Any]
"""Numbers by name, some of them in objects of their own."""

RESAMPLES = 200
"""Draws of people with replacement, in each split."""
COVERED = 0.95


def threshold_at(scores: Floats, rate: float, weights: Floats | None = None) -> float:
    """The lowest score from which on at most this share of `scores` is accepted.

    Each score counts `weights` times (default: once). Minus infinity where all may be accepted.
    """
    order = np.argsort(-scores, kind="stable")
    counted = np.cumsum(np.ones(len(scores)) if weights is None else weights[order])
    allowed = rate * (counted[-1] if len(counted) else 0.0) * (1 + 1e-12)
    kept = int(np.searchsorted(counted, allowed, side="right"))
    if kept >= len(scores):
        return -math.inf
    # Just above the first score too many and all that equal it.
    return float(np.nextafter(scores[order[kept]], np.inf))


def accepted(scores: Floats, threshold: float, weights: Floats | None = None) -> float:
    """The share of `scores` at or above the threshold; not a number where there are none."""
    total = float(len(scores) if weights is None else weights.sum())
    if total == 0:
        return math.nan
    above = scores >= threshold
    return float(above.sum() if weights is None else weights[above].sum()) / total


def interval(values: npt.ArrayLike) -> list[float]:
    """The middle 95 % of the resampled values."""
    known = np.asarray(values, np.float64)
    known = known[~np.isnan(known)]
    if len(known) == 0:
        return [math.nan, math.nan]
    low, high = np.quantile(known, [(1 - COVERED) / 2, (1 + COVERED) / 2])
    return [float(low), float(high)]


def drawn_people(people: int, chance: np.random.Generator) -> Floats:
    """How often each person is in one draw of so many people with replacement: float (people,)."""
    return np.bincount(chance.integers(people, size=people), minlength=people).astype(np.float64)


def trade_off(same: Floats, different: Floats, points: int = 400) -> Curve:
    """Error rates at falling thresholds: (share of `different` accepted, share of `same` missed).

    Thresholds are those at which the first rate takes evenly spaced values on a logarithmic scale, one pair at the
    least.
    """
    if len(same) == 0 or len(different) == 0:
        return []
    ranked_same, ranked = np.sort(same), np.sort(different)
    counts = np.unique(np.geomspace(1, len(ranked), points).astype(np.int64))
    thresholds = ranked[len(ranked) - counts]
    false = (len(ranked) - np.searchsorted(ranked, thresholds, side="left")) / len(ranked)
    missed = np.searchsorted(ranked_same, thresholds, side="left") / len(ranked_same)
    return [(float(x), float(y)) for x, y in zip(false, missed, strict=True)]


def combined(runs: Sequence[Metrics], combine: Callable[[list[float]], object]) -> Metrics:
    """One object of the runs' shape: each value is `combine` of the runs' numbers of that key."""
    return {
        key: combined([run[key] for run in runs], combine)
        if isinstance(value, dict)
        else combine([run[key] for run in runs])
        for key, value in runs[0].items()
    }


def json_safe(value: Any) -> Any:
    """The value with None for numbers that JSON lacks: a rate of nothing, a threshold that accepts all."""
    if isinstance(value, dict):
        return {key: json_safe(inner) for key, inner in cast("Metrics", value).items()}
    if isinstance(value, list):
        return [json_safe(inner) for inner in cast("list[Any]", value)]
    return None if isinstance(value, float) and not math.isfinite(value) else value
