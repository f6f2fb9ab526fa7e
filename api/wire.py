"""What the JSON of several routes has in common: kinds of values, faces and links, and how examples are written.

JSON in takes no unknown field. JSON out is validated and copied once, from domain objects, which the routes return. Its
models take their fields from the domain's dataclasses (`fields_of`) and add what only the wire has: descriptions,
examples, closed lists of values.
"""

import json
from collections.abc import Collection
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from functools import reduce
from string import Template
from types import UnionType
from typing import Annotated, Any, Final, Generic, Literal, TypeVar, get_args, get_origin, get_type_hints

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    create_model,
)

from graph.domain import ids
from graph.domain.capture_time import Gap
from graph.domain.case_view import CaseFace
from graph.domain.link import REASONS, TEXT_LIMIT, Decision, SecondDecision
from graph.domain.people import PURPOSE_LIMIT
from graph.domain.queue import URGENCIES
from graph.domain.text import is_blank
from graph.domain.visibility import PastVerdict, VisibleEndpoint, VisibleLink

_SHARED = {
    "CASE": '"north:2026-001"',
    "OTHER_CASE": '"south:2026-017"',
    "FACE": '"1e9f7d5b3c1a8f6e4d2c0b9a7f5e3d1c8b6a4f2e0d9c7b5a3f1e8d6c4b20a9f7"',
    "OTHER_FACE": '"b81d0e6f4a2c9b7d5e3f1a8c6b4d2e0f9a7c5b3d1e8f6a4c2b0d9e7f5a3c1b86"',
    "MEDIA": '"2f1d7c9e3b5a8f6d4c2e0b9a7f5d3c1e8b6a4f2d0c9e7b5a3f1d8c6e4b2a0f97"',
    "OTHER_MEDIA": '"7c9e3b5a8f6d4c2e0b9a7f5d3c1e8b6a4f2d0c9e7b5a3f1d8c6e4b2a0f972f1d"',
    "LINK_ID": '"5c3a1f9e7d5b3c1a8f6e4d2c0b9a7f5e3d1c8b6a4f2e0d9c7b5a3f1e8d6c4b20"',
    "VICTIM_ID": '"v-5c3a1f9e7d5b3c1a8f6e4d2c0b9a7f5e"',
    "NORTH": '"district": "north", "contact": "duty desk north, 0100"',
    "SOUTH": '"district": "south", "contact": "duty desk south, 0200"',
}


def _json(text: str) -> str:
    return Template(text).substitute(_SHARED)


def example(*texts: str) -> ConfigDict:
    """The configuration of a model with these examples in JSON; `$NAME` inserts a value that examples share."""
    return ConfigDict(json_schema_extra={"examples": [json.loads(_json(text)) for text in texts]})


_SHARED["LINK_B"] = _json("""
    {"face_id": $OTHER_FACE, "media_id": null, "case_ids": [], "box": null, "quality": null, $SOUTH, "erased": false,
     "more_similar": null}""")
_SHARED["LINK_FIELDS"] = _json("""
    "link_id": $LINK_ID, "proposed_by": "machine", "proposed_at": "2026-11-20T09:12:44+00:00",
    "a": {"face_id": $FACE, "media_id": $MEDIA, "case_ids": [$CASE], "box": [412, 96, 88, 117], "quality": 0.8, $NORTH,
          "erased": false, "more_similar": 12},
    "b": $LINK_B,
    "gap": {"years": null, "band": "6-10",
            "limits": "a picture of a small child is found by one taken 6 to 10 years later in about two of three"}""")
_SHARED["SEALED"] = (
    '"score": null, "band": null, "model_id": null, "threshold": null, "by_mean": null, "score_id": null'
)
_SHARED["LINK"] = _json('{$LINK_FIELDS, $SEALED, "state": "candidate", "version": 0}')
_SHARED["CONFIRMED_LINK"] = _json('{$LINK_FIELDS, $SEALED, "state": "confirmed", "version": 1}')


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


def _is_case_id(text: str) -> str:
    if not ids.is_case_id(text):
        raise ValueError("a case id reads <source>:<local id>")
    return text


def _urgency_name(urgency: object) -> object:
    return URGENCIES[urgency] if isinstance(urgency, int) else urgency


