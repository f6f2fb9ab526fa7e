"""Searches over the wire: the question as JSON or as the fields of a form, the answer with ranks and no score."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, ConfigDict, Field, StringConstraints, field_validator, model_validator

from api import examples
from api.limits import CASE_ID_MAX, VICTIM_ID_MAX
from api.wire import GapOut, Number, Stated, WireIn, WireOut
from graph.actions.read import search as searches
from graph.actions.read.answers import Answer
from graph.actions.read.search import Question
from graph.domain import ids
from graph.domain.comparison import SEARCH_LIMIT
from graph.store.session import Row

Digest = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
Status = Literal["asked", "answered", "no_face", "too_poor", "quarantined"]


class QuestionIn(WireIn):
    """What every search says: for which case and why, and where to look."""

    case_id: str = Field(max_length=CASE_ID_MAX, description="the case that asks, `<source>:<local id>`")
    purpose: Stated
    legal_basis: Stated
    within: str = Field(
        alias="in", max_length=CASE_ID_MAX, description="`case:<case id>`, or `register` for all that may be compared"
    )
    limit: Number = Field(
        default=SEARCH_LIMIT, ge=1, le=searches.LIMIT_MAX, description="the most people that a register search lists"
    )
    keep_asking: bool = Field(
        default=False,
        description="go on with everything that comes, until you end it or the case that asks is closed",
    )

    @field_validator("case_id")
    @classmethod
    def _is_case(cls, text: str) -> str:
        if not ids.is_case_id(text):
            raise ValueError("a case id reads <source>:<local id>")
        return text

    @field_validator("within")
    @classmethod
    def _is_place(cls, text: str) -> str:
        if text != "register" and not (text.startswith("case:") and ids.is_case_id(text.removeprefix("case:"))):
            raise ValueError("`register` or `case:<case id>`")
        return text

    def question(self) -> Question:
        return Question(
            self.case_id, self.purpose, self.legal_basis, self.within, self.limit, keep_asking=self.keep_asking
        )


class SearchIn(QuestionIn):
    """A search for known faces of one person, or for a victim's faces as they are now."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.QUESTION, examples.VICTIM_QUESTION]})

    faces: list[Digest] | None = Field(default=None, min_length=1, max_length=searches.FACES_MAX)
    victim_id: str | None = Field(default=None, min_length=1, max_length=VICTIM_ID_MAX)

    @model_validator(mode="after")
    def _says_who(self) -> SearchIn:
        if (self.faces is None) == (self.victim_id is None):
            raise ValueError("say who is searched for: `faces`, or `victim_id`")
        return self


class PictureIn(QuestionIn):
    """The fields beside an uploaded picture."""

    rotate: Literal["0", "90", "180", "270"] = Field(
        default="0",
        description="degrees clockwise by which the picture is turned to look for more faces; it is stored as it came, "
        "and boxes are those in it",
    )


class FoundOut(WireOut):
    """A face that a search returned: a rank, and whether it lies above the register's threshold; no score.

    `offset` names the part that it came with. Of a face that the caller may not see only id, district and contact are
    told; of one that was erased since its id.
    """

    offset: int
    rank: int
    face_id: str
    media_id: str | None
    case_ids: list[str]
    box: list[int] | None
    above: bool
    probe_face_id: str | None
    district: str | None
    contact: str | None
    erased: bool
    victim_id: str | None
    group_id: str | None
    gap: GapOut | None = Field(description="to the picture of `probe_face_id`")


class AskedOut(WireOut):
    search_id: str
    status: Literal["asked"] = "asked"


class ProbeOut(WireOut):
    """A face that is searched for; of an uploaded picture with several, ask again with the `face_id` of one."""

    face_id: str
    media_id: str | None
    box: list[int] | None
    quality: float | None
    too_poor_because: str | None


class PersonOut(WireOut):
    """Faces of this page that show one person as far as is known: a victim, a group of one case, or a face alone."""

    kind: Literal["victim", "group", "face"]
    id: str
    identified: bool
    face_ids: list[str] = Field(description="the most similar first")


class PartOut(WireOut):
    """What was answered at one record of the gallery log; `items` are those of this page, `found` counts all."""

    offset: int
    at: str | None
    compared: int
    too_poor: int
    no_face: int | None
    found: int
    items: list[FoundOut]


