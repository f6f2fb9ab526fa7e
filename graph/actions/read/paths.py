"""Reads why two cases are linked: the shortest path between them over shared media and links, edge by edge."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from graph.actions.access import Access
from graph.domain.audit_actions import AuditAction
from graph.domain.errors import Invalid, NotFound, StoreUnavailable
from graph.domain.link import State
from graph.domain.people import Permission, Person, may
from graph.store.queries import paths as queries
from graph.store.session import Row, Tx

PATIENCE_SECONDS: Final = 5
"""Limit of one search: two large cases without a connection must not keep Neo4j busy for everybody else."""
DECIDED: Final = (State.CONFIRMED, State.APPROVED)
UNDECIDED: Final = (State.CANDIDATE, State.UNSURE, State.RETURNED)


@dataclass(frozen=True, slots=True)
class Step:
    """One edge of a path: `in_case`, `seen_in` or `link`; an id that the caller may not know is None.

    `face_id` and `to_face_id` are the endpoints of a link. `district` and `contact` say whom to ask about the rest.
    """

    kind: Literal["in_case", "seen_in", "link"]
    case_id: str | None = None
    media_id: str | None = None
    face_id: str | None = None
    to_face_id: str | None = None
    link_id: str | None = None
    state: State | None = None
    district: str | None = None
    contact: str | None = None


@dataclass(frozen=True, slots=True)
class CasePath:
    """The shortest path between two cases; no steps where there is none."""

    from_case: str
    to_case: str
    steps: tuple[Step, ...]

    @property
    def linked(self) -> bool:
        return bool(self.steps)


async def read_path(access: Access, from_case: str, to_case: str, *, candidates: bool) -> CasePath:
    """The shortest path between two cases; with `candidates` also over links that nobody has decided.

    Raises NotFound where the caller may not know one of the cases. A case in another district, and the path to it, is
    known through approved links only.
    """
    if from_case == to_case:
        raise Invalid("from_case and to_case are the same case")
    viewer = access.person

    async def work(tx: Tx) -> tuple[Row | None, list[Row]]:
        own = [await _is_own(tx, case_id, viewer) for case_id in (from_case, to_case)]
        if not any(own):
            raise NotFound("there is no such case")
        ends = {"from_case": from_case, "to_case": to_case, "district": viewer.district}
        found = None
        if all(own):
            states = [*DECIDED, *UNDECIDED] if candidates else [*DECIDED]
            found = await tx.one(queries.SHORTEST, states=states, **ends)
            if found is not None and not _is_visible(found):
                found = await tx.one(queries.SHORTEST_KNOWN, states=states, **ends)
        if found is None:
            found = await tx.one(queries.SHORTEST, states=[State.APPROVED], **ends)
        media = [node["id"] for node in found["nodes"] if node["kind"] == "Media"] if found else []
        return found, await tx.rows(queries.PLACES, media=media) if media else []

    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            found, places = await access.store.read(work)
    except TimeoutError:
        raise StoreUnavailable(f"no way was found in {PATIENCE_SECONDS} s, and the search is not at its end") from None
    steps = _visible_steps(viewer, {from_case, to_case}, found, places) if found else ()
    links = [step.link_id or "" for step in steps]
    await access.record(AuditAction.PATH_SEEN, f"{from_case} {to_case}", shown=links)
    return CasePath(from_case, to_case, steps)


def _is_visible(found: Row) -> bool:
    """Whether the path uses only the viewer's own links and media, and others' media only between approved links.

    Any other path would disclose which faces of another district are in one picture.
    """
    edges: list[Row] = found["edges"]
    return all(edge["own"] for edge in edges) and all(
        node["own"] or edges[index - 2]["state"] == edges[index + 1]["state"] == State.APPROVED
        for index, node in enumerate(found["nodes"])
    )


async def _is_own(tx: Tx, case_id: str, person: Person) -> bool:
    """True for a case that the person may see, False for one known through an approved link; else NotFound."""
    row = await tx.one(queries.KNOWN_CASE, case_id=case_id, district=person.district)
    if row is not None and row["stands"] and may(person, Permission.SEE, [row["district"]]):
        return True
    if row is not None and row["stands"] and row["joined"] and may(person, Permission.SEE, [person.district]):
        return False
    raise NotFound("there is no such case")


def _visible_steps(person: Person, ends: set[str], found: Row, places: Iterable[Row]) -> tuple[Step, ...]:
    """The path's edges; ids of media and cases in another district only next to approved links."""
    places = list(places)
    nodes: list[Row] = found["nodes"]
    edges: list[Row] = found["edges"]
    by_media: dict[str, list[Row]] = {}
    for place in places:
        by_media.setdefault(place["media_id"], []).append(place)
    visible = {media for media, rows in by_media.items() if may(person, Permission.SEE, [r["district"] for r in rows])}
    for index, edge in enumerate(edges):
        if edge["state"] == State.APPROVED:
            visible |= {node["id"] for node in nodes[max(index - 1, 0) : index + 3] if node["kind"] == "Media"}
    cases = {place["case_id"]: place for place in places}
    steps: list[Step] = []
    for index, edge in enumerate(edges):
        if edge["kind"] == "CANDIDATE":
            pair = {"face_id": nodes[index]["id"], "to_face_id": nodes[index + 1]["id"]}
            steps.append(Step("link", **pair, link_id=edge["link_id"], state=State(edge["state"])))
            continue
        ends_of_edge = {node["kind"]: node["id"] for node in nodes[index : index + 2]}
        media = ends_of_edge["Media"]
        shown = media if media in visible else None
        if edge["kind"] == "IN_CASE":
            case_id = ends_of_edge["Case"]
            place = cases[case_id]
            known = case_id in ends or may(person, Permission.SEE, [place["district"]])
            desk = {"district": place["district"], "contact": place["contact"]}
            steps.append(Step("in_case", case_id=case_id if known else None, media_id=shown, **desk))
        else:
            place = by_media[media][0]
            desk = {"district": place["district"], "contact": place["contact"]}
            steps.append(Step("seen_in", media_id=shown, face_id=ends_of_edge["Face"], **desk))
    return tuple(steps)