Stated = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=PURPOSE_LIMIT), AfterValidator(_readable)
]
"""A purpose, a legal basis, or the reason of an act."""
OwnPurpose = Annotated[
    Stated,
    Field(description="in the person's own words; a claim is a purpose for the header Redthread-Purpose alone"),
]
Number = Annotated[int, BeforeValidator(_no_truth_value)]
"""A whole number; `true` is none."""
Moment = Annotated[AwareDatetime, AfterValidator(_known_to_utc)]
"""A time with its zone that exists in UTC too."""
CaseIdIn = Annotated[str, AfterValidator(_is_case_id)]
Reason = Annotated[str, StringConstraints(pattern=f"^({'|'.join(sorted(REASONS))})$")]
Text = Annotated[str, StringConstraints(max_length=TEXT_LIMIT)]
Digest = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
"""The id of a face, media or link."""
FACES_MAX: Final = 3000
"""Faces of one body: as many as fit into it."""
Faces = Annotated[
    tuple[Digest, ...] | None,
    Field(
        max_length=FACES_MAX,
        description="the faces that you were shown of the victims that this joins or names. One that came since is "
        "refused with 409 `stale_version`; where there are any and none are said: 428",
    ),
]
Urgency = Annotated[Literal["routine", "urgent", "danger_now"], BeforeValidator(_urgency_name)]


class WireIn(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class WireOut(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, from_attributes=True)


_BASES: Final[dict[type, type[WireOut]]] = {}
"""What `fields_of` returned for each dataclass: the first model built on it is the dataclass's wire model."""


def fields_of(source: type, *, without: Collection[str] = ()) -> type[WireOut]:
    """A base for the wire model of a dataclass: its fields in their order, all of them required.

    A field whose type is a dataclass has that one's wire model, which must exist already.
    """
    kinds = get_type_hints(source)
    names = [field.name for field in fields(source) if field.name not in without]
    typed: dict[str, Any] = {name: (_wire_type(kinds[name]), ...) for name in names}
    _BASES[source] = create_model(source.__name__, __base__=WireOut, **typed)
    return _BASES[source]


def _wire_type(kind: Any) -> Any:
    """The type with each dataclass in it replaced by its wire model."""
    if kind in _BASES:
        return _BASES[kind].__subclasses__()[0]
    parts = tuple(map(_wire_type, get_args(kind)))
    if is_dataclass(kind):
        raise TypeError(f"{kind} has no wire model yet")
    if not parts:
        return kind
    return reduce(lambda one, other: one | other, parts) if isinstance(kind, UnionType) else get_origin(kind)[parts]


Item = TypeVar("Item", bound=WireOut)


class PageOut(WireOut, Generic[Item]):
    """`next` is the `after` of the next page, null on the last one."""

    items: list[Item]
    next: str | None


class SideOut(fields_of(VisibleEndpoint)):
    """One face of a link; of one that the caller may not see, or that is `erased`, only id, district and contact are
    left."""

    box: list[int] | None = Field(description="[x, y, w, h] in pixels of the upright picture")
    more_similar: int | None = Field(
        description="faces as similar as those proposed for this one, that are not; null: nobody counted"
    )


class GapOut(fields_of(Gap)):
    """How far apart two pictures were taken, where both dates are known."""

    years: int | None = Field(description="whole years; null where one date is another district's")
    band: Literal["to 2", "3-5", "6-10", "more than 10"] = Field(description="years")
    limits: str | None = Field(description="what was measured at such a gap, where the comparison finds clearly less")


class LinkOut(fields_of(VisibleLink, without=("history", "face_ids"))):
    """A link; score, band, model, threshold, `by_mean` and `score_id` are null until the caller has judged it.

    `by_mean`: the score is not that of these two faces, but of one and the mean of all faces of the other's victim.
    `score_id` names what made the score of the model's vectors; null on links of a release that had no such name.
    """

    model_config = example("$LINK")


class PastVerdictOut(fields_of(PastVerdict)):
    """What somebody said; reasons and text are null for who still has to decide without them.

    `by` is a name, but of somebody of another district only role and district until the link is approved.
    """

    decision: Decision | SecondDecision | Literal["reopened"]
    blind: bool | None = Field(description="whether the person had not seen score or reasons before; null: a reopening")


class LinkDetailOut(LinkOut):
    """A link with the verdicts on it, oldest first, as far as the caller may read them.

    `face_ids`: its two faces, and those of their victims that the caller may know; a decision that joins names them.
    """

    model_config = example("""
        {$LINK_FIELDS, "state": "confirmed", "version": 1, "score": 0.61, "model_id": "sface-2021dec",
         "band": "very strong support; provisional: measured on adults, not on children", "threshold": 0.4,
         "by_mean": false, "face_ids": [$FACE, $OTHER_FACE], "score_id": "score-5d41402abc4b",
         "history": [{"verdict_id": "4d1c8b6a0f972f1d7c9e3b5a8f6d4c2e", "by": "anna@north",
                      "at": "2026-11-20T10:03:05+00:00", "decision": "confirmed",
                      "reasons": ["ears", "marks", "against:hair"], "text": "", "supersedes": null, "blind": true}]}
    """)

    face_ids: list[str]
    history: list[PastVerdictOut]


class FaceOut(fields_of(CaseFace)):
    page: int = Field(description="the page of the file that the box is on, from 1")