class ToComeOut(WireOut):
    """Events that are known to be on their way, at most: of a case its source's; `seconds` null: nobody can tell."""

    events: int
    seconds: int | None
    as_of: str | None


class _SearchFacts(WireOut):
    search_id: str
    status: Status
    case_id: str
    within: str = Field(validation_alias=AliasChoices("within", "in"), serialization_alias="in")
    purpose: str
    requested_by: str
    asked_at: str
    answered_at: str | None
    keep_asking: bool
    open: bool = Field(description="whether more may be added to the answer")
    open_until: str | None
    ended_at: str | None
    ended_because: Literal["asker", "case_closed", "time", "erased"] | None
    victim_id: str | None


class SearchOut(_SearchFacts):
    """A search and a page of its answer, in the order of parts and ranks; while `status` is `asked` there is none.

    `compared`, `too_poor` and `no_face` (media) are those of all parts, `quarantined` counts events of the named case.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [examples.ANSWER]})

    headline: str
    reason: str | None
    limit: int
    legal_basis: str
    compared: int | None
    too_poor: int | None
    no_face: int | None
    quarantined: int
    to_come: ToComeOut
    gallery_offset: int | None
    gallery_size: int | None
    picture: str | None = Field(description="the media id of the uploaded picture")
    faces: list[ProbeOut] = Field(description="the faces that are searched for")
    people: list[PersonOut]
    parts: list[PartOut]
    items: list[FoundOut]
    next: str | None

    @classmethod
    def from_answer(cls, answer: Answer) -> SearchOut:
        items = [
            {**{name: item[name] for name in FoundOut.model_fields}, "gap": GapOut.from_gap(item["gap"])}
            for item in answer.items
        ]
        coming = answer.coming
        parts = [
            {
                **{name: part[name] for name in ("offset", "at", "compared", "too_poor", "no_face")},
                "found": part["returned"],
                "items": [row for row, item in zip(items, answer.items, strict=True) if item["part"] == part["number"]],
            }
            for part in answer.parts
        ]
        names = ("reason", "limit", "legal_basis", "gallery_offset", "gallery_size", "picture")
        return cls.model_validate(
            {
                **_facts(answer.search, answer.open),
                **{name: answer.search[name] for name in names},
                **answer.covered,
                "headline": answer.headline,
                "quarantined": coming.quarantined,
                "to_come": {"events": coming.events, "seconds": coming.seconds, "as_of": coming.as_of},
                "faces": answer.probes,
                "people": answer.people,
                "parts": parts,
                "items": items,
                "next": answer.next,
            }
        )


class SearchLineOut(_SearchFacts):
    """A search in a list; `found` counts the faces that it returned, `similar` those above the threshold."""

    found: int
    similar: int

    @classmethod
    def from_row(cls, row: Row) -> SearchLineOut:
        facts = _facts(row["search"], row["open"])
        return cls.model_validate({**facts, "found": row["returned"], "similar": row["above"]})


class SearchPage(WireOut):
    """`next` is the `after` of the next page, null on the last one."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.SEARCHES]})

    items: list[SearchLineOut]
    next: str | None


class UnjudgedFaceOut(WireOut):
    face_id: str
    box: list[int] | None
    quality: float | None
    too_poor_because: str


class UnjudgedOut(WireOut):
    """A media that the machine could not judge whole: `faces` are too poor to compare; without any, none was found."""

    media_id: str
    case_ids: list[str]
    faces: list[UnjudgedFaceOut]

    @classmethod
    def from_row(cls, row: Row) -> UnjudgedOut:
        return cls(
            media_id=row["media_id"], case_ids=[case["case_id"] for case in row["cases"]],
            faces=[UnjudgedFaceOut.model_validate(face) for face in row["faces"]],
        )  # fmt: skip


class UnjudgedPage(WireOut):
    """A page may be short, or empty: go on with `next` until it is null."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.UNJUDGED]})

    items: list[UnjudgedOut]
    next: str | None


def _facts(search: Row, is_open: bool) -> dict[str, Any]:
    names = ("search_id", "status", "case_id", "within", "purpose", "requested_by", "asked_at", "answered_at",
             "keep_asking", "ended_at", "ended_because", "victim_id")  # fmt: skip
    until = search["until"]
    return {
        **{name: search[name] for name in names},
        "open": is_open,
        "open_until": None if until is None else datetime.fromtimestamp(until / 1000, UTC).isoformat(),
    }
