"""The life of a link: what people may say of it, and what follows."""

from __future__ import annotations

from enum import StrEnum

from graph.domain.errors import Conflict, Invalid


class State(StrEnum):
    LEAD = "lead"
    CANDIDATE = "candidate"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"
    UNSURE = "unsure"
    APPROVED = "approved"
    RETURNED = "returned"


class Decision(StrEnum):
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"
    UNSURE = "unsure"


AWAITS_VERDICT = frozenset({State.LEAD, State.CANDIDATE, State.UNSURE, State.RETURNED})
_REASONS = ("face_shape", "eyes", "nose", "mouth", "ears", "marks", "hair", "quality", "context")
REASONS = frozenset(_REASONS) | frozenset(f"against:{reason}" for reason in _REASONS)
TEXT_LIMIT = 4000


def check_reasons(decision: Decision, reasons: list[str], text: str) -> None:
    """Refuses unknown reason codes, a confirmation without a reason, and a text that is too long."""
    unknown = sorted(set(reasons) - REASONS)
    if unknown:
        raise Invalid(f"unknown reason: {', '.join(unknown)}; known are {', '.join(sorted(REASONS))}")
    if decision is Decision.CONFIRMED and not any(not reason.startswith("against:") for reason in reasons):
        raise Invalid("confirming needs at least one reason that speaks for it")
    if len(text) > TEXT_LIMIT:
        raise Invalid(f"text: at most {TEXT_LIMIT} characters, got {len(text)}")


def after_verdict(state: State, decision: Decision) -> State:
    """The state that a verdict leads to; a link that waits for no verdict refuses it."""
    if state not in AWAITS_VERDICT:
        raise Conflict(f"this link is {state.value}: reopen it before judging it again", code="already_decided")
    return State(decision.value)
