"""The people and the things of the access tables of the API and of the pages."""

from collections.abc import Awaitable, Callable
from itertools import count

from graph.actions.decide.decision import Judgement, Seen
from graph.actions.decide.identify import do_identification, do_identification_approval
from graph.actions.decide.verdicts import do_approval, do_verdict
from graph.actions.identification import Proposal
from graph.actions.read.search import Picture, Question, ask_with_faces, ask_with_picture
from graph.domain.identification import Basis
from graph.domain.link import Decision, SecondDecision
from graph.domain.people import Person, Role
from graph.domain.victim import formed_id
from graph.store.session import Tx
from tests.support.access import access_of
from tests.support.factories import ANNA, BEN, NORTH, NOW, SAM, SOUTH, SUE, Scene

WEST = "local:2026-003 west"


DISTRICTS = {NORTH: "north", SOUTH: "south", WEST: "west"}


def _person(role: Role, district: str | None = None) -> Person:
    return Person(f"{role.value}@{district or 'nowhere'}", frozenset({role}), district)


FIRST = Person("first@north", frozenset({Role.INVESTIGATOR}), "north")


SECOND = Person("second@north", frozenset({Role.SUPERVISOR}), "north")


PEOPLE: dict[str, Person | None] = {
    "nobody": None,
    "investigator north": ANNA,
    "investigator south": BEN,
    "investigator west": _person(Role.INVESTIGATOR, "west"),
    "investigator of no district": _person(Role.INVESTIGATOR),
    "supervisor north": SUE,
    "supervisor south": SAM,
    "supervisor west": _person(Role.SUPERVISOR, "west"),
    "auditor": _person(Role.AUDITOR, "north"),
    "operator": _person(Role.OPERATOR, "north"),
    "case system": _person(Role.CASE_SYSTEM, "north"),
}


Names = dict[str, str]


Make = Callable[[Scene], Awaitable[Names]]


_numbers = count()


async def nothing(_: Scene) -> Names:
    return {}


async def missing(_: Scene) -> Names:
    """Ids that read like real ones and stand for nothing."""
    names = (
        "link_id",
        "face_id",
        "other_face_id",
        "media_id",
        "search_id",
        "victim_id",
        "act_id",
        "identification_id",
        "quarantine_id",
        "erasure_id",
        "claim_id",
    )
    return {name: f"{number:064x}" for number, name in enumerate(names)} | {"case_id": "local:none"}


async def missing_face(scene: Scene) -> Names:
    """A northern case, and a face that does not exist."""
    return {**await missing(scene), "case_id": NORTH}


def link(state: str, a_case: str = NORTH, b_case: str = SOUTH) -> Make:
    """A link in a state between a face of one case and one of another; `face_id` is the first, `other_face_id` the
    second."""

    async def make(scene: Scene) -> Names:
        a, b = f"a{next(_numbers)}", f"b{next(_numbers)}"
        media_id = await scene.media(a, a_case, faces=[a])
        await scene.media(b, b_case, faces=[b])
        link_id = await scene.link(a, b, state=state if state == "lead" else "candidate")
        if state not in ("lead", "candidate"):

            async def decided(tx: Tx) -> None:
                query = "MATCH ()-[r:CANDIDATE {link_id: $link_id}]->() SET r.state = $state, r.version = 1"
                await tx.do(query, link_id=link_id, state=state)

            await scene.store.write(decided)
        ids = {"link_id": link_id, "face_id": scene.faces[a], "other_face_id": scene.faces[b]}
        return {**ids, "media_id": media_id, "case_id": a_case, "other_case_id": b_case}

    return make


async def face(scene: Scene) -> Names:
    """A face of a northern case that no link leads to."""
    called = f"f{next(_numbers)}"
    media_id = await scene.media(called, NORTH, faces=[called])
    return {"face_id": scene.faces[called], "media_id": media_id, "case_id": NORTH, "other_case_id": SOUTH}


async def on_its_way(scene: Scene) -> Names:
    """A picture that somebody of the north has uploaded, and nobody embedded yet; it lies in a southern case too."""
    media_id = await scene.media(f"u{next(_numbers)}", SOUTH)
    upload = "CREATE (:Upload {ce_id: $media_id, media_id: $media_id, case_id: $case_id, status: 'submitted'})"
    await scene.store.write(lambda tx: tx.do(upload, media_id=media_id, case_id=NORTH))
    return {"media_id": media_id, "case_id": NORTH, "other_case_id": SOUTH}


async def two_faces(scene: Scene) -> Names:
    """Two faces of a northern case, in two pictures, that no link joins."""
    one, other = await face(scene), await face(scene)
    return {**one, "other_face_id": other["face_id"]}


async def judged(scene: Scene) -> Names:
    """A link across the districts that an investigator of the north, who is none of PEOPLE, has confirmed."""
    names = await link("candidate")(scene)
    said = Judgement(names["link_id"], 0, Decision.CONFIRMED, ("ears",), "")
    await do_verdict(access_of(scene.store, FIRST, NOW), said)
    [row] = await scene.store.read(
        lambda tx: tx.rows("MATCH (a:Act)-[:WROTE]->(:Verdict {link_id: $id}) RETURN a.act_id AS id", id=said.link_id)
    )
    return {**names, "act_id": row["id"], "victim_id": formed_id(said.link_id)}


