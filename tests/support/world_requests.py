"""Requests to the API of a world, drawn at random: with its ids, and with ids that nobody has."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from graph.domain.ids import media_id
from graph.domain.victim import formed_id
from tests.support.worlds import (
    FACES,
    HIDDEN_FACES,
    NORTH_CASE,
    OPEN_SOUTH,
    OPENED,
    OTHER_NORTH,
    SEALED,
    SHARED,
    SOUTHERN,
    WIDE,
    Hidden,
    link_of,
    name_of,
    nth_id,
)


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict[str, Any])
    body: Any = None
    version: int | None = None
    purpose: str | None = "victim identification"
    form: Mapping[str, str] | None = None


class Pool:
    """The ids that a viewer knows, and those that one could guess: everything of either world."""

    def __init__(self, chance: Random, worlds: Sequence[Hidden], steps: int) -> None:
        self.chance = chance
        seen = [link_of(pair) for pair in (*OPENED, *SEALED)]
        self.sealed = [link_of(pair) for pair in SEALED]
        self.opened = [link_of(pair) for pair in OPENED]
        self.links = [*seen, *(link_of(pair) for pair in (*SOUTHERN, *WIDE)), "0" * 64]
        self.faces = [name_of(called) for called in (*FACES, *HIDDEN_FACES, SHARED, SHARED)] + ["0" * 64]
        names = [media_id(called.encode()) for called in (SHARED, *FACES, *HIDDEN_FACES)]
        self.media = [*names, *(world.name + names[-1][1:] for world in worlds), "0" * 64]
        self.cases = [NORTH_CASE, OTHER_NORTH, OPEN_SOUTH, *(world.case_id for world in worlds), "local:none"]
        hidden_acts = [nth_id(f"{world.name} {number}") for world in worlds for number in range(6)]
        self.acts = [*(nth_id(f"step {number}") for number in range(steps)), *hidden_acts, "none"]
        self.victims = [
            *(world.victim_id for world in worlds),
            "local:child",
            "other:none",
            *(formed_id(link) for link in self.links),
        ]
        self.identifications = [nth_id(f"{world.name} identity") for world in worlds] + ["none"]
        self.searches = [nth_id("search"), "none"]

    def one(self, *of: Sequence[Any]) -> Any:
        return self.chance.choice([item for items in of for item in items])

    def some(self, of: Sequence[Any]) -> list[Any]:
        return self.chance.sample(list(of), self.chance.randint(1, min(4, len(of))))

    def purpose(self) -> str | None:
        return self.chance.choice(["victim identification", "victim identification", None])

    def version(self) -> int | None:
        return self.chance.choice([0, 0, 0, 1, 1, 2, 3, 99, None])


def _look(path: str, **query: Any) -> Request:
    return Request("GET", path, query)


def _shown(pool: Pool) -> dict[str, Any]:
    """Which faces the viewer says were shown: all, two, none, or nothing is said."""
    return pool.chance.choice([{"faces": pool.faces}, {"faces": pool.faces[:2]}, {"faces": []}, {}])


def _verdict(pool: Pool) -> Request:
    """An opening verdict on a link that the viewer may open, *unsure* on any."""
    decision = pool.chance.choice(["confirmed", "confirmed", "dismissed", "unsure"])
    link = pool.one(pool.links) if decision == "unsure" else pool.one(pool.opened, pool.links[-5:])
    body = {"decision": decision, "reasons": ["ears"], "text": "mine", **_shown(pool)}
    return Request("POST", f"/links/{link}/verdicts", body=body, version=pool.version(), purpose=pool.purpose())


def _stale(pool: Pool) -> Request:
    body = {"decision": "confirmed", "reasons": ["ears"]}
    return Request("POST", f"/links/{pool.one(pool.links)}/verdicts", body=body, version=99, purpose=pool.purpose())


def _approval(pool: Pool) -> Request:
    """A link of the south whose faces differ is only returned: approved, its case would be the viewer's to read."""
    returned = {"decision": "returned", "reason": "look again"}
    common = [link_of(pair) for pair in OPENED if not set(pair) & set(HIDDEN_FACES)]
    if pool.chance.random() < 0.4:
        link, body = pool.one(common), {"decision": "approved", **_shown(pool)}
    else:
        link, body = pool.one(pool.links), returned
    return Request("POST", f"/links/{link}/approvals", body=body, version=pool.version(), purpose=pool.purpose())


