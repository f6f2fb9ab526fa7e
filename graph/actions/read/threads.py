"""Reads the people of a case in other cases; every access is in the audit before its answer leaves."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from graph.actions import victims
from graph.actions.access import Access
from graph.actions.read.case_list import find_case
from graph.actions.victims import Surroundings
from graph.domain.audit_actions import AuditAction
from graph.domain.known_victims import VictimView
from graph.domain.link import State
from graph.domain.people import Permission, Person, districts_of
from graph.domain.queue import Kind, Subject
from graph.domain.threads import (
    OF_STATE,
    Column,
    Strength,
    Thread,
    ThreadTable,
    add_seen,
    add_victims,
    columns_of,
    people_of,
)
from graph.store.queries import case_pages as queries
from graph.store.session import Row, Tx

WITHOUT_LEADS: Final = frozenset(Strength) - {Strength.LEAD}


@dataclass(frozen=True, slots=True)
class OtherCase:
    """A column: another case, with the number of people and of media that it shares; hidden ones have no `case_id`."""

    case_id: str | None
    district: str | None
    contact: str | None
    people: int
    media: int


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person of the case with its best face and all its faces there; `threads` are by number of the column."""

    person: Subject
    label: str | None
    """What case systems call a registered victim, else its id; None for anybody else."""
    identified: bool
    face_id: str | None
    face_ids: tuple[str, ...]
    threads: Mapping[int, Thread]


@dataclass(frozen=True, slots=True)
class CaseThreads:
    """People down, cases across: `columns` are the cases in which people of this page are.

    `people` counts all rows, `cases` all cases with people; `first` is the number of this page's first row, from 1.
    `shared` are the other cases that have pictures of this case too.
    """

    columns: tuple[OtherCase, ...]
    shared: tuple[OtherCase, ...]
    rows: tuple[PersonRow, ...]
    cases: int
    people: int
    first: int
    next: str | None


@dataclass(frozen=True, slots=True)
class Woven:
    """All threads of a case, of every person; `around` has the victims that people's decisions join.

    `stated` has a face of each victim that one case system alone states. `columns` counts people, `media` the pictures
    of both cases.
    """

    threads: Mapping[Subject, Mapping[Column, Thread]]
    columns: Mapping[Column, int]
    media: Mapping[Column, int]
    around: Surroundings
    stated: Mapping[str, str]


async def read_threads(
    access: Access, case_id: str, *, strengths: Collection[Strength] = WITHOUT_LEADS, after: str = "", limit: int
) -> CaseThreads:
    """At most `limit` people of the case with their threads of these strengths, those in the most cases first."""

    async def work(tx: Tx) -> CaseThreads:
        await find_case(tx, case_id, access.person)
        woven = await weave(tx, case_id, access.person, strengths)
        names = [str(person) for person in woven.threads]
        start = names.index(after) + 1 if after in names else 0
        page = list(woven.threads)[start : start + limit]
        here = {column for person in page for column in woven.threads[person]}
        columns = [column for column in woven.columns if column in here]
        return CaseThreads(
            columns=tuple(_other_case(column, woven) for column in columns),
            shared=tuple(_other_case(column, woven) for column in woven.columns if column in woven.media.keys() - here),
            rows=await _rows(tx, case_id, woven, page, columns, access.person),
            cases=sum(people > 0 for people in woven.columns.values()),
            people=len(names),
            first=start + 1,
            next=str(page[-1]) if start + limit < len(names) else None,
        )

    found = await access.store.read(work)
    shown = [face for row in found.rows for face in row.face_ids]
    shown += [thread.face_id for row in found.rows for thread in row.threads.values() if thread.face_id]
    shown += [case.case_id for case in (*found.columns, *found.shared) if case.case_id]
    await access.record(AuditAction.CASE_SEEN, case_id, shown=shown)
    return found


def _other_case(column: Column, woven: Woven) -> OtherCase:
    people, media = woven.columns[column], woven.media.get(column, 0)
    return OtherCase(column.case_id, column.district, column.contact, people, media)


