"""How good a face is, and the sentence that says what limits it."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.domain.comparison import TOO_POOR_BELOW
from streams.faces.quality import CUT_FROM, LIMITED_BELOW, Signals, graded, quality, signals

POOR = Signals(
    norm=6.0,
    detection_score=0.93,
    eyes_px=42.0,
    turned=0.05,
    sharpness=0.1,
    brightness=130.0,
    outside=0.0,
    eyes_inside=2,
)
"""Nothing of it but the norm says that it is poor."""
FRONT = np.array([[40, 50], [72, 50], [56, 68], [43, 87], [69, 87]], np.float32)
TEMPLATE = np.array([[38.3, 51.7], [73.5, 51.5], [56.0, 71.7], [41.5, 92.4], [70.7, 92.2]], np.float32)
"""Where the recogniser has eyes, nose and mouth corners in its square of 112 px (ArcFace's template)."""
WHOLE = 112, 112
"""A picture that holds all of such a face."""


def drawn(level: int = 128, contrast: int = 60) -> np.ndarray:
    """A crop of 112 px with a fine pattern, never a person."""
    rows, columns = np.mgrid[0:112, 0:112]
    fine = np.where((rows // 3 + columns // 3) % 2, contrast, -contrast)
    return np.repeat(np.clip(level + fine, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)


seen = st.tuples(st.floats(0, 40), st.floats(0, 500), st.floats(0, 3))


@given(seen, seen)
def test_quality_lies_between_0_and_1_and_rises_with_norm_pixels_and_sharpness(
    one: tuple[float, float, float], other: tuple[float, float, float]
) -> None:
    better = [max(pair) for pair in zip(one, other, strict=True)]

    assert 0 <= quality(*one) <= quality(*better) <= 1


@pytest.mark.parametrize(
    ("norm", "eyes_px", "sharpness", "found_again"),
    [
        (12.6, 42, 0.1, 0.99),
        (10.0, 42, 0.1, 0.94),
        (8.5, 42, 0.1, 0.83),  # dark
        (8.5, 42, 0.02, 0.45),  # blurred
        (11.0, 42, 0.012, 0.79),  # moved
        (9.0, 10, 0.05, 0.47),  # small
        (6.0, 42, 0.1, 0.37),
    ],
)
def test_quality_is_the_share_of_such_faces_that_are_found_again(
    norm: float, eyes_px: float, sharpness: float, found_again: float
) -> None:
    assert quality(norm, eyes_px, sharpness) == pytest.approx(found_again, abs=0.01)


def test_a_face_of_which_most_are_not_found_again_is_too_poor_and_a_good_one_needs_no_reason() -> None:
    assert graded(replace(POOR, norm=12.0)).because is None
    for norm in np.linspace(5, 13, 40):
        judged = graded(replace(POOR, norm=float(norm)))
        assert (judged.too_poor_because is None) == (judged.quality >= TOO_POOR_BELOW)
        assert (judged.because is None) == (judged.quality >= LIMITED_BELOW)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"eyes_px": 9.4}, "only 9 pixels between the eyes"),
        ({"eyes_px": 9.4, "sharpness": 0.001}, "only 9 pixels between the eyes"),
        ({"brightness": 15.0}, "too dark"),
        ({"brightness": 245.0}, "too bright"),
        ({"sharpness": 0.004}, "blurred"),
        ({"turned": 0.5}, "turned away"),
        ({"detection_score": 0.62}, "hardly looks like a face"),
        ({}, "partly covered"),
    ],
)
def test_the_reason_names_what_limits_the_face_most(changed: dict[str, float], said: str) -> None:
    judged = graded(replace(POOR, **changed))

    assert said in str(judged.because)
    assert str(judged.too_poor_because).startswith("The face is too poor to compare: ")
    assert said in str(judged.too_poor_because)


def test_missing_landmarks_are_given_as_the_reason() -> None:
    assert "no eyes, nose and mouth were found" in str(graded(POOR, landmarks_seen=False).too_poor_because)


