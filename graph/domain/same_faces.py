"""Faces of one picture as two detectors found them: which of the one are those of the other. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from graph.domain.box import SAME_FACE_IOU, iou


class Place(NamedTuple):
    """Where a face is: its page, from 1, and its box in pixels of the upright page."""

    page: int
    box: Sequence[int]


def same_faces(
    found: Mapping[str, Place],
    stored: Mapping[str, Place],
    known_as: Mapping[str, str] | None = None,
    *,
    by_box: bool = True,
) -> dict[str, str]:
    """The stored face that each found one is; a found face without one is new.

    It is the one with the same id, else the one that `known_as` names for its id, else the one on the same page whose
    box overlaps most, from SAME_FACE_IOU on; without `by_box` boxes are not compared. Each stored face is at most one
    found face, and the rank of a face counts for nothing: one more face in a picture shifts all ranks.
    """
    known = {name: name for name in found if name in stored}
    named = ((name, (known_as or {}).get(name)) for name in found if name not in known)
    _pair(known, ((name, other) for name, other in named if other in stored))
    overlaps = [
        (-overlap, name, other)
        for name, place in found.items()
        if by_box and name not in known
        for other, at in stored.items()
        if at.page == place.page and (overlap := iou(at.box, place.box)) >= SAME_FACE_IOU
    ]
    _pair(known, ((name, other) for _, name, other in sorted(overlaps)))
    return known


def _pair(known: dict[str, str], pairs: Iterable[tuple[str, str | None]]) -> None:
    """Adds the pairs in their order, but for those of which either face is paired already."""
    for name, other in pairs:
        if other is not None and name not in known and other not in known.values():
            known[name] = other
