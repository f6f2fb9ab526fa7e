"""Which pairs one act on a contact sheet confirms or dismisses; a sheet shows two subjects and their links."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from graph.domain.errors import Conflict, Invalid
from graph.domain.ids import ordered

Pair = tuple[str, str]
"""The two face ids of a link."""


@dataclass(frozen=True, slots=True, order=True)
class SheetSubject:
    """One of the two subjects of a sheet; `kind` is victim, group, face, or `far`: a group in another district."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class ContactSheet:
    """`pairs` are the links to confirm; `side_of` has the subject of every face shown; `quality` is from 0 to 1."""

    pairs: tuple[Pair, ...]
    side_of: Mapping[str, SheetSubject]
    quality: Mapping[str, float]


def pairs_to_confirm(sheet: ContactSheet) -> list[Pair]:
    """The pairs of faces that an act confirms to make both subjects one person, each from the smaller id.

    Within a group every face is paired with the group's best one; a victim is joined already. The best faces of the two
    subjects are paired with each other; of a subject that is no group, the face of the link with the best pictures. The
    faces of a group in another district are paired one by one, each by a link of the sheet: what joins them to each
    other is for that district to decide.
    """
    if not sheet.pairs:
        raise Invalid("nothing is left to confirm: dismiss instead")
    sides = sorted({sheet.side_of[face] for pair in sheet.pairs for face in pair})
    across = [(a, b) for a, b in sheet.pairs if sheet.side_of[a] != sheet.side_of[b]]
    if len(sides) > 2 or (len(sides) == 2 and not across):
        raise Invalid("these links are between more than two people: judge one item at a time", code="several_items")
    chosen: list[Pair] = []
    best: dict[SheetSubject, str] = {}
    for side in sides:
        if side.kind == "group":
            best[side] = _best(sheet, side)
            others = (face for face, of in sheet.side_of.items() if of == side and face != best[side])
            chosen += [ordered(best[side], face) for face in others]
    if len(sides) == 2:
        far = {face for face, side in sheet.side_of.items() if side.kind == "far"}
        if far:
            own = {face for face in best.values() if face not in far}
            for face in sorted(far):
                chosen.append(_best_link(sheet, [pair for pair in across if face in pair], own))
        else:
            chosen.append(_bridge(sheet, across, sides, best))
    if not chosen:
        raise Conflict("these faces are held to be one person already", code="settled")
    return sorted(set(chosen))


def pairs_to_dismiss(sheet: ContactSheet, apart: Mapping[str, SheetSubject]) -> list[Pair]:
    """The pairs that an act dismisses so that each face of `apart` differs from the subject it was shown with."""
    return sorted(ordered(_best(sheet, side), face) for face, side in apart.items())


def _best(sheet: ContactSheet, side: SheetSubject) -> str:
    """The face of the subject with the highest quality."""
    faces = (face for face, of in sheet.side_of.items() if of == side)
    return min(faces, key=lambda face: (-sheet.quality[face], face))


def _bridge(
    sheet: ContactSheet, across: Sequence[Pair], sides: Sequence[SheetSubject], best: Mapping[SheetSubject, str]
) -> Pair:
    """The best link that touches the best face of each group, else a new pair of the best faces."""
    ends = {sheet.side_of[face]: face for face in _best_link(sheet, across, best.values())}
    return ordered(*(best.get(side, ends[side]) for side in sides))


def _best_link(sheet: ContactSheet, pairs: Sequence[Pair], wanted: Collection[str]) -> Pair:
    """Of the links that touch all `wanted` faces, else of all, the one whose poorer picture is the best: its score is
    sealed."""
    touching = [pair for pair in pairs if wanted and all(face in pair for face in wanted)]
    return ordered(*min(touching or pairs, key=lambda pair: (-min(sheet.quality[face] for face in pair), pair)))
