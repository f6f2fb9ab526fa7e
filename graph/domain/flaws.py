"""Directions in which face vectors move as pictures become worse. Pure.

Two faces that are blurred, moved or small in the same way are alike whoever they show, and neither of them alone tells
by how much. In a face vector a flaw is a direction, much the same for everybody; what two vectors have in common along
these directions is no likeness of people. Such directions are what nuisance attribute projection takes out of a vector:
Solomonoff, Campbell and Boardman, "Advances in channel compensation for SVM speaker recognition", ICASSP 2005. Here
vectors and cosines stay as they are, and what two of them need to be a candidate rises.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement
from math import hypot
from typing import Final

from graph.domain.errors import Invalid

UNEVEN: Final = 1e-2
"""How far directions may be from orthonormal: they are written with few decimals."""


@dataclass(frozen=True, slots=True)
class Flaws:
    """Measured of one model, and checked when it is built: Invalid says what is wrong.

    `ways` (k, d) are orthonormal directions in which vectors move as pictures become worse, `usual` (k,) is where those
    of good pictures lie along each of them, on average. Up to `allowed`, what two have in common is usual among good
    pictures of different people.
    """

    ways: tuple[tuple[float, ...], ...]
    usual: tuple[float, ...]
    allowed: float

    def __post_init__(self) -> None:
        if not self.ways or len({len(way) for way in self.ways}) > 1 or len(self.usual) != len(self.ways):
            raise _wrong("it takes one direction or more of one length, and a usual place along each")
        for (one, a), (other, b) in combinations_with_replacement(enumerate(self.ways), 2):
            if not abs(sum(x * y for x, y in zip(a, b, strict=True)) - (one == other)) <= UNEVEN:
                raise _wrong("the directions must be of length 1 and at right angles")
        if not hypot(*self.usual) <= 1:
            raise _wrong("no vector of length 1 lies so far along as `usual`")
        if not 0 <= self.allowed <= 1:
            raise _wrong("`allowed` must lie between 0 and 1")


def _wrong(what: str) -> Invalid:
    return Invalid(f"the calibration can't be right: in `flaws`, {what}", code="bad_calibration")
