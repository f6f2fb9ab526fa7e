"""Measures of the truth of likelihood ratios. Pure.

Source: Brümmer and du Preez, "Application-independent evaluation of speaker detection", Computer Speech and Language 20
(2006): Cllr, and its least value by pool adjacent violators.
"""

import importlib
from math import log10
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

SAME: Final = 1e-6
"""A score that spreads less than this is the same in all pairs."""
BIN: Final = 0.5
"""Width of a bin of the reliability table, in powers of ten."""


def cllr(log10_ratio: Floats, same: Flags) -> float:
    """The cost of (n,) log10 likelihood ratios in bits: 0 is perfect, 1 is no information, more misleads."""
    natural = log10_ratio * np.log(10)
    of_same, of_others = np.logaddexp(0, -natural[same]).mean(), np.logaddexp(0, natural[~same]).mean()
    return float((of_same + of_others) / 2 / np.log(2))


def min_cllr(scores: Floats, same: Flags) -> float:
    """The least cost that any rising function of these scores could have."""
    optimize: Any = importlib.import_module("scipy.optimize")  # slow to import, and only benches need it
    order = np.argsort(scores, kind="stable")
    truth = same[order]
    weight = _weights(truth) / 2
    share = np.clip(optimize.isotonic_regression(truth.astype(float), weights=weight).x, 1e-12, 1 - 1e-12)
    return cllr(np.log10(share) - np.log10(1 - share), truth)


def reliability(log10_ratio: Floats, same: Flags) -> list[dict[str, Any]]:
    """The observed ratio of the pairs in each bin of stated log10 ratios; null where a bin has one kind only."""
    number = np.floor(log10_ratio / BIN).astype(int)
    rows: list[dict[str, Any]] = []
    for one in np.unique(number):
        inside = number == one
        here, others = int((inside & same).sum()), int((inside & ~same).sum())
        really = log10(here / same.sum()) - log10(others / (~same).sum()) if here and others else None
        rows.append(
            {
                "stated": round(float(log10_ratio[inside].mean()), 2),
                "observed": None if really is None else round(really, 2),
                "same": here,
                "different": others,
            }
        )
    return rows


def logistic(scores: Floats, same: Flags) -> tuple[float, list[float]]:
    """Offset and slopes of the log10 ratio over scores (n, k), by logistic regression; both kinds weigh alike."""
    optimize: Any = importlib.import_module("scipy.optimize")
    weight, sign = _weights(same), np.where(same, 1.0, -1.0)
    middle, spread = scores.mean(axis=0), scores.std(axis=0)
    width = np.where(spread < SAME, np.inf, spread)  # a score that is equal in all pairs has slope 0
    known = np.column_stack([np.ones(len(scores)), (scores - middle) / width])

    def loss(line: Floats) -> tuple[float, Floats]:
        odds = sign * (known @ line)
        pull: Floats = -weight * sign / (1 + np.exp(np.minimum(odds, 500)))
        return float(weight @ np.logaddexp(0, -odds)), pull @ known

    found = optimize.minimize(loss, np.zeros(known.shape[1]), jac=True, method="BFGS").x / np.log(10)
    slopes = found[1:] / width
    return float(found[0] - slopes @ middle), slopes.tolist()


def _weights(same: Flags) -> Floats:
    """Weights by which the pairs of one person count as much as those of different people: 1 in all, each."""
    ours = int(same.sum())
    return np.where(same, 1 / ours, 1 / (len(same) - ours))
