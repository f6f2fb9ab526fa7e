"""Searches over the wire: the question as JSON or as the fields of a form, the answer with ranks and no score."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints, field_validator

from api import examples
from api.wire import WireIn, WireOut
from graph.actions import search as searches
from graph.actions.search import Answer, Question, headline
from graph.domain import ids
from graph.domain.comparison import SEARCH_LIMIT
from graph.domain.people import PURPOSE_LIMIT

Stated = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=PURPOSE_LIMIT)]
"""A purpose or a legal basis."""
Digest = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]


class QuestionIn(WireIn):
    """What every search says: for which case and why, and where to look."""

    case_id: str = Field(description="the case that asks, `<source>:<local id>`")
    purpose: Stated
    legal_basis: Stated
    within: str = Field(alias="in", description="`case:<case id>`, or `register` for all that may be compared")
    limit: int = Field(
        default=SEARCH_LIMIT, ge=1, le=searches.LIMIT_MAX, description="the most faces that a register search returns"
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
        return Question(self.case_id, self.purpose, self.legal_basis, self.within, self.limit)


class SearchIn(QuestionIn):
    """A search for known faces."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.QUESTION]})

    faces: list[Digest] = Field(min_length=1, max_length=searches.FACES_MAX)


class FoundOut(WireOut):
    """A face that a search returned: a rank, and whether it lies above the register's threshold; no score.

    Of one that the caller may not see only id, district and contact are told.
    """

    rank: int
    face_id: str
    media_id: str | None
    case_ids: list[str]
    box: list[int] | None
    above: bool
    probe_face_id: str | None
    district: str | None
    contact: str | None


class AskedOut(WireOut):
    search_id: str
    status: Literal["asked"] = "asked"


class SearchOut(WireOut):
    """A search and its answer; while `status` is `asked` the counts are null and there are no items."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.ANSWER]})

    search_id: str
    status: Literal["asked", "answered", "no_face", "too_poor", "quarantined"]
    headline: str
    reason: str | None
    case_id: str
    within: str = Field(serialization_alias="in")
    limit: int
    purpose: str
    legal_basis: str
    requested_by: str
    asked_at: str
    answered_at: str | None
    compared: int | None
    too_poor: int | None
    gallery_offset: int | None
    gallery_size: int | None
    faces: list[str] = Field(description="the faces that are searched for")
    items: list[FoundOut]

    @classmethod
    def from_answer(cls, answer: Answer) -> SearchOut:
        return cls.model_validate(
            {**answer.search, "headline": headline(answer), "faces": answer.probes, "items": answer.items}
        )
