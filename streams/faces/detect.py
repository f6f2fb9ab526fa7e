"""Finds faces: in the sizes and orientations that a picture needs, each confirmed in a close-up."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from graph.domain.box import iou
from graph.domain.crop_view import lean
from streams.faces.geometry import (
    Box,
    Detection,
    Floats,
    Pixels,
    Square,
    boxes_of_others,
    cut,
    enlarge,
    moved,
    rotated_back,
    rotated_left,
    scaled,
)
from streams.faces.looks import Sizes, sizes_of, tiles
from streams.faces.yunet import YuNet

SCORE_THRESHOLD: Final = 0.6
"""Least score of a face that is not confirmed by a close-up."""
ROTATED_SCORE: Final = 0.8
"""Least score of a rotated face beside others: two false ones in 600 press photographs, and 33 at the detector's own
threshold."""
CONFIRMED_SCORE: Final = 0.7
"""Least score in one of the close-ups. Of 750 faces in 30 kinds of poor and covered pictures it loses 5; in 2,400
corners of press photographs it leaves 40 boxes of 96, of which most are faces in the background."""
CLOSE_UP_SIDES: Final = (192, 128, 96)
"""Tried in turn: what noise or blur hides in the largest is seen in a smaller one."""
CLOSE_UP_FACTOR: Final = 2.0
SAME_FACE_IOU: Final = 0.3
_DRAWN_IOU: Final = 0.2
"""With a box that a person drew around hair and chin: up to twice as wide and high as the detector's."""
TURNED_SIDE: Final = 192
"""At 128 and 160 a face that leans by 45 degrees is mistaken."""
_TURNS: Final = 8
"""Rotations of a close-up: landmarks are good up to about 25 degrees."""