async def weave(tx: Tx, case_id: str, viewer: Person, strengths: Collection[Strength]) -> Woven:
    """All threads of a case that the viewer may see. The caller has checked that they may see the case.

    Victims are computed only where people's decisions join faces: what one case system states is known as it is.
    """
    leads = Strength.LEAD in strengths
    states = [state.value for state, strength in OF_STATE.items() if leads or strength is not Strength.LEAD]
    districts = sorted(districts_of(viewer, Permission.SEE))
    row = await tx.one(queries.THREADS, case_id=case_id, states=states, districts=districts) or {}
    by_decision = {face["victim_id"]: face["face_id"] for face in row["here"] if face["by_decision"]}
    around = await victims.load(tx, {*row["spread"], *by_decision.values()})
    view = around.view_of(viewer)
    people = people_of(row["here"], view)
    found = [(people[face], other, OF_STATE[State(state)], link_id) for face, other, link_id, state in row["links"]]
    found += [(Subject(Kind.VICTIM, name), other, Strength.DECLARED, None) for name, other in row["stated"]]
    table = ThreadTable()
    add_seen(table, found, {face["face_id"]: face for face in row["elsewhere"]}, viewer)
    cases = {
        face: [{"case_id": case.case_id, "district": case.district, "contact": case.contact} for case in places]
        for face, places in around.cases.items()
        if around.near.faces[face].media_id is not None
    }
    add_victims(table, view, cases, case_id, viewer)
    threads = table.threads(strengths)
    media = {Column(each["case_id"], each["district"], each["contact"]): each["media"] for each in row["shared"]}
    stated = {name: other for name, other in row["stated"]}
    stated |= {
        face["victim_id"]: face["face_id"] for face in row["here"] if face["victim_id"] and not face["by_decision"]
    }
    return Woven(threads, columns_of(threads.values(), media), media, around, stated)


async def _rows(
    tx: Tx, case_id: str, woven: Woven, page: Collection[Subject], columns: Sequence[Column], viewer: Person
) -> tuple[PersonRow, ...]:
    around = await surroundings_of(tx, woven, page)
    view = around.view_of(viewer)
    faces = await faces_in_case(tx, case_id, view, page)
    by_id, number = view.victims.by_id, {column: number for number, column in enumerate(columns)}
    registered = [
        person.id for person in page if person.kind is Kind.VICTIM and person.id in by_id[person.id].registered
    ]
    labels = {row["victim_id"]: row["label"] for row in await tx.listed(queries.LABELS_OF_VICTIMS, victims=registered)}

    def row_of(person: Subject) -> PersonRow:
        best = faces.get(person, ())
        is_victim = person.kind is Kind.VICTIM
        identity = view.identity(person.id, around.identifications) if is_victim else None
        return PersonRow(
            person=person,
            label=(labels[person.id] or person.id) if person.id in labels and is_victim else None,
            identified=identity is not None,
            face_id=best[0]["face_id"] if best else None,
            face_ids=tuple(face["face_id"] for face in best),
            threads={number[column]: thread for column, thread in woven.threads[person].items()},
        )

    return tuple(row_of(person) for person in page)


async def surroundings_of(tx: Tx, woven: Woven, page: Collection[Subject]) -> Surroundings:
    """What joins the faces of victims: of all that people's decisions join, and of those among these people."""
    stated = [woven.stated[person.id] for person in page if person.kind is Kind.VICTIM and person.id in woven.stated]
    return woven.around.joined(await victims.load(tx, stated))


async def faces_in_case(tx: Tx, case_id: str, view: VictimView, page: Collection[Subject]) -> dict[Subject, list[Row]]:
    """All faces of these people in the case, each with its media, the best picture first."""
    groups = [person.id for person in page if person.kind is Kind.GROUP]
    alone = [person.id for person in page if person.kind is Kind.FACE]
    of_face = view.victims.of_face
    names = {person.id for person in page if person.kind is Kind.VICTIM}
    known = [face for face, name in of_face.items() if name in names and face in view.own]
    found: dict[Subject, list[Row]] = {}
    for row in await tx.listed(queries.GROUPS_IN_CASE, groups=groups, case_id=case_id):
        found.setdefault(Subject(Kind.GROUP, row["group_id"]), []).append(row)
    for row in await tx.listed(queries.FACES_IN_CASE, faces=[*alone, *known], case_id=case_id):
        name = of_face.get(row["face_id"])
        person = Subject(Kind.FACE, row["face_id"]) if name is None else Subject(Kind.VICTIM, name)
        found.setdefault(person, []).append(row)
    for rows in found.values():
        rows.sort(key=lambda face: (-(face["quality"] or 0.0), face["face_id"]))
    return found
