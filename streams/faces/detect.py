"""Finds faces with YuNet (run by onnxruntime, decoded as OpenCV's FaceDetectorYN does, at half its time)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from graph.domain.box import iou
from streams.faces.geometry import Box, Pixels, Square, cut, enlarge, pad, resize
from streams.faces.runtime import open_session

LONG_SIDE: Final = 640
"""Of faces with 24 px in the detector's picture 96 in 100 are found, with 20 px 86, with 16 px 53 (160 press
photographs); twice the side costs six times the time."""
WIDE_SIDE: Final = 1920
"""A larger picture is looked at in its own size too, up to this one: of faces with 24 px 94 in 100 pairs are told apart
from strangers, and in a photo of 4,000 px a child at the back has 60 px."""
_WIDER: Final = 1.25
"""A look in a size less than so much larger finds hardly another face."""
GLANCE_SIDE: Final = 320
"""A glance takes a quarter of a look's time: three of them at every picture do not cost another look."""
SURE: Final = 0.8
"""Score from which on a face that lies is believed beside others: of 600 press photographs without one two had one,
at the detector's own threshold 33."""
SCORE_THRESHOLD: Final = 0.6
NMS_IOU: Final = 0.3
TOP_K: Final = 5000
"""Cuts candidates before overlaps are removed: 500 loses 8 % of 100 faces in one picture, 5000 none."""
SECOND_LOOK_SIDE: Final = 192
SECOND_LOOK_FACTOR: Final = 2.0
SAME_FACE_IOU: Final = 0.3
_DRAWN_IOU: Final = 0.2
"""With a box that a person drew, with hair and chin: up to twice as wide and high as the detector's."""
_TURNS: Final = 8
"""The detector gives good landmarks to faces that are turned by up to about 25 degrees."""
_STRIDES: Final = (8, 16, 32)
_MULTIPLE: Final = 32
_SMALLEST_LOG_SIZE, _LARGEST_LOG_SIZE = -10.0, 10.0


_Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Detected:
    """One face: box `(x, y, w, h)` and landmarks `(5, 2)` (eyes, nose, mouth corners) in the picture's pixels."""

    box: Box
    landmarks: _Floats
    score: float


