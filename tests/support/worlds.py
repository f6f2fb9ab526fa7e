"""Two worlds that differ only in what a viewer in the north may not see, and every request that the viewer can make.

`Hidden` is what differs: scores and first reasons of links that the viewer has not opened, and of the south the ids of
its case, its pictures and its registered victim, who that victim is, further faces, links and acts, the names of its
people. The worlds agree in everything that the viewer may know, and in what `tests.support.disclosures` lists.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from graph.actions.decide import acts, contact_sheet, identify, label, mark, repeated_person
from graph.actions.decide import verdicts as decide
from graph.actions.decide.contact_sheet import SheetJudgement
from graph.actions.decide.decision import Judgement, Seen
from graph.actions.identification import Proposal
from graph.actions.read.links import find_link
from graph.actions.read.search import Question, ask_with_faces
from graph.domain.errors import RedthreadError
from graph.domain.identification import Basis
from graph.domain.ids import face_id, link_id, media_id, ordered
from graph.domain.link import Decision, SecondDecision
from graph.domain.people import Person, Role
from graph.domain.repeated_person import RepeatedPerson
from graph.files import MediaStore
from graph.store.session import Store
from tests.support.access import access_of
from tests.support.factories import ANNA, NOW, SUE, Scene

BOB = Person("bob@north", frozenset({Role.INVESTIGATOR}), "north")
SOL = Person("sol@north", frozenset({Role.SUPERVISOR}), "north")
VIEWERS: Final = (ANNA, SUE)

NORTH_CASE, OTHER_NORTH, OPEN_SOUTH = "local:n1", "local:n2", "other:open"
FACES: Final = {name: NORTH_CASE for name in ("n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8", "n9")} | {
    "s3": OPEN_SOUTH,
    "x1": OTHER_NORTH,
    "x2": OTHER_NORTH,
}
SHARED: Final = "b1"
"""The face of a picture that lies in the north's case and in one or two of the south's."""
HIDDEN_FACES: Final = ("s1", "s2", "s4", "s5", "s6", "s7", "s8", "s9")
"""In the south's case whose id differs; s1, s2, s7 and s8 are sides of links that the viewer sees."""
QUALITY: Final = {"n1": 0.9, "n2": 0.8, "n4": 0.9, "n8": 0.5, "n9": 0.6, "s1": 0.4, "s2": 0.7, "s3": 0.8}
OPENED: Final = (("n2", "s2"), ("n5", "s3"), ("n3", "n5"), ("n1", "n2"), ("n6", "s1"), ("n6", "n7"))
"""Links that the viewer may judge: their scores and reasons are the same in both worlds."""
SEALED: Final = (
    ("n1", "s1"),
    ("n1", "s2"),
    ("x1", "s7"),
    ("n9", "s8"),
    ("n3", "s3"),
    ("n4", "s1"),
    ("n4", "s2"),
    ("n8", "s1"),
    ("n8", "s2"),
    ("n4", "n8"),
    ("n4", "n9"),
    ("n7", "s1"),
    ("n7", "s2"),
    ("n9", "s2"),
    ("n1", "n3"),
    ("b1", "x2"),
    ("x2", "s6"),
)
LEADS: Final = (("x2", "s6"),)
SOUTHERN: Final = (("s1", "s4"), ("s4", "s5"), ("s2", "s6"), ("s5", "s6"), ("s7", "s8"))
WIDE: Final = (("s5", "s9"), ("s6", "s9"))


def name_of(called: str) -> str:
    """The id of the face called so, which is the only face of its picture."""
    return face_id(media_id(called.encode()), "yunet", 0)


def link_of(pair: tuple[str, str]) -> str:
    return link_id(*ordered(name_of(pair[0]), name_of(pair[1])))


def place_of(*pairs: tuple[str, str]) -> tuple[int, ...]:
    """How a step names these links."""
    return tuple((*OPENED, *SEALED).index(pair) for pair in pairs)


@dataclass(frozen=True, slots=True)
class Step:
    """One act of somebody: on links that the viewer sees, the same in both worlds."""

    who: str
    what: str
    links: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Hidden:
    """One world's share that the viewer may not see."""

    name: str
    scores: Mapping[tuple[str, str], float]
    acts: tuple[tuple[str, tuple[int, ...]], ...]
    """Acts of the south on links of its own, and which of SOUTHERN."""
    identified: str
    """What became of an identification of the registered victim: `not`, `proposed` or `approved`."""
    wide: int
    """How many of WIDE the south's acts on links that the viewer sees judge as well."""

    @property
    def case_id(self) -> str:
        return f"other:secret-{self.name}"

    @property
    def victim_id(self) -> str:
        return f"other:child-{self.name}"

    @property
    def investigator(self) -> Person:
        return Person(f"ben-{self.name}@south", frozenset({Role.INVESTIGATOR}), "south")

    @property
    def supervisor(self) -> Person:
        return Person(f"sam-{self.name}@south", frozenset({Role.SUPERVISOR}), "south")


