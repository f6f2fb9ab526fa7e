"""Reads what a person decided last, so that a page that is opened again still says it and can take it back."""

from dataclasses import dataclass
from typing import Literal

from graph.actions.access import Access
from graph.domain.link import Decision
from graph.store.queries import last_act as queries
from graph.store.session import Row, Tx


@dataclass(frozen=True, slots=True)
class LastAct:
    """A decision on the links of an act, or on an identification (its id and version), or the taking back of an act."""

    at: str
    decision: str
    act_id: str = ""
    link_ids: tuple[str, ...] = ()
    is_undone: bool = False
    identification: tuple[str, int] | None = None


async def read_last_act(access: Access, kind: Literal["verdict", "approval"], since: str) -> LastAct | None:
    """The person's last act of this kind since a time (ISO 8601, UTC), or their taking back of one.

    Not in the audit: it says only what the person did.
    """
    who = {"actor": access.person.actor, "since": since}

    async def work(tx: Tx) -> tuple[Row | None, Row | None]:
        act = await tx.one(queries.LAST_ACT, **who, district=access.person.district, kind=kind)
        return act, await tx.one(queries.LAST_IDENTIFIED, **who) if kind == "approval" else None

    act, identified = await access.store.read(work)
    found: list[LastAct] = []
    if act is not None:
        # An act on a contact sheet dismisses the faces ticked off, too.
        decision = Decision.CONFIRMED if Decision.CONFIRMED in act["decisions"] else act["decisions"][0]
        found.append(LastAct(act["at"], decision, act["act_id"], tuple(act["links"]), act["is_undone"]))
    if identified is not None:
        identification = identified["id"], identified["version"]
        found.append(LastAct(identified["at"], identified["decision"], identification=identification))
    return max(found, key=lambda one: one.at, default=None)