class Detector:
    """YuNet with a second look at each face; holds no state between calls, so any number of threads may share it."""

    def __init__(self, model: Path, threads: int = 1, threshold: float = SCORE_THRESHOLD) -> None:
        cv2.setNumThreads(threads)  # one worker a core: OpenCV's own threads would only fight over it
        self._session = open_session(model, threads)
        self._outputs = [f"{kind}_{stride}" for kind in ("cls", "obj", "bbox", "kps") for stride in _STRIDES]
        self._threshold = threshold

    def detect(self, bgr: Pixels) -> list[Detected]:
        """All faces of the picture, best score first, then by box: the same picture always gives the same order.

        Landmarks come from a second look at each face's surroundings in the full picture: what a small detector
        picture costs is their precision, and so the embedding. Each picture is looked at lying on each side and upside
        down too: a child may lie beside somebody who sits, and scans say nothing of how they are to be held.
        """
        upright = self.first_look(bgr)
        found = upright + self._lying(bgr, upright)
        faces = [replace(face, landmarks=self.second_look(bgr, face, others_than(face, found))) for face in found]
        return sorted(faces, key=lambda face: (-face.score, face.box))

    def detect_turned(self, bgr: Pixels, degrees: int) -> list[Detected]:
        """The faces of the picture turned clockwise by 90, 180 or 270 degrees, where they are in the picture itself."""
        height, width = bgr.shape[:2]
        quarters = 4 - degrees // 90
        return [_turned_back(face, quarters, width, height) for face in self.detect(_turned_left(bgr, quarters))]

    def one_look(self, bgr: Pixels) -> list[Detected]:
        """The faces found with the picture's long side at 640 pixels."""
        return self._at(bgr, LONG_SIDE)

    def first_look(self, bgr: Pixels) -> list[Detected]:
        """The faces of one look, and those that only a larger view shows."""
        found = self.one_look(bgr)
        wide = min(max(bgr.shape[:2]), WIDE_SIDE)
        if wide < _WIDER * LONG_SIDE:
            return found
        more = self._at(bgr, wide)
        return found + [face for face in more if all(iou(face.box, known.box) < SAME_FACE_IOU for known in found)]

    def _lying(self, bgr: Pixels, upright: Sequence[Detected]) -> list[Detected]:
        """The faces that only the picture turned by one, two or three quarters shows.

        Where a glance shows one there follows a look, at the surest glance first. Of a picture that shows nobody
        upright, that first one is believed as an upright look is.
        """
        height, width = bgr.shape[:2]
        scale = GLANCE_SIDE / max(height, width)
        small = resize(bgr, max(1, round(width * scale)), max(1, round(height * scale)))
        known = [_scaled(face, small.shape[1] / width, small.shape[0] / height, 0.0, 0.0) for face in upright]
        glances: list[tuple[float, float, int]] = []
        for quarters in (1, 2, 3):
            seen = self._new(self._run(_turned_left(small, quarters)), quarters, small, known)
            scores = [face.score for face in seen]
            glances.append((sum(scores), max(scores, default=0.0), quarters))
        found: list[Detected] = []
        for _, surest, quarters in sorted(glances, reverse=True):
            known = [*upright, *found]
            least = SURE if known else self._threshold
            if surest >= least:
                seen = self._new(self.first_look(_turned_left(bgr, quarters)), quarters, bgr, known)
                found += [face for face in seen if face.score >= least]
        return found

    def _new(self, turned: Sequence[Detected], quarters: int, bgr: Pixels, known: Sequence[Detected]) -> list[Detected]:
        """The faces seen in a picture after so many quarter turns, where they are in it; none that is known."""
        height, width = bgr.shape[:2]
        seen = [_turned_back(face, quarters, width, height) for face in turned]
        return [face for face in seen if all(iou(face.box, other.box) < SAME_FACE_IOU for other in known)]

    def _at(self, bgr: Pixels, long_side: int) -> list[Detected]:
        """The faces found with the picture's long side at so many pixels, in the full picture's pixels."""
        height, width = bgr.shape[:2]
        scale = long_side / max(height, width)
        small = resize(bgr, max(1, round(width * scale)), max(1, round(height * scale)))
        x_scale, y_scale = width / small.shape[1], height / small.shape[0]
        return [_scaled(face, x_scale, y_scale, 0.0, 0.0) for face in self._run(small)]

    def second_look(self, bgr: Pixels, face: Detected, others: Sequence[Box] = ()) -> _Floats:
        """The landmarks seen from close by, the head turned upright as the first look has it; the first look's where
        the close view shows no such face. `others` are the boxes of the picture's other faces: see `_there`.

        Close by, the landmarks of a head that leans by 20 degrees are those of an upright one: its embedding has a
        cosine of 0.8 to that of the same face upright, and of 0.97 when the view is turned (40 press photographs).
        """
        view, region = cut(bgr, enlarge(face.box, SECOND_LOOK_FACTOR), SECOND_LOOK_SIDE)
        again = self._turned(view, region, _lean(face.landmarks))
        there = _there(again, face.box, others, SAME_FACE_IOU)
        return max(there, key=lambda seen: iou(seen.box, face.box), default=face).landmarks

    def look_at(self, bgr: Pixels, box: Box, others: Sequence[Box]) -> Detected | None:
        """The face that is seen in a box from close by, best score of eight turns; None where none is seen.
        `others` are the boxes of the picture's other faces: see `_there`.

        A face that lies on its side or upside down is missed, or seen with the landmarks of an upright one: its
        embedding then has a cosine of 0.1 to that of the same face upright.
        """
        view, region = cut(bgr, enlarge(box, SECOND_LOOK_FACTOR), SECOND_LOOK_SIDE)
        found = [seen for turn in range(_TURNS) for seen in self._turned(view, region, turn * 360 / _TURNS)]
        best = max(_there(found, box, others, _DRAWN_IOU), key=lambda seen: seen.score, default=None)
        return None if best is None else replace(best, landmarks=self.second_look(bgr, best, others))

    def look_at_mark(self, bgr: Pixels, box: Box) -> Detected | None:
        """The face that is seen in a box that a person drew; None where none is seen, or only its neighbour."""
        others = [face.box for face in self.first_look(bgr) if iou(face.box, box) < _DRAWN_IOU]
        return self.look_at(bgr, box, others)

    def _turned(self, view: Pixels, region: Square, turn: float) -> list[Detected]:
        """The faces seen in a close view of a region, turned by so many degrees, in the full picture's pixels."""
        scale, middle = region.side / SECOND_LOOK_SIDE, SECOND_LOOK_SIDE / 2
        turned = cv2.getRotationMatrix2D((middle, middle), turn, 1.0)
        back = np.asarray(cv2.invertAffineTransform(turned), np.float32)
        found = self._run(np.asarray(cv2.warpAffine(view, turned, (SECOND_LOOK_SIDE, SECOND_LOOK_SIDE)), np.uint8))
        return [_scaled(_moved(seen, back), scale, scale, region.x, region.y) for seen in found]

    def _run(self, bgr: Pixels) -> list[Detected]:
        """Faces in the pixels of `bgr`, which is given to the network as it is, padded to a multiple of 32."""
        below, beside = -bgr.shape[0] % _MULTIPLE, -bgr.shape[1] % _MULTIPLE
        if below or beside:
            bgr = pad(bgr, 0, below, 0, beside)
        # Not blobFromImage: it needs more memory, and six times as long where that is mapped anew each time.
        planes = np.stack(cv2.split(bgr), dtype=np.float32)[np.newaxis]
        outputs: list[_Floats] = self._session.run(self._outputs, {"input": planes})
        width = bgr.shape[1]
        rows = [_decode(outputs[i::3], stride, width // stride, self._threshold) for i, stride in enumerate(_STRIDES)]
        boxes, points, scores = (np.concatenate(parts) for parts in zip(*rows, strict=True))
        if len(scores) == 0:
            return []
        keep = cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), self._threshold, NMS_IOU, 1.0, TOP_K)
        return [Detected(_box(boxes[i]), points[i], float(scores[i])) for i in np.asarray(keep).ravel()]


