"""What a decision sends out: a notice to each case system that it concerns, and the new victims to the gallery log.

A case system hears of its own cases only; of the other side it learns the district. Decisions say whether one person
assessed them or a second one approved; case systems act on approved ones only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final

from graph.actions.notices import Notice, store_notices
from graph.actions.victims import moved_faces
from graph.domain.link import State
from graph.store.log import Outgoing
from graph.store.session import Row, Tx

if TYPE_CHECKING:
    from graph.actions.decide.verdicts import Outcome, Planned
    from graph.domain.known_victims import VictimView

APPROVED: Final = "approved"
ASSESSED: Final = "assessed"


async def tell_decision(tx: Tx, planned: Planned, now: datetime) -> list[Outgoing]:
    """The notices and the gallery record of one act; each case system is told what it may know of it."""
    told: list[Notice] = []
    sources = {
        source: (planned.around.known_at(source), planned.around.known_at(source, planned.then))
        for source in planned.around.sources
    }
    for item in planned.outcomes:
        told += _of_link(item, planned, {source: then for source, (_, then) in sources.items()}, now)
    for source, (before, then) in sources.items():
        told += _of_victims(source, before, then, planned, now)
    return [*await store_notices(tx, told, now), *moved_faces(planned.follows), *_pairs(planned)]


def _pairs(planned: Planned) -> Iterator[Outgoing]:
    """The records by which link learns who are held to be two people, so that no group holds them both."""
    changed = [item for item in planned.outcomes if (item.found.now.state is State.DISMISSED) != _is_apart(item)]
    for apart in (True, False):
        pairs = [[item.found.row["a"], item.found.row["b"]] for item in changed if _is_apart(item) is apart]
        if pairs:
            yield Outgoing("pairs", min(pairs)[0], {"pairs": sorted(pairs), "apart": apart})


def _is_apart(item: Outcome) -> bool:
    return item.state is State.DISMISSED


def _of_link(item: Outcome, planned: Planned, known: Mapping[str, VictimView], now: datetime) -> Iterator[Notice]:
    row, cases = item.found.row, planned.around.cases
    sides = [(face, cases.get(face, [])) for face in (row["a"], row["b"])]
    for source in sorted({case["source"] for _, known in sides for case in known if case["source"]}):
        body: Row = {
            "link_id": row["link_id"], "state": item.state.value, "decision": item.step.said,
            "standing": APPROVED if item.state is State.APPROVED else ASSESSED,
            "faces": [_side(face, known, source, planned) for face, known in sides],
            "pending": row["link_id"] in known[source].victims.pending, "at": now.isoformat(),
        }  # fmt: skip
        if item.undone is not None:
            body["undone"] = item.undone.decision
        yield Notice(f"link:{row['link_id']}@{source}", source, "decided", body, supersedes=True)


def _side(face: str, cases: list[Row], source: str, planned: Planned) -> Row:
    own = [case["case_id"] for case in cases if case["source"] == source]
    if not own:
        return {"district": min((case["district"] for case in cases), default=None)}
    return {"face_id": face, "media_id": planned.then.faces[face].media_id, "case_ids": sorted(own)}


def _of_victims(source: str, before: VictimView, then: VictimView, planned: Planned, now: datetime) -> Iterator[Notice]:
    """The victims that an act changed, as this case system may know them: under that name, with its own faces."""
    was, is_now = before.victims.of_face, then.victims.of_face
    changed: defaultdict[str, set[str]] = defaultdict(set)
    for face in sorted(then.own):
        if was.get(face) != is_now.get(face):
            for victim_id in filter(None, (was.get(face), is_now.get(face))):
                changed[victim_id].add(face)
    for victim_id, faces in sorted(changed.items()):
        victim = then.victims.by_id.get(victim_id)
        body: Row = {
            "victim_id": victim_id, "standing": _standing(then, victim_id), "changed": sorted(faces),
            "faces": sorted(then.own & victim.faces) if victim else [], "at": now.isoformat(),
        }  # fmt: skip
        yield Notice(f"victim:{victim_id}@{source}", source, "victim_changed", body, supersedes=True)
    for item in planned.follows.to_approve_again:
        if not then.own.isdisjoint(item.face_ids):
            body = {
                "identification_id": item.identification_id,
                "victim_id": then.name_of(item.face_ids),
                "state": item.state,
            }
            yield Notice(f"identification:{item.identification_id}@{source}", source, item.state, body, supersedes=True)


def _standing(known: VictimView, victim_id: str) -> str:
    """Approved where none of the links that make the victim waits for its second person."""
    victim = known.victims.by_id.get(victim_id)
    states = [known.near.links[link_id].state for link_id in (victim.links if victim else ())]
    return APPROVED if states and all(state is State.APPROVED for state in states) else ASSESSED
