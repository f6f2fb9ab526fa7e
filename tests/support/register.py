"""A gallery without a graph: it knows the memberships that a graph would hold beside it."""

from collections.abc import Callable, Sequence

from streams.gallery.calibration import Calibrations
from streams.gallery.state import Gallery, Staged
from streams.link import apply
from streams.link.batch import Batch, MembershipKey
from streams.link.memberships import StoredMembership
from streams.records.gallery import GalleryRecord

Memberships = dict[MembershipKey, StoredMembership]


class Register(Gallery):
    def __init__(self, calibrations: Calibrations | None = None) -> None:
        super().__init__(calibrations)
        self.memberships: Memberships = {}
        self.staged: dict[Staged, Memberships] = {}

    def merge(self, staged: Staged) -> None:
        super().merge(staged)
        self.memberships |= self.staged.pop(staged, {})


def batch_of(
    gallery: Register,
    model_id: str,
    records: Sequence[tuple[int, GalleryRecord]],
    progress: Callable[[], None] = lambda: None,
) -> Batch:
    """As link makes a batch, with the memberships that it would read from the graph."""
    batch = apply.batch_of(gallery, model_id, records, progress, gallery.memberships)
    gallery.staged[batch.staged] = batch.memberships
    return batch