def others_than(face: Detected, faces: Sequence[Detected]) -> list[Box]:
    """The boxes of all but this one of a picture's faces."""
    return [other.box for other in faces if other is not face]


def _there(seen: Sequence[Detected], box: Box, others: Sequence[Box], least: float) -> list[Detected]:
    """What was seen of the face in `box`: overlaps it by `least`, and by more than any of the `others`.

    Of two heads side by side the one in front is seen best from close by, also where the one behind was looked for,
    who would get its landmarks and be missed.
    """
    return [
        face
        for face in seen
        if (overlap := iou(face.box, box)) >= least and all(iou(face.box, other) < overlap for other in others)
    ]


def _decode(outputs: list[_Floats], stride: int, columns: int, threshold: float) -> tuple[_Floats, _Floats, _Floats]:
    """Boxes (n, 4), landmarks (n, 5, 2) and scores (n,) of one output grid, for cells at or above the threshold.

    Formula: opencv/modules/objdetect/src/face_detect.cpp, FaceDetectorYNImpl::postProcess.
    """
    cls, obj, bbox, kps = (output[0] for output in outputs)
    all_scores = np.sqrt(np.clip(cls[:, 0], 0, 1) * np.clip(obj[:, 0], 0, 1))
    cells = np.flatnonzero(all_scores >= threshold)
    corner = np.stack([cells % columns, cells // columns], axis=1).astype(np.float32)
    centre = (corner + bbox[cells, :2]) * stride
    size = np.exp(np.clip(bbox[cells, 2:], _SMALLEST_LOG_SIZE, _LARGEST_LOG_SIZE)) * stride
    points = (kps[cells].reshape(-1, 5, 2) + corner[:, None]) * stride
    return np.hstack([centre - size / 2, size]), points, all_scores[cells]


def _box(row: _Floats) -> Box:
    x, y, w, h = (float(value) for value in row)
    return x, y, w, h


def _lean(landmarks: _Floats) -> float:
    """By how many degrees a head is turned clockwise: the line of the eyes, and that from them to the mouth."""
    eyes = landmarks[1] - landmarks[0]
    down = (landmarks[3] + landmarks[4] - landmarks[0] - landmarks[1]) / 2
    return math.degrees(math.atan2(float(eyes[1] - down[0]), float(eyes[0] + down[1])))


def _moved(face: Detected, matrix: _Floats) -> Detected:
    """The face after an affine movement (2, 3) without scaling; its box keeps its size around the moved middle."""
    x, y, width, height = face.box
    middle = matrix @ np.array([x + width / 2, y + height / 2, 1], np.float32)
    points = face.landmarks @ matrix[:, :2].T + matrix[:, 2]
    return Detected((float(middle[0]) - width / 2, float(middle[1]) - height / 2, width, height), points, face.score)


def _turned_left(bgr: Pixels, quarters: int) -> Pixels:
    """The picture after one, two or three quarter turns to the left, in a tenth of the time of numpy's rot90."""
    how = (cv2.ROTATE_90_COUNTERCLOCKWISE, cv2.ROTATE_180, cv2.ROTATE_90_CLOCKWISE)[quarters - 1]
    return np.asarray(cv2.rotate(bgr, how), np.uint8)


def _turned_back(face: Detected, quarters: int, width: int, height: int) -> Detected:
    """The face in a picture of this size, given where it is after so many quarter turns to the left."""
    (x, y, w, h), points = face.box, face.landmarks
    for left in range(quarters, 0, -1):
        wide = width if left % 2 else height  # of the picture after one turn less
        x, y, w, h = wide - y - h, x, h, w
        points = np.stack([wide - points[:, 1], points[:, 0]], axis=1)
    return Detected((x, y, w, h), points, face.score)


def _scaled(face: Detected, x_scale: float, y_scale: float, x: float, y: float) -> Detected:
    left, top, width, height = face.box
    box = (x + left * x_scale, y + top * y_scale, width * x_scale, height * y_scale)
    landmarks = face.landmarks * np.array([x_scale, y_scale], np.float32) + np.array([x, y], np.float32)
    return Detected(box, landmarks, face.score)
