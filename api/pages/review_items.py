"""A queue item as the review page shows it: the new face on the left, whom it may be on the right."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from graph.actions.access import Access
from graph.actions.read.claims import count_open_claims, do_claim
from graph.actions.read.queue import read_queue
from graph.actions.read.queue_items import QueueItem, VisibleSubject
from graph.actions.read.sheet_faces import SheetFace, read_sheet_faces
from graph.domain import ids
from graph.domain.capture_time import Gap
from graph.domain.queue import CLAIMS_MAX, URGENCIES, Filters

BATCH: Final = 6
"""Items claimed at once: enough that the next ones are loaded while one is looked at, few enough for one lease."""


@dataclass(frozen=True, slots=True)
class Side:
    """The faces of one side, the poorest picture first."""

    subject: VisibleSubject
    faces: tuple[SheetFace, ...]


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """An item with the facts of its faces; `left` is the side with fewer faces."""

    item: QueueItem
    left: Side
    right: Side

    @property
    def is_within_one(self) -> bool:
        """Whether all faces are proposed as one person: then both sides show the same."""
        return {face.face_id for face in self.left.faces} == {face.face_id for face in self.right.faces}

    @property
    def key(self) -> str:
        """What names the item in an address, also under another claim."""
        return min(link.link_id for link in self.item.links)[:16]

    @property
    def claim_id(self) -> str:
        return self.item.claim.claim_id if self.item.claim else ""

    @property
    def urgency(self) -> str:
        return URGENCIES[self.item.urgency]

    @property
    def gap(self) -> Gap | None:
        """The years between the pictures, where the item is one pair."""
        return self.item.links[0].gap if len(self.item.links) == 1 else None

    @property
    def more_similar(self) -> int:
        """Faces as similar as those proposed for the left face, which were not proposed."""
        return max((face.more_similar or 0 for face in self.left.faces if not face.is_masked), default=0)

    @property
    def own_faces(self) -> list[SheetFace]:
        """The faces that the reader may know more of than their district."""
        return [face for side in (self.left, self.right) for face in side.faces if not face.is_masked]


async def open_items(access: Access, filters: Filters, *, wanted: int = BATCH) -> list[ReviewItem]:
    """The person's items within the filters: those returned, those they had claimed, and new claims to `wanted`."""

    def own(found: list[QueueItem]) -> list[QueueItem]:
        return [item for item in found if (item.claim or item.returned) and is_of(item, filters)]

    page = await read_queue(access, filters, limit=1, after=None, choose=own)
    items = sorted(page.items, key=lambda item: item.returned is None)
    lacking = wanted - sum(item.claim is not None for item in items)
    if lacking > 0:
        # The claims of other pages leave less room; where nothing else is shown, their limit is the answer.
        room = CLAIMS_MAX - await count_open_claims(access)
        items += await new_items(access, filters, min(lacking, max(room, 0 if items else 1)))
    return await with_facts(access, items)


async def new_items(access: Access, filters: Filters, wanted: int) -> Sequence[QueueItem]:
    """At most `wanted` newly claimed items. Raises Conflict as `do_claim` does."""
    return (await do_claim(access, filters, wanted, seed=ids.new_id())).items if wanted > 0 else ()


def is_of(item: QueueItem, filters: Filters) -> bool:
    """Whether an item that the person has is one of the filtered case or victim."""
    if filters.case_id is not None:
        return any(filters.case_id in end.case_ids for link in item.links for end in (link.a, link.b))
    return filters.victim_id is None or any(subject.id == filters.victim_id for subject in item.subjects)


async def with_facts(access: Access, items: Sequence[QueueItem]) -> list[ReviewItem]:
    """The items with what is known of their faces."""
    face_ids = list(dict.fromkeys(face_id for item in items for face_id in item.face_ids))
    facts = await read_sheet_faces(access, face_ids) if face_ids else {}
    return [_review_item(item, facts) for item in items if item.links]


def _review_item(item: QueueItem, facts: Mapping[str, SheetFace]) -> ReviewItem:
    # Of equal sides the order stays that of the item, which tells nothing.
    left, right = sorted(item.subjects, key=lambda subject: len(subject.face_ids))
    return ReviewItem(item, _side(left, facts), _side(right, facts))


def _side(subject: VisibleSubject, facts: Mapping[str, SheetFace]) -> Side:
    faces = (facts[face_id] for face_id in subject.face_ids)
    return Side(subject, tuple(sorted(faces, key=poorest)))


def poorest(face: SheetFace) -> tuple[float, str]:
    """Sort key: the poorest picture first; the order discloses no score."""
    return (-1.0 if face.quality is None else face.quality, face.face_id)
