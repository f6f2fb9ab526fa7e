"""What goes over the wire: JSON in, which takes no unknown field, and JSON out, built by `from_*`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api import examples
from graph.actions.seen import PastVerdict, SeenCase, SeenLink
from graph.actions.visible import Side
from graph.domain.link import REASONS, TEXT_LIMIT, Decision, SecondDecision, State

Reason = Annotated[str, StringConstraints(pattern=f"^({'|'.join(sorted(REASONS))})$")]


class WireIn(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class WireOut(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


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

    @classmethod
    def from_side(cls, side: Side) -> SideOut:
        return cls(
            face_id=side.face_id, media_id=side.media_id, case_ids=list(side.case_ids), quality=side.quality,
            box=list(side.box) if side.box is not None else None, district=side.district, contact=side.contact,
            erased=side.erased,
        )  # fmt: skip


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

    @classmethod
    def from_verdict(cls, past: PastVerdict) -> PastVerdictOut:
        return cls(
            verdict_id=past.verdict_id, by=past.by, at=past.at, decision=_decision(past.decision), text=past.text,
            reasons=None if past.reasons is None else list(past.reasons), supersedes=past.supersedes,
        )  # fmt: skip


def _decision(said: str) -> Decision | SecondDecision | Literal["reopened"]:
    kinds: tuple[type[Decision] | type[SecondDecision], ...] = (Decision, SecondDecision)
    for kind in kinds:
        if said in set(kind):
            return kind(said)
    return "reopened"


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

    @classmethod
    def from_link(cls, link: SeenLink) -> LinkOut:
        return cls(**_link_fields(link))


class LinkDetailOut(LinkOut):
    """A link with the verdicts on it, oldest first, as far as the caller may read them."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.LINK_JUDGED]})

    history: list[PastVerdictOut]

    @classmethod
    def from_link(cls, link: SeenLink) -> LinkDetailOut:
        return cls(**_link_fields(link), history=[PastVerdictOut.from_verdict(past) for past in link.history])


def _link_fields(link: SeenLink) -> dict[str, Any]:
    return {
        "link_id": link.link_id, "state": link.state, "version": link.version, "proposed_by": link.proposed_by,
        "proposed_at": link.proposed_at, "score": link.score, "band": link.band, "model_id": link.model_id,
        "threshold": link.threshold, "by_mean": link.by_mean, "score_id": link.score_id,
        "a": SideOut.from_side(link.a), "b": SideOut.from_side(link.b),
    }  # fmt: skip


class LinkPage(WireOut):
    """`next` is the `after` of the next page, null on the last one."""

    items: list[LinkOut]
    next: str | None


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
    captured_at: str | None
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
    def from_case(cls, seen: SeenCase) -> CaseGraphOut:
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
                "links": [LinkOut.from_link(link) for link in seen.links],
                "cases": seen.linked,
            }
        )
