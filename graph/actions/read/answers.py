"""What was answered to a search, part by part as link wrote it, and what is left for people to look at themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from graph.actions.access import AccessEvent, AccessLog
from graph.actions.known import KnownAs, KnownVictims
from graph.actions.read.search import check_sees, is_open, milliseconds
from graph.domain.audit_actions import AuditAction
from graph.domain.comparison import HIDDEN_LABELS
from graph.domain.errors import Invalid
from graph.domain.headline import AnswerCounts, headline
from graph.domain.ids import source_of
from graph.domain.people import Permission, Person, Role, check_role, districts_of
from graph.domain.visibility import may_see_case, visible_endpoint, visible_found_face, visible_gap
from graph.store.queries import search as queries
from graph.store.session import Row, Store, Tx

WALK = 2000
"""Media that one page of what could not be judged walks over."""


@dataclass(frozen=True, slots=True)
class Coming:
    """What is known to be on its way to what a search covers: at most so many events, in about so many seconds.

    `seconds` is None where nobody can tell. `quarantined` events wait for a person or a host, and have no time.
    `as_of` is when the way through Kafka was measured last.
    """

    events: int = 0
    seconds: int | None = None
    quarantined: int = 0
    as_of: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A search with one page of what it found: `items` carry their part's number and a rank, and no score.

    `people` groups the items of this page by whom they show, `next` is the place of the next page.
    """

    search: Row
    open: bool
    probes: tuple[Row, ...]
    parts: tuple[Row, ...]
    items: tuple[Row, ...]
    people: tuple[Row, ...]
    found: AnswerCounts
    coming: Coming
    next: str | None = None

    @property
    def covered(self) -> Row:
        """What all parts together compared and could not; None in each while there is no part."""
        names = ("compared", "too_poor", "no_face")
        known = {name: [part[name] for part in self.parts if part[name] is not None] for name in names}
        return {name: sum(numbers) if numbers else None for name, numbers in known.items()}

    @property
    def headline(self) -> str:
        """One sentence that says what the answer means and never more."""
        covered = self.covered
        return headline(self.search["status"], self.found, covered["compared"] or 0, covered["too_poor"] or 0)


async def read_search(
    store: Store, access_log: AccessLog, search_id: str, *, after: str = "", limit: int = 100, access: AccessEvent
) -> Answer:
    """The search and at most `limit` of what it found; the look, with a digest of what it showed, is in the audit."""
    part, rank = _place(after)

    async def work(tx: Tx) -> Answer:
        row = await tx.one(queries.SEARCH, search_id=search_id)
        search = check_sees(row["search"] if row else None, access.person)
        assert row is not None
        asked = {"search_id": search_id, "district": access.person.district}
        items = await tx.rows(queries.ITEMS, part=part, rank=rank, limit=limit + 1, **asked)
        people = await tx.rows(queries.SIMILAR_PEOPLE, **asked)
        victims = {each["face_id"]: each["victim_id"] for each in (*items, *people) if each["victim_id"] is not None}
        seen = await KnownVictims(tx, access.person).names(victims)
        within = search["within"].removeprefix("case:") if search["within"] != "register" else None
        sources = ("", "~") if within is None else (source_of(within), source_of(within))
        coming = await tx.one(queries.COMING, case_id=within, first_source=sources[0], last_source=sources[1])
        still = is_open(search, access.at)
        on_its_way = _coming(coming) if coming else Coming()
        asked = {face["face_id"]: face["dates"] for face in row["probes"]}
        page = tuple(_item(item, access.person, seen, asked.get(item["probe_face_id"])) for item in items[:limit])
        return Answer(
            search=search,
            open=still,
            probes=tuple(_probe(face, access.person) for face in row["probes"]),
            parts=tuple(row["parts"]),
            items=page,
            people=tuple(_people(page)),
            found=_counts(people, seen, row["parts"], on_its_way if still else Coming()),
            coming=on_its_way,
            next=f"{page[-1]['part']}:{page[-1]['rank']}" if len(items) > limit else None,
        )

    answer = await store.read(work)
    shown = [item["face_id"] for item in answer.items]
    await access_log.record(access.act(AuditAction.SEARCH_SEEN, search_id, shown=shown))
    return answer


@dataclass(frozen=True, slots=True)
class Filters:
    """Which searches to list; None: whichever."""

    case_id: str | None = None
    within: str | None = None
    status: str | None = None
    open: bool | None = None
    mine: bool = False


async def read_searches(
    store: Store, access_log: AccessLog, filters: Filters, *, after: str, limit: int, access: AccessEvent
) -> tuple[list[Row], str | None]:
    """At most `limit` of the person's own searches, for a supervisor those of the district, the latest first.

    And where the next page begins. The look is in the audit.
    """
    check_role(access.person, Permission.SEE_SEARCH)
    asked_at, _, last = after.partition("|")
    place = {"asked_at": asked_at or "9", "search_id": last or "g"}  # behind every time and id
    districts = (
        sorted(districts_of(access.person, Permission.SEE_SEARCH)) if Role.SUPERVISOR in access.person.roles else []
    )
    of_district = bool(districts) and not filters.mine
    query = queries.SEARCHES_OF_DISTRICT if of_district else queries.OWN_SEARCHES
    values = {
        "case_id": filters.case_id, "within": filters.within, "status": filters.status, "open": filters.open,
        "now": milliseconds(access.at), "limit": limit + 1, "by": access.person.actor, "districts": districts, **place,
    }  # fmt: skip
    rows = await store.read(lambda tx: tx.rows(query, **values))
    page: list[Row] = [{**row, "open": is_open(row["search"], access.at)} for row in rows[:limit]]
    ids: list[str] = [row["search"]["search_id"] for row in page]
    await access_log.record(access.act(AuditAction.SEARCHES_SEEN, "searches", shown=ids))
    following = f"{page[-1]['search']['asked_at']}|{ids[-1]}" if len(rows) > limit else None
    return page, following


