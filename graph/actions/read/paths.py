"""Why two cases are linked: the shortest way from one to the other, step by step, with what holds each step."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from graph.actions.access import AccessEvent, AccessLog
from graph.domain.audit_actions import AuditAction
from graph.domain.errors import Invalid, NotFound, StoreUnavailable
from graph.domain.link import State
from graph.domain.people import Permission, Person, may
from graph.store.queries import paths as queries
from graph.store.session import Row, Store, Tx

PATIENCE_SECONDS = 5
"""A question about two large cases that nothing joins must not keep Neo4j busy for everybody else."""
DECIDED = (State.CONFIRMED, State.APPROVED)
UNDECIDED = (State.CANDIDATE, State.UNSURE, State.RETURNED)


@dataclass(frozen=True, slots=True)
class Step:
    """One edge of the way: `in_case`, `seen_in` or `link`; an id that the caller may not know is None.

    `face_id` and `to_face_id` are the two sides of a link; `district` and `contact` tell whom to ask about a side
    that stays hidden.
    """

    kind: str
    case_id: str | None = None
    media_id: str | None = None
    face_id: str | None = None
    to_face_id: str | None = None
    link_id: str | None = None
    state: State | None = None
    district: str | None = None
    contact: str | None = None


async def read_path(
    store: Store, access_log: AccessLog, from_case: str, to_case: str, *, candidates: bool, access: AccessEvent
) -> tuple[Step, ...]:
    """The steps of the shortest way, none where there is none; the look is in the audit.

    Raises NotFound where the caller may not know one of the cases. A case of another district is known through
    approved links only, and so is the way to it.
    """
    if from_case == to_case:
        raise Invalid("from_case and to_case are the same case")

    async def work(tx: Tx) -> tuple[Row | None, list[Row]]:
        at_home = [await _at_home(tx, case_id, access.person) for case_id in (from_case, to_case)]
        if not any(at_home):
            raise NotFound("there is no such case")
        asked = {"from_case": from_case, "to_case": to_case, "district": access.person.district}
        found = None
        if all(at_home):
            states = [*DECIDED, *UNDECIDED] if candidates else [*DECIDED]
            found = await tx.one(queries.SHORTEST, states=states, **asked)
            if found is not None and not _is_known(found):
                found = await tx.one(queries.SHORTEST_KNOWN, states=states, **asked)
        if found is None:
            found = await tx.one(queries.SHORTEST, states=[State.APPROVED], **asked)
        media = [node["id"] for node in found["nodes"] if node["kind"] == "Media"] if found else []
        return found, await tx.rows(queries.PLACES, media=media) if media else []

    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            found, places = await store.read(work)
    except TimeoutError:
        raise StoreUnavailable(f"no way was found in {PATIENCE_SECONDS} s, and the search is not at its end") from None
    steps = told(access.person, {from_case, to_case}, found, places) if found else ()
    links = [step.link_id or "" for step in steps]
    await access_log.record(access.act(AuditAction.PATH_SEEN, f"{from_case} {to_case}", shown=links))
    return steps


def _is_known(found: Row) -> bool:
    """Whether the way goes over one's own links and pictures, and over others' pictures between approved links alone:
    else it would tell which faces of another district are in one picture."""
    edges: list[Row] = found["edges"]
    return all(edge["own"] for edge in edges) and all(
        node["own"] or edges[index - 2]["state"] == edges[index + 1]["state"] == State.APPROVED
        for index, node in enumerate(found["nodes"])
    )


async def _at_home(tx: Tx, case_id: str, person: Person) -> bool:
    row = await tx.one(queries.KNOWN_CASE, case_id=case_id, district=person.district)
    if row is not None and row["stands"] and may(person, Permission.SEE, [row["district"]]):
        return True
    if row is not None and row["stands"] and row["joined"] and may(person, Permission.SEE, [person.district]):
        return False
    raise NotFound("there is no such case")


def told(person: Person, asked: set[str], found: Row, places: Iterable[Row]) -> tuple[Step, ...]:
    """The way as this person may see it: ids of pictures and cases of another district only behind approved links."""
    cases: dict[str, list[Row]] = {}
    for place in places:
        cases.setdefault(place["media_id"], []).append(place)
    nodes: list[Row] = found["nodes"]
    edges: list[Row] = found["edges"]
    open_media = {
        media for media, rows in cases.items() if may(person, Permission.SEE, [row["district"] for row in rows])
    }
    for index, edge in enumerate(edges):
        if edge["state"] == State.APPROVED:
            open_media |= {node["id"] for node in nodes[max(index - 1, 0) : index + 3] if node["kind"] == "Media"}
    home = {row["case_id"]: row["district"] for rows in cases.values() for row in rows}
    contacts = {row["case_id"]: row["contact"] for rows in cases.values() for row in rows}
    steps: list[Step] = []
    for index, edge in enumerate(edges):
        ends = {node["kind"]: node["id"] for node in nodes[index : index + 2]}
        media = ends.get("Media")
        shown = media if media in open_media else None
        if edge["kind"] == "IN_CASE":
            case_id = ends["Case"]
            known = case_id in asked or may(person, Permission.SEE, [home[case_id]])
            steps.append(Step("in_case", case_id=case_id if known else None, media_id=shown, district=home[case_id],
                              contact=contacts[case_id]))  # fmt: skip
        elif edge["kind"] == "SEEN_IN":
            first = cases[ends["Media"]][0]
            steps.append(Step("seen_in", media_id=shown, face_id=ends["Face"], district=first["district"],
                              contact=first["contact"]))  # fmt: skip
        else:
            steps.append(Step("link", face_id=nodes[index]["id"], to_face_id=nodes[index + 1]["id"],
                              link_id=edge["link_id"], state=State(edge["state"])))  # fmt: skip
    return tuple(steps)