async def joined(scene: Scene) -> Names:
    """That link, approved by a second person of the north."""
    names = await judged(scene)
    seen = Seen(names["link_id"], 1)
    await do_approval(access_of(scene.store, SECOND, NOW), seen, SecondDecision.APPROVED, "")
    return names


async def identification(scene: Scene) -> Names:
    """An identification of that link's victim, proposed by the same person."""
    names = await joined(scene)
    faces = names["face_id"], names["other_face_id"]
    proposal = Proposal("person-1", Basis.INTERVIEW, "named by a teacher", faces)
    made = await do_identification(access_of(scene.store, FIRST, NOW), names["victim_id"], proposal)
    return {**names, "identification_id": made.identification_id}


async def identified(scene: Scene) -> Names:
    """That identification, approved by a second person of the south."""
    names = await identification(scene)
    await do_identification_approval(
        access_of(scene.store, SAM, NOW), names["identification_id"], 0, SecondDecision.APPROVED, ""
    )
    return names


async def answered(scene: Scene) -> Names:
    """A search in the register for a northern case, which returned a southern face that no link leads to."""
    asked_with, found = await face(scene), f"r{next(_numbers)}"
    await scene.media(found, SOUTH, faces=[found])
    question = Question(NORTH, "victim identification", "test", "register")
    search_id = await ask_with_faces(access_of(scene.store, ANNA, NOW), question, [asked_with["face_id"]])
    await scene.answer(search_id, [(found, 0.6)])
    return {**asked_with, "search_id": search_id, "other_face_id": scene.faces[found]}


async def by_picture(scene: Scene) -> Names:
    """A search in the register for a northern case, by a picture in which no face was found."""
    assert scene.files is not None
    called = f"p{next(_numbers)}"
    question, picture = (
        Question(NORTH, "victim identification", "test", "register"),
        Picture(called.encode(), "image/jpeg"),
    )
    search_id = await ask_with_picture(access_of(scene.store, ANNA, NOW), scene.files, question, picture)
    media_id = await scene.media(called, NORTH)
    await scene.answer(search_id, [])
    return {"search_id": search_id, "media_id": media_id, "case_id": NORTH, "other_case_id": SOUTH}


async def listed(scene: Scene) -> Names:
    """A face of a northern case, and a southern one that is listed as similar to it."""
    names, other = await face(scene), f"l{next(_numbers)}"
    await scene.media(other, SOUTH, faces=[other])
    query = "MATCH (f:Face {face_id: $face}), (g:Face {face_id: $other}) CREATE (f)-[:AS_SIMILAR]->(g)"
    await scene.store.write(lambda tx: tx.do(query, face=names["face_id"], other=scene.faces[other]))
    return {**names, "other_face_id": scene.faces[other]}


async def victim(scene: Scene) -> Names:
    """A northern case, and a victim that a case system declared of a face in it and of one in a southern case."""
    north, south = await face(scene), f"v{next(_numbers)}"
    await scene.media(south, SOUTH, faces=[south])
    victim_id = f"victim {south}"
    for face_id in (north["face_id"], scene.faces[south]):
        called = next(name for name, known in scene.faces.items() if known == face_id)
        await scene.depicts(called, victim_id)
    return {**north, "victim_id": victim_id}


async def missing_victim(scene: Scene) -> Names:
    """A northern case, and a victim that does not exist."""
    return {**await missing(scene), "case_id": NORTH}


def open_search(who: Person) -> Make:
    """A search of this person in a northern case, which stays open."""

    async def make(scene: Scene) -> Names:
        asked_with = await face(scene)
        question = Question(NORTH, "victim identification", "test", f"case:{NORTH}")
        search_id = await ask_with_faces(access_of(scene.store, who, NOW), question, [asked_with["face_id"]])
        await scene.answer(search_id, [], open=True)
        forever = "MATCH (s:Search {search_id: $id}) SET s.until = null"
        await scene.store.write(lambda tx: tx.do(forever, id=search_id))
        return {**asked_with, "search_id": search_id}

    return make


THINGS: dict[str, Make] = {
    "victim": victim,
    "missing victim": missing_victim,
    "open search": open_search(ANNA),
    "search of another": open_search(FIRST),
    "nothing": nothing,
    "missing": missing,
    "missing face": missing_face,
    "face": face,
    "on_its_way": on_its_way,
    "answered search": answered,
    "search by picture": by_picture,
    "two faces": two_faces,
    "listed": listed,
    "judged": judged,
    "joined": joined,
    "identification": identification,
    "identified": identified,
    **{state: link(state) for state in ("lead", "candidate", "confirmed", "dismissed", "unsure", "approved")},
    "candidate of others": link("candidate", SOUTH, WEST),
}
