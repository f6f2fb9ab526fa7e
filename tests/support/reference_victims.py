"""Victims from scratch, in plain Python and by another way than the product's: sets merged one by one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256


@dataclass(frozen=True)
class HistoryEntry:
    """One entry of a link's history."""

    decision: str
    at: str
    state_then: str


def state_after(first: str, history: Sequence[HistoryEntry]) -> tuple[str, list[HistoryEntry]]:
    """The state of a link and its acts still standing: each reopening crosses the last one out."""
    left: list[HistoryEntry] = []
    for said in history:
        if said.decision == "reopened":
            left.pop()
        else:
            left.append(said)
    return (left[-1].decision if left else first), left


def victims(
    faces: Mapping[str, Sequence[str]],
    links: Mapping[str, tuple[str, str]],
    histories: Mapping[str, Sequence[HistoryEntry]],
) -> tuple[dict[str, str], set[str]]:
    """The victim of each face that has one, and the links left pending.

    `faces` gives the declared ids of each face, `links` the two faces of each link.
    """
    groups: list[tuple[set[str], set[str]]] = [({face}, set(ids)) for face, ids in faces.items()]

    def group(face: str) -> tuple[set[str], set[str]]:
        return next(found for found in groups if face in found[0])

    def merge(one: tuple[set[str], set[str]], other: tuple[set[str], set[str]]) -> None:
        if one is not other:
            groups.remove(other)
            one[0].update(other[0])
            one[1].update(other[1])

    named = sorted({name for ids in faces.values() for name in ids})
    for name in named:
        holders = [face for face, ids in faces.items() if name in ids]
        for face in holders[1:]:
            merge(group(holders[0]), group(face))
    joined: list[tuple[str, str]] = []
    waiting: list[tuple[str, str]] = []
    for link_id in links:
        state, left = state_after("candidate", histories.get(link_id, ()))
        if state in ("confirmed", "approved"):
            at = [said.at for said in left if said.decision == "confirmed"][-1]
            (joined if state == "approved" else waiting).append((at, link_id))
    for _, link_id in joined:
        merge(group(links[link_id][0]), group(links[link_id][1]))
    pending: set[str] = set()
    for at, link_id in sorted(waiting):
        one, other = group(links[link_id][0]), group(links[link_id][1])
        if one is not other and one[1] and other[1]:
            pending.add(link_id)
        else:
            merge(one, other)
            joined.append((at, link_id))
    found: dict[str, str] = {}
    for members, ids in groups:
        inside = sorted((at, link_id) for at, link_id in joined if links[link_id][0] in members)
        if ids:
            name = min(ids)
        elif inside:
            name = "v-" + sha256(f"victim|{inside[0][1]}".encode()).hexdigest()[:32]
        else:
            continue
        found |= dict.fromkeys(members, name)
    return found, pending
