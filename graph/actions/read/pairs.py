"""Reads what a person has to see before they judge two faces that a search or a list put side by side."""

from dataclasses import dataclass

from graph.actions.access import Access
from graph.actions.known import KnownVictims
from graph.actions.read.links import find_links
from graph.actions.read.search import check_sees
from graph.domain import ids
from graph.domain.audit_actions import AuditAction
from graph.domain.comparison import HIDDEN_LABELS
from graph.domain.errors import NotFound
from graph.domain.people import Permission, Person, districts_of, may
from graph.domain.visibility import VisibleLink, may_see_face
from graph.store.queries import read as queries
from graph.store.queries import review as review_queries
from graph.store.queries import search as search_queries
from graph.store.session import Tx


@dataclass(frozen=True, slots=True)
class Pair:
    """Two faces; `link` is None where nobody has linked them, or the person may not see it.

    `others` are further faces of their victims, as far as the person may know them: a decision names these too.
    """

    faces: tuple[str, str]
    link: VisibleLink | None
    others: tuple[str, ...]


async def read_pair(access: Access, search_id: str, faces: tuple[str, str]) -> Pair:
    """The pair of a probe and a face; NotFound as `check_pair` raises it."""
    viewer = access.person

    async def work(tx: Tx) -> tuple[str, Pair]:
        await _check_pair(tx, search_id, faces, viewer)
        link_id = ids.link_id(*ids.ordered(*faces))
        links = await find_links(tx, [link_id], viewer=viewer)
        view = await KnownVictims(tx, viewer).view(faces)
        return link_id, Pair(faces, links.get(link_id), tuple(sorted(view.other_faces(faces))))

    link_id, found = await access.store.read(work)
    await access.record(AuditAction.LINK_SEEN, link_id, shown=[*faces, *found.others])
    return found


async def check_pair(access: Access, search_id: str, faces: tuple[str, str]) -> None:
    """Raises NotFound unless the person may see the search, and it shows them the second face beside the first.

    Without a search the second face must be listed as similar to the first, which is in a case that they may see. A
    search is no pretext for looking at two faces that it did not put side by side.
    """
    await access.store.read(lambda tx: _check_pair(tx, search_id, faces, access.person))


async def _check_pair(tx: Tx, search_id: str, faces: tuple[str, str], viewer: Person) -> None:
    is_shown = await (_is_found(tx, search_id, faces, viewer) if search_id else _is_listed(tx, faces, viewer))
    known = await tx.rows(queries.FACES, faces=list(faces), leads=True)
    if not is_shown or faces[0] == faces[1] or sum(may_see_face(viewer, row) for row in known) != len(faces):
        raise NotFound("there is no such face", code="face_unknown")


async def _is_found(tx: Tx, search_id: str, faces: tuple[str, str], viewer: Person) -> bool:
    """Whether the search's answer or its sheet of faces that are too poor shows the second face beside the first."""
    row = await tx.one(search_queries.SEARCH, search_id=search_id)
    check_sees(row["search"] if row else None, viewer)
    shown = await tx.one(
        search_queries.SHOWS_PAIR,
        search_id=search_id,
        probe=faces[0],
        face_id=faces[1],
        hidden=sorted(HIDDEN_LABELS),
        districts=sorted(districts_of(viewer, Permission.SEE)),
    )
    return shown is not None


async def _is_listed(tx: Tx, faces: tuple[str, str], viewer: Person) -> bool:
    """Whether the second face is listed as similar to the first one, which is in a case that the viewer may see."""
    pair = await tx.one(review_queries.PAIR, a=faces[0], b=faces[1], by=viewer.actor)
    return pair is not None and bool(pair["b_listed"]) and may(viewer, Permission.SEE, pair["a_districts"])