class Ids:
    """Stands in for random ids: the n-th id of what is called so; what happens elsewhere shifts none."""

    def __init__(self) -> None:
        self.called, self._number = "", 0

    def call(self, called: str) -> None:
        self.called, self._number = called, 0

    def __call__(self) -> str:
        self._number += 1
        return nth_id(self.called, self._number)


def nth_id(called: str, number: int = 1) -> str:
    return hashlib.sha256(f"{called} {number}".encode()).hexdigest()[:32]


@dataclass
class World:
    """One world in the real graph; `outcomes` says what became of each of the common steps."""

    store: Store
    files: MediaStore
    hidden: Hidden
    new_id: Ids
    viewer: Person
    outcomes: list[str] = field(default_factory=list[str])

    async def build(self, steps: Sequence[Step]) -> None:
        scene, hidden = Scene(self.store, self.files), self.hidden
        await scene.case(NORTH_CASE, "north", "duty desk north")
        await scene.case(OTHER_NORTH, "north", "duty desk north")
        await scene.case(OPEN_SOUTH, "south", "duty desk south")
        await scene.case(hidden.case_id, "south", "duty desk south")
        for called, case_id in {**FACES, **dict.fromkeys(HIDDEN_FACES, hidden.case_id)}.items():
            await scene.media(called, case_id, faces=[called])
        await self._share(scene)
        for pair in (*OPENED, *SEALED, *SOUTHERN, *WIDE):
            score = 0.6 if pair in OPENED else hidden.scores[pair]
            await scene.link(*pair, score=score, state="lead" if pair in LEADS else "candidate")
        await scene.group("group-n4", NORTH_CASE, "n4", "n8", "n9")
        for called in ("s1", "s2"):
            await scene.depicts(called, hidden.victim_id)
        await scene.depicts("n5", "local:child")
        await self.write(
            "UNWIND $rows AS row MATCH (f:Face {face_id: row.face_id}) SET f.quality = row.quality",
            rows=[{"face_id": name_of(called), "quality": quality} for called, quality in QUALITY.items()],
        )
        await self._dates()
        await self._search(scene)
        for number, (what, links) in enumerate(hidden.acts):
            self.new_id.call(f"{hidden.name} {number}")
            await self._act(hidden, what, [SOUTHERN[link] for link in links], "ben", number)
        if hidden.identified != "not":
            await self._identify(approved=hidden.identified == "approved")
        for number, step in enumerate(steps):
            self.new_id.call(f"step {number}")
            pairs = [(*OPENED, *SEALED)[link] for link in step.links]
            self.outcomes.append(await self._act(hidden, step.what, pairs, step.who, number))
        await self.write(
            "MATCH (m:Media) WHERE m.media_id IN $media SET m.media_id = $name + substring(m.media_id, 1)",
            media=[media_id(called.encode()) for called in HIDDEN_FACES],
            name=hidden.name,
        )

    async def write(self, query: str, **values: Any) -> None:
        await self.store.write(lambda tx: tx.do(query, **values))  # type: ignore[arg-type]

    async def _dates(self) -> None:
        """The south knows other dates in each world, as many years from the north's: within one band.

        It says, later than the north, in one world that its pictures are generated and in the other that they are not.
        """
        theirs = "2012-01-01T00:00:00" if self.hidden.name == "a" else "2012-09-01T00:00:00"
        await self.write(
            "MATCH (f:Face)-[:SEEN_IN]->(m:Media)-[i:IN_CASE]->(c:Case) "
            "SET i.captured_at = CASE WHEN c.district = 'south' AND c.case_id <> $open THEN $theirs "
            "ELSE '2020-01-01T00:00:00' END, "
            "i.captured_told = 1, f.more_similar = 1, "
            "i.ai_generated = CASE WHEN c.case_id = $hidden THEN $generated ELSE false END, "
            "i.ai_generated_told = CASE WHEN c.case_id = $hidden THEN 2 ELSE 1 END "
            "WITH f, m, c WHERE c.case_id = $hidden AND NOT EXISTS { (m)-[:IN_CASE]->(:Case {district: 'north'}) } "
            "SET m.captured_at = $theirs, f.more_similar = $number",
            hidden=self.hidden.case_id,
            open=OPEN_SOUTH,
            theirs=theirs,
            number=1 if self.hidden.name == "a" else 2,
            generated=self.hidden.name == "a",
        )
        await self.write(
            "MATCH (a:Face {face_id: $a}), (b:Face {face_id: $b}) MERGE (a)-[:AS_SIMILAR]->(b)",
            a=name_of("n9"),
            b=name_of("s4"),
        )

    async def _share(self, scene: Scene) -> None:
        """A picture that both districts have; the south has labelled its face, stated a mirror, marked a face, and
        grouped one."""
        hidden = self.hidden
        cases = [NORTH_CASE, hidden.case_id]
        if hidden.name == "a":
            cases.append(await scene.case(f"another:{hidden.name}", "south", "duty desk south"))
        media = await scene.media(SHARED, *cases, faces=[SHARED])
        if hidden.name == "a":
            await scene.group("group-south", hidden.case_id, SHARED, "s5")
        self.new_id.call("label")
        said = label.Labelling(name_of(SHARED), 0, "victim", f"as {hidden.name} says")
        await label.do_label(access_of(self.store, hidden.investigator, NOW), said)
        self.new_id.call("repeated person")
        stated = repeated_person.Statement(media, 0, RepeatedPerson.MIRROR, f"as {hidden.name} says")
        await repeated_person.do_statement(access_of(self.store, hidden.investigator, NOW), stated)
        self.new_id.call("mark")
        await mark.do_mark(access_of(self.store, hidden.investigator, NOW), media, [300, 300, 60, 60])

    async def _search(self, scene: Scene) -> None:
        """The viewer has asked, and was answered with faces of both districts."""
        self.new_id.call("search")
        question = Question(NORTH_CASE, "identification", "test", "register")
        search_id = await ask_with_faces(access_of(self.store, self.viewer, NOW), question, [name_of("n7")])
        await scene.answer(
            search_id, [("n1", 0.7), ("s1", 0.6), ("s4", 0.5), ("n9", 0.45), ("s3", 0.44), (SHARED, 0.43), ("s6", 0.42)]
        )

    async def _identify(self, *, approved: bool) -> None:
        self.new_id.call(f"{self.hidden.name} identity")
        faces = tuple(map(name_of, (*FACES, *HIDDEN_FACES)))
        said = Proposal(f"person-{self.hidden.name}", Basis.DOCUMENT, "why", faces)
        made = await identify.do_identification(
            access_of(self.store, self.hidden.investigator, NOW), self.hidden.victim_id, said
        )
        if approved:
            await identify.do_identification_approval(
                access_of(self.store, self.hidden.supervisor, NOW),
                made.identification_id,
                0,
                SecondDecision.APPROVED,
                "",
                faces=faces,
            )

    async def _act(self, hidden: Hidden, what: str, pairs: Sequence[tuple[str, str]], who: str, number: int) -> str:
        """What became of an act: `done`, or the code of its refusal."""
        people = {"bob": BOB, "sol": SOL, "ben": hidden.investigator, "sam": hidden.supervisor, "viewer": self.viewer}
        actor, now = people[who], NOW + timedelta(minutes=number + 1)
        wide = WIDE[: hidden.wide] if who == "ben" and what in ("dismiss_all", "unsure_all") else ()
        links = [link_of(pair) for pair in (*pairs, *wide)]
        text = f"as {hidden.name} says" if not set(pairs) & set(OPENED) else "as everybody says"
        reasons = ("ears",) if hidden.name == "a" or set(pairs) & set(OPENED) else ("eyes",)
        rows = await self.store.read(
            lambda tx: tx.rows(
                "UNWIND $links AS id MATCH ()-[r:CANDIDATE {link_id: id}]->() "
                "OPTIONAL MATCH (v:Verdict {verdict_id: r.standing})<-[:WROTE]-(x:Act) "
                "RETURN id, r.version AS version, x.act_id AS act",
                links=links,
            )
        )
        seen = tuple(Seen(row["id"], row["version"]) for row in rows)
        verdicts = {"confirm": Decision.CONFIRMED, "dismiss": Decision.DISMISSED, "unsure": Decision.UNSURE}
        faces = tuple(map(name_of, (*FACES, *HIDDEN_FACES)))
        try:
            if what in verdicts:
                said = Judgement(seen[0].link_id, seen[0].version, verdicts[what], reasons, text, faces)
                await decide.do_verdict(access_of(self.store, actor, now), said)
            elif what.endswith("_all"):
                decision = verdicts[what.removesuffix("_all")]
                shown = () if decision is Decision.CONFIRMED else None
                for one in seen if shown is not None else ():
                    link = await self.store.read(lambda tx, one=one: find_link(tx, one.link_id, viewer=actor))
                    shown += link.face_ids
                said = SheetJudgement(seen, decision, reasons, text, faces=shown)
                await contact_sheet.do_act(access_of(self.store, actor, now), said)
            elif what in ("approve", "return"):
                second = SecondDecision.APPROVED if what == "approve" else SecondDecision.RETURNED
                await decide.do_approval(access_of(self.store, actor, now), seen[0], second, "look again", faces=faces)
            elif what == "reopen":
                await decide.do_reopening(access_of(self.store, actor, now), seen[0], "a mistake")
            elif rows[0]["act"] is not None:
                await acts.do_act_reopening(access_of(self.store, actor, now), rows[0]["act"], "a mistake")
        except RedthreadError as refused:
            return refused.code
        return "done"
