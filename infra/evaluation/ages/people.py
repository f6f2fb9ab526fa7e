"""Faces of people at known ages, and intervals over people. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from infra.evaluation.accuracy.people import Codes
from infra.evaluation.accuracy.rates import RESAMPLES, Floats, Metrics, drawn_people, interval
from infra.evaluation.product_score import Faces

Band = tuple[int, int]
Chosen = npt.NDArray[np.bool_]

NEAR: Final = 5
"""Years between two pictures up to which one is expected to find the other."""
FOR_LIFE: Final = 200
ADULTS: Final = (18, FOR_LIFE)
AGE_BANDS: Final[tuple[Band, ...]] = ((0, 3), (4, 8), (9, 12), (13, 17), ADULTS)
"""In whole years, from and to."""
GAPS: Final[tuple[Band, ...]] = ((0, 2), (3, 5), (6, 10), (11, 20), (21, FOR_LIFE))


@dataclass(frozen=True, slots=True)
class Aged:
    """Faces by number: `person` (n,) and `age` (n,) in whole years."""

    person: Codes
    age: Codes
    faces: Faces

    def __post_init__(self) -> None:
        assert len(self.person) == len(self.age) == len(self.faces.vectors), "one person and one age a face"

    @property
    def people(self) -> int:
        return len(np.unique(self.person))

    def within(self, band: Band) -> Chosen:
        """Which faces (n,) are of this band of ages."""
        return (self.age >= band[0]) & (self.age <= band[1])


def band_name(band: Band) -> str:
    return f"{band[0]} and more" if band[1] == FOR_LIFE else f"{band[0]}-{band[1]}"


def over_people(person: Codes, measure: Callable[[Floats], float], seed: int) -> list[float]:
    """The 95 % interval of `measure` over people drawn with replacement: it gets each person's weight, by number."""
    known, size = np.unique(person), int(person.max(initial=-1)) + 1
    chance, values = np.random.default_rng(seed), list[float]()
    for _ in range(RESAMPLES):
        times = np.zeros(size)
        times[known] = drawn_people(len(known), chance)
        values.append(measure(times))
    return interval(values)


def rate(values: npt.NDArray[np.bool_] | Floats, person: Codes, seed: int) -> Metrics:
    """The mean of `values` (n,) of faces or pairs of these people, and its interval over them."""

    def mean(times: Floats) -> float:
        weights = times[person]
        return float(weights @ values / weights.sum()) if weights.sum() else float("nan")

    if not len(values):
        return {"value": float("nan"), "interval": [float("nan")] * 2, "number": 0}
    return {"value": float(np.mean(values)), "interval": over_people(person, mean, seed), "number": len(values)}
