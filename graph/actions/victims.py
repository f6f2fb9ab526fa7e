"""Keeps what is derived from people's decisions in step with them, in the transaction that decides.

`load` reads everything that hangs together around some faces, `settle` writes what follows of it: whose face is whose,
which confirmed links wait for approval, which identifications no longer stand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from graph.domain import victim
from graph.domain.errors import Conflict
from graph.domain.identification import Identification, Identities, identities
from graph.domain.link import State
from graph.domain.victim import FaceFacts, LinkFacts, Neighbourhood, Victims
from graph.store.queries import victims as queries
from graph.store.session import Row, Tx


@dataclass(frozen=True, slots=True)
class Around:
    """A neighbourhood as the graph holds it: with the victims that are written there, and the cases of each face."""

    near: Neighbourhood
    stored: Mapping[str, str]
    pending: frozenset[str]
    cases: Mapping[str, list[Row]]
    identified: tuple[Identification, ...]


@dataclass(frozen=True, slots=True)
class Effects:
    """What a decision changes: faces whose victim is another one (None: nobody's) then, and what follows of it."""

    moved: Mapping[str, str | None]
    victims: Mapping[str, victim.Victim]
    faces: int = 0
    """Faces that are in another victim than before, or in one for the first time."""
    cases: tuple[str, ...] = ()
    pending: frozenset[str] = frozenset()
    to_approve_again: tuple[Identification, ...] = ()


async def load(tx: Tx, faces: Iterable[str]) -> Around:
    """Everything that declarations, confirmations and approvals connect with these faces."""
    near, known = set(faces), set[str]()
    frontier = set(near)
    while frontier:
        found: set[str] = set()
        for row in await tx.rows(queries.FACES_OF_SAME_VICTIMS, faces=sorted(frontier), known=sorted(known)):
            known.add(row["victim_id"])
            found |= set(row["faces"])
        found |= {row["face_id"] for row in await tx.rows(queries.JOINED_FACES, faces=sorted(frontier))}
        frontier = found - near
        near |= found
    rows = await tx.rows(queries.FACES, faces=sorted(near))
    links = [row for row in await tx.rows(queries.DECIDED_LINKS, faces=sorted(near)) if row["b"] in near]
    identified = await tx.rows(queries.IDENTIFICATIONS, victims=sorted(known))
    return Around(
        Neighbourhood({row["face_id"]: _face(row) for row in rows}, {row["link_id"]: link_facts(row) for row in links}),
        {row["face_id"]: row["victim_id"] for row in rows if row["victim_id"] is not None},
        frozenset(row["link_id"] for row in links if row["pending"]),
        {row["face_id"]: row["cases"] for row in rows},
        tuple(_identification(row) for row in identified),
    )


def check_agrees(around: Around, then: Neighbourhood) -> Victims:
    """The victims after a decision; Conflict where it makes a contradiction that was not there before."""
    before, after = victim.victims(around.near), victim.victims(then)
    new = victim.contradictions(then, after) - victim.contradictions(around.near, before)
    if new:
        wrong = victim.explained(min(new, key=lambda item: (item.kind, item.a, item.b)), then, after)
        what = "two faces of one picture" if wrong.kind == "one_frame" else "two faces that were judged to differ"
        raise Conflict(
            f"this would make one person of {what}: see `current` for the chain that joins them",
            code="contradiction",
            current={
                "kind": wrong.kind, "faces": [wrong.a, wrong.b], "path": list(wrong.path), "weakest": wrong.weakest,
            },
        )  # fmt: skip
    names = identities(around.identified, after, around.near.faces)
    if names.torn:
        raise Conflict(
            "this would make one person of two that were identified as different people",
            code="contradiction",
            current={"kind": "identified_apart", "identifications": sorted(names.torn)},
        )
    return after


def effects(around: Around, after: Victims) -> Effects:
    """What the graph has to change, and whom that concerns."""
    derived = {face: v.victim_id for v in after.by_id.values() if v.is_formed for face in v.faces}
    moved = {
        face: derived.get(face)
        for face in around.near.faces
        if derived.get(face) != around.stored.get(face)
    }  # fmt: skip
    before, now = victim.victims(around.near).of_face, after.of_face
    changed = [face for face in around.near.faces if before.get(face) != now.get(face)]
    cases = {case["case_id"] for face in changed for case in around.cases[face]}
    again = identities(around.identified, after, around.near.faces).fallen
    return Effects(moved, after.by_id, len(changed), tuple(sorted(cases)), after.pending, tuple(again))


async def settle(tx: Tx, around: Around, after: Victims, *, at: str) -> Effects:
    """Writes what follows of a decision; the caller holds the audit head and has written the decision itself."""
    follows = effects(around, after)
    same = renamed(around.stored, follows.moved)
    rows = [
        {"face_id": face, "victim_id": name, "from_link": _first_link(after, name), "renamed": face in same}
        for face, name in sorted(follows.moved.items())
    ]
    for start in range(0, len(rows), 1000):
        await tx.do(queries.MOVE_FACES, rows=rows[start : start + 1000], at=at)
    flags = [{"link_id": link_id, "pending": True} for link_id in after.pending - around.pending]
    flags += [{"link_id": link_id, "pending": False} for link_id in around.pending - after.pending]
    if flags:
        await tx.do(queries.SET_PENDING, rows=flags)
    await _settle_identities(tx, identities(around.identified, after, around.near.faces), around, after)
    return follows


def renamed(stored: Mapping[str, str], moved: Mapping[str, str | None]) -> set[str]:
    """Of the faces that move to another victim, those that are with the same faces as before under another name.

    They have joined nobody. A victim has one past: that of the faces it has already, else of the largest part that
    comes into it; whatever else comes joins that.
    """
    has_faces = {name for face, name in stored.items() if face not in moved}
    parts: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for face, name in moved.items():
        if name is not None and name not in has_faces and face in stored:
            parts[name][stored[face]].add(face)
    return {face for of in parts.values() for face in max(of.items(), key=lambda part: (len(part[1]), part[0]))[1]}


async def recompute(tx: Tx, faces: Iterable[str], *, at: str) -> Effects:
    """Settles around these faces after something other than a decision: a declaration, an erasure."""
    around = await load(tx, faces)
    return await settle(tx, around, victim.victims(around.near), at=at)


async def _settle_identities(tx: Tx, found: Identities, around: Around, after: Victims) -> None:
    if not around.identified:
        return
    rows = [
        {"identification_id": item.identification_id, "state": item.state, "victim_id": item.victim_id}
        for item in found.now
    ]
    await tx.do(queries.MOVE_IDENTIFICATIONS, rows=rows)
    named = {*after.by_id, *(item.victim_id for item in (*around.identified, *found.now))}
    people = [{"victim_id": name, "identity": found.person_of.get(name)} for name in sorted(named)]
    await tx.do(queries.SET_IDENTITIES, rows=people)


def _first_link(after: Victims, name: str | None) -> str | None:
    if name is None or after.by_id[name].registered:
        return None
    return after.by_id[name].links[0]


def _face(row: Row) -> FaceFacts:
    return FaceFacts(row["face_id"], row["media_id"], frozenset(row["declared"]), row["start_ms"], row["end_ms"])


def link_facts(row: Row) -> LinkFacts:
    """The facts of a row with a link's id, faces, state, time of confirmation and score."""
    return LinkFacts(
        row["link_id"], row["a"], row["b"], State(row["state"]), row["confirmed_at"] or "", row["score"]
    )  # fmt: skip


def _identification(row: Row) -> Identification:
    item = row["identification"]
    return Identification(
        item["identification_id"], row["victim_id"], item["person_ref"], item["state"], tuple(item["face_ids"]),
        item["by"],
    )  # fmt: skip
