"""From a picture to faces that can be recorded: in order, inside the picture, comparable, repeatable."""

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from graph.domain.box import iou
from graph.domain.ids import face_id
from streams.faces.detect import Detector
from streams.faces.embed import Embedder
from streams.faces.find import FaceFinder, FoundFace
from streams.faces.models import DETECTOR_ID, ModelFiles
from streams.media.decode import Decoder, Picture
from tests.support.factories_pictures import (
    astronaut,
    bystander,
    encoded,
    group_photograph,
    quarters,
    upside_down_photograph,
)

_MEDIA = "ab" * 32


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    decoder = Decoder()
    yield decoder
    decoder.close()


@pytest.fixture(scope="module")
def group(decoder: Decoder) -> Picture:
    return decoder.decode(group_photograph(), None)


@pytest.fixture(scope="module")
def group_faces(finder: FaceFinder, group: Picture) -> list[FoundFace]:
    return finder.find(group, _MEDIA)


def one(finder: FaceFinder, decoder: Decoder, image: Image.Image, kind: str = "PNG", **options: Any) -> FoundFace:
    faces = finder.find(decoder.decode(encoded(image, kind, **options), None), _MEDIA)
    return max(faces, key=lambda face: face.box[2])


def test_each_face_has_its_ordinal_id_box_and_unit_vector(group_faces: list[FoundFace], group: Picture) -> None:
    assert [face.ordinal for face in group_faces] == list(range(6))
    for face in group_faces:
        assert face.face_id == face_id(_MEDIA, DETECTOR_ID, face.ordinal)
        x, y, w, h = face.box
        assert 0 <= x < x + w <= group.width
        assert 0 <= y < y + h <= group.height
        assert face.vector.shape == (128,)
        assert face.vector.dtype == np.float32
        assert np.linalg.norm(face.vector) == pytest.approx(1, abs=1e-6)
        assert face.norm > 8
        assert (face.too_poor_because is None) == (face.quality >= 0.5)
        assert 0 < face.quality <= 1


def test_different_people_of_one_picture_are_far_apart(group_faces: list[FoundFace]) -> None:
    vectors = np.stack([face.vector for face in group_faces])
    scores = vectors @ vectors.T

    assert scores[~np.eye(6, dtype=bool)].max() < 0.35


def test_crops_are_a_jpeg_of_the_pictures_own_pixels_and_a_png_of_112(group_faces: list[FoundFace]) -> None:
    for face in group_faces:
        display, aligned = Image.open(io.BytesIO(face.display_crop)), Image.open(io.BytesIO(face.aligned_crop))
        side = 1.6 * max(face.box[2:])
        assert (display.format, display.size) == ("JPEG", pytest.approx((side, side), abs=2))
        assert (aligned.format, aligned.size) == ("PNG", (112, 112))


def test_the_context_view_shows_three_times_the_box_cut_at_the_pictures_edges_and_tells_nothing_of_its_file(
    group: Picture, group_faces: list[FoundFace]
) -> None:
    for face in group_faces:
        shown = Image.open(io.BytesIO(face.context_view))
        (x, y, w, h), reach = face.box, 1.5 * max(face.box[2:])
        wide = min(x + w / 2 + reach, group.width) - max(x + w / 2 - reach, 0)
        high = min(y + h / 2 + reach, group.height) - max(y + h / 2 - reach, 0)
        assert (shown.format, shown.size) == ("JPEG", pytest.approx((wide, high), abs=2))
        assert (dict(shown.getexif()), shown.info.get("exif"), shown.info.get("comment")) == ({}, None, None)


