"""Finds faces with YuNet (run by onnxruntime, decoded as OpenCV's FaceDetectorYN does, at half its time)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from graph.domain.box import iou
from streams.faces.geometry import (
    Box,
    Detection,
    Floats,
    Pixels,
    Square,
    boxes_of_others,
    cut,
    enlarge,
    lean,
    moved,
    pad,
    resize,
    rotated_back,
    rotated_left,
    scaled,
)
from streams.faces.runtime import open_session

LONG_SIDE: Final = 640
"""Of faces with 24 px in the detector's picture 96 in 100 are found, with 20 px 86, with 16 px 53 (160 press
photographs); twice the side costs six times the time."""
LARGE_SIDE: Final = 1920
"""A larger picture is searched in its own size too, up to this one: of faces with 24 px 94 in 100 pairs are told apart
from strangers, and in a photo of 4,000 px a child at the back has 60 px."""
_LARGER: Final = 1.25
"""A second size must be larger by this factor to find more faces."""
PREVIEW_SIDE: Final = 320
"""A preview takes a quarter of the time: three of them per picture cost less than another full detection."""
ROTATED_SCORE: Final = 0.8
"""Least score of a rotated face beside others: two false ones in 600 press photographs, and 33 at the detector's own
threshold."""
SCORE_THRESHOLD: Final = 0.6
NMS_IOU: Final = 0.3
TOP_K: Final = 5000
"""Cuts candidates before overlaps are removed: 500 loses 8 % of 100 faces in one picture, 5000 none."""
CLOSE_UP_SIDE: Final = 192
CLOSE_UP_FACTOR: Final = 2.0
SAME_FACE_IOU: Final = 0.3
_DRAWN_IOU: Final = 0.2
"""With a box that a person drew around hair and chin: up to twice as wide and high as the detector's."""
_TURNS: Final = 8
"""Rotations of a close-up: landmarks are good up to about 25 degrees."""
_STRIDES: Final = (8, 16, 32)
_MULTIPLE: Final = 32
_SMALLEST_LOG_SIZE, _LARGEST_LOG_SIZE = -10.0, 10.0


