"""A reviewer who knows everybody: works through the queue over HTTP, and counts the decisions.

It never errs, so the count measures the product and not a person.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import httpx

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """The reviewer's decision on one item; `apart` are faces of other people; `confirmed` False: no two faces match."""

    confirmed: bool
    faces: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()


@dataclass(slots=True)
class Tally:
    """Counts: decisions, those `about` each person on a sheet, faces shown, refusals by their code."""

    decisions: int = 0
    confirmed: int = 0
    shown: int = 0
    about: Counter[str] = field(default_factory=Counter[str])
    refused: Counter[str] = field(default_factory=Counter[str])


def answer(item: Item, people: Mapping[str, str]) -> Answer:
    """Confirms the person whose faces most links of the sheet join, and marks everybody else as another person."""
    pairs = [(link["a"]["face_id"], link["b"]["face_id"]) for link in item["links"]]
    same = Counter(people[a] for a, b in pairs if people[a] == people[b])
    if not same:
        return Answer(confirmed=False)
    [(person, _)] = same.most_common(1)
    linked = {face for pair in pairs for face in pair}
    of_groups = {face for unit in item["units"] if unit["kind"] == "group" for face in unit["face_ids"]}
    shown = {face for unit in item["units"] for face in unit["face_ids"]}
    apart = sorted(face for face in linked | of_groups if people[face] != person)
    return Answer(True, tuple(sorted(shown)), tuple(apart))


def work(client: httpx.Client, people: Mapping[str, str]) -> Tally:
    """Claims and decides item after item; skips and counts an item whose decision is refused."""
    done = Tally()
    for item in _claims(client):
        said = answer(item, people)
        shown = {face for unit in item["units"] for face in unit["face_ids"]}
        done.shown += len(shown)
        done.about.update({people[face] for face in shown})
        done.decisions += 1
        done.confirmed += said.confirmed
        body: dict[str, Any] = {
            "links": [{"link_id": link["link_id"], "version": link["version"]} for link in item["links"]],
            "decision": "confirmed" if said.confirmed else "dismissed",
            "reasons": ["face_shape"] if said.confirmed else [],
            "faces": said.faces,
            "faces_apart": said.apart,
        }
        reply = client.post("/acts", json=body)
        if reply.is_error:
            code = reply.json().get("code", str(reply.status_code))
            done.refused[code] += 1
            client.post(f"/queue/claims/{item['claim']['claim_id']}/skips").raise_for_status()
    return done


def _claims(client: httpx.Client) -> Iterator[Item]:
    """Items one by one until the queue is empty."""
    after: str | None = None
    while True:
        reply = client.post("/queue/claims", json={"n": 1, **({"after": after} if after else {})})
        if reply.status_code != HTTPStatus.CREATED:
            reply.raise_for_status()
        page = reply.json()
        yield from page["items"]
        after = None if page["items"] else page["next"]
        if not page["items"] and after is None:
            return


def people_of(
    labelled: Mapping[str, str], others: Collection[str], alike: Collection[tuple[str, str, float]]
) -> dict[str, str]:
    """The person of each face: the given names, and for other faces the name of the most similar face.

    `alike` are pairs of faces with their cosine, only those of surely one person.
    A face similar to none has its own name.
    """
    people = dict(labelled)
    by_likeness = sorted(alike, key=lambda pair: -pair[2])
    for face in sorted(others):
        near = (b if a == face else a for a, b, _ in by_likeness if face in (a, b))
        people[face] = next((people[other] for other in near if other in people), face)
    return people
