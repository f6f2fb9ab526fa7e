"""How strongly a cosine speaks for one person, in words, and from which cosine on two faces are a candidate. Pure.

The words are those of the ENFSI Guideline for Evaluative Reporting in Forensic Science (2015). The numbers are
measured, per model: see `streams.gallery.calibration`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from math import log, log10
from typing import Final

from graph.domain.errors import Invalid
from graph.domain.flaws import Flaws

FALSE_PER_FACE: Final = 0.5
"""False candidates that a new face may raise on average, however large the register: one needless look, of seconds,
for two new faces. A tenth of it would make 7 of 100 true pairs more mere leads at 100,000 faces."""
FALSE_IN_CASE: Final = 0.1
"""As FALSE_PER_FACE, on top of it, among the faces of one's own case: these are many pictures of few people, so that
one false likeness comes again and again."""
MOST_TRIES: Final = 4
"""A person of whom a case has several pictures is compared with everybody as often, and strangers come up with each
picture: of 2, 3, 5 pictures any is above 0.40 with 2.1, 2.8, 4.2 times as many. So the later ones count as so many
comparisons, up to this number: who is the same person comes up all the more with one of them."""
DECADES_BEYOND: Final = 1.0
"""How far below the rarest measured false accept a threshold is extrapolated, in powers of ten."""
LARGEST_CAP: Final = 6.0
TYPICAL: Final = 0.9
"""Quality of the worse picture, in the middle of pictures as they are and of poor ones together."""
PROVISIONAL: Final = "provisional: measured on adults, not on children"
NOT_CALIBRATED: Final = "not calibrated: measured with another model, on adults, not on children"
SURE: Final = 0.85
"""Hardly two people are as alike, in whatever poor pictures: one pair of 25 million in copies of LFW of 28 kinds,
heavily blurred and moved ones among them. One poor picture saved twice reaches 0.9."""
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

Point = tuple[float, float]


class Population(StrEnum):
    """Whose faces a calibration was measured on."""

    ADULTS = "adults"
    CHILDREN = "children"
    BOTH = "adults and children"
    NOBODY = "nobody"
    """The numbers are those of another model."""


@dataclass(frozen=True, slots=True)
class WeakPairs:
    """Two different people in faces of which the better has this quality: what they score too often.

    `often` and `seldom` stand for the first and the second cosine of `Calibration.false_accepts`: what is raised by
    them, two people in pictures that are worse in the same way exceed in all as rarely as those in good ones.
    """

    quality: float
    often: float
    seldom: float

    @property
    def width(self) -> float:
        """What lies between the two."""
        return self.seldom - self.often


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was measured of one model, checked when it is built: Invalid says what is wrong.

    `false_accepts` are (cosine, share of pairs of different people that reach it), ever stricter; `weak_pairs` rise
    with the quality. `evidence` are (cosine, log10 likelihood ratio), rising, of pairs whose worse picture has the
    quality TYPICAL; `per_worse` comes on top for each unit that its log odds lie higher, and nothing goes beyond
    +-`cap`. A cosine counts less what both pictures share along `flaws`; None where nobody measured them.
    """

    model_id: str
    population: Population
    false_accepts: tuple[Point, ...]
    weak_pairs: tuple[WeakPairs, ...]
    evidence: tuple[Point, ...]
    per_worse: float
    cap: float
    flaws: Flaws | None = None

    def __post_init__(self) -> None:
        _check(len(self.false_accepts) >= 2, "`false_accepts` needs two points at the least")
        _check(_rising([cosine for cosine, _ in self.false_accepts]), "the cosines of `false_accepts` must rise")
        _check(_rising([-share for _, share in self.false_accepts]), "the shares of `false_accepts` must fall")
        _check(
            all(0 < share < 1 for _, share in self.false_accepts), "a share of `false_accepts` is not between 0 and 1"
        )
        _check(self.floor > 0, "the first cosine of `false_accepts` must be positive: nothing below it is kept")
        _check(_rising([row.quality for row in self.weak_pairs]), "the qualities of `weak_pairs` must rise")
        _check(all(0 <= row.quality <= 1 for row in self.weak_pairs), "a quality of `weak_pairs` is not from 0 to 1")
        _check(all(row.seldom > row.often for row in self.weak_pairs), "in `weak_pairs`, `seldom` must exceed `often`")
        for weaker, better in pairwise((*self.weak_pairs, self._good)):
            _check(
                weaker.often >= better.often and round(weaker.width - better.width, DIGITS) >= 0,
                "`weak_pairs` must fall with the quality, to the first two points of `false_accepts`: a poorer picture "
                "never makes a pair easier to propose",
            )
        _check(len(self.evidence) >= 2, "`evidence` needs two points at the least")
        _check(_rising([cosine for cosine, _ in self.evidence]), "the cosines of `evidence` must rise")
        _check(_rising([ratio for _, ratio in self.evidence]), "the ratios of `evidence` must rise with the cosine")
        _check(-1 <= self.per_worse <= 1, "`per_worse` must lie between -1 and 1")
        _check(0 < self.cap <= LARGEST_CAP, f"`cap` must be positive and {LARGEST_CAP:.0f} at the most")

    @property
    def floor(self) -> float:
        """The cosine below which nothing is kept."""
        return self.false_accepts[0][0]

    def threshold(self, compared: int) -> float:
        """The cosine from which on two good pictures are a candidate among this many compared faces.

        Rises with their number, so that a new face raises about FALSE_PER_FACE false candidates; from the floor to one
        power of ten beyond the rarest false accept that was measured. Straight lines in the logarithm of the share.
        """
        wanted = log10(FALSE_PER_FACE / max(compared, 1))
        strict = [(-log10(share), cosine) for cosine, share in self.false_accepts]
        limited = min(max(-wanted, strict[0][0]), strict[-1][0] + DECADES_BEYOND)
        return round(_on_lines(strict, limited), DIGITS)

    def threshold_in_case(self, in_case: int, compared: int) -> float:
        """The cosine from which on two good pictures of one case are a candidate, of so many faces compared in it.

        Never above the threshold among all compared faces.
        """
        return self.threshold(min(compared, round(in_case * FALSE_PER_FACE / FALSE_IN_CASE)))

    def for_pair(self, threshold: float, quality_a: float, quality_b: float, shared: float = 0.0) -> float:
        """The cosine from which on these two faces are a candidate: `threshold`, or more where both are weak.

        Two poor pictures of different people score high; a poor one beside a good one scores low, so the better one
        decides. How much of their cosine the flaws of both pictures are (`shared`) comes on top. Symmetric, never below
        `threshold` nor, but for that, above SURE, and falls with either quality.
        """
        pair, good = self._weakness(max(quality_a, quality_b)), self._good
        raised = pair.often + (threshold - good.often) * pair.width / good.width
        return round(max(min(max(raised, threshold) + shared, SURE), threshold), DIGITS)

    def log_ratio(self, cosine: float, quality_a: float, quality_b: float, shared: float = 0.0) -> float:
        """The log10 likelihood ratio of one person against two, within +-`cap`.

        The worse picture counts: two pictures of one person are less alike the poorer it is, two people's hardly are,
        so that the same cosine says more of it; but nothing of what the flaws of both are (`shared`). Never more than
        what as few strangers reach as the ratio says. Symmetric, rises with the cosine.
        """
        cosine -= shared if cosine < SURE else 0.0
        beyond = log_odds_of(min(quality_a, quality_b)) - log_odds_of(TYPICAL)
        found = _on_lines(self.evidence, cosine) + self.per_worse * beyond
        return min(max(found, -self.cap), self.cap, max(self._rarity(cosine, max(quality_a, quality_b)), 0.0))

    def _rarity(self, cosine: float, better: float) -> float:
        """Minus log10 of the share of pairs of different people of this better quality that reach the cosine."""
        pair, good = self._weakness(better), self._good
        beyond = cosine - pair.often
        as_good = good.often + (beyond * good.width / pair.width if beyond > 0 else beyond)
        return _on_lines([(at, -log10(share)) for at, share in self.false_accepts], as_good)

    def band(self, cosine: float, quality_a: float, quality_b: float, shared: float = 0.0) -> str:
        """How far the comparison supports `one person`, in words, with the caveat while nobody measured children."""
        ratio = self.log_ratio(cosine, quality_a, quality_b, shared)
        reached = bisect_right([least for least, _ in _BANDS], ratio)
        words = _BANDS[reached - 1][1] if reached else "little or no support"
        caveat = {Population.ADULTS: PROVISIONAL, Population.NOBODY: NOT_CALIBRATED}.get(self.population)
        return words if caveat is None else f"{words}; {caveat}"

    @property
    def _good(self) -> WeakPairs:
        """Pairs of good pictures, as the last of the weak ones."""
        last = self.weak_pairs[-1].quality if self.weak_pairs else 0.0
        return WeakPairs(last, self.false_accepts[0][0], self.false_accepts[1][0])

    def _weakness(self, quality: float) -> WeakPairs:
        """What holds at this quality: straight lines between the measured ones, the nearest one's beyond them."""
        rows = self.weak_pairs or (self._good,)
        if quality <= rows[0].quality or quality >= rows[-1].quality:
            return rows[0] if quality <= rows[0].quality else rows[-1]
        often = _on_lines([(row.quality, row.often) for row in rows], quality)
        return WeakPairs(quality, often, _on_lines([(row.quality, row.seldom) for row in rows], quality))


def log_odds_of(quality: float) -> float:
    """How far a quality lies above one half, as evidence counts it; none is told apart below that or above 0.999."""
    limited = min(max(quality, 0.5), 0.999)
    return log(limited / (1 - limited))


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
