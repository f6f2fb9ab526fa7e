"""A stored face, embedded by another recogniser: from its aligned crop, or from its picture where that is gone."""

from __future__ import annotations

import base64

import cv2
import numpy as np
import numpy.typing as npt

from graph.actions.operate.models import StoredFace
from graph.domain.errors import MediaStoreUnavailable, RedthreadError
from graph.files import MediaStore
from streams.faces.embed import Embedder, align
from streams.faces.find import typical_landmarks
from streams.faces.geometry import Pixels
from streams.faces.models import ALIGNED_SIDE
from streams.faces.quality import judge, signals
from streams.media.decode import Decoder
from streams.media.fetch import Fetcher
from streams.records.gallery import EmbeddedAgain


class Again:
    """Embeds stored faces once more. Blocks: call it in a thread; the decoder is used by one at a time."""

    def __init__(self, embedder: Embedder, files: MediaStore, fetcher: Fetcher, decoder: Decoder) -> None:
        self._embedder = embedder
        self._files = files
        self._fetcher = fetcher
        self._decoder = decoder

    def embed(self, face: StoredFace) -> EmbeddedAgain | None:
        """The face under this recogniser, judged anew; None where neither its crop nor its picture can be had.

        Raises MediaStoreUnavailable, which says nothing of either.
        """
        aligned = self._crop(face)
        if aligned is None:
            aligned = self._cut(face)
        if aligned is None:
            return None
        vectors, norms = self._embedder.embed([aligned])
        norm = float(norms[0])
        # The detector's score is not stored beside a crop; it only chooses among the reasons.
        seen = signals(aligned, _landmarks(face), face.picture, 1.0, norm)
        judged = judge(seen, landmarks_seen=face.landmarks is not None)
        return EmbeddedAgain(
            face_id=face.face_id,
            vector=base64.b64encode(vectors[0].astype("<f4").tobytes()).decode("ascii"),
            norm=norm,
            quality=judged.quality,
            too_poor_because=judged.too_poor_because,
        )

    def _crop(self, face: StoredFace) -> Pixels | None:
        """The stored crop: every recogniser here takes a face that is aligned alike."""
        if face.aligned_crop is None:
            return None
        try:
            data = self._files.read_crop(face.aligned_crop)
        except MediaStoreUnavailable:
            raise  # what is away is not lost
        except RedthreadError:
            return None
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
        if pixels is None or pixels.shape != (ALIGNED_SIDE, ALIGNED_SIDE, 3):
            return None
        return np.asarray(pixels, np.uint8)

    def _cut(self, face: StoredFace) -> Pixels | None:
        """The face aligned anew in its picture, as when it was found."""
        try:
            fetched = self._fetcher.fetch(face.url, face.media_id)
            picture = self._decoder.decode(fetched.data, face.content_type)
        except MediaStoreUnavailable:
            raise
        except RedthreadError:
            return None
        return align(picture.bgr, _landmarks(face))


def _landmarks(face: StoredFace) -> npt.NDArray[np.float32]:
    """The stored landmarks (5, 2), or where they lie in the box of a face that is known by it alone."""
    if face.landmarks is None:
        x, y, w, h = face.box
        return typical_landmarks((x, y, w, h))
    return np.array(face.landmarks, np.float32).reshape(5, 2)
