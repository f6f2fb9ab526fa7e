"""Media that fewer faces may be compared with than before: what their comparisons left is removed."""

from collections.abc import Sequence

from graph.actions.link.stored_pairs import stored_pairs
from graph.paging import chunks
from graph.store.session import Store
from streams.gallery.entities import Media
from streams.link.batch import Batch


def reduce_scope(batch: Batch, media: Sequence[Media]) -> None:
    """Removes what this batch proposed for media that are staged with a reduced scope, and their faces from groups.

    Faces leave the groups of cases in which they are no longer compared. The stored pairs of the media are removed by
    `remove_incomparable_pairs`, once the batch is complete.
    """
    batch.scope_reduced |= {item.media_id for item in media}
    staged, changes = batch.staged, batch.changes
    for face in [face for item in media for face in staged.faces_of(item)]:
        scope = staged.scope_of(face)
        cases = scope.cases if scope is not None and not scope.hidden else frozenset[str]()
        staged.groups.remove_faces([(face.face_id, staged.groups.groups_of(face.face_id).keys() - cases)])
    changes.links = {key: row for key, row in changes.links.items() if staged.may_compare(row.a, row.b)}
    for cut in (cut for comparison in changes.comparisons for cut in comparison["cut"]):
        cut["faces"] = [other for other in cut["faces"] if staged.may_compare(cut["face_id"], other)]


async def remove_incomparable_pairs(store: Store, batch: Batch) -> None:
    """Adds to the batch's changes the stored pairs of media with a reduced scope that may no longer be compared."""
    links: dict[str, None] = {}
    similar: dict[tuple[str, str], None] = {}
    for media in chunks(sorted(batch.scope_reduced)):
        pairs = await stored_pairs(store, media)
        batch.progress()
        links |= dict.fromkeys(link_id for link_id, (a, b) in pairs.links.items() if not batch.staged.may_compare(a, b))
        similar |= dict.fromkeys(pair for pair in pairs.similar if not batch.staged.may_compare(*pair))
    batch.changes.removed_links = [*links]
    batch.changes.removed_similar = [{"a": a, "b": b} for a, b in similar]
