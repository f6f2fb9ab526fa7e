"""Which faces of one case the machine proposes as one person, to be reviewed in one act. Pure.

Complete link: a group is one in which every pair of faces is as similar as the calibration's `group` asks and none is
apart, so that no chain of likenesses joins two people. A group is a proposal and never a victim: only people's verdicts
join its faces.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final

SHEET_MAX: Final = 500
"""Faces of a group at the most: a contact sheet that a person can still look at, and one act judges."""

FaceSet = frozenset[str]


def grown_group(
    face_id: str, units: Iterable[FaceSet], weakest: Callable[[FaceSet, FaceSet], float], strict: float
) -> tuple[FaceSet, list[FaceSet]]:
    """The group that a new face makes with what is there, and the units (groups, single faces) that it took in.

    Agglomerative complete link: again and again the unit whose weakest pair with what has grown so far is strongest,
    while that reaches `strict`. `weakest` gives the lowest likeness between two units, below -1 where a pair is apart.
    Of equal ones the larger unit, then the one with the smallest id.
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
    """The faces that stay a group: while two of them are apart, the one that is so from most others leaves.

    Of equal ones the larger id leaves. `apart` names for a face all that people judged to be somebody else.
    """
    kept = set(faces)
    while True:
        against = {face: len(kept.intersection(apart.get(face, ()))) for face in kept}
        worst = max(kept, key=lambda face: (against[face], face), default=None)
        if worst is None or not against[worst]:
            return frozenset(kept)
        kept.remove(worst)
