"""Every page of the application with addresses for it: in a scene with all states, and in one with hostile names.

A page is found by its route; a route whose parameter has no value here fails the tests that visit all pages, with its
name. Values are looked up by `<route>.<parameter>`, else by the parameter alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Path, Query
from fastapi.routing import APIRoute

from api.pages.app import ROUTERS
from api.sign_in.gate import PAGES
from graph.actions.decide.decision import Judgement, Seen
from graph.actions.decide.identify import do_identification
from graph.actions.decide.label import Labelling, do_label
from graph.actions.decide.repeated_person import Statement, do_statement
from graph.actions.decide.verdicts import do_approval, do_verdict
from graph.actions.identification import Proposal
from graph.actions.read.search import Question, ask_with_faces
from graph.domain import ids
from graph.domain.identification import Basis
from graph.domain.label import Label
from graph.domain.link import TEXT_LIMIT, Decision, SecondDecision
from graph.domain.people import Person
from graph.domain.repeated_person import RepeatedPerson
from graph.files import MediaStore
from graph.store.queries import relay
from graph.store.session import Store
from tests.support.access import access_of
from tests.support.access_table import PEOPLE, THINGS
from tests.support.factories import ANNA, BEN, NORTH, SOUTH, SUE, Scene, every_face, two_cases
from tests.support.queue import pairs

READERS: Final[Mapping[str, Person]] = {
    called: person
    for called, person in PEOPLE.items()
    if person and called in ("investigator north", "supervisor north", "auditor", "operator")
}
"""Whoever of these is answered with 200 first is the one who visits the page."""
NEVER_ENDING: Final = frozenset({"intake_now"})
"""Routes whose answer is a stream of events."""
NO_PAGES: Final = frozenset({"crop", "context", "inbox_count", "sign_in_link", "begin", "callback"})
"""Routes whose answer is a picture or a number."""
SECOND_NORTH: Final = "local:2026-014"

HOSTILE: Final = (
    '<script>canary=1</script>"\'><img src=x onerror="canary=1"><svg onload=canary=1>&lt;b&gt;{{7*7}}'
    "\u202egpj.exe\u2066 a" + "\u0301" * 40 + "\u200b\ufeff\u2028\x7f\x85%00"
)
"""Markup, a handler, a template, marks that turn the direction, forty accents on one letter, and what is invisible."""
HOSTILE_CASE: Final = f"local:{HOSTILE}"[:130].replace("\x1f", "")


def hostile(length: int) -> str:
    """A hostile text of that many characters without a place to break it."""
    return (HOSTILE + "W" * length)[:length]


@dataclass(frozen=True, slots=True)
class PageAddress:
    """A page's route and an address of it."""

    route: str
    path: str


@dataclass(frozen=True, slots=True)
class PageScene:
    """A filled graph, and the values of parameters of routes in it."""

    scene: Scene
    names: Mapping[str, str]

    def addresses(self) -> Iterator[PageAddress]:
        """An address of every route that a browser may open, in the order of the routes."""
        for route in page_routes():
            yield PageAddress(route.name, PAGES + self._path(route))

    def _path(self, route: APIRoute) -> str:
        fields = [(field.alias, field.field_info) for field in get_flat_params(route.dependant)]
        names = [name for name, info in fields if isinstance(info, Path)]
        wanted = [name for name, info in fields if isinstance(info, Query) and info.is_required()]
        path = route.path_format
        for name in names:
            path = path.replace(f"{{{name}}}", quote(self._value(route, name), safe=""))
        query = "&".join(f"{name}={quote(self._value(route, name), safe='')}" for name in wanted)
        return path + (f"?{query}" if query else "")

    def _value(self, route: APIRoute, name: str) -> str:
        value = self.names.get(f"{route.name}.{name}", self.names.get(name))
        assert value is not None, f"tests/support/page_scene.py has no {name} for the page {route.name}: add one"
        return value


def page_routes(method: str = "GET") -> list[APIRoute]:
    """The routes of the pages that take this method, but for endless answers."""
    routes = [route for module in ROUTERS for route in module.router.routes if isinstance(route, APIRoute)]
    return [route for route in routes if method in route.methods and route.name not in NEVER_ENDING]


async def typical_pages(store: Store, files: MediaStore) -> PageScene:
    """Two districts with every state of the access table, pairs and a group to judge, and what waits or failed."""
    scene = await two_cases(store, files)
    names: dict[str, str] = {"secret": "none", "number": "1"}
    for thing, make in THINGS.items():
        if not thing.startswith("missing") and thing not in ("nothing", "candidate of others"):
            names |= {f"{thing}.{name}": value for name, value in (await make(scene)).items()}
    await pairs(scene, 3, urgency="urgent")
    await scene.case(SECOND_NORTH, "north", "duty desk north")
    await scene.media("o", SECOND_NORTH, faces=["o1"], captured_at="2019-05-04T10:00:00Z")
    for number in range(3):
        await scene.media(f"g{number}", NORTH, faces=[f"g{number}"], captured_at=f"201{number}-05-04T10:00:00Z")
        await scene.link(f"g{number}", "o1", score=0.7)
    await scene.group("group", NORTH, "g0", "g1", "g2")
    await _quarantined(store, ["the bytes are not a picture", "the host does not answer"], NORTH)
    own = await _judged_by_anna(scene, NORTH, SECOND_NORTH, "the same scar under the left eye")
    of_thing = {name: names[f"{thing}.{name}"] for thing, name in CHOSEN}
    own |= {"to": SECOND_NORTH, "probe": of_thing["face_id"], "pair.face_id": names["answered search.other_face_id"]}
    own |= {"similar_pair.probe": names["listed.face_id"], "similar_pair.face_id": names["listed.other_face_id"]}
    return PageScene(scene, names | of_thing | own)


