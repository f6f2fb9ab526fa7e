"""Our decoding of YuNet's output is OpenCV's, and the second look makes landmarks better, not other."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from graph.domain.box import iou
from streams.faces.detect import Detector
from streams.faces.geometry import Detection, Pixels
from streams.faces.models import ModelFiles
from streams.faces.yunet import NMS_IOU, SEEN_SCORE, TOP_K, YuNet
from tests.support.factories_pictures import astronaut, group_photograph


@pytest.fixture(scope="module")
def detector(models: ModelFiles) -> Detector:
    return Detector(models.detector)


@pytest.fixture(scope="module")
def group() -> Pixels:
    return np.asarray(cv2.imdecode(np.frombuffer(group_photograph(), np.uint8), cv2.IMREAD_COLOR), np.uint8)


@pytest.fixture(scope="module")
def person() -> Pixels:
    return np.ascontiguousarray(np.asarray(astronaut())[:, :, ::-1])


def test_it_finds_what_opencvs_own_detector_finds(models: ModelFiles, group: Pixels) -> None:
    small = np.asarray(cv2.resize(group, (640, round(group.shape[0] * 640 / group.shape[1]))), np.uint8)
    official = str(models.detector.parent / "face_detection_yunet_2023mar.onnx")
    theirs = cv2.FaceDetectorYN.create(official, "", small.shape[1::-1], SEEN_SCORE, NMS_IOU, TOP_K)
    expected = sorted(np.asarray(theirs.detect(small)[1]).tolist(), key=lambda row: -row[14])

    found = sorted(YuNet(models.detector).faces(small), key=lambda face: -face.score)

    assert len(found) == len(expected) >= 6
    for face, row in zip(found, expected, strict=True):
        assert np.allclose(face.box, row[:4], atol=0.05)
        assert np.allclose(face.landmarks.ravel(), row[4:14], atol=0.05)
        assert face.score == pytest.approx(row[14], abs=1e-3)


def test_every_face_of_a_group_is_found_best_score_first(detector: Detector, group: Pixels) -> None:
    found = detector.detect(group)

    assert len(found) == 6
    assert [face.score for face in found] == sorted((face.score for face in found), reverse=True)


def test_the_same_picture_always_gives_the_same_faces_in_the_same_order(detector: Detector, group: Pixels) -> None:
    first = detector.detect(group)
    with ThreadPoolExecutor(4) as pool:
        for again in pool.map(detector.detect, [group] * 8):
            assert [face.box for face in again] == [face.box for face in first]
            assert all(np.array_equal(a.landmarks, b.landmarks) for a, b in zip(again, first, strict=True))


def test_the_close_up_finds_the_same_face(detector: Detector, group: Pixels) -> None:
    for first in detector.detect_upright(group):
        again = detector.refined_landmarks(group, first)
        assert again is not None
        assert np.abs(again - first.landmarks).max() < 0.15 * first.box[2]


def test_of_two_heads_side_by_side_neither_gets_the_other_s_landmarks(detector: Detector, group: Pixels) -> None:
    """The one behind, half covered, is not seen from close by: she would be given the face of the one in front."""
    front = max(detector.detect_upright(group), key=lambda face: face.score)
    x, y, w, h = front.box
    behind = Detection((x + 0.45 * w, y, w, h), front.landmarks + np.float32([0.45 * w, 0]), 0.7)
    assert iou(behind.box, front.box) > 0.3

    assert detector.refined_landmarks(group, behind, [front.box]) is None
    assert detector.detect_in_box(group, behind.box, [front.box]) is None
    # Alone in the picture, the face that is seen there is the one that was meant, its box being somewhat beside.
    alone = detector.refined_landmarks(group, behind, [])
    assert alone is not None
    assert np.abs(alone - front.landmarks).max() < 0.15 * w
    assert detector.detect_in_box(group, behind.box, []) is not None


@pytest.mark.parametrize("degrees", [-25, 20, 25])
def test_the_landmarks_of_a_leaning_head_lean_with_it(detector: Detector, person: Pixels, degrees: int) -> None:
    """Seen from close by in a view that is not turned, a leaning head has an upright one's landmarks."""
    [upright] = detector.detect(person)
    turned = cv2.getRotationMatrix2D((224, 110), degrees, 1.0)
    leaning = np.asarray(cv2.warpAffine(person, turned, (512, 512), borderValue=(90, 90, 90)), np.uint8)

    [found] = detector.detect(leaning)

    expected = upright.landmarks @ turned[:, :2].T + turned[:, 2]
    assert np.abs(found.landmarks - expected).mean() < 0.05 * upright.box[2]


def test_small_faces_get_their_landmarks_from_the_full_picture(detector: Detector, person: Pixels) -> None:
    """On a large canvas the detector sees 20 pixels of the face; the landmarks must be as precise as up close."""
    truth = detector.detect(person)[0].landmarks
    canvas = np.full((3072, 3072, 3), 90, np.uint8)
    canvas[1300:1812, 1100:1612] = person

    first, full = detector.detect_small(canvas), detector.detect(canvas)

    assert len(full) == len(first) == 1
    offset = np.array([1100, 1300], np.float32)
    error_first = np.abs(first[0].landmarks - offset - truth).mean()
    error_full = np.abs(full[0].landmarks - offset - truth).mean()
    assert error_full < 2.5
    assert error_full < error_first


def test_two_faces_side_by_side_keep_their_own_landmarks(detector: Detector, person: Pixels) -> None:
    """Each lies in the other's close view."""
    face = person[20:220, 140:310]
    pair = np.hstack([face, face[:, ::-1]])
    found = sorted(detector.detect(pair), key=lambda one: one.box[0])

    assert len(found) == 2
    assert iou(found[0].box, found[1].box) < 0.1
    for one in found:
        x, y, w, h = one.box
        assert ((one.landmarks >= (x, y)) & (one.landmarks <= (x + w, y + h))).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (4000, 1), (33, 65), (640, 640), (17, 900)])
def test_a_picture_of_any_shape_without_faces_gives_none(detector: Detector, shape: tuple[int, int]) -> None:
    assert detector.detect(np.zeros((*shape, 3), np.uint8)) == []


@pytest.mark.parametrize("long_side", [960, 1280, 1900])
def test_a_face_of_28_pixels_is_found_in_a_picture_of_any_usual_size(
    detector: Detector, person: Pixels, long_side: int
) -> None:
    """It can be recognised, and at 640 pixels a picture of 1,280 shows 14 of them."""
    [face] = detector.detect(person)
    side = round(512 * 28 / face.box[3])
    photo = np.full((long_side * 3 // 4, long_side, 3), 90, np.uint8)
    photo[300 : 300 + side, 200 : 200 + side] = cv2.resize(person, (side, side), interpolation=cv2.INTER_AREA)

    [found] = detector.detect(photo)

    x, y, w, h = (value * side / 512 for value in face.box)
    assert iou(found.box, (200 + x, 300 + y, w, h)) > 0.6


def test_a_small_face_at_the_back_of_a_large_photo_is_found(detector: Detector, person: Pixels) -> None:
    face = cv2.resize(person, (240, 240), interpolation=cv2.INTER_AREA)
    photo = np.full((3000, 4000, 3), 90, np.uint8)
    photo[2000:2240, 3100:3340] = face

    found = detector.detect(photo)

    assert len(found) == 1
    x, y, w, h = found[0].box
    assert x >= 3100 and x + w <= 3340 and y >= 2000 and y + h <= 2240