def test_the_display_crop_shows_the_face_in_its_own_colours(group: Picture, group_faces: list[FoundFace]) -> None:
    face = group_faces[0]
    x, y, w, h = face.box
    middle = (x + w // 2, y + h // 2)
    expected = group.bgr[middle[1] - 20 : middle[1] + 20, middle[0] - 20 : middle[0] + 20, ::-1].mean(axis=(0, 1))
    crop = np.asarray(Image.open(io.BytesIO(face.display_crop)))
    half = len(crop) // 2
    shown = crop[half - 20 : half + 20, half - 20 : half + 20]

    assert np.abs(shown.mean(axis=(0, 1)) - expected).max() < 5


def test_the_aligned_crop_embeds_to_the_same_vector(group_faces: list[FoundFace], models: ModelFiles) -> None:
    """A migration to another model starts from these crops."""
    crops = [np.asarray(Image.open(io.BytesIO(face.aligned_crop)))[:, :, ::-1] for face in group_faces]

    vectors, norms = Embedder(models.recogniser).embed([np.ascontiguousarray(crop) for crop in crops])

    assert np.array_equal(vectors, np.stack([face.vector for face in group_faces]))
    assert norms.tolist() == [face.norm for face in group_faces]


@pytest.mark.parametrize(
    "change",
    [
        lambda image: ImageOps.mirror(image),
        lambda image: image.resize((300, 300)),
        lambda image: image.rotate(20, fillcolor=(90, 90, 90)),
        lambda image: ImageEnhance.Brightness(image).enhance(0.45),
        lambda image: ImageOps.expand(image, (700, 900, 400, 300), (120, 130, 140)),
        lambda image: image.convert("L"),
        lambda image: image.crop((120, 0, 360, 300)),
    ],
    ids=["mirrored", "smaller", "turned", "darkened", "in a large picture", "grey", "cropped"],
)
def test_a_changed_copy_is_still_the_same_person(finder: FaceFinder, decoder: Decoder, change: Any) -> None:
    original, copy = astronaut(), change(astronaut())

    score = one(finder, decoder, original).vector @ one(finder, decoder, copy).vector

    assert score > 0.7


def test_colours_reach_the_recogniser_in_its_own_order(finder: FaceFinder, decoder: Decoder) -> None:
    """A picture with red and blue exchanged must embed otherwise than the right one."""
    image = astronaut()
    red, green, blue = image.split()
    right = one(finder, decoder, image)

    assert one(finder, decoder, Image.merge("RGB", (blue, green, red))).norm < right.norm


def middle(face: FoundFace) -> tuple[float, float]:
    x, y, w, h = face.box
    return x + w / 2, y + h / 2


def leaning(degrees: float) -> Image.Image:
    """The person, turned to the left on a grey picture."""
    canvas = Image.new("RGB", (700, 700), (90, 90, 90))
    canvas.paste(astronaut().crop((100, 0, 400, 300)), (200, 200))
    return canvas.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=(90, 90, 90))


@pytest.mark.parametrize("degrees", range(15, 360, 30))
def test_a_face_at_any_angle_is_still_the_same_person(finder: FaceFinder, decoder: Decoder, degrees: int) -> None:
    """The detector's landmarks of a lying face are those of an upright one: embedded by them it resembled nobody."""
    upright, turned = one(finder, decoder, leaning(0)), one(finder, decoder, leaning(degrees))

    assert float(turned.vector @ upright.vector) > 0.8
    assert turned.too_poor_because is None


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_picture_that_lies_on_its_side_or_upside_down_gives_the_faces_of_the_upright_one(
    finder: FaceFinder, decoder: Decoder, quarters: int
) -> None:
    """A small face upside down is missed; nothing in the file says how the picture is to be held."""
    upright = Image.new("RGB", (640, 480), (90, 90, 90))
    upright.paste(astronaut().crop((100, 0, 400, 300)).resize((110, 110)), (200, 60))
    [expected] = finder.find(decoder.decode(encoded(upright, "PNG"), None), _MEDIA)

    [found] = finder.find(decoder.decode(encoded(upright.rotate(90 * quarters, expand=True), "PNG"), None), _MEDIA)

    assert float(found.vector @ expected.vector) > 0.95
    x, y = middle(expected)
    there = {1: (y, 640 - x), 2: (640 - x, 480 - y), 3: (480 - y, x)}
    assert np.abs(np.array(middle(found)) - there[quarters]).max() < 5


