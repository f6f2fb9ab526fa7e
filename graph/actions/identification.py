"""An identification as it is proposed, stored and shown, and the notices about it."""

from dataclasses import asdict, dataclass, replace
from typing import Self

from graph.actions.notices import Notice
from graph.actions.victims import Surroundings
from graph.domain.identification import Basis, IdentificationState
from graph.domain.known_victims import VictimView
from graph.domain.people import Maker, Person, display_name
from graph.store.session import Row

REFERENCE_LIMIT = 200
_OUTCOME = {IdentificationState.APPROVED: "identified", IdentificationState.PROPOSED: "identification_reopened"}
_STANDING = {IdentificationState.APPROVED: "approved", IdentificationState.PROPOSED: "assessed"}


@dataclass(frozen=True, slots=True)
class Proposal:
    """That a victim is a person known to the case system; `person_ref` is that system's reference, never a name."""

    person_ref: str
    basis: Basis
    reason: str
    faces: tuple[str, ...] | None = None
    """Those of the victim that the person saw; None: not stated."""


@dataclass(frozen=True, slots=True)
class VisibleIdentification:
    """An identification as one person may see it; proposer and decider are named by `display_name`."""

    identification_id: str
    victim_id: str | None
    person_ref: str
    basis: Basis
    reason: str
    state: IdentificationState
    version: int
    by: str
    at: str
    face_ids: tuple[str, ...]
    decided_by: str | None = None
    decided_at: str | None = None
    decision_reason: str | None = None


@dataclass(frozen=True, slots=True)
class StoredIdentification(VisibleIdentification):
    """An identification as the graph holds it; the victim is a relationship there, so `victim_id` is None."""

    role: str | None = None
    district: str | None = None
    decided_role: str | None = None
    decided_district: str | None = None

    @classmethod
    def of(cls, row: Row) -> Self:
        typed: Row = {
            "victim_id": None,
            "basis": Basis(row["basis"]),
            "state": IdentificationState(row["state"]),
            "face_ids": tuple(row["face_ids"]),
        }
        return cls(**{**row, **typed})

    @property
    def row(self) -> Row:
        return {**asdict(self), "face_ids": list(self.face_ids)}

    def decided(self, state: IdentificationState, decision: Row) -> Self:
        """The same after a second person's `decision` (by, role, district, at, reason); with {}: without one."""
        made = {f"decided_{name}": decision.get(name) for name in ("by", "role", "district", "at")}
        return replace(self, state=state, version=self.version + 1, decision_reason=decision.get("reason"), **made)

    def proposer(self, viewer: Person) -> str:
        """Who proposed it, as shown to this viewer."""
        return self._shown(viewer, Maker(self.by, self.role, self.district))

    def decider(self, viewer: Person) -> str | None:
        """Who decided on it, as shown to this viewer; None while nobody has."""
        if self.decided_by is None:
            return None
        return self._shown(viewer, Maker(self.decided_by, self.decided_role, self.decided_district))

    def _shown(self, viewer: Person, maker: Maker) -> str:
        return display_name(viewer, maker, approved=self.state is IdentificationState.APPROVED)

    def visible(self, view: VictimView, viewer: Person) -> VisibleIdentification:
        """As this person may see it."""
        return replace(
            self,
            victim_id=view.name_of(self.face_ids),
            by=self.proposer(viewer),
            decided_by=self.decider(viewer),
            face_ids=tuple(sorted(view.faces & set(self.face_ids))),
        )


def notices_of(stored: StoredIdentification, around: Surroundings) -> list[Notice]:
    """One notice to each case system that may know a face of the identification."""
    subject, outcome = f"identification:{stored.identification_id}", _OUTCOME[stored.state]
    notices: list[Notice] = []
    for source in around.sources:
        view = around.view_of_source(source)
        if not view.own.isdisjoint(stored.face_ids):
            body: Row = {
                "identification_id": stored.identification_id,
                "person_ref": stored.person_ref,
                "basis": stored.basis.value,
                "standing": _STANDING[stored.state],
                "victim_id": view.name_of(stored.face_ids),
            }
            notices.append(Notice(f"{subject}@{source}", source, outcome, body, supersedes=True))
    return notices
