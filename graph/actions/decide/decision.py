"""The parts of a decision on links, from what a person sends to what is planned, and the checks on a plan."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Self

from graph.actions.access import Access
from graph.actions.victims import Effects, Surroundings
from graph.domain import victim
from graph.domain.audit_actions import AuditAction
from graph.domain.errors import Conflict, Invalid
from graph.domain.known_victims import visible_contradiction
from graph.domain.link import REOPENED, Decision, LinkAct, LinkStatus, SecondDecision, State
from graph.domain.people import Maker, Permission, Person, display_name
from graph.domain.victim import Contradiction
from graph.store.session import Row

PERMISSIONS: Final = {"verdict": Permission.JUDGE, "approval": Permission.APPROVE, "reopening": Permission.REOPEN}
"""The permission that each kind of act needs."""
JOINING: Final = frozenset({Decision.CONFIRMED, SecondDecision.APPROVED})
"""Decisions that make one victim of two, so they rest on all faces of both."""
PLAIN: Final = "this contradicts what people hold of these faces"
"""The message of a refused contradiction without any fact about the faces."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A link and the version of it that the person saw."""

    link_id: str
    version: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """One person's verdict on one link. `version` and `faces` (of the link's victims) are those that the person saw."""

    link_id: str
    version: int
    decision: Decision
    reasons: tuple[str, ...]
    text: str
    faces: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Deciding:
    """The access under which somebody decides, and the action names for graph and audit log.

    `faces` are the victims' further faces that were shown, by the person's statement; None: not stated.
    """

    access: Access
    kind: str
    action: AuditAction
    faces: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One link's part in an act; `decision` None reopens the link."""

    link_id: str
    decision: Decision | SecondDecision | None
    reasons: tuple[str, ...] = ()
    text: str = ""

    @property
    def name(self) -> str:
        """The decision's name in graph and notices."""
        return REOPENED if self.decision is None else self.decision.value


@dataclass(frozen=True, slots=True)
class LinkClaim:
    """The open claim on a link: who holds it, and until when."""

    holder: Maker
    until: str

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(Maker(row["actor"], row["role"], row["district"]), row["until"])