def test_blur_darkness_light_and_a_turned_head_show_in_their_own_signal() -> None:
    sharp = signals(drawn(), FRONT, WHOLE, 0.9, 12.0)
    blurred = signals(cv2.GaussianBlur(drawn(), (0, 0), 4), FRONT, WHOLE, 0.9, 12.0)
    dark, light = signals(drawn(16, 6), FRONT, WHOLE, 0.9, 12.0), signals(drawn(240, 12), FRONT, WHOLE, 0.9, 12.0)
    turned = signals(drawn(), FRONT + np.float32([[0, 0], [0, 0], [12, 0], [0, 0], [0, 0]]), WHOLE, 0.9, 12.0)

    assert sharp.eyes_px == 32 and sharp.turned == pytest.approx(0, abs=1e-6)
    assert blurred.sharpness < 0.05 * sharp.sharpness
    assert dark.sharpness == pytest.approx(sharp.sharpness, rel=0.05), "less contrast is no blur"
    assert dark.brightness < 20 and light.brightness > 230
    assert turned.turned > 0.35


@pytest.mark.parametrize("degrees", [0, 30, 45, 90, 135])
def test_motion_blur_lowers_sharpness_in_any_direction(degrees: float) -> None:
    line = np.zeros((15, 15), np.float32)
    line[7] = 1 / 15
    path = cv2.warpAffine(line, cv2.getRotationMatrix2D((7, 7), degrees, 1), (15, 15))
    crop = np.random.default_rng(1).integers(0, 255, (112, 112, 3)).astype(np.uint8)

    moved = signals(cv2.filter2D(crop, -1, path / path.sum()), FRONT, WHOLE, 0.9, 12.0)

    assert moved.sharpness < 0.2 * signals(crop, FRONT, WHOLE, 0.9, 12.0).sharpness


def test_a_crop_without_any_detail_has_no_sharpness() -> None:
    assert signals(np.full((112, 112, 3), 90, np.uint8), FRONT, WHOLE, 0.9, 12.0).sharpness == 0


def test_the_signals_of_a_leaning_head_are_those_of_an_upright_one() -> None:
    turn = np.array([[0, -1], [1, 0]], np.float32)

    leaning, upright = signals(drawn(), FRONT @ turn.T, WHOLE, 0.9, 12.0), signals(drawn(), FRONT, WHOLE, 0.9, 12.0)

    assert (leaning.eyes_px, leaning.turned) == pytest.approx((upright.eyes_px, upright.turned))


def test_a_face_that_the_edge_cuts_is_compared_however_poor_it_is() -> None:
    half = replace(POOR, outside=0.45, eyes_inside=1, turned=0.5, sharpness=0.004)

    judged = graded(half)

    assert judged.quality < TOO_POOR_BELOW, "it is as hard to find again as any"
    assert judged.because == "The face is hard to compare: the picture's edge cuts it."
    assert judged.too_poor_because is None
    assert graded(replace(half, outside=CUT_FROM - 0.01)).too_poor_because is not None


def test_a_cut_face_without_eyes_is_too_poor() -> None:
    mouth = graded(replace(POOR, outside=0.55, eyes_inside=0))

    assert mouth.too_poor_because == "The face is too poor to compare: the picture's edge cuts off both eyes."


def test_a_box_at_the_edge_in_which_no_face_was_seen_is_too_poor() -> None:
    assert graded(replace(POOR, outside=0.45, eyes_inside=1), landmarks_seen=False).too_poor_because is not None


def test_a_good_face_at_the_edge_needs_no_reason() -> None:
    assert graded(replace(POOR, norm=13.0, outside=0.45, eyes_inside=1)).because is None


@pytest.mark.parametrize(
    ("landmarks", "picture", "outside", "eyes_inside"),
    [
        (TEMPLATE, (112, 112), 0.0, 2),
        (TEMPLATE * 3, (336, 336), 0.0, 2),
        (TEMPLATE, (56, 112), 0.5, 1),  # its left half is kept
        (TEMPLATE - np.float32([56, 0]), (56, 112), 0.5, 1),  # its right half
        (TEMPLATE, (112, 64), 48 / 112, 2),  # what is above the nose
        (TEMPLATE - np.float32([0, 64]), (112, 48), 64 / 112, 0),  # what is below
        (np.float32([112, 0]) + TEMPLATE @ np.float32([[0, 1], [-1, 0]]), (112, 56), 0.5, 1),  # lying, its left half
        (TEMPLATE + 500, (112, 112), 1.0, 0),
    ],
)
def test_how_much_of_a_face_lies_outside_the_picture_and_how_many_of_its_eyes_do_not(
    landmarks: np.ndarray, picture: tuple[int, int], outside: float, eyes_inside: int
) -> None:
    seen = signals(drawn(), landmarks, picture, 0.9, 12.0)

    assert (seen.outside, seen.eyes_inside) == (pytest.approx(outside, abs=0.01), eyes_inside)
