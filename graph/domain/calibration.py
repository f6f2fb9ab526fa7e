"""How strongly a score speaks for one person, in words, and from which score on two faces are a candidate. Pure.

The words are those of the ENFSI Guideline for Evaluative Reporting in Forensic Science (2015). The numbers are
measured, per model: see `streams.gallery.calibration`. A score is the product of two vectors as
`graph.domain.score` makes them, which treats everybody alike: so one threshold and one line of evidence hold for all.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from itertools import pairwise
from math import log10
from typing import Final

from graph.domain.errors import Invalid
from graph.domain.score import ScoreMap

FALSE_PER_FACE: Final = 0.4
"""False candidates that a new face may raise on average, however large the register: two needless looks, of seconds,
for five new faces."""
DECADES_BEYOND: Final = 2.0
"""How far below the rarest measured false accept a threshold is extrapolated, in powers of ten."""
GROUP_SHARE: Final = 1e-6
"""Share of strangers that may be as alike as every pair of a group: one act confirms it whole."""
LARGEST_CAP: Final = 6.0
PROVISIONAL: Final = "provisional: measured on adults, not on children"
NOT_CALIBRATED: Final = "not calibrated: measured with another model"
DIGITS: Final = 4
"""Decimals of a threshold: what is measured is not better known."""

_BANDS: Final = (
    (log10(2), "weak support"),
    (1.0, "moderate support"),
    (2.0, "moderately strong support"),
    (3.0, "strong support"),
    (4.0, "very strong support"),
)
"""From which log10 likelihood ratio on the comparison supports `one person` so far; below all of them it does not."""
BAND_WORDS: Final = ("little or no support", *(words for _, words in _BANDS))
"""The weakest first."""

Point = tuple[float, float]


class Population(StrEnum):
    """Whose faces a calibration was measured on."""

    ADULTS = "adults"
    CHILDREN = "children"
    BOTH = "adults and children"
    NOBODY = "nobody"
    """The numbers are those of another model."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """The measurements of one model, checked when it is built: Invalid says what is wrong.

    `false_accepts` are (score, share of pairs of different people that reach it), ever stricter. `evidence` are
    (score, log10 likelihood ratio), rising; no ratio exceeds +-`cap`. A pair below `floor` is not even a lead. `score`
    maps stored vectors to compared ones; without it vectors are compared as they are stored.
    """

    model_id: str
    population: Population
    false_accepts: tuple[Point, ...]
    evidence: tuple[Point, ...]
    cap: float
    floor: float
    score: ScoreMap | None = None
    score_id: str = field(init=False)
    """The name of map and thresholds together: another number in any of them gives another name."""

    def __post_init__(self) -> None:
        _check(len(self.false_accepts) >= 2, "`false_accepts` needs two points at the least")
        _check(_rising([score for score, _ in self.false_accepts]), "the scores of `false_accepts` must rise")
        _check(self.false_accepts[-1][0] <= 1, "a score of `false_accepts` is above 1: no two faces reach it")
        _check(_rising([-share for _, share in self.false_accepts]), "the shares of `false_accepts` must fall")
        _check(
            all(0 < share < 1 for _, share in self.false_accepts), "a share of `false_accepts` is not between 0 and 1"
        )
        _check(0 < self.floor <= self.false_accepts[0][0], "`floor` must be positive and no threshold may lie below it")
        _check(len(self.evidence) >= 2, "`evidence` needs two points at the least")
        _check(_rising([score for score, _ in self.evidence]), "the scores of `evidence` must rise")
        _check(_rising([ratio for _, ratio in self.evidence]), "the ratios of `evidence` must rise with the score")
        _check(0 < self.cap <= LARGEST_CAP, f"`cap` must be positive and {LARGEST_CAP:.0f} at the most")
        content = (
            self.model_id,
            str(self.population),
            self.false_accepts,
            self.evidence,
            self.cap,
            self.floor,
            self.score,
        )
        object.__setattr__(self, "score_id", "score-" + sha256(repr(content).encode()).hexdigest()[:12])

    @property
    def group(self) -> float:
        """The score that every pair of a group reaches: see GROUP_SHARE."""
        return round(min(_on_lines(self._strict, -log10(GROUP_SHARE)), 1.0), DIGITS)

    def threshold(self, compared: int) -> float:
        """The score from which on two faces are a candidate among this many compared ones.

        Rises with their number, so that a new face raises about FALSE_PER_FACE false candidates; from the first
        measured false accept to DECADES_BEYOND the rarest. Straight lines in the logarithm of the share.
        """
        wanted = log10(FALSE_PER_FACE / max(compared, 1))
        strict = self._strict
        limited = min(max(-wanted, strict[0][0]), strict[-1][0] + DECADES_BEYOND)
        return round(_on_lines(strict, limited), DIGITS)

    def log_ratio(self, score: float) -> float:
        """The log10 likelihood ratio of one person against two, within +-`cap`; rises with the score.

        Capped by rarity: a ratio of 1,000 needs a score that at most one in 1,000 pairs of strangers reaches.
        """
        rarity = _on_lines([(at, -log10(share)) for at, share in self.false_accepts], score)
        return min(max(_on_lines(self.evidence, score), -self.cap), self.cap, max(rarity, 0.0))

    def band(self, score: float) -> str:
        """How far the comparison supports `one person`, in words, with the caveat of what was not measured."""
        words = BAND_WORDS[bisect_right([least for least, _ in _BANDS], self.log_ratio(score))]
        caveat = {Population.ADULTS: PROVISIONAL, Population.NOBODY: NOT_CALIBRATED}.get(self.population)
        return words if caveat is None else f"{words}; {caveat}"

    @property
    def _strict(self) -> list[Point]:
        return [(-log10(share), score) for score, share in self.false_accepts]


def _on_lines(points: Sequence[Point], x: float) -> float:
    """The height at `x` of the straight lines through two or more points; the outer lines go on."""
    right = min(max(bisect_right([point[0] for point in points], x), 1), len(points) - 1)
    (x0, y0), (x1, y1) = points[right - 1], points[right]
    return y0 + (y1 - y0) * (x - x0) / (x1 - x0)


def _rising(values: Sequence[float]) -> bool:
    return all(a < b for a, b in pairwise(values))


def _check(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Invalid(f"the calibration can't be right: {otherwise}", code="bad_calibration")
