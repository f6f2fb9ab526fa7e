"""Rebuilds the gallery from the graph."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, Final, LiteralString

import numpy as np

from graph.domain.comparison import TOO_POOR_BELOW, Scope
from graph.store.queries import gallery as queries
from graph.store.session import Row, Store
from streams.gallery.calibration import Calibrations, calibration_of
from streams.gallery.groups import Group
from streams.gallery.open_searches import OpenSearch, Reach
from streams.gallery.scoring import Scorer
from streams.gallery.state import Case, Face, Gallery, Media, Membership, Staged

PAGE: Final = 5000


async def load_gallery(
    store: Store,
    model_id: str,
    *,
    progress: Callable[[], None] = lambda: None,
    calibrations: Calibrations | None = None,
) -> Gallery:
    """The gallery that the graph holds under one model: what link had in memory when it last committed."""
    gallery = Gallery(calibrations=calibrations)
    staged = Staged(gallery)
    for row in await store.read(lambda tx: tx.rows(queries.GALLERY_CASES)):
        staged.put_case(Case(row["case_id"], row["district"], row["status"] == "open", row["version"]))
    for row in await store.read(lambda tx: tx.rows(queries.GALLERY_ERASURES)):
        staged.erasures[row["subject"]] = row["requested_at"]
    gallery.take_in(staged)
    scorer = Scorer(calibration_of(gallery.calibrations, model_id).score)
    faces: dict[str, list[Face]] = {}
    async for row in _pages(store, queries.GALLERY_FACES, "face_id", progress, model_id=model_id):
        if row["media_id"] is not None:
            faces.setdefault(row["media_id"], []).append(_face(row, scorer))
    staged = Staged(gallery)
    async for row in _pages(store, queries.GALLERY_APART, "link_id", progress):
        staged.groups.judge([(row["a"], row["b"])], apart=True)
    async for row in _pages(store, queries.GALLERY_GROUPS, "group_id", progress):
        staged.groups.put(Group(row["group_id"], row["case_id"], frozenset(row["faces"])))
    async for row in _pages(store, queries.GALLERY_MEDIA, "media_id", progress):
        for face in faces.pop(row["media_id"], []):
            staged.put_face(face)
        order = tuple(face_id for _, face_id in sorted(row["faces"]))
        memberships = {item["case_id"]: _membership(item) for item in row["memberships"] if item["case_id"]}
        staged.put_media(Media(row["media_id"], memberships, order))
    for row in await store.read(lambda tx: tx.rows(queries.GALLERY_SEARCHES)):
        staged.searches.put(_open_search(row))
    gallery.take_in(staged)
    return gallery


async def _pages(
    store: Store, query: LiteralString, key: str, progress: Callable[[], None], **values: Any
) -> AsyncIterator[Row]:
    after = ""
    while True:
        page: list[Row] = await store.read(lambda tx, after=after: tx.rows(query, after=after, limit=PAGE, **values))
        progress()
        for row in page:
            yield row
        if len(page) < PAGE:
            return
        after = page[-1][key]


def _face(row: Row, scorer: Scorer) -> Face:
    data: bytes | None = row["vector"]
    stored = np.frombuffer(data, "<f4").astype(np.float32) if data is not None else None
    scored = scorer.scored(stored) if stored is not None else None
    vector, poor = (scored, None) if row["too_poor_because"] is None else (None, scored)
    marked_on = None if row["marked_on"] is None else dict(zip(row["marked_on"], row["marked_since"], strict=True))
    people_said = (row["label"], row["declared"], row["assigned"], marked_on)
    leads_only = row["quality"] is not None and row["quality"] < TOO_POOR_BELOW
    return Face(row["face_id"], row["media_id"], vector, *people_said, poor=poor, leads_only=leads_only)


def _open_search(row: Row) -> OpenSearch:
    search, part = row["search"], row["part"]
    grows = part["number"] > 0 and not part["faces"]
    return OpenSearch(
        search["search_id"], search["case_id"], search["within"], search["limit"], tuple(row["faces"]),
        uploaded=bool(search["uploaded"]), until=search["until"], through=search["through"], part=part["number"],
        tail=Reach(part["compared"], part["too_poor"], part["no_face"]) if grows else None,
    )  # fmt: skip


def _membership(item: Row) -> Membership:
    return Membership(
        scope=Scope(item["scope"]),
        purpose=item["purpose"],
        legal_basis=item["legal_basis"],
        urgency=item["urgency"],
        submitted_at=item["submitted_at"],
        ce_id=item["ce_id"],
        exhibits=tuple(item["exhibits"]),
        by_search=bool(item["by_search"]),
        captured_at=item["captured_at"],
        captured_told=item["captured_told"],
    )
