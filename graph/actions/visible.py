"""What of a face, a case or a link a person may see. Pure: rows of the graph in, what may be shown out.

The rules are those of `graph.domain.people`; here stands only what a thing that is not to be seen looks like. A face of
another district shows its id, the district and the duty contact, and nothing else of its case until a link to it is
approved.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from graph.domain.captured import Dates, Gap, gap_between
from graph.domain.link import State
from graph.domain.people import Deed, Person, may

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Side:
    """One face as a person may see it; of one that is hidden, or `erased`, only id, district and contact are left."""

    face_id: str
    media_id: str | None
    case_ids: tuple[str, ...]
    box: tuple[int, ...] | None
    quality: float | None
    district: str | None
    contact: str | None
    erased: bool = False
    more_similar: int | None = None
    """Faces as similar as those proposed for it that the caps cut; None where it is hidden or nobody counted."""


def sees_case(viewer: Person, case: Row) -> bool:
    """Whether the person may see the case of this row, which has its `district`."""
    return may(viewer, Deed.SEE, [case["district"]])


def sees_link(viewer: Person, row: Row) -> bool:
    """Whether one of the two sides lies in a case that the person may see."""
    return may(viewer, Deed.SEE, (case["district"] for side in (row["a"], row["b"]) for case in side["cases"]))


def sees_face(viewer: Person, row: Row) -> bool:
    """Whether the person may see this face's crop: a row of `queries.read.FACES`.

    It lies in their district, or is a side of a link that they see, or was returned by a search that they see.
    """
    return may(viewer, Deed.SEE, [*row["districts"], *row["linked"]]) or any(
        may(viewer, Deed.SEE_SEARCH, [asked["district"]], made_by=asked["by"]) for asked in row["returned"]
    )


def side_from(side: Row, viewer: Person, state: State | None = None) -> Side:
    """The side as `viewer` may see it; once its link is approved, whole."""
    cases: list[Row] = side["cases"]
    erased = bool(side.get("stub"))
    own = [case for case in cases if sees_case(viewer, case)]
    told = next(iter(own or cases), None)
    district, contact = (told["district"], told["contact"]) if told else (None, None)
    if cases and not own and state is not State.APPROVED:
        return Side(side["face_id"], None, (), None, None, district, contact, erased)
    return Side(
        face_id=side["face_id"],
        media_id=side["media_id"],
        case_ids=tuple(case["case_id"] for case in (cases if state is State.APPROVED else own) if not erased),
        box=tuple(side["box"]) if side["box"] is not None else None,
        quality=side["quality"],
        district=district,
        contact=contact,
        erased=erased,
        more_similar=side.get("more_similar"),
    )


def gap_from(a: Row | None, b: Row | None, viewer: Person, state: State | None = None) -> Gap | None:
    """How far apart two pictures were taken, of which these are the dates, as `viewer` may know it."""
    return gap_between(
        Dates.of(a), Dates.of(b), lambda district: state is State.APPROVED or may(viewer, Deed.SEE, [district])
    )


def dated(row: Row, viewer: Person) -> Row:
    """The row of a media, with `dates`, whose `media` says when it was taken by what the viewer may know."""
    taken = Dates.of(row.get("dates")).known_to(lambda district: may(viewer, Deed.SEE, [district]))
    return {**row, "media": {**row["media"], "captured_at": taken}}


def found_from(item: Row, viewer: Person) -> Row:
    """A face that a search returned, as `viewer` may see it: rank and place in the register, masked as a side is.

    One that an erasure took since is left with its rank and its id.
    """
    side = side_from(item, viewer)
    return {
        "rank": item["rank"], "above": item["above"], "probe_face_id": item["probe_face_id"], "face_id": side.face_id,
        "media_id": side.media_id, "case_ids": list(side.case_ids), "box": side.box, "district": side.district,
        "contact": side.contact, "erased": side.erased,
    }  # fmt: skip


def media_from(row: Row, viewer: Person) -> Row:
    """A picture of a case that `viewer` sees, naming of its other cases those that they see too."""
    return {**dated(row, viewer), "others": [case for case in row["others"] if sees_case(viewer, case)]}


def linked_cases(case_id: str, links: Iterable[Row], media: Iterable[Row], viewer: Person) -> list[Row]:
    """The other cases, by id, each with its links by state and the number of media that it shares.

    A case that `viewer` may not see has no id: such cases stand together by district and contact, at the end. A link
    that is approved names its cases. A dismissed link connects nothing.
    """
    found: dict[tuple[str, ...], Row] = {}

    def entry(case: Row, named: bool) -> Row:
        shown = {**case, "case_id": case["case_id"] if named else None}
        key = ("", case["case_id"]) if named else ("hidden", case["district"] or "", case["contact"] or "")
        return found.setdefault(key, {**shown, "links": {}, "shared_media": 0})

    for row in links:
        state = row["link"]["state"]
        if state == State.DISMISSED:
            continue
        others = [case for side in (row["a"], row["b"]) for case in side["cases"] if case["case_id"] != case_id]
        # Two hidden cases of one side are one entry, and one link; of a stub even the own ones are hidden.
        entries = [
            entry(other, other["case_id"] is not None and (state == State.APPROVED or sees_case(viewer, other)))
            for other in others
        ]
        for numbers in {id(each): each["links"] for each in entries}.values():
            numbers[state] = numbers.get(state, 0) + 1
    for row in media:
        entries = [entry(other, sees_case(viewer, other)) for other in row["others"]]
        for each in {id(each): each for each in entries}.values():
            each["shared_media"] += 1
    return [found[key] for key in sorted(found)]
