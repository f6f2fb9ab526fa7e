"""Embeds stored faces with another recogniser: from their aligned crops, or from their pictures as a substitute."""

import base64
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from graph.actions.operate.models import StoredFace
from graph.domain.errors import MediaStoreUnavailable, RedthreadError
from graph.files import MediaStore
from streams.faces.embed import Embedder, align
from streams.faces.find import typical_landmarks
from streams.faces.geometry import Pixels
from streams.faces.looks import exposures
from streams.faces.models import ALIGNED_SIDE
from streams.faces.quality import graded, signals
from streams.media.decode import Decoder
from streams.media.fetch import Fetcher
from streams.records.gallery import ReembeddedFace


@dataclass(frozen=True, slots=True)
class FaceReembedder:
    """Reembeds stored faces. Blocks: call it in a thread; not thread-safe."""

    embedder: Embedder
    files: MediaStore
    fetcher: Fetcher
    decoder: Decoder

    def embed(self, face: StoredFace) -> ReembeddedFace | None:
        """The face under this recogniser, graded again; None where neither its crop nor its picture is available.

        Raises MediaStoreUnavailable, where neither is known to be lost.
        """
        aligned = self._crop(face)
        if aligned is None:
            aligned = self._align_again(face)
        if aligned is None:
            return None
        vectors, norms = self.embedder.embed([aligned])
        norm = float(norms[0])
        # The detector's score is not stored; it only chooses among the reasons.
        seen = signals(aligned, _landmarks(face), face.picture, 1.0, norm)
        grade = graded(seen, landmarks_seen=face.landmarks is not None)
        return ReembeddedFace(
            face_id=face.face_id,
            vector=base64.b64encode(vectors[0].astype("<f4").tobytes()).decode("ascii"),
            norm=norm,
            quality=grade.quality,
            too_poor_because=grade.too_poor_because,
        )

    def _crop(self, face: StoredFace) -> Pixels | None:
        """The stored crop: all recognisers use the same alignment."""
        if face.aligned_crop is None:
            return None
        try:
            data = self.files.read_crop(face.aligned_crop)
        except MediaStoreUnavailable:
            raise  # a store that is away has lost nothing
        except RedthreadError:
            return None
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
        if pixels is None or pixels.shape != (ALIGNED_SIDE, ALIGNED_SIDE, 3):
            return None
        return np.asarray(pixels, np.uint8)

    def _align_again(self, face: StoredFace) -> Pixels | None:
        """The face aligned in its picture, as when it was found."""
        try:
            fetched = self.fetcher.fetch(face.url, face.media_id)
            picture = self.decoder.decode(fetched.data, face.content_type, face.page)
        except MediaStoreUnavailable:
            raise
        except RedthreadError:
            return None
        if face.page == 1 and (picture.width, picture.height) != face.picture:
            return None  # an earlier release saw the picture in another way: its box is of no use here
        return align(exposures(picture.bgr)[0].bgr, _landmarks(face))


def _landmarks(face: StoredFace) -> npt.NDArray[np.float32]:
    """The stored landmarks (5, 2), or their mean position in the box of a face without any."""
    if face.landmarks is None:
        x, y, w, h = face.box
        return typical_landmarks((x, y, w, h))
    return np.array(face.landmarks, np.float32).reshape(5, 2)