class Detector:
    """YuNet, with landmarks refined in a close-up of each face. Stateless, so threads may share it."""

    def __init__(self, model: Path, threads: int = 1, threshold: float = SCORE_THRESHOLD) -> None:
        cv2.setNumThreads(threads)  # one worker per core: OpenCV's own threads would compete for it
        self._session = open_session(model, threads)
        self._outputs = [f"{kind}_{stride}" for kind in ("cls", "obj", "bbox", "kps") for stride in _STRIDES]
        self._threshold = threshold

    def detect(self, bgr: Pixels) -> list[Detection]:
        """All faces of the picture, best score first, then by box: the same picture always gives the same order.

        Landmarks are refined in a close-up from the full picture: in a small detector picture they are imprecise, and
        so would be the embedding. Each picture is also searched rotated by each quarter turn: a child may lie beside
        somebody who sits, and scans do not record their orientation.
        """
        upright = self.detect_upright(bgr)
        found = upright + self._detect_rotated(bgr, upright)
        faces = [
            replace(face, landmarks=self.refined_landmarks(bgr, face, boxes_of_others(face, found))) for face in found
        ]
        return sorted(faces, key=lambda face: (-face.score, face.box))

    def detect_turned(self, bgr: Pixels, degrees: int) -> list[Detection]:
        """The faces of the picture turned clockwise by 90, 180 or 270 degrees, where they are in the picture itself."""
        height, width = bgr.shape[:2]
        quarters = 4 - degrees // 90
        return [rotated_back(face, quarters, width, height) for face in self.detect(rotated_left(bgr, quarters))]

    def detect_small(self, bgr: Pixels) -> list[Detection]:
        """The faces found with the picture's long side at 640 pixels."""
        return self._detect_at(bgr, LONG_SIDE)

    def detect_upright(self, bgr: Pixels) -> list[Detection]:
        """The faces found at 640 pixels, and those found only in a larger size."""
        found = self.detect_small(bgr)
        wide = min(max(bgr.shape[:2]), LARGE_SIDE)
        if wide < _LARGER * LONG_SIDE:
            return found
        more = self._detect_at(bgr, wide)
        return found + [face for face in more if all(iou(face.box, known.box) < SAME_FACE_IOU for known in found)]

    def _detect_rotated(self, bgr: Pixels, upright: Sequence[Detection]) -> list[Detection]:
        """The faces found only in the picture rotated by one, two or three quarter turns.

        A small preview decides which rotations are searched, the highest scores first. Where no face is upright, the
        first rotation needs no higher score than an upright picture.
        """
        height, width = bgr.shape[:2]
        scale = PREVIEW_SIDE / max(height, width)
        small = resize(bgr, max(1, round(width * scale)), max(1, round(height * scale)))
        known = [scaled(face, small.shape[1] / width, small.shape[0] / height, 0.0, 0.0) for face in upright]
        previews: list[tuple[float, float, int]] = []
        for quarters in (1, 2, 3):
            seen = self._unknown(self._run(rotated_left(small, quarters)), quarters, small, known)
            scores = [face.score for face in seen]
            previews.append((sum(scores), max(scores, default=0.0), quarters))
        found: list[Detection] = []
        for _, best, quarters in sorted(previews, reverse=True):
            known = [*upright, *found]
            least = ROTATED_SCORE if known else self._threshold
            if best >= least:
                seen = self._unknown(self.detect_upright(rotated_left(bgr, quarters)), quarters, bgr, known)
                found += [face for face in seen if face.score >= least]
        return found

    def _unknown(
        self, turned: Sequence[Detection], quarters: int, bgr: Pixels, known: Sequence[Detection]
    ) -> list[Detection]:
        """The detections of a rotated picture, in the coordinates of the unrotated one, without the `known` faces."""
        height, width = bgr.shape[:2]
        seen = [rotated_back(face, quarters, width, height) for face in turned]
        return [face for face in seen if all(iou(face.box, other.box) < SAME_FACE_IOU for other in known)]

    def _detect_at(self, bgr: Pixels, long_side: int) -> list[Detection]:
        """The faces found with the picture's long side at `long_side` pixels, in the full picture's pixels."""
        height, width = bgr.shape[:2]
        scale = long_side / max(height, width)
        small = resize(bgr, max(1, round(width * scale)), max(1, round(height * scale)))
        x_scale, y_scale = width / small.shape[1], height / small.shape[0]
        return [scaled(face, x_scale, y_scale, 0.0, 0.0) for face in self._run(small)]

    def refined_landmarks(self, bgr: Pixels, face: Detection, others: Sequence[Box] = ()) -> Floats:
        """The landmarks found in a close-up rotated so that the head is upright; the face's own where none are found.

        `others` are the boxes of the picture's other faces: see `_matching`. Without the rotation, a head that leans
        by 20 degrees gets the landmarks of an upright one: its embedding has a cosine of 0.8 to that of the same face
        upright, and of 0.97 with the rotation (40 press photographs).
        """
        view, region = cut(bgr, enlarge(face.box, CLOSE_UP_FACTOR), CLOSE_UP_SIDE)
        found = self._detect_rotated_view(view, region, lean(face.landmarks))
        matching = _matching(found, face.box, others, SAME_FACE_IOU)
        return max(matching, key=lambda seen: iou(seen.box, face.box), default=face).landmarks

    def detect_in_box(self, bgr: Pixels, box: Box, others: Sequence[Box]) -> Detection | None:
        """The face in a close-up of a box, best score of eight rotations; None where none is found.

        `others` are the boxes of the picture's other faces: see `_matching`. Without rotations, a face on its side or
        upside down is missed, or gets the landmarks of an upright one: its embedding then has a cosine of 0.1 to that
        of the same face upright.
        """
        view, region = cut(bgr, enlarge(box, CLOSE_UP_FACTOR), CLOSE_UP_SIDE)
        found = [
            seen for turn in range(_TURNS) for seen in self._detect_rotated_view(view, region, turn * 360 / _TURNS)
        ]
        best = max(_matching(found, box, others, _DRAWN_IOU), key=lambda seen: seen.score, default=None)
        return None if best is None else replace(best, landmarks=self.refined_landmarks(bgr, best, others))

    def detect_marked(self, bgr: Pixels, box: Box) -> Detection | None:
        """The face in a box that a person drew; None where none is found, or only its neighbour."""
        others = [face.box for face in self.detect_upright(bgr) if iou(face.box, box) < _DRAWN_IOU]
        return self.detect_in_box(bgr, box, others)

    def _detect_rotated_view(self, view: Pixels, region: Square, turn: float) -> list[Detection]:
        """The faces in a close-up of a region rotated by `turn` degrees, in the full picture's pixels."""
        scale, middle = region.side / CLOSE_UP_SIDE, CLOSE_UP_SIDE / 2
        turned = cv2.getRotationMatrix2D((middle, middle), turn, 1.0)
        back = np.asarray(cv2.invertAffineTransform(turned), np.float32)
        found = self._run(np.asarray(cv2.warpAffine(view, turned, (CLOSE_UP_SIDE, CLOSE_UP_SIDE)), np.uint8))
        return [scaled(moved(seen, back), scale, scale, region.x, region.y) for seen in found]

    def _run(self, bgr: Pixels) -> list[Detection]:
        """The faces in `bgr`, unscaled and padded to a multiple of 32, in its pixels."""
        below, beside = -bgr.shape[0] % _MULTIPLE, -bgr.shape[1] % _MULTIPLE
        if below or beside:
            bgr = pad(bgr, 0, below, 0, beside)
        # Not blobFromImage: it needs more memory, and six times as long where the memory is mapped again each time.
        planes = np.stack(cv2.split(bgr), dtype=np.float32)[np.newaxis]
        outputs: list[Floats] = self._session.run(self._outputs, {"input": planes})
        width = bgr.shape[1]
        rows = [_decode(outputs[i::3], stride, width // stride, self._threshold) for i, stride in enumerate(_STRIDES)]
        boxes, points, scores = (np.concatenate(parts) for parts in zip(*rows, strict=True))
        if len(scores) == 0:
            return []
        keep = cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), self._threshold, NMS_IOU, 1.0, TOP_K)
        return [Detection(_box(boxes[i]), points[i], float(scores[i])) for i in np.asarray(keep).ravel()]


def _matching(seen: Sequence[Detection], box: Box, others: Sequence[Box], least: float) -> list[Detection]:
    """The detections of the face in `box`: those that overlap it by `least`, and by more than any of the `others`.

    Of two heads side by side, the one in front has the best score in the close-up of either: the one behind would get
    its landmarks and be missed.
    """
    return [
        face
        for face in seen
        if (overlap := iou(face.box, box)) >= least and all(iou(face.box, other) < overlap for other in others)
    ]


def _decode(outputs: list[Floats], stride: int, columns: int, threshold: float) -> tuple[Floats, Floats, Floats]:
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


def _box(row: Floats) -> Box:
    x, y, w, h = (float(value) for value in row)
    return x, y, w, h
