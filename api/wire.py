"""What goes over the wire: JSON in, which takes no unknown field, and JSON out, built by `from_*`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

from api import examples
from graph.actions.read.similar import SimilarFaces
from graph.domain.capture_time import Gap
from graph.domain.link import REASONS, TEXT_LIMIT, Decision, SecondDecision, State
from graph.domain.people import PURPOSE_LIMIT
from graph.domain.text import is_blank
from graph.domain.visibility import VisibleCase, VisibleLink


def _readable(text: str) -> str:
    if is_blank(text):
        raise ValueError("a text that can be read")
    return text


def _no_truth_value(number: object) -> object:
    if isinstance(number, bool):
        raise ValueError("a whole number")
    return number


def _known_to_utc(moment: datetime) -> datetime:
    try:
        moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("a time between the years 1 and 9999, in UTC too") from None
    return moment


Stated = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=PURPOSE_LIMIT), AfterValidator(_readable)
]
"""A purpose, a legal basis, or why something is done."""
Number = Annotated[int, BeforeValidator(_no_truth_value)]
"""A whole number, which `true` is not."""
Moment = Annotated[AwareDatetime, AfterValidator(_known_to_utc)]
"""A time with its zone, that can be told in UTC as well."""
Reason = Annotated[str, StringConstraints(pattern=f"^({'|'.join(sorted(REASONS))})$")]


FaceId = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
FACES_MAX: Final = 3000
"""Faces of one body: as many as fit into it."""
Faces = Annotated[
    list[FaceId] | None,
    Field(
        max_length=FACES_MAX,
        description="the faces that you were shown of the victims that this joins or names. One that came since is "
        "refused with 409 `stale_version`; where there are any and none are said: 428",
    ),
]


def as_shown(faces: list[str] | None) -> tuple[str, ...] | None:
    return None if faces is None else tuple(faces)


class WireIn(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class WireOut(BaseModel):
    """What is answered: checked and copied once, by pydantic itself, from objects whose attributes have its names."""

    model_config = ConfigDict(extra="forbid", frozen=True, from_attributes=True)


class VerdictIn(WireIn):
    """One person's decision on one link."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.VERDICT]})

    decision: Decision
    reasons: list[Reason] = Field(
        default_factory=list[str],
        max_length=20,
        description="prefix `against:`: this speaks against the decision. Confirming needs one that speaks for it.",
    )
    text: str = Field(default="", max_length=TEXT_LIMIT)
    faces: Faces = None


class Problem(BaseModel):
    """RFC 9457 problem detail; `code` is stable, `current` and `errors` are there where they help."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    current: dict[str, Any] | None = None
    errors: list[dict[str, str]] | None = None


class LiveOut(WireOut):
    status: Literal["alive"] = "alive"


class ReadyOut(WireOut):
    """`parts` says of each part whether it is `ready`, or in a sentence what is missing."""

    status: Literal["ready"] = "ready"
    parts: dict[str, str]


class SideOut(WireOut):
    """One face of a link; of one that the caller may not see, or that is `erased`, only id, district and contact are
    left."""

    face_id: str
    media_id: str | None
    case_ids: list[str]
    box: list[int] | None = Field(description="[x, y, w, h] in pixels of the upright picture")
    quality: float | None
    district: str | None
    contact: str | None
    erased: bool
    more_similar: int | None = Field(
        description="faces as similar as those proposed for this one, that are not; null: nobody counted"
    )


class GapOut(WireOut):
    """How far apart two pictures were taken, where both dates are known."""

    years: int | None = Field(description="whole years; null where one date is another district's")
    band: Literal["to 2", "3-5", "6-10", "more than 10"] = Field(description="years")
    limits: str | None = Field(description="what was measured at such a gap, where the comparison finds clearly less")

    @classmethod
    def from_gap(cls, gap: Gap | None) -> GapOut | None:
        return None if gap is None else cls.model_validate(gap)


class SimilarFacesOut(WireOut):
    """Faces as similar as those proposed for one face, and not proposed, by id: an order that tells no score.

    `number` counts all of them when the face was compared, null where nobody did; at most 200 are listed, the smallest
    ids.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [examples.SIMILAR_FACES]})

    number: int | None
    items: list[SideOut]
    next: str | None

    @classmethod
    def from_found(cls, found: SimilarFaces) -> SimilarFacesOut:
        return cls.model_validate({"number": found.number, "items": found.faces, "next": found.next})