def test_a_picture_that_is_turned_gives_the_faces_of_the_turned_one_where_they_are_in_the_file(
    finder: FaceFinder, decoder: Decoder
) -> None:
    data = upside_down_photograph()
    picture, upright = decoder.decode(data, None), Image.open(io.BytesIO(data)).rotate(180)
    wanted = finder.find(decoder.decode(encoded(upright, "PNG"), None), _MEDIA)
    [expected] = [face for face in wanted if face.box[0] > 960]

    plain, found = finder.find(picture, _MEDIA), finder.find(picture, _MEDIA, 180)

    ids = [face.face_id for face in found]
    assert (ids[:-1], len(set(ids))) == ([face.face_id for face in plain], len(found))
    assert [face.ordinal for face in found] == list(range(len(found)))
    assert iou(found[-1].box, (264, 122, 46, 58)) > 0.7
    assert float(found[-1].vector @ expected.vector) > 0.95
    shown, wanted_crop = (
        np.asarray(Image.open(io.BytesIO(face.display_crop)).convert("L"), np.float32) for face in (found[-1], expected)
    )
    assert np.abs(shown - wanted_crop).mean() < np.abs(shown[::-1, ::-1] - wanted_crop).mean() / 2


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_face_that_a_picture_shows_without_being_turned_too_is_found_once(
    finder: FaceFinder, group: Picture, group_faces: list[FoundFace], degrees: int
) -> None:
    found = finder.find(group, _MEDIA, degrees)

    twins, more = found[: len(group_faces)], found[len(group_faces) :]
    assert [face.face_id for face in twins] == [face.face_id for face in group_faces]
    assert all(float(a.vector @ b.vector) > 0.6 for a, b in zip(twins, group_faces, strict=True))
    assert all(a.norm >= b.norm for a, b in zip(twins, group_faces, strict=True))
    assert all(face.too_poor_because is not None for face in more), "what looks like a face only upside down"


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_child_that_lies_beside_somebody_upright_is_found_too(
    finder: FaceFinder, decoder: Decoder, quarters: int
) -> None:
    child = astronaut().crop((100, 0, 400, 300)).resize((220, 220))
    picture = Image.new("RGB", (640, 480), (90, 90, 90))
    picture.paste(child.rotate(90 * quarters), (60, 120))
    picture.paste(bystander(), (450, 280))

    found = finder.find(decoder.decode(encoded(picture, "PNG"), None), _MEDIA)

    assert len(found) == 2
    lying = min(found, key=lambda face: face.box[0])
    assert float(lying.vector @ one(finder, decoder, child).vector) > 0.8


