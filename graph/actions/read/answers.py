"""Reads a search with its answer, which link writes part by part; an item has a rank and no score."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from graph.actions.access import Access
from graph.actions.known import KnownAs, KnownVictims
from graph.actions.read.search import check_sees
from graph.actions.read.searches import SearchFacts, search_facts
from graph.domain.audit_actions import AuditAction
from graph.domain.capture_time import Gap
from graph.domain.errors import Invalid
from graph.domain.headline import AnswerCounts, headline
from graph.domain.ids import source_of
from graph.domain.people import Person
from graph.domain.visibility import visible_endpoint, visible_gap
from graph.store.queries import search as queries
from graph.store.session import Row, Tx


@dataclass(frozen=True, slots=True)
class Coming:
    """Events on their way to the material that a search covers, and the seconds that they need at most.

    `seconds` is None where it is unknown. `quarantined` events wait for a person or a host. `as_of` is the time of the
    last measurement of the lag in Kafka.
    """

    events: int = 0
    seconds: int | None = None
    quarantined: int = 0
    as_of: str | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """A face that is searched for."""

    face_id: str
    media_id: str | None
    box: tuple[int, ...] | None
    quality: float | None
    too_poor_because: str | None


@dataclass(frozen=True, slots=True)
class FoundFace:
    """A face in an answer, masked like the endpoint of a link; `part`, `offset` and `rank` say where it is listed.

    `above`: its score reaches the threshold. `gap` is to the picture of `probe_face_id`.
    """

    part: int
    offset: int
    rank: int
    face_id: str
    media_id: str | None
    case_ids: tuple[str, ...]
    box: tuple[int, ...] | None
    above: bool
    probe_face_id: str | None
    district: str | None
    contact: str | None
    erased: bool
    victim_id: str | None
    identified: bool
    group_id: str | None
    gap: Gap | None


@dataclass(frozen=True, slots=True)
class FoundPerson:
    """Faces of one page that show one person as far as the viewer knows: a victim, a group, or a face alone."""

    kind: str
    id: str
    identified: bool
    face_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnswerPart:
    """What link answered at one record of the gallery log; `items` are those on this page, `found` counts all."""

    offset: int
    at: str | None
    compared: int
    too_poor: int
    no_face: int | None
    found: int
    items: tuple[FoundFace, ...]


@dataclass(frozen=True, slots=True)
class Answer(SearchFacts):
    """A search with one page of its answer; `compared`, `too_poor` and `no_face` are sums over all parts."""

    headline: str
    reason: str | None
    limit: int
    legal_basis: str
    compared: int | None
    too_poor: int | None
    no_face: int | None
    quarantined: int
    to_come: Coming
    gallery_offset: int | None
    gallery_size: int | None
    picture: str | None
    faces: tuple[Probe, ...]
    people: tuple[FoundPerson, ...]
    parts: tuple[AnswerPart, ...]
    items: tuple[FoundFace, ...]
    next: str | None


_STORED = ("reason", "limit", "legal_basis", "gallery_offset", "gallery_size", "picture")
"""Fields of `Answer` that the search's node holds under the same name."""

_MASKED = ("face_id", "media_id", "case_ids", "box", "district", "contact", "erased")
"""Fields of `FoundFace` that are those of a link's endpoint."""

_SUMMED = ("compared", "too_poor", "no_face")
"""Fields of `Answer` that are sums over its parts."""


async def read_search(access: Access, search_id: str, *, after: str = "", limit: int = 100) -> Answer:
    """The search with at most `limit` faces of its answer."""
    first_part, first_rank = _position(after)
    viewer = access.person

    async def work(tx: Tx) -> Answer:
        row = await tx.one(queries.SEARCH, search_id=search_id)
        search = check_sees(row["search"] if row else None, viewer)
        assert row is not None
        asked = {"search_id": search_id, "district": viewer.district}
        rows = await tx.rows(queries.ITEMS, part=first_part, rank=first_rank, limit=limit + 1, **asked)
        similar = await tx.rows(queries.SIMILAR_PEOPLE, **asked)
        victims = {each["face_id"]: each["victim_id"] for each in (*rows, *similar) if each["victim_id"] is not None}
        names = await KnownVictims(tx, viewer).names(victims)
        coming = await read_coming(tx, search["within"])
        dates = {face["face_id"]: face["dates"] for face in row["probes"]}
        items = tuple(found_face(item, viewer, names, dates.get(item["probe_face_id"])) for item in rows[:limit])
        facts = search_facts(search, access.at)
        counts = _counts(similar, names, row["parts"], coming.events if facts["open"] else 0)
        covered: Row = {name: _sum(part[name] for part in row["parts"]) for name in _SUMMED}
        return Answer(
            **facts,
            **{name: search[name] for name in _STORED},
            **covered,
            headline=headline(search["status"], counts, covered["compared"] or 0, covered["too_poor"] or 0),
            quarantined=coming.quarantined,
            to_come=coming,
            faces=tuple(_probe(face, viewer) for face in row["probes"]),
            people=_people(items),
            parts=tuple(_part(part, items) for part in row["parts"]),
            items=items,
            next=f"{items[-1].part}:{items[-1].rank}" if len(rows) > limit else None,
        )

    answer = await access.store.read(work)
    shown = [item.face_id for item in answer.items]
    await access.record(AuditAction.SEARCH_SEEN, search_id, shown=shown)
    return answer


