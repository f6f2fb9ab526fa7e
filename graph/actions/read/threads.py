"""Reads the people of a case in other cases; every access is in the audit before its answer leaves."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from graph.actions import victims
from graph.actions.access import Access
from graph.actions.read.case_list import find_case
from graph.actions.victims import Surroundings
from graph.domain.audit_actions import AuditAction
from graph.domain.known_victims import VictimView
from graph.domain.people import Permission, Person, districts_of
from graph.domain.queue import Kind, Subject
from graph.domain.threads import (
    OF_STATE,
    Column,
    Strength,
    Thread,
    ThreadTable,
    add_links,
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
    """People down, cases across. `people` counts all rows; `first` is the number of this page's first one, from 1."""

    columns: tuple[OtherCase, ...]
    rows: tuple[PersonRow, ...]
    people: int
    first: int
    next: str | None


@dataclass(frozen=True, slots=True)
class Woven:
    """All threads of a case, of every person, with what the viewer knows of the victims among these."""

    threads: Mapping[Subject, Mapping[Column, Thread]]
    columns: Mapping[Column, int]
    media: Mapping[Column, int]
    around: Surroundings
    view: VictimView


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
        columns = list(woven.columns)
        return CaseThreads(
            columns=tuple(
                OtherCase(column.case_id, column.district, column.contact, people, woven.media.get(column, 0))
                for column, people in woven.columns.items()
            ),
            rows=await _rows(tx, case_id, woven, page, {column: number for number, column in enumerate(columns)}),
            people=len(names),
            first=start + 1,
            next=str(page[-1]) if start + limit < len(names) else None,
        )

    found = await access.store.read(work)
    shown = [face for row in found.rows for face in row.face_ids]
    shown += [thread.face_id for row in found.rows for thread in row.threads.values() if thread.face_id]
    await access.record(AuditAction.CASE_SEEN, case_id, shown=shown)
    return found


async def weave(tx: Tx, case_id: str, viewer: Person, strengths: Collection[Strength]) -> Woven:
    """All threads of a case that the viewer may see. The caller has checked that they may see the case."""
    leads = Strength.LEAD in strengths
    states = [state.value for state, strength in OF_STATE.items() if leads or strength is not Strength.LEAD]
    districts = sorted(districts_of(viewer, Permission.SEE))
    row = await tx.one(queries.THREADS, case_id=case_id, states=states, districts=districts) or {}
    linked = {face["victim_id"]: face["face_id"] for face in row["here"] if face["victim_id"] is not None}
    around = await victims.load(tx, {*row["spread"], *linked.values()})
    view = around.view_of(viewer)
    people = people_of(row["here"], view)
    cases = {
        face: [{"case_id": case.case_id, "district": case.district, "contact": case.contact} for case in places]
        for face, places in around.cases.items()
        if around.near.faces[face].media_id is not None
    }
    table = ThreadTable()
    add_links(table, row["links"], people, {face["face_id"]: face for face in row["elsewhere"]}, viewer)
    add_victims(table, view, cases, case_id, viewer)
    threads = table.threads(strengths)
    media = {Column(each["case_id"], each["district"], each["contact"]): each["media"] for each in row["shared"]}
    return Woven(threads, columns_of(threads.values(), media), media, around, view)


async def _rows(
    tx: Tx, case_id: str, woven: Woven, page: Collection[Subject], number: Mapping[Column, int]
) -> tuple[PersonRow, ...]:
    faces = await faces_in_case(tx, case_id, woven, page)
    by_id = woven.view.victims.by_id
    registered = [
        person.id for person in page if person.kind is Kind.VICTIM and person.id in by_id[person.id].registered
    ]
    labels = {row["victim_id"]: row["label"] for row in await tx.listed(queries.LABELS_OF_VICTIMS, victims=registered)}

    def row_of(person: Subject) -> PersonRow:
        best = faces.get(person, ())
        is_victim = person.kind is Kind.VICTIM
        identity = woven.view.identity(person.id, woven.around.identifications) if is_victim else None
        return PersonRow(
            person=person,
            label=(labels[person.id] or person.id) if person.id in labels and is_victim else None,
            identified=identity is not None,
            face_id=best[0]["face_id"] if best else None,
            face_ids=tuple(face["face_id"] for face in best),
            threads={number[column]: thread for column, thread in woven.threads[person].items()},
        )

    return tuple(row_of(person) for person in page)


async def faces_in_case(tx: Tx, case_id: str, woven: Woven, page: Collection[Subject]) -> dict[Subject, list[Row]]:
    """All faces of these people in the case, each with its media, the best picture first."""
    groups = [person.id for person in page if person.kind is Kind.GROUP]
    alone = [person.id for person in page if person.kind is Kind.FACE]
    of_face = woven.view.victims.of_face
    names = {person.id for person in page if person.kind is Kind.VICTIM}
    known = [face for face, name in of_face.items() if name in names and face in woven.view.own]
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
