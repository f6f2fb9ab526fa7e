"""The states of a link and the decisions that change them; a reopening undoes the last act."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from graph.domain.errors import Conflict, Invalid
from graph.domain.people import Maker
from graph.domain.text import is_blank


class State(StrEnum):
    LEAD = "lead"
    CANDIDATE = "candidate"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"
    UNSURE = "unsure"
    APPROVED = "approved"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"
    """A link that a person made and took back, and that the machine has not proposed: in nobody's queue."""


class Decision(StrEnum):
    """A verdict: what one person sees in two faces."""

    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"
    UNSURE = "unsure"


class SecondDecision(StrEnum):
    """An approval: what a second person says of a confirmed link."""

    APPROVED = "approved"
    RETURNED = "returned"


REOPENED = "reopened"
AWAITS_VERDICT = frozenset({State.LEAD, State.CANDIDATE, State.UNSURE, State.RETURNED, State.WITHDRAWN})
AWAITS_APPROVAL = frozenset({State.CONFIRMED})
JOINS = frozenset({State.CONFIRMED, State.APPROVED})
"""In these states two faces are one person, unless a confirmed link is pending."""

_REASONS = ("face_shape", "eyes", "nose", "mouth", "ears", "marks", "hair", "quality", "context")
REASONS = frozenset(_REASONS) | frozenset(f"against:{reason}" for reason in _REASONS)
TEXT_LIMIT = 4000


@dataclass(frozen=True, slots=True)
class LinkAct:
    """One person's act on one link: `decision` of a verdict or an approval, or `reopened`."""

    verdict_id: str
    act_id: str
    by: str
    at: str
    decision: str
    state_then: State
    undoes: str | None = None
    role: str | None = None
    district: str | None = None
    opened: bool = False
    """Whether it unsealed score and reasons for its maker."""

    @property
    def maker(self) -> Maker:
        return Maker(self.by, self.role, self.district)


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """A link's state, and the acts that nobody has undone, oldest first."""

    state: State
    acts: tuple[LinkAct, ...] = ()

    @property
    def last(self) -> LinkAct | None:
        return self.acts[-1] if self.acts else None

    @property
    def confirmation(self) -> LinkAct | None:
        """The verdict by which the link joins its faces; None in other states."""
        if self.state not in JOINS:
            return None
        return next((entry for entry in reversed(self.acts) if entry.decision == Decision.CONFIRMED), None)


def link_status(state: State, history: Iterable[LinkAct]) -> LinkStatus:
    """The status of a link after these acts; `state` is its initial state, used where there is no act."""
    acts: list[LinkAct] = []
    now = state
    for entry in history:
        if entry.decision != REOPENED:
            acts.append(entry)
            now = State(entry.decision)
        elif acts:
            now = acts.pop().state_then
    return LinkStatus(now, tuple(acts))


def check_reasons(decision: Decision, reasons: Sequence[str], text: str) -> None:
    """Raises Invalid for unknown reason codes, a confirmation without a reason for it, and a text that is too long."""
    unknown = sorted(set(reasons) - REASONS)
    if unknown:
        raise Invalid(f"unknown reason: {', '.join(unknown)}; known are {', '.join(sorted(REASONS))}")
    if decision is Decision.CONFIRMED and not any(not reason.startswith("against:") for reason in reasons):
        raise Invalid("confirming needs at least one reason that speaks for it")
    check_text(text)


def check_text(text: str, *, needed: bool = False) -> None:
    """Raises Invalid for a text that is too long, or missing where it is `needed`."""
    if needed and is_blank(text):
        raise Invalid("say why: the next person has to understand it")
    if len(text) > TEXT_LIMIT:
        raise Invalid(f"text: at most {TEXT_LIMIT} characters, got {len(text)}")


_NEXT: Mapping[type[Decision] | type[SecondDecision], tuple[frozenset[State], str, str]] = {
    Decision: (AWAITS_VERDICT, "already_decided", "reopen it before judging it again"),
    SecondDecision: (AWAITS_APPROVAL, "not_confirmed", "only a confirmed link waits for a second person"),
}


def next_state(state: State, decision: Decision | SecondDecision) -> State:
    """The state after a verdict or an approval; Conflict where the link does not await one."""
    awaited, code, what = _NEXT[type(decision)]
    if state not in awaited:
        raise Conflict(what, code=code, disclosed=f"this link is {state.value}: {what}")
    return State(decision.value)


def state_after_reopening(now: LinkStatus) -> tuple[State, LinkAct]:
    """The state before the last act that stands, and that act; Conflict where there is none."""
    if now.last is None:
        what = "there is no act to take back"
        raise Conflict(what, code="nothing_to_reopen", disclosed=f"this link is {now.state.value}: {what}")
    return now.last.state_then, now.last
