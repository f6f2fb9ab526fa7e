"""Which faces of one case the machine proposes as one person, to be reviewed in one act. Pure.

Complete linkage: every pair of faces in a group scores at least the calibration's `group`, and no pair is cannot-link
(dismissed by people), so that no chain of similar faces joins two people. A group is a proposal and never a victim:
only people's verdicts join its faces.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final

SHEET_MAX: Final = 500
"""Most faces of a group: a contact sheet that a person can still review in one act."""

FaceSet = frozenset[str]


def grown_group(
    face_id: str, units: Iterable[FaceSet], weakest: Callable[[FaceSet, FaceSet], float], strict: float
) -> tuple[FaceSet, list[FaceSet]]:
    """The group of a new face, and the existing units (groups, single faces) that it absorbs.

    Agglomerative complete linkage: repeatedly absorbs the unit whose weakest pair with the group is strongest, while
    that reaches `strict`. `weakest` gives the lowest score between two units, below -1 with a cannot-link pair. Ties go
    to the larger unit, then to the smallest id.
    """
    grown: FaceSet = frozenset({face_id})
    left, taken = list(units), list[FaceSet]()
    while left := [unit for unit in left if len(grown) + len(unit) <= SHEET_MAX]:
        weakest_of = {unit: weakest(grown, unit) for unit in left}
        best = min(left, key=lambda unit: (-weakest_of[unit], -len(unit), min(unit)))
        if weakest_of[best] < strict:
            break
        grown |= best
        left.remove(best)
        taken.append(best)
    return grown, taken


def without_cannot_links(faces: Collection[str], apart: Mapping[str, Collection[str]]) -> FaceSet:
    """The faces without cannot-link pairs: removes the face with most of them until none is left.

    Ties go to the larger id. `apart` has for a face all faces that people judged to be somebody else.
    """
    kept = set(faces)
    while True:
        against = {face: len(kept.intersection(apart.get(face, ()))) for face in kept}
        worst = max(kept, key=lambda face: (against[face], face), default=None)
        if worst is None or not against[worst]:
            return frozenset(kept)
        kept.remove(worst)
