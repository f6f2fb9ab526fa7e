"""The embed step: turns one incoming event into one record of the gallery log, without a Kafka client."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from graph.domain import ids
from graph.domain.errors import SourceUnreachable, Unprocessable
from graph.files import MediaStore
from streams import topics
from streams.faces.find import FaceFinder, FoundFace
from streams.media.circuit import Circuits
from streams.media.decode import Decoder, Picture
from streams.media.fetch import Fetched, Fetcher
from streams.records import gallery, incoming
from streams.records.message import Message, check_source, origin, read

_NO_PIXELS = np.empty((0, 0, 3), np.uint8)
ANSWERS = frozenset({"missing_file", "empty_file", "too_large", "wrong_sha256", "unreadable_file", "source_refused"})
"""Codes of refusals that prove that the host answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedStep:
    """Fetches and decodes media, finds and embeds their faces. Thread-safe; every method blocks.

    All methods raise Unprocessable, SourceUnreachable if the media's host does not answer, or MediaStoreUnavailable.
    """

    fetcher: Fetcher
    decoder: Decoder
    finder: FaceFinder
    store: MediaStore
    circuits: Circuits
    model_id: str
    detector_id: str
    sources: Mapping[str, Sequence[str]]

    def media_record(self, message: Message, source: str) -> gallery.MediaEmbedded:
        """The gallery record of a media event."""
        submitted = read(message, incoming.MediaSubmitted, incoming.CE_MEDIA)
        check_source(submitted, source, self.sources)
        return self._media_record(message, source, submitted, None)

    def request_record(self, message: Message, source: str) -> gallery.GalleryRecord:
        """The gallery record of a request: a search's picture, a face marked by hand, a media to examine again."""
        if message.header("ce_type") == incoming.CE_MARK:
            return self._mark_record(message, source)
        if message.header("ce_type") == incoming.CE_REEXAMINATION:
            return self._reexamined(message, source)
        search = read(message, incoming.SearchProbe, incoming.CE_PROBE)
        submitted = incoming.MediaSubmitted.model_validate(search.model_dump())
        return self._media_record(message, source, submitted, search)

    def change_record(self, message: Message, source: str) -> gallery.GalleryRecord:
        """The gallery record of a case, victim or erasure event."""
        if message.topic == topics.cases_changed(source):
            changed = read(message, incoming.CaseChanged, incoming.CE_CASE)
            check_source(changed, source, self.sources)
            return gallery.CaseRecord(changed=changed, origin=origin(message, source))
        if message.topic == topics.victims_changed(source):
            return gallery.VictimRecord(
                changed=read(message, incoming.VictimChanged, incoming.CE_VICTIM), origin=origin(message, source)
            )
        return gallery.ErasureRecord(
            erasure=read(message, incoming.ErasureRequested, incoming.CE_ERASURE), origin=origin(message, source)
        )

    def _media_record(
        self, message: Message, source: str, submitted: incoming.MediaSubmitted, search: incoming.SearchProbe | None
    ) -> gallery.MediaEmbedded:
        fetched, turn = self._fetch(submitted.url, submitted.sha256), 0 if search is None else search.turn
        examined = self._examined(fetched, submitted.content_type, origin(message, source), turn)
        return gallery.MediaEmbedded(**dict(examined), submitted=submitted, search=search)

    def _reexamined(self, message: Message, source: str) -> gallery.MediaReexamined:
        wanted = read(message, incoming.MediaToReexamine, incoming.CE_REEXAMINATION)
        fetched = self._fetch(wanted.url, wanted.media_id)
        examined = self._examined(fetched, wanted.content_type, origin(message, source))
        return gallery.MediaReexamined(**dict(examined))

    def _examined(
        self, fetched: Fetched, content_type: str | None, source_event: gallery.SourceEvent, turn: int = 0
    ) -> gallery.ExaminedMedia:
        """The decoded media with its faces, whose crops are stored."""
        pages = self.decoder.pages(fetched.data, content_type)
        shown: list[Picture] = []  # without their pixels
        faces: list[gallery.EmbeddedFace] = []
        for page in pages.pictures:
            found = self.finder.find(page, fetched.media_id, turn)
            faces += [self._on_page(fetched.media_id, face, page.page, len(faces) + n) for n, face in enumerate(found)]
            shown.append(replace(page, bgr=_NO_PIXELS))
        first = shown[0]
        return gallery.ExaminedMedia(
            media_id=fetched.media_id,
            content_type=first.content_type,
            width=first.width,
            height=first.height,
            frames=first.frames,
            frames_examined=pages.examined,
            partial_percent=min((page.partial_percent for page in shown if page.partial_percent), default=None),
            detector_id=self.detector_id,
            model_id=self.model_id,
            captured_at=first.captured_at,
            faces=faces,
            origin=source_event,
        )

    def _mark_record(self, message: Message, source: str) -> gallery.MarkEmbedded:
        mark = read(message, incoming.MarkSubmitted, incoming.CE_MARK)
        fetched = self._fetch(mark.url, mark.media_id)
        picture = self.decoder.decode(fetched.data, mark.content_type)
        x, y, w, h = mark.box
        face_id = ids.marked_face_id(mark.media_id, mark.act_id)
        face = self.finder.find_marked(picture, (x, y, w, h), face_id, mark.ordinal)
        return gallery.MarkEmbedded(
            media_id=mark.media_id,
            model_id=self.model_id,
            face=self._recorded(mark.media_id, face),
            mark=mark,
            origin=origin(message, source),
        )

    def _fetch(self, url: str, sha256: str | None) -> Fetched:
        host = self.fetcher.server_of(url)
        if host is None:
            return self.fetcher.fetch(url, sha256)
        self.circuits.check(host)
        try:
            fetched = self.fetcher.fetch(url, sha256)
        except SourceUnreachable as silent:
            raise SourceUnreachable(silent.message, host=host) from silent
        except Unprocessable as reason:
            if reason.code in ANSWERS:
                self.circuits.answered(host)
            raise
        self.circuits.answered(host)
        return fetched

    def _on_page(self, media_id: str, face: FoundFace, page: int, ordinal: int) -> gallery.EmbeddedFace:
        """The record of a face of a page; the ids of the first page are those of a file with one picture."""
        if page > 1:
            name = ids.face_id(media_id, f"{self.detector_id} page {page}", face.ordinal)
            face = replace(face, face_id=name)
        recorded = self._recorded(media_id, replace(face, ordinal=ordinal))
        return recorded.model_copy(update={"page": page})

    def _recorded(self, media_id: str, face: FoundFace) -> gallery.EmbeddedFace:
        return gallery.EmbeddedFace(
            face_id=face.face_id,
            ordinal=face.ordinal,
            box=list(face.box),
            landmarks=None if face.landmarks is None else [float(value) for value in face.landmarks.ravel()],
            detection_score=None if face.detection_score is None else float(face.detection_score),
            quality=float(face.quality),
            quality_because=face.quality_because,
            too_poor_because=face.too_poor_because,
            vector=base64.b64encode(face.vector.astype("<f4").tobytes()).decode("ascii"),
            norm=float(face.norm),
            display_crop=self.store.put_crop(media_id, face.face_id, "display", face.display_crop),
            crop_region=list(face.crop_region),
            aligned_crop=self.store.put_crop(media_id, face.face_id, "aligned", face.aligned_crop),
            context_view=self.store.put_crop(media_id, face.face_id, "context", face.context_view),
        )
