"""What the graph would hold after link has taken a log in batches."""

from typing import Any

from streams.faces.models import MODEL_ID
from streams.gallery.calibration import Calibrations
from streams.link.batch import Batch
from tests.support.factories_streams import Log
from tests.support.reference_gallery import Item, Part
from tests.support.register import Register, batch_of


def items_of(row: dict[str, Any]) -> list[Item]:
    return [(item["face_id"], item["score"], item["above"]) for item in row["returned"]]


class Links:
    """What the graph would hold: the rows of each batch in the order in which `ingest.commit` writes them."""

    def __init__(self, batch: int, calibrations: Calibrations | None = None) -> None:
        self.gallery = Register(calibrations)
        self.links: dict[tuple[str, str], tuple[str, float, str, float]] = {}
        self.answers: dict[str, list[Item]] = {}
        self.compared: dict[str, tuple[int, int]] = {}
        self.searched: dict[str, tuple[int, int]] = {}
        self.parts: dict[tuple[str, int], Part] = {}
        self.quarantined: list[str] = []
        self.media: set[str] = set()
        self.groups: dict[tuple[str, str], set[str]] = {}
        self.cut: dict[str, tuple[int, list[str]]] = {}
        self._batch = batch

    def take(self, log: Log) -> None:
        for start in range(0, len(log), self._batch):
            rest = log[start : start + self._batch]
            while rest:
                batch = batch_of(self.gallery, MODEL_ID, rest)
                self._write(batch)
                self.gallery.merge(batch.staged)
                rest = rest[batch.applied :]

    def parts_by_search(self) -> dict[str, list[Part]]:
        """What was added to each answer, in order."""
        found: dict[str, list[Part]] = {}
        for (search_id, _), part in sorted(self.parts.items(), key=lambda item: item[0]):
            found.setdefault(search_id, []).append(part)
        return found

    def _write(self, batch: Batch) -> None:
        changes = batch.changes
        if batch.scope_reduced:
            home = self.gallery.faces
            self.links = {
                (a, b): link
                for (a, b), link in self.links.items()
                if not {home[a].media_id, home[b].media_id} & batch.scope_reduced or batch.staged.may_compare(a, b)
            }
        gone = set(changes.removed_faces)
        self.cut = {face: cut for face, cut in self.cut.items() if face not in gone}
        self.links = {pair: link for pair, link in self.links.items() if not gone & set(pair)}
        self.links |= {(r.a, r.b): (r.state, r.score, r.band, r.threshold) for r in changes.links.values()}
        self.media = (self.media - set(changes.removed_media)) | {row["media_id"] for row in changes.media}
        for row in changes.groups:
            faces = self.groups.setdefault((row["case_id"], row["group_id"]), set())
            assert faces.isdisjoint(row["joined"]) and faces.issuperset(row["left"]), "a row says what changes"
            faces |= set(row["joined"])
            faces -= set(row["left"])
        self.groups = {name: faces for name, faces in self.groups.items() if faces}
        for row in changes.answers:
            self.answers[row["search_id"]] = items_of(row)
            self.searched[row["search_id"]] = (row["answer"]["compared"], row["answer"]["too_poor"])
        for key, row in changes.answer_parts.items():
            part = row["part"]
            self.parts[key] = Part(part["offset"], part["compared"], part["too_poor"], part["no_face"], items_of(row))
        for row in changes.comparisons:
            self.cut |= {cut["face_id"]: (cut["number"], cut["faces"]) for cut in row["cut"]}
            self.compared[row["comparison_id"]] = (row["comparison"]["compared"], row["comparison"]["skipped"])
        self.quarantined += [row["event"] for row in changes.quarantined]
