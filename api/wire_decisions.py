"""What people decide, over the wire: approvals, reopenings, links by hand, contact sheets, identifications."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints

from api import examples
from api.limits import VERSION_MAX
from api.wire import Faces, Number, Reason, WireIn, WireOut, as_shown
from graph.actions.decide.acts import Done
from graph.actions.decide.contact_sheet import LINKS_MAX, SheetJudgement
from graph.actions.decide.decision import Seen
from graph.actions.decide.identify import REFERENCE_LIMIT, Proposal, VisibleIdentification
from graph.domain.identification import Basis, IdentificationState
from graph.domain.link import TEXT_LIMIT, Decision, SecondDecision, State

Id = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
Text = Annotated[str, StringConstraints(max_length=TEXT_LIMIT)]


class ApprovalIn(WireIn):
    """A second person's decision; returning needs a reason, which goes back to the first person.

    `faces`: those that were shown of the victims concerned.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [examples.APPROVAL]})

    decision: SecondDecision
    reason: Text = ""
    faces: Faces = None


class ReopeningIn(WireIn):
    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "the ears differ on the second picture"}]})

    reason: Annotated[str, StringConstraints(min_length=1, max_length=TEXT_LIMIT)]


class LinkIn(WireIn):
    """Two faces that a person holds to be one person although the machine did not propose it.

    `faces`: those that were shown of the victims that the two are in.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [examples.LINK_BY_HAND]})

    face_a: Id
    face_b: Id
    reasons: list[Reason] = Field(min_length=1, max_length=20)
    text: Text = ""
    faces: Faces = None


class SeenIn(WireIn):
    """A link and the version that the caller saw."""

    link_id: Id
    version: Number = Field(ge=0, le=VERSION_MAX)


class ActIn(WireIn):
    """One decision on a contact sheet; `faces_apart` are ticked off as somebody else.

    `faces` are those of a group or victim that the sheet showed beside its links. The act joins those of a group too,
    and no face that came later; a face that came to a victim since makes the sheet stale.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [examples.ACT]})

    links: list[SeenIn] = Field(min_length=1, max_length=LINKS_MAX)
    faces: Faces = None
    faces_apart: list[Id] = Field(default_factory=list[Id], max_length=LINKS_MAX)
    decision: Decision
    reasons: list[Reason] = Field(default_factory=list[str], max_length=20)
    text: Text = ""

    def said(self) -> SheetJudgement:
        links = tuple(Seen(item.link_id, item.version) for item in self.links)
        return SheetJudgement(
            links, self.decision, tuple(self.reasons), self.text, tuple(self.faces_apart), as_shown(self.faces)
        )  # fmt: skip


class ActApprovalIn(WireIn):
    """A second person's decision on the links of one act, with the versions seen, and the `faces` of their victims."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.ACT_APPROVAL]})

    links: list[SeenIn] = Field(min_length=1, max_length=LINKS_MAX)
    decision: SecondDecision
    reason: Text = ""
    faces: Faces = None


class ActLinkOut(WireOut):
    link_id: str
    state: State
    version: int


class ActVictimOut(WireOut):
    victim_id: str
    faces: int


class ActOut(WireOut):
    """What an act changed, or would change; `act_id` is null for a preview.

    `faces` of `cases` cases are in another victim than before. Links in `pending` join two registered victims only
    once they are approved.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [examples.ACT_DONE]})

    act_id: str | None
    links: list[ActLinkOut]
    faces: int
    cases: int
    victims: list[ActVictimOut]
    pending: list[str]
    identifications_to_approve_again: list[str]
    in_part: bool = Field(description="of an act taken back something stands in another district")

    @classmethod
    def from_done(cls, done: Done) -> ActOut:
        return cls.model_validate(done)


class IdentificationIn(WireIn):
    """`person_ref` is the case system's reference of a person, never a name; `faces` are those of the victim seen."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.IDENTIFICATION]})

    person_ref: Annotated[str, StringConstraints(min_length=1, max_length=REFERENCE_LIMIT)]
    basis: Basis
    reason: Annotated[str, StringConstraints(min_length=1, max_length=TEXT_LIMIT)]
    faces: Faces = None

    def proposal(self) -> Proposal:
        return Proposal(self.person_ref, self.basis, self.reason, as_shown(self.faces))


class IdentificationOut(WireOut):
    """An identification with its basis; it stands while `state` is approved."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.IDENTIFICATION_SEEN]})

    identification_id: str
    victim_id: str | None
    person_ref: str
    basis: Basis
    reason: str
    state: IdentificationState
    version: int
    by: str
    at: str
    face_ids: list[str]
    decided_by: str | None
    decided_at: str | None
    decision_reason: str | None

    @classmethod
    def from_identification(cls, seen: VisibleIdentification) -> IdentificationOut:
        return cls.model_validate(seen)
