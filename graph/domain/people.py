"""Who acts, and what everyone who acts must say."""

from __future__ import annotations

import re
from dataclasses import dataclass

from graph.domain.errors import Forbidden, Invalid

PURPOSE_LIMIT = 200
_ACTOR = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,99}")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who acts; `actor` is the name that the audit keeps."""

    actor: str


def check_actor(actor: str | None) -> Person:
    """The person that a request names; nobody acts without a name."""
    if actor is None or not _ACTOR.fullmatch(actor):
        raise Forbidden("say who acts: a name of letters, digits and . _ @ -, at most 100", code="actor_missing")
    return Person(actor)


def check_purpose(purpose: str | None) -> str:
    """The stated purpose of a look at people's data; without one the look is refused."""
    text = (purpose or "").strip()
    if not text:
        raise Forbidden("say for what purpose you look", code="purpose_missing")
    if len(text) > PURPOSE_LIMIT:
        raise Invalid(f"purpose: at most {PURPOSE_LIMIT} characters, got {len(text)}")
    return text
