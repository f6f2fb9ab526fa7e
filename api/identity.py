"""Who asks, and for what purpose. Until sign-in exists, a header names the person: hence loopback only."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Header

from api.services import Use
from graph.actions.queue import CLAIM_PURPOSE, check_claim
from graph.actions.views import Look
from graph.domain.people import Person, Role, check_actor, check_purpose

ActorHeader = Annotated[
    str, Header(alias="Redthread-Actor", description="who acts; the audit keeps this name", examples=["anna@north"])
]
_WHY = "for what purpose people's data are looked at; at most 200 characters, in UTF-8"
PurposeHeader = Annotated[str, Header(alias="Redthread-Purpose", description=_WHY, examples=["victim identification"])]


async def person(actor: ActorHeader) -> Person:
    """The person that the request names; 403 `actor_missing` without one. The district follows the name's `@`."""
    name = check_actor(actor)
    return Person(name, frozenset({Role.INVESTIGATOR, Role.SUPERVISOR}), name.rpartition("@")[2] or None)


async def look(who: Annotated[Person, Depends(person)], purpose: PurposeHeader, use: Use) -> Look:
    """Who looks and why; 403 `purpose_missing` without a purpose, and a claim only while it is the person's own."""
    stated, now = check_purpose(_as_utf8(purpose)), datetime.now(UTC)
    if stated.startswith(CLAIM_PURPOSE):
        await check_claim(use.store, stated.removeprefix(CLAIM_PURPOSE), actor=who, now=now)
    return Look(who, stated, now)


async def stated_purpose(purpose: PurposeHeader = "") -> str:
    """The purpose of an act, which may go without: it says itself what it is for."""
    text = _as_utf8(purpose)
    return check_purpose(text) if text else ""


def _as_utf8(header: str) -> str:
    """The header as its sender wrote it: servers hand on bytes as Latin-1."""
    try:
        return header.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return header


Actor = Annotated[Person, Depends(person)]
Looking = Annotated[Look, Depends(look)]
StatedPurpose = Annotated[str, Depends(stated_purpose)]