async def read_unjudged(
    store: Store, access_log: AccessLog, search_id: str, *, after: str, limit: int, access: AccessEvent
) -> tuple[list[Row], str | None]:
    """*Look yourself*: at most `limit` media in the search's reach in which the machine could not judge everything.

    Each has the faces that are too poor to compare, none where no face was found in it; only what the person may see.
    And where the next page begins: a page may be short, since it walks over WALK media at the most. The look is in the
    audit.
    """

    async def work(tx: Tx) -> list[Row]:
        row = await tx.one(queries.SEARCH, search_id=search_id)
        search = check_sees(row["search"] if row else None, access.person)
        values = {"after": after, "walk": WALK, "hidden": sorted(HIDDEN_LABELS)}
        if search["within"] != "register":
            return await tx.rows(
                queries.UNJUDGED_IN_CASE, case_id=search["within"].removeprefix("case:"), **values
            )  # fmt: skip
        districts = sorted(districts_of(access.person, Permission.SEE))
        return await tx.rows(queries.UNJUDGED_IN_REGISTER, case_id=search["case_id"], districts=districts, **values)

    walked = await store.read(work)
    page: list[Row] = []
    following = walked[-1]["media_id"] if len(walked) == WALK else None
    for row in walked:
        cases = [case for case in row["cases"] if may_see_case(access.person, case)]
        if row["reached"] and cases and (row["faces"] or not row["has_faces"]):
            page.append({**row, "cases": cases})
            if len(page) == limit:
                following = row["media_id"] if row is not walked[-1] or following else None
                break
    shown = [name for row in page for name in (row["media_id"], *(face["face_id"] for face in row["faces"]))]
    await access_log.record(access.act(AuditAction.SEARCH_UNJUDGED_SEEN, search_id, shown=shown))
    return page, following


def _place(after: str) -> tuple[int, int]:
    """Part and rank behind which a page begins."""
    part, colon, rank = after.partition(":")
    if after and not (colon and all(text.isascii() and text.isdecimal() and len(text) < 10 for text in (part, rank))):
        raise Invalid("after: `next` of the page before")
    return int(part or 0), int(rank or 0)


def _item(item: Row, viewer: Person, victims: Mapping[str, KnownAs], asked: Row | None) -> Row:
    """A found face as the viewer may see it, with whom it shows where the viewer may know that.

    `asked` are the dates of the face by which it was found.
    """
    shown = visible_found_face(item, viewer)
    victim = victims.get(item["face_id"])
    return {
        **shown, "part": item["part"], "offset": item["offset"],
        "victim_id": victim.victim_id if victim else None, "identified": victim is not None and victim.identified,
        "group_id": item["group_id"], "gap": visible_gap(item["dates"], asked, viewer),
    }  # fmt: skip


def _people(items: Iterable[Row]) -> list[Row]:
    """The items by person, in the order of each one's best: a victim, a group, else the face alone."""
    found: dict[tuple[str, str], Row] = {}
    for item in items:
        if item["erased"]:
            continue
        kind = "victim" if item["victim_id"] else "group" if item["group_id"] else "face"
        name = item["victim_id"] or item["group_id"] or item["face_id"]
        person = found.setdefault(
            (kind, name), {"kind": kind, "id": name, "identified": item["identified"], "face_ids": []}
        )
        if item["face_id"] not in person["face_ids"]:
            person["face_ids"].append(item["face_id"])
    return list(found.values())


def _probe(face: Row, viewer: Person) -> Row:
    side = visible_endpoint(face, viewer)
    return {
        "face_id": side.face_id, "media_id": side.media_id, "box": side.box, "quality": side.quality,
        "too_poor_because": face["too_poor_because"] if side.media_id is not None else None,
    }  # fmt: skip


def _counts(
    similar: Sequence[Row], victims: Mapping[str, KnownAs], parts: Sequence[Row], coming: Coming
) -> AnswerCounts:
    """What the headline counts; of those who are nobody's victim to the viewer a group counts as one."""
    known = set(victims[row["face_id"]] for row in similar if row["face_id"] in victims)
    unknown = len({row["group_id"] or row["face_id"] for row in similar if row["face_id"] not in victims})
    identified = sum(victim.identified for victim in known)
    weak = sum(part["returned"] - part["above"] for part in parts)
    return AnswerCounts(identified, len(known) - identified, unknown, weak, coming.events)


def _coming(row: Row) -> Coming:
    backlogs = row["backlogs"]
    # An upload is counted once it is in Kafka too: then the backlog has it, and neither is known to be the other.
    events = max(row["uploads"], sum(each["events"] for each in backlogs)) + row["replayed"]
    told = [each["seconds"] for each in backlogs if each["events"]]
    seconds = 0 if not events else max(told) if told and None not in told else None
    as_of = max((each["at"] for each in backlogs), default=None)
    return Coming(events, seconds, row["quarantined"], as_of)
