"""Finds all faces of a decoded picture: detects, grades and embeds them, and cuts them out for people."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from graph.domain.box import iou
from graph.domain.crop_view import DISPLAY_FACTOR, quarter_turns
from graph.domain.ids import face_id
from streams.faces.detect import SAME_FACE_IOU, Detector
from streams.faces.embed import Embedder, align
from streams.faces.geometry import (
    Box,
    Detection,
    Pixels,
    boxes_of_others,
    clip,
    cut,
    enlarge,
    part,
    rotated_left,
)
from streams.faces.looks import Exposure, exposures
from streams.faces.models import ModelFiles
from streams.faces.quality import graded, signals
from streams.media.decode import Picture

DISPLAY_SIDE: Final = 1024
"""The most that people need to compare faces on a screen; a smaller face is shown in the picture's own pixels."""
CONTEXT_SIDE: Final = 1600
"""The most of a context view: enough to recognise a room, on a screen that shows it whole."""
_CONTEXT_FACTOR: Final = 3.0
"""Clothes and what stands beside the face, without most of the picture."""
_JPEG_QUALITY: Final = 90
ROTATED_BELOW: Final = 10.0
"""Norm below which rotations of a face are tried: of press photographs rotated by 45 degrees and more 99 in 100 are
below it, of upright ones three."""
_SAME_LANDMARKS: Final = 0.08
"""Mean distance of two detections' landmarks, as a share of the box's height: for a lying face it is twice that."""
_MEAN_LANDMARKS: Final = np.array([[0.28, 0.385], [0.72, 0.385], [0.5, 0.58], [0.31, 0.737], [0.69, 0.737]], np.float32)
"""Eyes, nose and mouth corners as shares of a face's box: the mean of 244 press photographs, made symmetric. A face
aligned by the box alone has a cosine of about 0.5 to the same face aligned by its landmarks."""