def _position(after: str) -> tuple[int, int]:
    """Part and rank after which a page begins."""
    part, colon, rank = after.partition(":")
    if after and not (colon and all(text.isascii() and text.isdecimal() and len(text) < 10 for text in (part, rank))):
        raise Invalid("after: `next` of the page before")
    return int(part or 0), int(rank or 0)


def found_face(item: Row, viewer: Person, names: Mapping[str, KnownAs], probe_dates: Row | None) -> FoundFace:
    """A found face with its victim where the viewer may know it; `probe_dates` are those of the probe's picture."""
    face = visible_endpoint(item, viewer)
    victim = names.get(item["face_id"])
    return FoundFace(
        **{name: item[name] for name in ("part", "offset", "rank", "above", "probe_face_id", "group_id")},
        **{name: getattr(face, name) for name in _MASKED},
        victim_id=victim.victim_id if victim else None,
        identified=victim is not None and victim.identified,
        gap=visible_gap(item["dates"], probe_dates, viewer),
    )


def _part(part: Row, items: Iterable[FoundFace]) -> AnswerPart:
    return AnswerPart(
        **{name: part[name] for name in ("offset", "at", "compared", "too_poor", "no_face")},
        found=part["returned"],
        items=tuple(item for item in items if item.part == part["number"]),
    )


def _people(items: Iterable[FoundFace]) -> tuple[FoundPerson, ...]:
    """The items by person, in the order of each one's best face: a victim, else a group, else the face alone."""
    faces: dict[tuple[str, str, bool], dict[str, None]] = {}
    for item in items:
        if item.erased:
            continue
        kind = "victim" if item.victim_id else "group" if item.group_id else "face"
        person = kind, item.victim_id or item.group_id or item.face_id, item.identified
        faces.setdefault(person, {})[item.face_id] = None
    return tuple(FoundPerson(*person, tuple(ids)) for person, ids in faces.items())


def _probe(face: Row, viewer: Person) -> Probe:
    seen = visible_endpoint(face, viewer)
    too_poor = face["too_poor_because"] if seen.media_id is not None else None
    return Probe(seen.face_id, seen.media_id, seen.box, seen.quality, too_poor)


def _counts(similar: Sequence[Row], names: Mapping[str, KnownAs], parts: Sequence[Row], coming: int) -> AnswerCounts:
    """The numbers of the headline; a group without a victim that the viewer knows counts as one person."""
    victims = {names[row["face_id"]] for row in similar if row["face_id"] in names}
    unknown = len({row["group_id"] or row["face_id"] for row in similar if row["face_id"] not in names})
    identified = sum(victim.identified for victim in victims)
    weak = sum(part["returned"] - part["above"] for part in parts)
    return AnswerCounts(identified, len(victims) - identified, unknown, weak, coming)


async def read_coming(tx: Tx, within: str) -> Coming:
    """The events on their way to the scope `within` of a search."""
    case_id = within.removeprefix("case:") if within != "register" else None
    first, last = ("", "~") if case_id is None else (source_of(case_id), source_of(case_id))
    row = await tx.one(queries.COMING, case_id=case_id, first_source=first, last_source=last)
    if row is None:
        return Coming()
    backlogs = row["backlogs"]
    # An upload in Kafka is counted as an upload and in the backlog; which events those are is unknown.
    events = max(row["uploads"], sum(each["events"] for each in backlogs)) + row["replayed"]
    known = [each["seconds"] for each in backlogs if each["events"]]
    seconds = 0 if not events else max(known) if known and None not in known else None
    as_of = max((each["at"] for each in backlogs), default=None)
    return Coming(events, seconds, row["quarantined"], as_of)


def _sum(numbers: Iterable[int | None]) -> int | None:
    """The sum of the known numbers; None where none is known."""
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None
