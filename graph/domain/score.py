"""The map from stored face vectors to those that are compared. Pure.

Vectors of strangers are alike mainly through nuisances: the age group, and defects of the pictures such as blur, motion
or occlusion. Each of these is a direction in the vector space, much the same for everybody. The map subtracts the mean,
removes the directions of age and of the worst defects, and weighs the rest by how little it varies between pictures of
one person (nuisance attribute projection and within-class covariance normalisation: Solomonoff, Campbell and Boardman,
ICASSP 2005; Hatch, Kajarekar and Stolcke, Interspeech 2006). The result has length 1, except in crowded regions, where
strangers are more alike than usual: there it is shorter, by an amount that its position along those directions gives.
So the product of two vectors is the score, and the false-accept rate at a threshold is the same for everybody.
"""

from dataclasses import dataclass
from itertools import chain, combinations_with_replacement
from typing import Final

from graph.domain.errors import Invalid

UNEVEN: Final = 1e-2
"""How far directions may be from orthonormal: they are written with few decimals."""

MOST_DIRECTIONS: Final = 64
"""Every two of them are compared when a file is read."""
LARGEST: Final = 1e3
"""Of all numbers: those that are measured of unit vectors are of the order of one, and larger ones may overflow to a
vector that resembles nobody."""

Row = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Crowd:
    """The length of vectors in crowded regions; checked at construction.

    `directions` (k, d) are orthonormal. Of a face that lies `u` along them from the mean, and with a rest of length
    `r`, the logarithm of the length is -(`base` + `along` u + `squared` u² + `rest` log r), and 0 at the most.
    """

    directions: tuple[Row, ...]
    base: float
    along: Row
    squared: Row
    rest: float

    def __post_init__(self) -> None:
        if not 0 < len(self.directions) <= MOST_DIRECTIONS or len({len(row) for row in self.directions}) > 1:
            raise _wrong(f"`crowd` takes from one to {MOST_DIRECTIONS} directions of one length")
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