class PastVerdictOut(WireOut):
    """What somebody said; reasons and text are null for who still has to decide without them.

    `by` is a name, but of somebody of another district only role and district until the link is approved.
    """

    verdict_id: str
    by: str
    at: str
    decision: Decision | SecondDecision | Literal["reopened"]
    reasons: list[str] | None
    text: str | None
    supersedes: str | None
    blind: bool | None = Field(description="whether the person had not seen score or reasons before; null: a reopening")


class LinkOut(WireOut):
    """A link; score, band, model, threshold, `by_mean` and `score_id` are null until the caller has judged it.

    `by_mean`: the score is not that of these two faces, but of one and the mean of all faces of the other's victim.
    `score_id` names what made the score of the model's vectors; null on links of a release that had no such name.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [examples.LINK]})

    link_id: str
    state: State
    version: int
    proposed_by: str
    proposed_at: str
    score: float | None
    band: str | None
    model_id: str | None
    threshold: float | None
    by_mean: bool | None
    score_id: str | None
    a: SideOut
    b: SideOut
    gap: GapOut | None

    @classmethod
    def from_link(cls, link: VisibleLink) -> Self:
        return cls.model_validate(link)


class LinkDetailOut(LinkOut):
    """A link with the verdicts on it, oldest first, as far as the caller may read them.

    `face_ids`: its two faces, and those of their victims that the caller may know; a decision that joins names them.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [examples.LINK_JUDGED]})

    face_ids: list[str]
    history: list[PastVerdictOut]


class LinkPage(WireOut):
    """`next` is the `after` of the next page, null on the last one."""

    items: list[LinkOut]
    next: str | None

    @classmethod
    def from_links(cls, links: list[VisibleLink], following: str | None) -> LinkPage:
        return cls.model_validate({"items": links, "next": following})


class CaseOut(WireOut):
    case_id: str
    source: str | None
    district: str | None
    status: str | None
    version: int | None
    contact: str | None
    review_by: str | None


class MediaOut(WireOut):
    media_id: str
    kind: str | None
    content_type: str | None
    width: int | None
    height: int | None
    captured_at: str | None = Field(description="by the latest event that says it, else by the camera (EXIF)")
    ai_generated: bool | None = Field(description="by the latest event that says it; null: no event does")
    scope: str | None
    exhibits: list[str]
    urgency: str | None
    submitted_at: int | None = Field(description="milliseconds since 1970, UTC")
    other_case_ids: list[str]


class FaceOut(WireOut):
    face_id: str
    media_id: str
    ordinal: int | None
    box: list[int] | None
    quality: float | None
    quality_because: str | None
    too_poor_because: str | None
    label: str | None


class LinkedCaseOut(WireOut):
    """Another case that links (by state) or shared media lead to; without an id: cases that the caller may not see."""

    case_id: str | None
    district: str | None
    contact: str | None
    links: dict[State, int]
    shared_media: int


class CaseGraphOut(WireOut):
    """A case as nodes and edges."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.CASE_GRAPH]})

    case: CaseOut
    media: list[MediaOut]
    faces: list[FaceOut]
    links: list[LinkOut]
    cases: list[LinkedCaseOut]

    @classmethod
    def from_case(cls, seen: VisibleCase) -> CaseGraphOut:
        media = [
            {**row["media"], **row["membership"], "exhibits": row["membership"]["exhibits"] or [],
             "other_case_ids": [case["case_id"] for case in row["others"]]}
            for row in seen.media
        ]  # fmt: skip
        return cls.model_validate(
            {
                "case": seen.case,
                "media": media,
                "faces": [{**row["face"], "media_id": row["media_id"]} for row in seen.faces],
                "links": seen.links,
                "cases": seen.linked,
            }
        )
