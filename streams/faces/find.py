"""From a decoded picture to all its faces: detected, judged, embedded, and cut out for people to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from graph.domain.box import iou
from graph.domain.ids import face_id
from streams.faces.detect import SAME_FACE_IOU, Detected, Detector, others_than
from streams.faces.embed import Embedder, align
from streams.faces.geometry import Box, Pixels, clip, cut, enlarge
from streams.faces.models import ModelFiles
from streams.faces.quality import judge, signals
from streams.media.decode import Picture

DISPLAY_SIDE: Final = 256
_DISPLAY_FACTOR: Final = 1.6
"""Some hair, ears and chin around the box: people compare those too."""
_JPEG_QUALITY: Final = 90
TURNED_BELOW: Final = 10.0
"""Norm under which a face is looked at turned: of press photographs turned by 45 degrees and more 99 in 100 are below
it, of upright ones three."""
_SAME_LANDMARKS: Final = 0.08
"""Mean distance of the landmarks of two looks, as a share of the box's height: of a face that lies it is twice that."""
_TYPICAL: Final = np.array([[0.28, 0.385], [0.72, 0.385], [0.5, 0.58], [0.31, 0.737], [0.69, 0.737]], np.float32)
"""Where eyes, nose and mouth corners lie in a face's box, as shares of it: the mean of 244 press photographs, made
symmetric. A face that is aligned by it alone has a cosine of about 0.5 to the same face aligned by its landmarks."""


@dataclass(frozen=True)
class FoundFace:
    """One face of a picture, ready to be recorded; `box` is clipped to the picture, in pixels after EXIF rotation.

    `vector` is float32 (d,) of unit length and `norm` its length before. `display_crop` is a JPEG of 256 px,
    `aligned_crop` a PNG of 112 px from which the face can be embedded again. `landmarks` and `detection_score` are
    None of a face that only a person sees: it is aligned by its box alone.
    """

    ordinal: int
    face_id: str
    box: tuple[int, int, int, int]
    landmarks: npt.NDArray[np.float32] | None
    detection_score: float | None
    quality: float
    quality_because: str | None
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

    def find(self, picture: Picture, media_id: str, turn: int = 0) -> list[FoundFace]:
        """Every face of the picture, in the detector's order, which gives the ordinals. Blocks: call it in a thread.

        With a `turn` (90, 180 or 270 degrees clockwise) also those that only the turned picture shows, behind the
        others and under ids of their own, so that ids do not depend on who turned the picture before; of a face that
        both show, the detection with the higher norm. Boxes and landmarks are those in the picture as it came.
        """
        faces = self._detector.detect(picture.bgr)
        seen = self._detector.detect_turned(picture.bgr, turn) if turn else []
        found: list[FoundFace] = []
        for ordinal, face in enumerate(faces):
            name, others = face_id(media_id, self._detector_id, ordinal), others_than(face, faces)
            looks = [self._upright(picture, face, others, name, ordinal)]
            looks += [self._upright(picture, twin, others, name, ordinal, turn) for twin in seen if _same(twin, face)]
            found.append(max(looks, key=lambda look: look.norm))
        new = [face for face in seen if not any(_same(face, known) for known in faces)]
        for number, face in enumerate(new):
            name = face_id(media_id, f"{self._detector_id} turned {turn}", number)
            others = others_than(face, [*faces, *new])
            found.append(self._upright(picture, face, others, name, len(found), turn))
        return found

    def find_in(self, picture: Picture, box: tuple[int, int, int, int], name: str, ordinal: int) -> FoundFace:
        """The face `name` that a person marked by a box, with the landmarks of a close look or else of the box alone.

        Blocks: call it in a thread.
        """
        seen = self._detector.look_at_mark(picture.bgr, box)
        if seen is not None:
            return self._found(picture, replace(seen, box=box), name, ordinal)
        alone = Detected(box, typical_landmarks(box), 0.0)
        found = self._found(picture, alone, name, ordinal, landmarks_seen=False)
        return replace(found, landmarks=None, detection_score=None)

    def _upright(
        self, picture: Picture, face: Detected, others: Sequence[Box], name: str, ordinal: int, turn: int = 0
    ) -> FoundFace:
        """The face by its landmarks; where its norm is poor, by those of a turned look if these give a higher one."""
        found = self._found(picture, face, name, ordinal, turn=turn)
        if found.norm >= TURNED_BELOW:
            return found
        seen = self._detector.look_at(picture.bgr, face.box, others)
        # Most poor faces are upright and blurred: what is seen there is the same, and need not be embedded again.
        if seen is None or np.abs(seen.landmarks - face.landmarks).mean() < _SAME_LANDMARKS * face.box[3]:
            return found
        turned = self._found(picture, replace(face, landmarks=seen.landmarks), name, ordinal, turn=turn)
        return max(found, turned, key=lambda either: either.norm)

    def _found(
        self, picture: Picture, face: Detected, name: str, ordinal: int, *, landmarks_seen: bool = True, turn: int = 0
    ) -> FoundFace:
        """The face, aligned, embedded, judged and cut out, its display crop turned clockwise by `turn` degrees."""
        aligned = align(picture.bgr, face.landmarks)
        vectors, norms = self._embedder.embed([aligned])
        norm = float(norms[0])
        seen = signals(aligned, face.landmarks, (picture.width, picture.height), face.score, norm)
        judged = judge(seen, landmarks_seen=landmarks_seen)
        display, _ = cut(picture.bgr, enlarge(face.box, _DISPLAY_FACTOR), DISPLAY_SIDE)
        display = np.ascontiguousarray(np.rot90(display, -turn // 90))
        return FoundFace(
            ordinal=ordinal,
            face_id=name,
            box=clip(face.box, picture.width, picture.height),
            landmarks=face.landmarks,
            detection_score=face.score,
            quality=judged.quality,
            quality_because=judged.because,
            too_poor_because=judged.too_poor_because,
            vector=vectors[0],
            norm=norm,
            display_crop=_encoded(".jpg", display, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]),
            aligned_crop=_encoded(".png", aligned, []),
        )


def _same(a: Detected, b: Detected) -> bool:
    return iou(a.box, b.box) >= SAME_FACE_IOU


def typical_landmarks(box: tuple[int, int, int, int]) -> npt.NDArray[np.float32]:
    """Where the five landmarks of a face lie that is known by its box alone: (5, 2), in pixels."""
    return (np.array(box[:2]) + _TYPICAL * np.array(box[2:])).astype(np.float32)


def _encoded(kind: str, pixels: Pixels, options: list[int]) -> bytes:
    _, data = cv2.imencode(kind, pixels, options)
    return data.tobytes()