def _seen(pool: Pool, links: Sequence[str]) -> list[dict[str, Any]]:
    return [{"link_id": link, "version": pool.chance.choice([0, 0, 0, 1, 2])} for link in links]


def _act(pool: Pool) -> Request:
    decision = pool.chance.choice(["confirmed", "unsure"])
    links = pool.some(pool.links) if decision == "unsure" else pool.some(pool.opened)
    body = {"links": _seen(pool, links), "decision": decision, "reasons": ["ears"]}
    return Request("POST", "/acts", body=body, purpose=pool.purpose())


def _preview(pool: Pool) -> Request:
    sheets = (
        [link_of(pair) for pair in (("n1", "s1"), ("n1", "s2"))],
        [link_of(pair) for pair in (("n4", "s1"), ("n4", "s2"), ("n8", "s1"), ("n8", "s2"))],
        [link_of(pair) for pair in (("n7", "s1"), ("n7", "s2"))],
        pool.some(pool.links),
        [pool.one(pool.links)],
    )
    faces = {"faces": [name_of("n9")]} if pool.chance.random() < 0.3 else {}
    decision = pool.chance.choice(["confirmed", "confirmed", "dismissed", "unsure"])
    faces = faces if decision == "confirmed" else {}
    body = {"links": _seen(pool, pool.chance.choice(sheets)), "decision": decision, "reasons": ["ears"], **faces}
    return Request("POST", "/acts/preview", body=body)


def _act_approval(pool: Pool) -> Request:
    body = {"links": _seen(pool, pool.some(pool.links)), "decision": "returned", "reason": "look again"}
    return Request("POST", f"/acts/{pool.one(pool.acts)}/approvals", body=body, purpose=pool.purpose())


def _identification(pool: Pool) -> Request:
    body = {"person_ref": "person-of-north", "basis": "document", "reason": "why", **_shown(pool)}
    return Request("POST", f"/victims/{pool.one(pool.victims)}/identifications", body=body, purpose=pool.purpose())


def _second(pool: Pool, what: str) -> Request:
    body = {"decision": "returned", "reason": "no"} if what == "approvals" else {"reason": "no"}
    path = f"/identifications/{pool.one(pool.identifications)}/{what}"
    return Request("POST", path, body=body, version=pool.version(), purpose=pool.purpose())


def _search(pool: Pool) -> Request:
    asked: dict[str, Any] = {"faces": [pool.one(pool.faces)]}
    if pool.chance.random() < 0.5:
        asked = {"victim_id": pool.one(pool.victims)}
    within = pool.chance.choice(["register", f"case:{pool.one(pool.cases)}"])
    body = {"case_id": pool.one(pool.cases), "purpose": "p", "legal_basis": "l", "in": within, **asked}
    return Request("POST", "/searches", body=body)


def _links(pool: Pool) -> Request:
    state = pool.one(["lead", "candidate", "confirmed", "dismissed", "unsure", "approved", "returned"])
    return _look("/links", state=state, **({"case_id": pool.one(pool.cases)} if pool.chance.random() < 0.5 else {}))


def _queue(pool: Pool) -> Request:
    filters: dict[str, Any] = {}
    for name, of in (("case_id", pool.cases), ("victim_id", pool.victims), ("district", ["north", "south"])):
        if pool.chance.random() < 0.2:
            filters[name] = pool.one(of)
    for name in ("leads", "identified"):
        if pool.chance.random() < 0.4:
            filters[name] = True
    return _look("/queue", **filters)