class Detector:
    """YuNet, with landmarks refined in a close-up of each face. Stateless, so threads may share it."""

    def __init__(self, model: Path, threads: int = 1) -> None:
        self._net = YuNet(model, threads)

    def detect(self, bgr: Pixels) -> list[Detection]:
        """All faces of the picture, best score first, then by box: the same picture always gives the same order.

        Each picture is also searched rotated by each quarter turn: a child may lie beside somebody who sits, and scans
        do not record their orientation.
        """
        sizes = sizes_of(bgr)
        found = self._upright(bgr, sizes)
        found += self._rotated(bgr, sizes, found)
        return sorted(found, key=lambda face: (-face.score, face.box))

    def detect_turned(self, bgr: Pixels, degrees: int) -> list[Detection]:
        """The faces of the picture turned clockwise by 90, 180 or 270 degrees, where they are in the picture itself."""
        height, width = bgr.shape[:2]
        quarters = 4 - degrees // 90
        return [rotated_back(face, quarters, width, height) for face in self.detect(rotated_left(bgr, quarters))]

    def detect_upright(self, bgr: Pixels) -> list[Detection]:
        """The faces found without rotating the picture."""
        return self._upright(bgr, sizes_of(bgr))

    def detect_small(self, bgr: Pixels) -> list[Detection]:
        """The faces found in the main size alone, without a close-up."""
        return [face for face in self._seen(bgr, sizes_of(bgr).upright[0]) if face.score >= SCORE_THRESHOLD]

    def _upright(self, bgr: Pixels, sizes: Sizes) -> list[Detection]:
        found: list[Detection] = []
        for size in (*sizes.upright, *sizes.small):
            found += self._confirmed(bgr, self._seen(bgr, size), found)
        return found

    def _rotated(self, bgr: Pixels, sizes: Sizes, upright: Sequence[Detection]) -> list[Detection]:
        """The faces found only in the picture rotated by one, two or three quarter turns.

        A glance decides which rotations are searched, the highest scores first. Where no face is upright, the first
        rotation needs no higher score than an upright picture.
        """
        glances: list[tuple[float, int]] = []
        for quarters in (1, 2, 3):
            seen = self._confirmed(bgr, self._seen(bgr, sizes.glance, quarters), upright)
            glances.append((sum(face.score for face in seen), quarters))
        found: list[Detection] = []
        for total, quarters in sorted(glances, reverse=True):
            known = [*upright, *found]
            least = ROTATED_SCORE if known else SCORE_THRESHOLD
            if total >= least:
                for size in sizes.upright:
                    seen = [face for face in self._seen(bgr, size, quarters) if face.score >= least]
                    found += self._confirmed(bgr, seen, [*upright, *found])
        return found

    def _seen(self, bgr: Pixels, size: Pixels, quarters: int = 0) -> list[Detection]:
        """The detections in a size of the picture rotated by quarter turns to the left, each face once, where they are
        in the picture itself."""
        (height, width), (full_height, full_width) = size.shape[:2], bgr.shape[:2]
        seen: list[Detection] = []
        for tile in tiles(rotated_left(size, quarters) if quarters else size):
            for face in self._net.faces(tile.pixels):
                there = scaled(face, 1.0, 1.0, tile.x, tile.y)
                if tile.owns(there):
                    seen.append(rotated_back(there, quarters, width, height))
        return [scaled(face, full_width / width, full_height / height, 0.0, 0.0) for face in seen]

    def _confirmed(self, bgr: Pixels, seen: Iterable[Detection], known: Sequence[Detection]) -> list[Detection]:
        """The detections that a close-up shows to be faces, with its landmarks, without those of the `known` faces."""
        new = [face for face in seen if _is_new(face, known)]
        confirmed: list[Detection] = []
        for face in sorted(new, key=lambda one: -one.score):
            if _is_new(face, confirmed):
                landmarks = self.refined_landmarks(bgr, face, boxes_of_others(face, [*known, *new]))
                if landmarks is not None:
                    confirmed.append(replace(face, landmarks=landmarks))
        return confirmed

    def refined_landmarks(self, bgr: Pixels, face: Detection, others: Sequence[Box] = ()) -> Floats | None:
        """The mean of the landmarks found in two close-ups, the second around the face that the first shows, rotated so
        that the head is upright; None where no close-up shows a face.

        `others` are the boxes of the picture's other faces: see `_matching`. Without the rotation, a head that leans
        by 20 degrees gets the landmarks of an upright one: its embedding has a cosine of 0.8 to that of the same face
        upright, and of 0.97 with the rotation (40 press photographs). With the second close-up 98.7 instead of 98.4 in
        100 pairs of one person are accepted at a false-accept rate of 1e-4 (scored; 2,293 press photographs).
        """
        for side in CLOSE_UP_SIDES:
            first = self._in_close_up(bgr, face, others, side)
            if first is not None:
                again = self._in_close_up(bgr, first, others, side)
                return first.landmarks if again is None else np.float32(0.5) * (first.landmarks + again.landmarks)
        return None

    def _in_close_up(self, bgr: Pixels, face: Detection, others: Sequence[Box], side: int) -> Detection | None:
        """The face as a close-up of this side shows it; None where it does not clearly show it."""
        view, region = cut(bgr, enlarge(face.box, CLOSE_UP_FACTOR), side)
        found = self._detect_rotated_view(view, region, lean(face.landmarks.ravel().tolist()))
        clear = [seen for seen in found if seen.score >= CONFIRMED_SCORE]
        matching = _matching(clear, face.box, others, SAME_FACE_IOU)
        return max(matching, key=lambda seen: iou(seen.box, face.box), default=None)

    def detect_in_box(self, bgr: Pixels, box: Box, others: Sequence[Box]) -> Detection | None:
        """The face in a close-up of a box, best score of eight rotations; None where none is found.

        `others` are the boxes of the picture's other faces: see `_matching`. Without rotations, a face on its side or
        upside down is missed, or gets the landmarks of an upright one: its embedding then has a cosine of 0.1 to that
        of the same face upright.
        """
        view, region = cut(bgr, enlarge(box, CLOSE_UP_FACTOR), TURNED_SIDE)
        found = [
            seen
            for turn in range(_TURNS)
            for seen in self._detect_rotated_view(view, region, turn * 360 / _TURNS)
            if seen.score >= SCORE_THRESHOLD
        ]
        best = max(_matching(found, box, others, _DRAWN_IOU), key=lambda seen: seen.score, default=None)
        if best is None:
            return None
        refined = self.refined_landmarks(bgr, best, others)
        return best if refined is None else replace(best, landmarks=refined)

    def detect_marked(self, bgr: Pixels, box: Box) -> Detection | None:
        """The face in a box that a person drew; None where none is found, or only its neighbour."""
        others = [face.box for face in self.detect_upright(bgr) if iou(face.box, box) < _DRAWN_IOU]
        return self.detect_in_box(bgr, box, others)

    def _detect_rotated_view(self, view: Pixels, region: Square, turn: float) -> list[Detection]:
        """The faces in a close-up of a region rotated by `turn` degrees, in the full picture's pixels."""
        side = view.shape[0]
        scale, middle = region.side / side, side / 2
        turned = cv2.getRotationMatrix2D((middle, middle), turn, 1.0)
        back = np.asarray(cv2.invertAffineTransform(turned), np.float32)
        found = self._net.faces(np.asarray(cv2.warpAffine(view, turned, (side, side)), np.uint8))
        return [scaled(moved(seen, back), scale, scale, region.x, region.y) for seen in found]


def _is_new(face: Detection, known: Iterable[Detection]) -> bool:
    return all(iou(face.box, other.box) < SAME_FACE_IOU for other in known)


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
