"""The records that a decision sends out: notices to the case systems concerned, new victims and pairs to link.

A case system receives facts about its own cases only; of the other side it learns the district. Notices say whether
one person assessed the link or a second one approved it; case systems act on approved decisions only.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from graph.actions.decide.decision import Outcome, Planned
from graph.actions.notices import Notice, store_notices
from graph.actions.victims import moved_faces
from graph.domain.known_victims import VictimView
from graph.domain.link import State
from graph.store.log import Outgoing
from graph.store.session import Row, Tx

APPROVED: Final = "approved"
ASSESSED: Final = "assessed"


async def decision_records(tx: Tx, planned: Planned, now: datetime) -> list[Outgoing]:
    """The notices and gallery records of one act; each notice holds what its case system may know."""
    at = now.isoformat()
    notices = [notice for item in planned.outcomes for notice in _of_link(item, planned, at)]
    for source in planned.before.sources:
        notices += _of_victims(source, planned, at)
    return [*await store_notices(tx, notices, now), *moved_faces(planned.effects), *_pairs(planned)]


def _pairs(planned: Planned) -> Iterator[Outgoing]:
    """The records by which link learns which pairs people hold to be two people, so that no group joins them."""
    for apart in (True, False):
        pairs = [
            [*item.locked.faces]
            for item in planned.outcomes
            if (item.state is State.DISMISSED) is apart and (item.locked.status.state is State.DISMISSED) is not apart
        ]
        if pairs:
            yield Outgoing("pairs", min(pairs)[0], {"pairs": sorted(pairs), "apart": apart})


def _of_link(item: Outcome, planned: Planned, at: str) -> Iterator[Notice]:
    locked, cases = item.locked, planned.before.cases
    for source in sorted({case.source for face in locked.faces for case in cases.get(face, ()) if case.source}):
        pending = planned.after.view_of_source(source).victims.pending
        body: Row = {
            "link_id": locked.link_id,
            "state": item.state.value,
            "decision": item.step.name,
            "standing": APPROVED if item.state is State.APPROVED else ASSESSED,
            "faces": [_endpoint(face, source, planned) for face in locked.faces],
            "pending": locked.link_id in pending,
            "at": at,
        }
        if item.undone is not None:
            body["undone"] = item.undone.decision
        yield Notice(f"link:{locked.link_id}@{source}", source, "decided", body, supersedes=True)


def _endpoint(face: str, source: str, planned: Planned) -> Row:
    cases = planned.before.cases.get(face, ())
    own = [case.case_id for case in cases if case.source == source]
    if not own:
        return {"district": min((case.district for case in cases), default=None)}
    return {"face_id": face, "media_id": planned.after.near.faces[face].media_id, "case_ids": sorted(own)}


def _of_victims(source: str, planned: Planned, at: str) -> Iterator[Notice]:
    """The victims that an act changed, under the name and with the faces that this case system may know."""
    before, after = planned.before.view_of_source(source), planned.after.view_of_source(source)
    old_of_face, new_of_face = before.victims.of_face, after.victims.of_face
    changed: defaultdict[str, set[str]] = defaultdict(set)
    for face in sorted(after.own):
        if old_of_face.get(face) != new_of_face.get(face):
            for victim_id in filter(None, (old_of_face.get(face), new_of_face.get(face))):
                changed[victim_id].add(face)
    for victim_id, faces in sorted(changed.items()):
        victim = after.victims.by_id.get(victim_id)
        body: Row = {
            "victim_id": victim_id,
            "standing": _standing(after, victim_id),
            "changed": sorted(faces),
            "faces": sorted(after.own & victim.faces) if victim else [],
            "at": at,
        }
        yield Notice(f"victim:{victim_id}@{source}", source, "victim_changed", body, supersedes=True)
    for item in planned.effects.to_approve_again:
        if not after.own.isdisjoint(item.face_ids):
            victim_id = after.name_of(item.face_ids)
            body = {"identification_id": item.identification_id, "victim_id": victim_id, "state": item.state}
            subject = f"identification:{item.identification_id}@{source}"
            yield Notice(subject, source, item.state, body, supersedes=True)


def _standing(view: VictimView, victim_id: str) -> str:
    """Approved if no link of the victim waits for its second person."""
    victim = view.victims.by_id.get(victim_id)
    states = [view.near.links[link_id].state for link_id in (victim.links if victim else ())]
    return APPROVED if states and all(state is State.APPROVED for state in states) else ASSESSED
