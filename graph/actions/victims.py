"""Keeps what is derived from people's decisions in step with them, in the transaction that decides.

`load` reads everything that hangs together around some faces, `settle` writes what follows of it: whose face is whose,
which confirmed links wait for approval, which identifications no longer stand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from graph.domain import victim
from graph.domain.errors import Conflict, Invalid
from graph.domain.identification import Identification, Identities, identities
from graph.domain.known_victims import VictimView, victim_view, visible_contradiction
from graph.domain.link import JOINS, State
from graph.domain.people import Permission, Person, may
from graph.domain.victim import FaceFacts, LinkFacts, Neighbourhood, Victims
from graph.store.log import Outgoing
from graph.store.queries import victims as queries
from graph.store.session import Row, Tx

PLAIN: Final = "this contradicts what people hold of these faces"
"""What a refused contradiction says without telling what is held."""


@dataclass(frozen=True, slots=True)
class Around:
    """A neighbourhood as the graph holds it: with the victims that are written there, and the cases of each face."""

    near: Neighbourhood
    stored: Mapping[str, str]
    pending: frozenset[str]
    cases: Mapping[str, list[Row]]
    identified: tuple[Identification, ...]

    def known_to(self, viewer: Person, near: Neighbourhood | None = None) -> VictimView:
        """What the person may know of it, or of `near`, which is the same after a decision."""
        return victim_view(near or self.near, [face for face in self.near.faces if self.lies_with(viewer, face)])

    def known_at(self, source: str, near: Neighbourhood | None = None) -> VictimView:
        """What a case system may know of it: its own cases' share."""
        own = [face for face, cases in self.cases.items() if any(case["source"] == source for case in cases)]
        return victim_view(near or self.near, own)

    def lies_with(self, viewer: Person, face: str) -> bool:
        return may(viewer, Permission.SEE, [case["district"] for case in self.cases.get(face, [])])

    def joined(self, other: Around) -> Around:
        """Both together; what hangs together is whole in each."""
        near = Neighbourhood({**self.near.faces, **other.near.faces}, {**self.near.links, **other.near.links})
        identified = {item.identification_id: item for item in (*self.identified, *other.identified)}
        return Around(
            near, {**self.stored, **other.stored}, self.pending | other.pending, {**self.cases, **other.cases},
            tuple(identified.values()),
        )  # fmt: skip

    @property
    def sources(self) -> list[str]:
        return sorted({case["source"] for cases in self.cases.values() for case in cases if case["source"]})


NOTHING: Final = Around(Neighbourhood({}, {}), {}, frozenset(), {}, ())


@dataclass(frozen=True, slots=True)
class Effects:
    """What a decision changes: faces whose victim is another one (None: nobody's) then, and what follows of it."""

    moved: Mapping[str, str | None]
    to_approve_again: tuple[Identification, ...] = ()


async def load(tx: Tx, faces: Iterable[str]) -> Around:
    """Everything that declarations, confirmations and approvals connect with these faces."""
    frontier, victim_view = set(faces), set[str]()
    rows: dict[str, Row] = {}
    links: dict[str, Row] = {}
    identified: list[Identification] = []
    while frontier:
        step = await tx.one(queries.AROUND, faces=sorted(frontier), known=sorted(victim_view)) or {}
        rows |= {row["face_id"]: row for row in step["faces"]}
        links |= {row["link_id"]: row for row in step["links"]}
        found = {face for row in step["links"] if State(row["state"]) in JOINS for face in (row["a"], row["b"])}
        for row in step["victims"]:
            victim_view.add(row["victim_id"])
            found |= set(row["faces"])
            identified += [_identification(item, row["victim_id"]) for item in row["identifications"]]
        frontier = found - rows.keys()
    inside = [row for row in links.values() if row["a"] in rows and row["b"] in rows]
    return Around(
        Neighbourhood(
            {face: _face(row) for face, row in rows.items()}, {row["link_id"]: link_facts(row) for row in inside}
        ),
        {face: row["victim_id"] for face, row in rows.items() if row["victim_id"] is not None},
        frozenset(row["link_id"] for row in inside if row["pending"]),
        {face: row["cases"] for face, row in rows.items()},
        tuple(identified),
    )  # fmt: skip


def check_shown(faces: Collection[str], shown: Collection[str] | None) -> None:
    """Refuses a decision on faces of a victim that were not shown; None: the person does not say which were.

    `faces` are of those that the person may know: what comes to a victim elsewhere makes no view stale.
    """
    missing = set(faces) - set(shown or ())
    if missing and shown is None:
        raise Invalid("say in `faces` which faces of these victims you saw", code="version_missing")
    if missing:
        raise Conflict(
            "these victims have faces that you were not shown: look again", code="stale_version",
            current={"faces": sorted(missing)},
        )  # fmt: skip