@dataclass(frozen=True)
class FoundFace:
    """One face of a picture, ready to be recorded; `box` is clipped to the picture, in pixels after EXIF rotation.

    `vector` is float32 (d,) of unit length and `norm` its length before. `display_crop` is a JPEG of the picture's own
    pixels, reduced to 1,024 px where it has more, with the eyes above the mouth; `aligned_crop` a PNG of 112 px from
    which the face can be reembedded. `crop_region` is what the display crop shows: left, top and side, in the
    picture's pixels and perhaps beyond its edges. `context_view` is a JPEG of three times the box as far as the
    picture has it, up to 1,600 px, turned like the display crop. Of a dark or flat picture all show what was compared:
    the contrast stretched.
    `landmarks` and `detection_score` are None for a marked face that the detector does not find: it is aligned by its
    box alone.
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
    crop_region: tuple[int, int, int]
    aligned_crop: bytes
    context_view: bytes


@dataclass(frozen=True, slots=True)
class _Seen:
    """A face, where it was seen, and the boxes of the other faces there."""

    face: Detection
    exposure: Exposure
    others: Sequence[Box]


class FaceFinder:
    """Detector and recogniser together. Stateless, so threads may share it."""

    def __init__(self, models: ModelFiles, threads: int = 1) -> None:
        self._detector_id = models.detector_id
        self._detector = Detector(models.detector, threads)
        self._embedder = Embedder(models.recogniser, threads)

    def find(self, picture: Picture, media_id: str, turn: int = 0) -> list[FoundFace]:
        """Every face of the picture, in the detector's order, which gives the ordinals. Blocks: call it in a thread.

        A `turn` (90, 180 or 270 degrees clockwise) adds the faces found only in the turned picture, after the others
        and under separate ids, so that ids do not depend on earlier turns; for a face found in both, the detection with
        the higher norm. Boxes and landmarks are those in the unturned picture.
        """
        views = exposures(picture.bgr)
        faces = _once(views, self._detector.detect)
        seen = _once(views, lambda bgr: self._detector.detect_turned(bgr, turn)) if turn else []
        found: list[FoundFace] = []
        for ordinal, one in enumerate(faces):
            name = face_id(media_id, self._detector_id, ordinal)
            twins = [replace(twin, others=one.others) for twin in seen if _same(twin.face, one.face)]
            detections = [self._upright(each, name, ordinal) for each in (one, *twins)]
            found.append(max(detections, key=lambda detection: detection.norm))
        new = [one for one in seen if not any(_same(one.face, known.face) for known in faces)]
        for number, one in enumerate(new):
            name = face_id(media_id, f"{self._detector_id} turned {turn}", number)
            others = [*one.others, *(known.face.box for known in faces)]
            found.append(self._upright(replace(one, others=others), name, len(found)))
        return found

    def find_marked(self, picture: Picture, box: tuple[int, int, int, int], name: str, ordinal: int) -> FoundFace:
        """The face `name` that a person marked by a box: detected there, or else aligned by the box alone. Blocks."""
        exposure = exposures(picture.bgr)[0]
        seen = self._detector.detect_marked(exposure.bgr, box)
        if seen is not None:
            return self._found(_Seen(replace(seen, box=box), exposure, ()), name, ordinal)
        alone = Detection(box, typical_landmarks(box), 0.0)
        found = self._found(_Seen(alone, exposure, ()), name, ordinal, landmarks_seen=False)
        return replace(found, landmarks=None, detection_score=None)

    def _upright(self, seen: _Seen, name: str, ordinal: int) -> FoundFace:
        """The face by its landmarks, or, where its norm is low, by those of a rotated close-up with a higher norm."""
        face, found = seen.face, self._found(seen, name, ordinal)
        if found.norm >= ROTATED_BELOW:
            return found
        turned = self._detector.detect_in_box(seen.exposure.bgr, face.box, seen.others)
        # Most poor faces are upright and blurred: the close-up has the same landmarks, and needs no embedding.
        if turned is None or np.abs(turned.landmarks - face.landmarks).mean() < _SAME_LANDMARKS * face.box[3]:
            return found
        upright = replace(seen, face=replace(face, landmarks=turned.landmarks))
        return max(found, self._found(upright, name, ordinal), key=lambda either: either.norm)

    def _found(self, seen: _Seen, name: str, ordinal: int, *, landmarks_seen: bool = True) -> FoundFace:
        """The face, aligned, embedded, graded and cut out."""
        face, bgr = seen.face, seen.exposure.bgr
        height, width = bgr.shape[:2]
        aligned = align(bgr, face.landmarks)
        vectors, norms = self._embedder.embed([aligned])
        norm = float(norms[0])
        measured = signals(aligned, face.landmarks, (width, height), face.score, norm)
        measured = replace(measured, brightness=seen.exposure.brightness(measured.brightness))
        grade = graded(measured, landmarks_seen=landmarks_seen)
        region = enlarge(face.box, DISPLAY_FACTOR)
        display, shown = cut(bgr, region, min(DISPLAY_SIDE, max(1, round(region.side))))
        quarters = quarter_turns(face.landmarks.ravel().tolist())
        return FoundFace(
            ordinal=ordinal,
            face_id=name,
            box=clip(face.box, width, height),
            landmarks=face.landmarks,
            detection_score=face.score,
            quality=grade.quality,
            quality_because=grade.because,
            too_poor_because=grade.too_poor_because,
            vector=vectors[0],
            norm=norm,
            display_crop=_jpeg(display, quarters),
            crop_region=(round(shown.x), round(shown.y), round(shown.side)),
            aligned_crop=_encoded(".png", aligned, []),
            context_view=_jpeg(part(bgr, enlarge(face.box, _CONTEXT_FACTOR), CONTEXT_SIDE), quarters),
        )


def _once(views: Sequence[Exposure], detect: Callable[[Pixels], list[Detection]]) -> list[_Seen]:
    """The faces of all views, each as it was seen in the first view that shows it."""
    found: list[tuple[Detection, Exposure]] = []
    for view in views:
        new = [face for face in detect(view.bgr) if not any(_same(face, known) for known, _ in found)]
        found += [(face, view) for face in new]
    faces = [face for face, _ in found]
    return [_Seen(face, view, boxes_of_others(face, faces)) for face, view in found]


def _same(a: Detection, b: Detection) -> bool:
    return iou(a.box, b.box) >= SAME_FACE_IOU


def typical_landmarks(box: tuple[int, int, int, int]) -> npt.NDArray[np.float32]:
    """The mean position of the five landmarks in a face's box: (5, 2), in pixels."""
    return (np.array(box[:2]) + _MEAN_LANDMARKS * np.array(box[2:])).astype(np.float32)


def _jpeg(pixels: Pixels, quarters: int) -> bytes:
    """The pixels after `quarters` quarter turns to the left, as JPEG."""
    turned = rotated_left(pixels, quarters) if quarters else pixels
    return _encoded(".jpg", turned, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])


def _encoded(kind: str, pixels: Pixels, options: list[int]) -> bytes:
    _, data = cv2.imencode(kind, pixels, options)
    return data.tobytes()