def test_an_ordinary_face_is_embedded_once(
    finder: FaceFinder, decoder: Decoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Further looks are for poor ones: the recogniser is most of a picture's cost."""
    monkeypatch.setattr(Detector, "detect_in_box", lambda *_: pytest.fail("a good face was looked at again"))

    assert one(finder, decoder, astronaut()).norm > 10


def test_a_face_at_the_edge_keeps_its_box_inside_the_picture(finder: FaceFinder, decoder: Decoder) -> None:
    cropped = astronaut().crop((200, 40, 420, 260))
    face = one(finder, decoder, cropped)

    x, y, w, h = face.box
    assert 0 <= x < x + w <= 220
    assert 0 <= y < y + h <= 220


def test_a_blurred_face_is_found_and_graded_too_poor(finder: FaceFinder, decoder: Decoder) -> None:
    face = one(finder, decoder, astronaut().filter(ImageFilter.GaussianBlur(7)))

    assert face.norm < 9
    assert "too poor to compare" in (face.too_poor_because or "")
    assert face.quality < 0.6


def test_the_box_is_in_pixels_after_exif_rotation(finder: FaceFinder, decoder: Decoder) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = astronaut().crop((0, 0, 512, 400)).transpose(Image.Transpose.ROTATE_90)

    face = one(finder, decoder, turned, "JPEG", quality=95, exif=exif)

    assert np.abs(np.array(face.box) - one(finder, decoder, astronaut().crop((0, 0, 512, 400))).box).max() <= 3


def test_no_face_is_an_empty_list(finder: FaceFinder, decoder: Decoder) -> None:
    assert finder.find(decoder.decode(encoded(quarters(), "PNG"), None), _MEDIA) == []


def test_threads_that_share_a_finder_get_what_one_alone_gets(
    finder: FaceFinder, group: Picture, group_faces: list[FoundFace]
) -> None:
    with ThreadPoolExecutor(4) as pool:
        for faces in pool.map(lambda _: finder.find(group, _MEDIA), range(6)):
            assert [face.box for face in faces] == [face.box for face in group_faces]
            assert all(np.array_equal(a.vector, b.vector) for a, b in zip(faces, group_faces, strict=True))


UPSIDE_DOWN = (264, 122, 46, 58)
"""Where the face lies in `upside_down`."""


@pytest.fixture(scope="module")
def upside_down(decoder: Decoder) -> Picture:
    """A person upside down, whom the detector misses, beside an upright one."""
    return decoder.decode(upside_down_photograph(), None)


def test_a_face_that_was_missed_because_it_lies_upside_down_is_marked_and_found_by_its_other_picture(
    finder: FaceFinder, decoder: Decoder, upside_down: Picture
) -> None:
    assert [face.box[0] > 400 for face in finder.find(upside_down, _MEDIA)] == [True]  # the bystander alone
    upright = one(finder, decoder, astronaut().crop((100, 0, 400, 300)))

    for x, y, w, h in (UPSIDE_DOWN, (255, 115, 65, 75), (245, 105, 85, 95)):  # people draw boxes of many sizes
        marked = finder.find_marked(upside_down, (x, y, w, h), "cd" * 32, 3)

        assert (marked.face_id, marked.ordinal, marked.box) == ("cd" * 32, 3, (x, y, w, h))
        assert marked.landmarks is not None
        assert marked.too_poor_because is None
        assert float(marked.vector @ upright.vector) > 0.85


def test_a_marked_box_without_a_detected_face_gives_a_face_with_that_reason(
    finder: FaceFinder, upside_down: Picture
) -> None:
    marked = finder.find_marked(upside_down, (20, 300, 60, 80), "cd" * 32, 0)

    assert (marked.landmarks, marked.detection_score) == (None, None)
    assert "no eyes, nose and mouth were found" in str(marked.too_poor_because)
    assert Image.open(io.BytesIO(marked.display_crop)).size == (128, 128)
    assert Image.open(io.BytesIO(marked.context_view)).size[0] <= 3 * 80


def test_a_face_without_seen_landmarks_is_aligned_by_its_box_as_an_upright_face_lies_in_it(
    finder: FaceFinder, decoder: Decoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = decoder.decode(encoded(astronaut(), "PNG"), None)
    [found] = finder.find(picture, _MEDIA)
    monkeypatch.setattr(Detector, "detect_marked", lambda *_: None)

    marked = finder.find_marked(picture, found.box, "cd" * 32, 0)

    assert marked.landmarks is None
    assert float(marked.vector @ found.vector) > 0.5


def test_a_marked_face_that_the_detector_finds_has_its_landmarks(finder: FaceFinder, decoder: Decoder) -> None:
    picture = decoder.decode(encoded(astronaut(), "PNG"), None)
    [found] = finder.find(picture, _MEDIA)

    marked = finder.find_marked(picture, found.box, "cd" * 32, 0)

    assert float(marked.vector @ found.vector) > 0.95


def test_the_neighbour_of_a_marked_box_is_not_taken_for_it(finder: FaceFinder, group: Picture) -> None:
    face = finder.find(group, _MEDIA)[0]
    x, y, w, h = face.box

    assert finder.find_marked(group, (x + w, y, w, h), "cd" * 32, 0).landmarks is None
