"""How a face vector becomes the one that it is compared by. Pure.

What makes strangers alike is no likeness of people: that they are small children, that both pictures are blurred, moved
or half covered. In a face vector such a thing is a direction, much the same for everybody. So the mean and the
directions of age and of the worst defects are taken off, and the rest is weighed by how little it differs between
pictures of one person (nuisance attribute projection and within-class covariance normalisation: Solomonoff, Campbell
and Boardman, ICASSP 2005; Hatch, Kajarekar and Stolcke, Interspeech 2006). What is left has length 1, but for a face
that stands where strangers are more alike than usual, told by where it lies along those directions: its vector is
shorter. So one product of two vectors is the score, and a stranger reaches a threshold as seldom whoever it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, combinations_with_replacement
from typing import Final

from graph.domain.errors import Invalid

UNEVEN: Final = 1e-2
"""How far directions may be from orthonormal: they are written with few decimals."""

LARGEST: Final = 1e3
"""Of all numbers: those that are measured of unit vectors are of the order of one, and larger ones may overflow to a
vector that resembles nobody."""

Row = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Crowd:
    """How much shorter the vector of a face in a crowded place is; checked when it is built.

    `directions` (k, d) are orthonormal. Of a face that lies `u` along them from the mean, and with a rest of length
    `r`, the logarithm of the length is -(`base` + `along` u + `squared` u² + `rest` log r), and 0 at the most.
    """

    directions: tuple[Row, ...]
    base: float
    along: Row
    squared: Row
    rest: float

    def __post_init__(self) -> None:
        if not self.directions or len({len(row) for row in self.directions}) > 1:
            raise _wrong("`crowd` takes one direction or more of one length")
        if not len(self.directions) == len(self.along) == len(self.squared):
            raise _wrong("`crowd` takes one number `along` and one `squared` for each direction")
        for (one, a), (other, b) in combinations_with_replacement(enumerate(self.directions), 2):
            if not abs(sum(x * y for x, y in zip(a, b, strict=True)) - (one == other)) <= UNEVEN:
                raise _wrong("the directions of `crowd` must be of length 1 and at right angles")
        _check_size(self.base, *self.along, *self.squared, self.rest)


@dataclass(frozen=True, slots=True)
class ScoreMap:
    """Measured of one model, and checked when it is built: Invalid says what is wrong.

    A vector x (d,) becomes (x - `mean`) `map`, made as long as `crowd` says; `map` is (d, d).
    """

    mean: Row
    map: tuple[Row, ...]
    crowd: Crowd | None

    def __post_init__(self) -> None:
        size = len(self.mean)
        if not size or len(self.map) != size or any(len(row) != size for row in self.map):
            raise _wrong("`map` must have as many rows and columns as `mean` has numbers")
        _check_size(*self.mean, *chain.from_iterable(self.map))
        if not any(map(any, self.map)):
            raise _wrong("`map` is nothing but zeros")
        if self.crowd is not None and len(self.crowd.directions[0]) != size:
            raise _wrong("the directions of `crowd` must be as long as `mean`")


def _check_size(*numbers: float) -> None:
    if not all(abs(number) <= LARGEST for number in numbers):
        raise _wrong("a number is too large")


def _wrong(what: str) -> Invalid:
    return Invalid(f"the calibration can't be right: in `score`, {what}", code="bad_calibration")
