"""The embed step: turns one incoming event into one record of the gallery log, without a Kafka client."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

from graph.domain import ids
from graph.domain.errors import SourceUnreachable, Unprocessable
from graph.files import MediaStore
from streams import topics
from streams.faces.find import FaceFinder, FoundFace
from streams.media.circuit import Circuits
from streams.media.decode import Decoder
from streams.media.fetch import Fetched, Fetcher
from streams.records.gallery import (
    CaseRecord,
    EmbeddedFace,
    ErasureRecord,
    GalleryRecord,
    MarkEmbedded,
    MediaEmbedded,
    VictimRecord,
)
from streams.records.incoming import (
    CE_CASE,
    CE_ERASURE,
    CE_MARK,
    CE_MEDIA,
    CE_PROBE,
    CE_VICTIM,
    CaseChanged,
    ErasureRequested,
    MarkSubmitted,
    MediaSubmitted,
    SearchProbe,
    VictimChanged,
)
from streams.records.message import Message, check_source, origin, read

ANSWERS = frozenset({"missing_file", "empty_file", "too_large", "wrong_sha256", "unreadable_file", "source_refused"})
"""Codes of refusals that prove that the host answers."""


class EmbedStep:
    """Fetches and decodes media, finds and embeds their faces. Thread-safe; every method blocks.

    All methods raise Unprocessable, or SourceUnreachable where the media's host does not answer.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        decoder: Decoder,
        finder: FaceFinder,
        store: MediaStore,
        circuits: Circuits,
        *,
        model_id: str,
        detector_id: str,
        sources: Mapping[str, Sequence[str]],
    ) -> None:
        self._fetcher = fetcher
        self._decoder = decoder
        self._finder = finder
        self._store = store
        self._circuits = circuits
        self._model_id = model_id
        self._detector_id = detector_id
        self._sources = sources

    def media_record(self, message: Message, source: str) -> MediaEmbedded:
        """The gallery record of a media event."""
        submitted = read(message, MediaSubmitted, CE_MEDIA)
        check_source(submitted, source, self._sources)
        return self._media_record(message, source, submitted, None)

    def request_record(self, message: Message, source: str) -> GalleryRecord:
        """The gallery record of a person's request: the picture of a search, or a face marked by hand."""
        if message.header("ce_type") == CE_MARK:
            return self._mark_record(message, source)
        search = read(message, SearchProbe, CE_PROBE)
        submitted = MediaSubmitted.model_validate(search.model_dump())
        return self._media_record(message, source, submitted, search)

    def change_record(self, message: Message, source: str) -> GalleryRecord:
        """The gallery record of a case, victim or erasure event."""
        if message.topic == topics.cases_changed(source):
            changed = read(message, CaseChanged, CE_CASE)
            check_source(changed, source, self._sources)
            return CaseRecord(changed=changed, origin=origin(message, source))
        if message.topic == topics.victims_changed(source):
            return VictimRecord(changed=read(message, VictimChanged, CE_VICTIM), origin=origin(message, source))
        return ErasureRecord(erasure=read(message, ErasureRequested, CE_ERASURE), origin=origin(message, source))

    def _media_record(
        self, message: Message, source: str, submitted: MediaSubmitted, search: SearchProbe | None
    ) -> MediaEmbedded:
        fetched = self._fetch(submitted.url, submitted.sha256)
        picture = self._decoder.decode(fetched.data, submitted.content_type)
        found = self._finder.find(picture, fetched.media_id, 0 if search is None else search.turn)
        return MediaEmbedded(
            media_id=fetched.media_id,
            content_type=picture.content_type,
            width=picture.width,
            height=picture.height,
            frames=picture.frames,
            detector_id=self._detector_id,
            model_id=self._model_id,
            captured_at=picture.captured_at,
            faces=[self._recorded(fetched.media_id, face) for face in found],
            submitted=submitted,
            search=search,
            origin=origin(message, source),
        )

    def _mark_record(self, message: Message, source: str) -> MarkEmbedded:
        mark = read(message, MarkSubmitted, CE_MARK)
        fetched = self._fetch(mark.url, mark.media_id)
        picture = self._decoder.decode(fetched.data, mark.content_type)
        x, y, w, h = mark.box
        face_id = ids.marked_face_id(mark.media_id, mark.act_id)
        face = self._finder.find_marked(picture, (x, y, w, h), face_id, mark.ordinal)
        return MarkEmbedded(
            media_id=mark.media_id,
            model_id=self._model_id,
            face=self._recorded(mark.media_id, face),
            mark=mark,
            origin=origin(message, source),
        )

    def _fetch(self, url: str, sha256: str | None) -> Fetched:
        host = self._fetcher.server_of(url)
        if host is None:
            return self._fetcher.fetch(url, sha256)
        self._circuits.check(host)
        try:
            fetched = self._fetcher.fetch(url, sha256)
        except SourceUnreachable as silent:
            raise SourceUnreachable(silent.message, host=host) from silent
        except Unprocessable as reason:
            if reason.code in ANSWERS:
                self._circuits.answered(host)
            raise
        self._circuits.answered(host)
        return fetched

    def _recorded(self, media_id: str, face: FoundFace) -> EmbeddedFace:
        return EmbeddedFace(
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
            display_crop=self._store.put_crop(media_id, face.face_id, "display", face.display_crop),
            aligned_crop=self._store.put_crop(media_id, face.face_id, "aligned", face.aligned_crop),
        )
