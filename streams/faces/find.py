"""From a decoded picture to all its faces: detected, judged, embedded, and cut out for people to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from graph.domain.ids import face_id
from streams.faces.detect import Detected, Detector
from streams.faces.embed import Embedder, align
from streams.faces.geometry import Pixels, clip, cut, enlarge
from streams.faces.models import ModelFiles
from streams.faces.quality import quality, too_poor_because
from streams.media.decode import Picture

DISPLAY_SIDE: Final = 256
_DISPLAY_FACTOR: Final = 1.6
"""Some hair, ears and chin around the box: people compare those too."""
_JPEG_QUALITY: Final = 90


@dataclass(frozen=True)
class FoundFace:
    """One face of a picture, ready to be recorded; `box` is clipped to the picture, in pixels after EXIF rotation.

    `vector` is float32 (128,) of unit length and `norm` its length before. `display_crop` is a JPEG of 256 px,
    `aligned_crop` a PNG of 112 px from which the face can be embedded again.
    """

    ordinal: int
    face_id: str
    box: tuple[int, int, int, int]
    landmarks: npt.NDArray[np.float32]
    detection_score: float
    quality: float
    too_poor_because: str | None
    vector: npt.NDArray[np.float32]
    norm: float
    display_crop: bytes
    aligned_crop: bytes


class FaceFinder:
    """Detector and recogniser together; any number of threads may share one."""

    def __init__(self, models: ModelFiles, threads: int = 1) -> None:
        self._detector_id = models.detector_id
        self._detector = Detector(models.detector, threads)
        self._embedder = Embedder(models.recogniser, threads)

    def find(self, picture: Picture, media_id: str) -> list[FoundFace]:
        """Every face of the picture, in the detector's order, which gives the ordinals. Blocks: call it in a thread."""
        detected = self._detector.detect(picture.bgr)
        aligned = [align(picture.bgr, face.landmarks) for face in detected]
        vectors, norms = self._embedder.embed(aligned)
        return [
            self._found(picture, media_id, ordinal, face, aligned[ordinal], vectors[ordinal], float(norms[ordinal]))
            for ordinal, face in enumerate(detected)
        ]

    def _found(
        self,
        picture: Picture,
        media_id: str,
        ordinal: int,
        face: Detected,
        aligned: Pixels,
        vector: npt.NDArray[np.float32],
        norm: float,
    ) -> FoundFace:
        display, _ = cut(picture.bgr, enlarge(face.box, _DISPLAY_FACTOR), DISPLAY_SIDE)
        return FoundFace(
            ordinal=ordinal,
            face_id=face_id(media_id, self._detector_id, ordinal),
            box=clip(face.box, picture.width, picture.height),
            landmarks=face.landmarks,
            detection_score=face.score,
            quality=quality(norm),
            too_poor_because=too_poor_because(norm, face.box[3]),
            vector=vector,
            norm=norm,
            display_crop=_encoded(".jpg", display, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]),
            aligned_crop=_encoded(".png", aligned, []),
        )


def _encoded(kind: str, pixels: Pixels, options: list[int]) -> bytes:
    _, data = cv2.imencode(kind, pixels, options)
    return data.tobytes()
