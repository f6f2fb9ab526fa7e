"""A case as a person may see it: media, faces, links, and the other cases that they lead to. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from graph.domain.capture_time import Dates
from graph.domain.link import State
from graph.domain.people import Permission, Person, may
from graph.domain.visibility import Row, VisibleLink, may_see_case


@dataclass(frozen=True, slots=True)
class Case:
    """A case without its contents."""

    case_id: str
    source: str | None
    district: str | None
    status: str | None
    version: int | None
    contact: str | None
    review_by: str | None


@dataclass(frozen=True, slots=True)
class CaseMedia:
    """A picture or video with its membership in one case; `submitted_at` in milliseconds since 1970, UTC.

    `frames_examined` of its `frames` pages were examined; `partial_percent` is about how much of the picture could be
    decoded, None where all of it was.
    """

    media_id: str
    kind: str | None
    content_type: str | None
    width: int | None
    height: int | None
    frames: int
    frames_examined: int
    partial_percent: int | None
    captured_at: str | None
    ai_generated: bool | None
    scope: str | None
    exhibits: tuple[str, ...]
    urgency: str | None
    submitted_at: int | None
    other_case_ids: tuple[str, ...]
    """Only cases that the viewer may see."""


@dataclass(frozen=True, slots=True)
class CaseFace:
    """A face of a case's media; `box` is [x, y, w, h] in pixels of the upright picture."""

    face_id: str
    media_id: str
    ordinal: int | None
    box: list[int] | None
    page: int
    quality: float | None
    quality_because: str | None
    too_poor_because: str | None
    label: str | None


@dataclass(frozen=True, slots=True)
class LinkedCase:
    """Another case, with its links by state and the number of media that it shares.

    `case_id` is None where the viewer may not see the case: such cases of one district and contact are counted
    together.
    """

    case_id: str | None
    district: str | None
    contact: str | None
    links: dict[State, int]
    shared_media: int


@dataclass(frozen=True, slots=True)
class VisibleCase:
    """A case as nodes and edges; `cases` are the other cases that links or shared media lead to."""

    case: Case
    media: tuple[CaseMedia, ...]
    faces: tuple[CaseFace, ...]
    links: tuple[VisibleLink, ...]
    cases: tuple[LinkedCase, ...]


def media_statements(dates: Row | None, viewer: Person) -> dict[str, Any]:
    """`captured_at` and `ai_generated` of a media, by the latest event of a case that the viewer may see; None: no
    such event states it."""

    def sees(district: str) -> bool:
        return may(viewer, Permission.SEE, [district])

    cases: list[Row] = dates["cases"] if dates else []
    stating = [case for case in cases if case.get("ai_generated") is not None and sees(case["district"])]
    latest = max(stating, key=lambda case: (case["ai_generated_told"], case["ai_generated"]), default=None)
    return {
        "captured_at": Dates.of(dates).known_to(sees),
        "ai_generated": None if latest is None else latest["ai_generated"],
    }


def media_facts(row: Row, viewer: Person) -> dict[str, Any]:
    """The fields of `CaseMedia` of a row with `media`, `membership`, `others` and `dates`, in a case that they see."""
    facts = {**row["media"], **row["membership"], **media_statements(row["dates"], viewer)}
    others = tuple(case["case_id"] for case in row["others"] if may_see_case(viewer, case))
    return {**facts, "exhibits": tuple(facts["exhibits"] or ()), "other_case_ids": others}


def linked_cases(case_id: str, links: Iterable[Row], media: Iterable[Row], viewer: Person) -> tuple[LinkedCase, ...]:
    """The cases other than `case_id` that these links and shared media lead to: by id, those without one at the end.

    An approved link names its cases. A dismissed link connects nothing.
    """
    found: dict[tuple[str, ...], Row] = {}

    def entry(case: Row, named: bool) -> Row:
        key = ("", case["case_id"]) if named else ("hidden", case["district"] or "", case["contact"] or "")
        shown = {**case, "case_id": case["case_id"] if named else None}
        return found.setdefault(key, {**shown, "links": {}, "shared_media": 0})

    for row in links:
        state = row["link"]["state"]
        if state == State.DISMISSED:
            continue
        others = [case for side in (row["a"], row["b"]) for case in side["cases"] if case["case_id"] != case_id]
        # Two hidden cases of one face share an entry, which counts the link once. A stub hides even one's own cases.
        entries = [
            entry(other, other["case_id"] is not None and (state == State.APPROVED or may_see_case(viewer, other)))
            for other in others
        ]
        for numbers in {id(each): each["links"] for each in entries}.values():
            numbers[state] = numbers.get(state, 0) + 1
    for row in media:
        entries = [entry(other, may_see_case(viewer, other)) for other in row["others"]]
        for each in {id(each): each for each in entries}.values():
            each["shared_media"] += 1
    return tuple(LinkedCase(**found[key]) for key in sorted(found))