CHOSEN: Final = (
    ("identification", "identification_id"),
    ("identification", "victim_id"),
    ("judged", "act_id"),
    ("answered search", "search_id"),
    ("answered search", "face_id"),
    ("answered search", "media_id"),
    ("candidate", "case_id"),
)
"""Of which thing of the access table the pages show what."""


async def hostile_pages(store: Store, files: MediaStore) -> PageScene:
    """A scene in which everything that a person or a case system writes is hostile, and as long as it may be."""
    scene = await two_cases(store, files)
    await scene.case(HOSTILE_CASE, "north", hostile(10_000))
    await scene.case(SOUTH, "south", hostile(200))
    for number in range(4):
        await scene.media(f"h{number}", HOSTILE_CASE, faces=[f"h{number}"])
    await scene.media("o", NORTH, faces=["o1", "o2"])
    anna, ben, supervisor = (access_of(store, who, _now(), "test") for who in (ANNA, BEN, SUE))
    face_id = scene.faces["h0"]
    # To judge: a pair of one district, and one of two, returned with a reason.
    await scene.link("h1", "o2")
    returned, waiting = await scene.link("h3", "s1"), await scene.link("n1", "s1")
    own = await _judged_by_anna(scene, HOSTILE_CASE, NORTH, hostile(TEXT_LIMIT))
    for who, link_id in ((anna, returned), (ben, waiting)):
        said = Judgement(link_id, 0, Decision.CONFIRMED, ("ears",), hostile(TEXT_LIMIT), await every_face(store))
        await do_verdict(who, said)
    await do_approval(supervisor, Seen(returned, 1), SecondDecision.RETURNED, hostile(TEXT_LIMIT))
    await store.write(lambda tx: tx.do("MATCH (v:Verdict) SET v.text = $text", text=hostile(10_000)))
    victim_id = f"local:{hostile(100)}"
    await scene.depicts("h0", victim_id)
    await scene.depicts("h2", victim_id)
    await do_label(anna, Labelling(face_id, 0, Label.VICTIM, hostile(200)))
    await do_statement(anna, Statement(ids.media_id(b"h0"), 0, RepeatedPerson.MIRROR, hostile(200)))
    question = Question(HOSTILE_CASE, hostile(200), hostile(200), "register", keep_asking=True)
    similar = "MATCH (f:Face {face_id: $face}), (g:Face {face_id: $other}) CREATE (f)-[:AS_SIMILAR]->(g)"
    await store.write(lambda tx: tx.do(similar, face=face_id, other=scene.faces["t1"]))
    search_id = await ask_with_faces(anna, question, [face_id])
    await scene.answer(search_id, [("t1", 0.6), ("o1", 0.3)], "h0", open=True)
    proposal = Proposal(hostile(200), Basis.INTERVIEW, hostile(TEXT_LIMIT), (face_id, scene.faces["h2"]))
    await do_identification(anna, victim_id, proposal)
    await _quarantined(store, [hostile(10_000)], HOSTILE_CASE)
    await store.write(lambda tx: tx.do(EVERYWHERE, text=hostile(10_000)))
    names = {
        "secret": quote(hostile(100), safe=""),
        "number": "1",
        "case_id": HOSTILE_CASE,
        "face_id": face_id,
        "media_id": ids.media_id(b"h0"),
        "victim_id": victim_id,
        "search_id": search_id,
        "to": NORTH,
        "probe": face_id,
        "pair.face_id": scene.faces["t1"],
        "similar_pair.face_id": scene.faces["t1"],
    }
    return PageScene(scene, names | own)


EVERYWHERE: Final = """
MATCH (v:Victim) SET v.label = $text
WITH count(*) AS victims, $text AS text
MATCH (:Face)-[r:DEPICTS]->() SET r.declared_by = text
WITH count(*) AS depicted, text
MATCH ()-[r:IN_CASE]->(:Case) SET r.exhibits = [text], r.purpose = text, r.legal_basis = text
"""


async def _judged_by_anna(scene: Scene, a_case: str, b_case: str, text: str) -> dict[str, str]:
    """A pair that ANNA has confirmed, so that she may see everything of it."""
    await scene.media("mine a", a_case, faces=["mine a"], captured_at="2010-05-04T10:00:00Z")
    await scene.media("mine b", b_case, faces=["mine b"], captured_at="2018-05-04T10:00:00Z")
    link_id = await scene.link("mine a", "mine b", score=0.61)
    reasons = ("ears", "face_shape", "against:hair")
    said = Judgement(link_id, 0, Decision.CONFIRMED, reasons, text, await every_face(scene.store))
    await do_verdict(access_of(scene.store, ANNA, _now(), "test"), said)
    return {"link_id": link_id}


async def _quarantined(store: Store, reasons: Sequence[str], case_id: str) -> None:
    """Events of a case that wait in quarantine, for these reasons."""
    rows: list[dict[str, Any]] = [
        {
            "quarantine_id": f"{number:064x}",
            "event": f"media-submitted-{number}",
            "fingerprint": f"{number}",
            "topic": "redthread.media.submitted",
            "partition": 0,
            "offset": number,
            "stage": "decode",
            "reason": reason,
            "code": "unprocessable",
            "source": "local",
            "status": "waiting",
            "host": None,
            "ce_id": f"ce-{number}",
            "attempts": 1,
            "submitted_at": 1_795_000_000_000,
            "at_ms": 1_795_000_000_000,
            "truncated": False,
            "case_id": case_id,
            "source_ref": reason[:300],
        }
        for number, reason in enumerate(reasons)
    ]
    await store.write(lambda tx: tx.do(relay.INDEX_QUARANTINED, rows=rows, now=_now().isoformat()))


def _now() -> datetime:
    return datetime.now(UTC)