def _claim(pool: Pool) -> Request:
    filters = {"victim_id": pool.one(pool.victims)} if pool.chance.random() < 0.3 else {}
    return Request("POST", "/queue/claims", body={"n": pool.chance.randint(1, 5), "filters": filters})


def _erasure(pool: Pool) -> Request:
    kind, of = pool.one(
        [("media_id", pool.media), ("case_id", pool.cases), ("face_id", pool.faces), ("victim_id", pool.victims)]
    )
    # What the viewer may erase is left alone: it would end the story.
    subject = pool.one(
        [
            item
            for item in of
            if item not in (NORTH_CASE, OTHER_NORTH, *pool.media[: len(FACES)], *pool.faces[: len(FACES)])
        ]
    )
    return Request("POST", "/erasures", body={"subject": {kind: subject}, "reason": "r"})


def _posted(path: str, body: Any) -> Callable[[Pool], Request]:
    return lambda pool: Request("POST", path.format(pool=pool), body=body, version=pool.version())


REQUESTS: Final[Mapping[str, Callable[[Pool], Request]]] = {
    "GET /healthz": lambda _: _look("/healthz"),
    "GET /readyz": lambda _: _look("/readyz"),
    "GET /metrics": lambda _: _look("/metrics"),
    "GET /cases/{case_id}/completeness": lambda pool: _look(f"/cases/{pool.one(pool.cases)}/completeness"),
    "GET /cases/{case_id}/graph": lambda pool: _look(
        f"/cases/{pool.one(pool.cases)}/graph", leads=pool.one(["true", "false"])
    ),
    "GET /cases/{case_id}/media": lambda pool: _look(f"/cases/{pool.one(pool.cases)}/media"),
    "GET /cases/{case_id}": lambda pool: _look(f"/cases/{pool.one(pool.cases)}"),
    "POST /media": lambda pool: Request(
        "POST",
        "/media",
        form={"case_id": pool.one(pool.cases[2:]), "purpose": "p", "legal_basis": "l", "scope": "register"},
    ),
    "GET /media/{media_id}": lambda pool: _look(f"/media/{pool.one(pool.media)}"),
    "GET /media/{media_id}/faces": lambda pool: _look(f"/media/{pool.one(pool.media)}/faces"),
    "GET /media/{media_id}/repeated-person": lambda pool: _look(f"/media/{pool.one(pool.media)}/repeated-person"),
    "POST /media/{media_id}/repeated-person": lambda pool: Request(
        "POST",
        f"/media/{pool.one(pool.media)}/repeated-person",
        body={"repeated_person": pool.one(["collage", None]), "reason": "r"},
        version=pool.version(),
    ),
    "POST /media/{media_id}/faces": lambda pool: Request(
        "POST", f"/media/{pool.one(pool.media)}/faces", body={"box": [300, 200, 60, 60]}
    ),
    "GET /faces/{face_id}/crop": lambda pool: _look(
        f"/faces/{pool.one(pool.faces)}/crop", leads=pool.one(["true", "false"])
    ),
    "GET /faces/{face_id}/context": lambda pool: _look(f"/faces/{pool.one(pool.faces)}/context"),
    "GET /faces/{face_id}/labels": lambda pool: _look(f"/faces/{pool.one(pool.faces)}/labels"),
    "GET /faces/{face_id}/similar": lambda pool: _look(f"/faces/{pool.one(pool.faces)}/similar"),
    "POST /faces/{face_id}/labels": lambda pool: Request(
        "POST",
        f"/faces/{pool.one(pool.faces)}/labels",
        body={"label": "witness", "reason": "r"},
        version=pool.version(),
    ),
    "GET /links": _links,
    "POST /links": lambda pool: Request(
        "POST", "/links", body={"face_a": pool.one(pool.faces), "face_b": pool.one(pool.faces), "reasons": ["ears"]}
    ),
    "GET /links/{link_id}": lambda pool: _look(f"/links/{pool.one(pool.links)}"),
    "GET /queue": _queue,
    "POST /queue/claims": _claim,
    "POST /queue/claims/{claim_id}/skips": _posted("/queue/claims/{pool.acts[0]}/skips", None),
    "POST /queue/claims/{claim_id}/renewals": _posted("/queue/claims/{pool.acts[0]}/renewals", None),
    "POST /links/{link_id}/verdicts": lambda pool: pool.chance.choice([_verdict, _stale])(pool),
    "POST /links/{link_id}/approvals": _approval,
    "POST /links/{link_id}/reopenings": lambda pool: Request(
        "POST",
        f"/links/{pool.one(pool.links)}/reopenings",
        body={"reason": "a mistake"},
        version=pool.version(),
        purpose=pool.purpose(),
    ),
    "POST /acts": _act,
    "POST /acts/preview": _preview,
    "POST /acts/{act_id}/reopenings": lambda pool: Request(
        "POST", f"/acts/{pool.one(pool.acts)}/reopenings", body={"reason": "a mistake"}, purpose=pool.purpose()
    ),
    "POST /acts/{act_id}/approvals": _act_approval,
    "GET /approvals": lambda _: _look("/approvals"),
    "GET /victims/{victim_id}": lambda pool: _look(f"/victims/{pool.one(pool.victims)}"),
    "GET /victims/{victim_id}/identifications": lambda pool: _look(
        f"/victims/{pool.one(pool.victims)}/identifications"
    ),
    "POST /victims/{victim_id}/identifications": _identification,
    "POST /identifications/{identification_id}/approvals": lambda pool: _second(pool, "approvals"),
    "POST /identifications/{identification_id}/reopenings": lambda pool: _second(pool, "reopenings"),
    "GET /paths": lambda pool: _look(
        "/paths", from_case=pool.one(pool.cases), to_case=pool.one(pool.cases), candidates=pool.one(["true", "false"])
    ),
    "POST /searches": _search,
    "GET /searches": lambda _: _look("/searches"),
    "GET /searches/{search_id}": lambda pool: _look(f"/searches/{pool.one(pool.searches)}"),
    "DELETE /searches/{search_id}": lambda pool: Request("DELETE", f"/searches/{pool.one(pool.searches)}"),
    "GET /searches/{search_id}/unjudged": lambda pool: _look(f"/searches/{pool.one(pool.searches)}/unjudged"),
    "POST /erasures": _erasure,
    "GET /erasures/{erasure_id}": lambda pool: _look(f"/erasures/{pool.acts[0]}"),
    "GET /audit": lambda _: _look("/audit"),
    "GET /audit/verification": lambda _: _look("/audit/verification"),
    "GET /quarantine": lambda _: _look("/quarantine"),
    "POST /quarantine/{quarantine_id}/replays": lambda _: Request("POST", "/quarantine/none/replays"),
}
"""How each operation of the API is asked for; a test holds this against the OpenAPI document."""


OFTEN: Final = (
    "GET /queue",
    "GET /victims/{victim_id}",
    "POST /acts/preview",
    "POST /links/{link_id}/verdicts",
    "POST /links/{link_id}/reopenings",
    "POST /acts/{act_id}/reopenings",
    "POST /acts/{act_id}/approvals",
    "GET /approvals",
    "GET /links/{link_id}",
    "POST /queue/claims",
    "POST /links/{link_id}/approvals",
    "GET /searches/{search_id}",
    "POST /victims/{victim_id}/identifications",
    "GET /links",
)


def requests(chance: Random, pool: Pool, number: int) -> list[Request]:
    """Every operation once, and the telling ones again and again, in a drawn order."""
    names = [*REQUESTS, *(chance.choice(OFTEN) for _ in range(number))]
    chance.shuffle(names)
    return [REQUESTS[name](pool) for name in names]