@dataclass(frozen=True, slots=True)
class Locked:
    """A link under its lock: what the graph holds, and the status to which people's acts have brought it."""

    link_id: str
    a: str
    b: str
    state: State
    version: int
    districts: tuple[str, ...]
    status: LinkStatus
    history: tuple[LinkAct, ...] = ()
    claim: LinkClaim | None = None

    def is_claimed_from(self, access: Access) -> bool:
        """Whether somebody else holds the link by a claim that is not over."""
        held = self.claim
        return held is not None and held.holder.actor != access.person.actor and held.until > access.at.isoformat()

    @classmethod
    def not_made(cls, link_id: str, a: str, b: str) -> "Locked":
        """A link that an act would create."""
        return cls(link_id, a, b, State.WITHDRAWN, 0, (), LinkStatus(State.WITHDRAWN))

    @property
    def faces(self) -> tuple[str, str]:
        return self.a, self.b

    def is_in_force(self, verdict_id: str) -> bool:
        """Whether nobody has taken this verdict back."""
        return verdict_id in {act.verdict_id for act in self.status.acts}

    def current_for(self, viewer: Person) -> dict[str, object]:
        """The current state, for a caller who acted on another version."""
        current: dict[str, object] = {"link_id": self.link_id, "state": self.state.value, "version": self.version}
        if self.status.last is not None:
            last = self.status.last
            current |= {"by": self.last_by(viewer), "at": last.at, "decision": last.decision}
        return current

    def last_by(self, viewer: Person) -> str | None:
        """Who made the last act that nobody has taken back, as shown to this viewer."""
        approved = self.status.state is State.APPROVED
        return None if self.status.last is None else display_name(viewer, self.status.last.maker, approved=approved)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A step and the status to which it brings its link."""

    step: Step
    locked: Locked
    status: LinkStatus
    verdict_id: str
    undone: LinkAct | None

    @property
    def state(self) -> State:
        return self.status.state


@dataclass(frozen=True, slots=True)
class Planned:
    """An act before it is written: its outcomes, and everything connected with them before and after it."""

    outcomes: tuple[Outcome, ...]
    before: Surroundings
    after: Surroundings
    effects: Effects


def check_shown(faces: Collection[str], shown: Collection[str] | None) -> None:
    """Refuses a decision on faces of a victim that were not shown; `shown` None: the caller does not say which were.

    `faces` are those that the person may know, so a face added in another district makes no view stale.
    """
    missing = set(faces) - set(shown or ())
    if missing and shown is None:
        raise Invalid("say in `faces` which faces of these victims you saw", code="version_missing")
    if missing:
        message = "these victims have faces that you were not shown: look again"
        raise Conflict(message, code="stale_version", current={"faces": sorted(missing)})


def check_consistent(before: Surroundings, after: Surroundings, viewer: Person) -> None:
    """Raises Conflict if a decision adds a contradiction, or joins two people identified as different.

    The refusal discloses what the viewer may know of it, and the district to call about the rest.
    """
    if added := after.contradictions - before.contradictions:
        raise _contradiction(after, added, viewer)
    if conflicting := after.identities.conflicting:
        items = [item for item in after.identifications if item.identification_id in conflicting]
        view = after.view_of(viewer)
        calls = _calls(after, {face for item in items if not view.includes(item) for face in item.face_ids}, viewer)
        current: dict[str, object] = {
            "kind": "identified_apart",
            "districts": calls,
            "identifications": sorted(item.identification_id for item in items if view.includes(item)),
        }
        message = f"this would make one person of two that were identified as different people{_call(calls)}"
        raise Conflict(PLAIN, code="contradiction", disclosed=message, current=current)


def _contradiction(after: Surroundings, added: Collection[Contradiction], viewer: Person) -> Conflict:
    """The refusal of the first contradiction that is wholly visible to the viewer; else of the visible part of one."""
    view = after.view_of(viewer)
    calls: list[Row] = []
    if visible := victim.contradictions(view.near, view.victims) & set(added):
        shown = victim.explained(_first(visible), view.near, view.victims)
        what = "two faces of one picture" if shown.kind == "one_frame" else "two faces that were judged to differ"
        message = f"this would make one person of {what}: see `current` for the chain that joins them"
        if shown.kind == "one_frame":
            message += "; if the picture is a collage or has a mirror, state first that it shows one person twice"
    else:
        whole = victim.explained(_first(added), after.near, after.victims)
        links = [after.near.links[link] for link in whole.path]
        faces = {whole.a, whole.b, *(face for link in links for face in (link.a, link.b))}
        shown, calls = visible_contradiction(whole, view), _calls(after, faces - view.faces, viewer)
        message = f"this contradicts what another district holds{_call(calls)}"
    current: dict[str, object] = {
        "kind": shown.kind,
        "faces": [face for face in (shown.a, shown.b) if face],
        "path": list(shown.path),
        "weakest": shown.weakest,
        "districts": calls,
    }
    if shown.kind == "one_frame":
        current["media_id"] = view.near.faces[shown.a].media_id
    return Conflict(PLAIN, code="contradiction", disclosed=message, current=current)


def _first(found: Collection[Contradiction]) -> Contradiction:
    return min(found, key=lambda item: (item.kind, item.a, item.b))


def _calls(around: Surroundings, faces: Iterable[str], viewer: Person) -> list[Row]:
    """The other districts in which these faces lie, with their duty contacts."""
    cases = [case for face in faces for case in around.cases.get(face, ()) if case.district != viewer.district]
    contacts = {case.district: case.contact for case in sorted(cases, key=lambda case: case.contact or "")}
    return [{"district": district, "contact": contact} for district, contact in sorted(contacts.items())]


def _call(calls: Sequence[Row]) -> str:
    named = "; ".join(f"district {call['district']}, call {call['contact'] or 'its duty desk'}" for call in calls)
    return f": {named}" if named else ""
