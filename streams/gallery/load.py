"""Loads the gallery from the graph."""

from collections import Counter
from collections.abc import Callable

import numpy as np

from graph.actions.link import register
from graph.domain.comparison import Scope
from graph.store.session import Row, Store
from streams.gallery.calibration import Calibrations, calibration_of
from streams.gallery.counts import Coverage
from streams.gallery.entities import Case, Media, Membership
from streams.gallery.face_table import HIDDEN, POOR
from streams.gallery.groups import Group
from streams.gallery.scoring import Scorer
from streams.gallery.standing_searches import StandingSearch
from streams.gallery.state import Gallery, Staged


async def load_gallery(
    store: Store,
    model_id: str,
    *,
    progress: Callable[[], None] = lambda: None,
    calibrations: Calibrations | None = None,
) -> Gallery:
    """The gallery of one model's vectors, equal to link's memory after its last commit."""
    gallery = Gallery(calibrations=calibrations)
    for row in await register.cases(store):
        case = Case(row["case_id"], row["district"], row["status"] == "open", row["version"])
        gallery.cases[case.case_id] = case
    gallery.erasures.update(await register.erasures(store))
    faces, media = await register.size(store)
    gallery.faces.reserve(faces)
    gallery.media.reserve(media)
    scorer = Scorer(calibration_of(gallery.calibrations, model_id).score)
    async for media_rows, face_rows in register.media_with_faces(store, model_id, progress):
        _add(gallery, media_rows, face_rows, scorer)
    gallery.means.load()
    staged = Staged(gallery)
    async for page in register.cannot_links(store, progress):
        staged.groups.set_cannot_link([(row["a"], row["b"]) for row in page], cannot_link=True)
    async for page in register.groups(store, progress):
        for row in page:
            staged.groups.put(Group(row["group_id"], row["case_id"], frozenset(row["faces"])))
    for row in await register.standing_searches(store):
        search = _standing_search(row)
        staged.searches.put(search.search_id, search)
    gallery.merge(staged)
    return gallery


def _add(gallery: Gallery, media: list[Row], faces: list[Row], scorer: Scorer) -> None:
    """Adds a page of media with all their faces."""
    table, staged = gallery.faces, Staged(gallery)
    memberships = [_memberships(row) for row in media]
    names = [row["media_id"] for row in media]
    scopes = [staged.scope_by_memberships(Media(name, of)) for name, of in zip(names, memberships, strict=True)]
    counts = Counter(row["media_id"] for row in faces)
    first = len(table.ids)
    numbers = gallery.media.extend(names, memberships, scopes, [counts[name] for name in names], first)
    if faces:
        home = dict(zip(names, numbers, strict=True))
        stored = [row["vector"] for row in faces if row["vector"] is not None]
        scored = np.zeros((0, 0), np.float32)
        if stored:
            vectors = np.frombuffer(b"".join(stored), "<f4").astype(np.float32)
            scored = scorer.all_scored(vectors.reshape(len(stored), -1))
        table.extend(faces, [home[row["media_id"]] for row in faces], scored)
    states = table.state[first : first + len(faces)].tolist()
    codes = gallery.media.code[table.media_of[first : first + len(faces)]].tolist()
    for (code, state), number in Counter(zip(codes, states, strict=True)).items():
        if not state & HIDDEN:
            counted = Coverage(too_poor=number) if state & POOR else Coverage(compared=number)
            gallery.counts.add(gallery.media.codes[code], counted)
    empty = Counter(int(gallery.media.code[at]) for at, name in zip(numbers, names, strict=True) if not counts[name])
    for code, number in empty.items():
        gallery.counts.add(gallery.media.codes[code], Coverage(no_face=number))


def _memberships(row: Row) -> dict[str, Membership]:
    return {
        case_id: Membership(Scope(scope), submitted_at, bool(by_search))
        for case_id, scope, submitted_at, by_search in row["memberships"]
        if case_id is not None
    }


def _standing_search(row: Row) -> StandingSearch:
    search, part = row["search"], row["part"]
    is_tail = part["number"] > 0 and not part["faces"]
    return StandingSearch(
        search["search_id"],
        search["case_id"],
        search["within"],
        search["limit"],
        tuple(row["faces"]),
        uploaded=bool(search["uploaded"]),
        until=search["until"],
        through=search["through"],
        part=part["number"],
        tail=Coverage(part["compared"], part["too_poor"], part["no_face"]) if is_tail else None,
    )