def check_agrees(around: Around, then: Neighbourhood, viewer: Person) -> Victims:
    """The victims after a decision; Conflict where it makes a contradiction that was not there before.

    It tells the viewer what they may know of it, and which district to call about the rest.
    """
    before, after = victim.victims(around.near), victim.victims(then)
    if new := victim.contradictions(then, after) - victim.contradictions(around.near, before):
        raise _contradiction(around, then, after, new, viewer)
    conflicting = identities(around.identified, after, around.near.faces).conflicting
    if conflicting:
        apart = [item for item in around.identified if item.identification_id in conflicting]
        seen = around.known_to(viewer, then)
        hidden = {face for item in apart if not seen.includes(item) for face in item.face_ids}
        calls = _calls(around, hidden, viewer)
        raise Conflict(
            PLAIN, code="contradiction",
            disclosed=f"this would make one person of two that were identified as different people{_call(calls)}",
            current={
                "kind": "identified_apart", "districts": calls,
                "identifications": sorted(item.identification_id for item in apart if seen.includes(item)),
            },
        )  # fmt: skip
    return after


def _contradiction(
    around: Around, then: Neighbourhood, after: Victims, new: Collection[victim.Contradiction], viewer: Person
) -> Conflict:
    """The refusal of the first contradiction that the viewer may see whole; else of the first, as far as they may."""
    seen = around.known_to(viewer, then)
    whole = victim.contradictions(seen.near, seen.victims) & set(new)
    if whole:
        wrong = victim.explained(_first(whole), seen.near, seen.victims)
        what = "two faces of one picture" if wrong.kind == "one_frame" else "two faces that were judged to differ"
        message, calls = f"this would make one person of {what}: see `current` for the chain that joins them", []
    else:
        whole_chain = victim.explained(_first(new), then, after)
        links = [then.links[link] for link in whole_chain.path]
        faces = {whole_chain.a, whole_chain.b, *(face for link in links for face in (link.a, link.b))}
        wrong, calls = visible_contradiction(whole_chain, seen), _calls(around, faces - seen.faces, viewer)
        message = f"this contradicts what another district holds{_call(calls)}"
    return Conflict(
        PLAIN, code="contradiction", disclosed=message,
        current={
            "kind": wrong.kind, "faces": [face for face in (wrong.a, wrong.b) if face], "path": list(wrong.path),
            "weakest": wrong.weakest, "districts": calls,
        },
    )  # fmt: skip


def _first(found: Collection[victim.Contradiction]) -> victim.Contradiction:
    return min(found, key=lambda item: (item.kind, item.a, item.b))


def _calls(around: Around, faces: Iterable[str], viewer: Person) -> list[Row]:
    """The other districts in which these faces lie, with their duty contacts."""
    cases = [case for face in faces for case in around.cases.get(face, []) if case["district"] != viewer.district]
    found = {case["district"]: case["contact"] for case in sorted(cases, key=lambda case: case["contact"] or "")}
    return [{"district": district, "contact": contact} for district, contact in sorted(found.items())]


def _call(calls: Sequence[Row]) -> str:
    named = "; ".join(f"district {call['district']}, call {call['contact'] or 'its duty desk'}" for call in calls)
    return f": {named}" if named else ""


def moved_faces(effects: Effects) -> list[Outgoing]:
    """The record by which link learns the new victim of each moved face; none if no face moved."""
    if not effects.moved:
        return []
    return [Outgoing("victims", min(effects.moved), {"faces": dict(effects.moved)})]


def effects(around: Around, after: Victims) -> Effects:
    """What the graph has to change."""
    derived = {face: v.victim_id for v in after.by_id.values() if v.is_formed for face in v.faces}
    moved = {
        face: derived.get(face)
        for face in around.near.faces
        if derived.get(face) != around.stored.get(face)
    }  # fmt: skip
    return Effects(moved, tuple(identities(around.identified, after, around.near.faces).lapsed))


async def settle(tx: Tx, around: Around, after: Victims, follows: Effects, *, at: str) -> None:
    """Writes what follows of a decision; the caller holds the audit head and has written the decision itself."""
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


async def name_across(tx: Tx, around: Around, then: Neighbourhood) -> None:
    """Stores the names that victims of several districts have in each of these: there one may know a part of a victim
    only, which is named by the oldest link of that part."""
    districts = sorted({case["district"] for cases in around.cases.values() for case in cases})
    names: dict[str, str] = {}
    for district in districts if len(districts) > 1 else ():
        own = [face for face, cases in around.cases.items() if any(case["district"] == district for case in cases)]
        found = victim_view(then, own).victims.by_id
        names |= {name: one.links[0] for name, one in found.items() if not one.registered}
    if names:
        rows = [{"victim_id": name, "link_id": link_id} for name, link_id in sorted(names.items())]
        await tx.do(queries.NAME_VICTIMS, rows=rows)


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
    after = victim.victims(around.near)
    follows = effects(around, after)
    await settle(tx, around, after, follows, at=at)
    await name_across(tx, around, around.near)
    return follows


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
    return FaceFacts(
        row["face_id"], row["media_id"], frozenset(row["declared"]), row["start_ms"], row["end_ms"], row["quality"]
    )


def link_facts(row: Row) -> LinkFacts:
    """The facts of a row with a link's id, faces, state and time of confirmation."""
    return LinkFacts(row["link_id"], row["a"], row["b"], State(row["state"]), row["confirmed_at"] or "")


def _identification(item: Row, victim_id: str) -> Identification:
    return Identification(
        item["identification_id"], victim_id, item["person_ref"], item["state"], tuple(item["face_ids"]),
        item["by"],
    )  # fmt: skip
