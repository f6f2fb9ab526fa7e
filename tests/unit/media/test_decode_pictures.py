"""Every legal kind of picture becomes upright BGR pixels; drawn quarters show colour order and orientation."""

import base64
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from streams.media.decode import Decoder
from tests.support.factories_odd_pictures import QUARTERS_AS_HEIC
from tests.support.factories_pictures import BLUE, GREEN, RED, WHITE, corners, encoded, quarters

_IN_PLACE = [RED, GREEN, BLUE, WHITE]


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    decoder = Decoder()
    yield decoder
    decoder.close()


def near(found: list[tuple[int, int, int]], expected: list[tuple[int, int, int]], tolerance: int = 12) -> bool:
    return bool(np.abs(np.array(found) - np.array(expected)).max() <= tolerance)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP"])
@pytest.mark.parametrize(("degrees", "places"), [(90, [2, 0, 3, 1]), (180, [3, 2, 1, 0]), (270, [1, 3, 0, 2])])
def test_a_picture_that_an_earlier_release_stored_with_a_note_is_seen_turned(
    decoder: Decoder, kind: str, degrees: int, places: list[int]
) -> None:
    noted = encoded(quarters(), kind) + b"\nredthread turned %03d\n" % degrees
    picture = decoder.decode(noted, None)

    assert near(corners(picture.bgr), [_IN_PLACE[place] for place in places])
    assert (picture.width, picture.height) == ((64, 48) if degrees == 180 else (48, 64))
    assert picture.bgr.shape == (picture.height, picture.width, 3)


@pytest.mark.parametrize(
    ("kind", "content_type"),
    [
        ("JPEG", "image/jpeg"),
        ("PNG", "image/png"),
        ("GIF", "image/gif"),
        ("WEBP", "image/webp"),
        ("BMP", "image/bmp"),
        ("TIFF", "image/tiff"),
        ("AVIF", "image/avif"),
        ("JPEG2000", "image/jp2"),
        ("PPM", "image/x-portable-anymap"),
    ],
)
def test_each_kind_of_picture_keeps_its_colours_in_place(decoder: Decoder, kind: str, content_type: str) -> None:
    picture = decoder.decode(encoded(quarters(), kind), None)

    assert near(corners(picture.bgr), _IN_PLACE)
    assert (picture.width, picture.height, picture.frames) == (64, 48, 1)
    assert picture.bgr.shape == (48, 64, 3)
    assert picture.bgr.dtype == np.uint8
    assert picture.content_type == content_type


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_is_turned_upright(decoder: Decoder, orientation: int) -> None:
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = quarters() if orientation == 1 else quarters().transpose(undo[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation

    picture = decoder.decode(encoded(stored, "JPEG", exif=exif, quality=95), "image/jpeg")

    assert (picture.width, picture.height) == (64, 48)
    assert near(corners(picture.bgr), _IN_PLACE)


def test_damaged_exif_data_do_not_cost_the_picture(decoder: Decoder) -> None:
    exif = b"Exif\x00\x00MM\x00*\xff\xff\xff\xff" + b"\x99" * 40

    assert near(corners(decoder.decode(encoded(quarters(), "JPEG", exif=exif), None).bgr), _IN_PLACE)


def test_the_time_of_capture_is_read_with_its_zone(decoder: Decoder) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2024:05:17 13:45:01"
    exif.get_ifd(0x8769)[0x9011] = "+02:00"

    assert decoder.decode(encoded(quarters(), "JPEG", exif=exif), None).captured_at == "2024-05-17T13:45:01+02:00"
    assert decoder.decode(encoded(quarters(), "JPEG"), None).captured_at is None


def test_cmyk_becomes_rgb(decoder: Decoder) -> None:
    assert near(corners(decoder.decode(encoded(quarters().convert("CMYK"), "JPEG", quality=95), None).bgr), _IN_PLACE)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_and_not_clipped(decoder: Decoder, kind: str) -> None:
    ramp = np.tile(np.linspace(0, 65535, 256).astype(np.uint16), (16, 1))

    bgr = decoder.decode(encoded(Image.fromarray(ramp), kind), None).bgr

    assert np.abs(bgr[8, :, 1].astype(int) - np.arange(256)).max() <= 1


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_values_without_a_fixed_range_are_stretched_over_their_own(decoder: Decoder, dtype: type) -> None:
    ramp = np.tile(np.linspace(-300_000, 700_000, 256).astype(dtype), (16, 1))

    bgr = decoder.decode(encoded(Image.fromarray(ramp), "TIFF"), None).bgr

    assert np.abs(bgr[8, :, 1].astype(int) - np.arange(256)).max() <= 1


def test_grey_palette_and_bilevel_pictures_become_colour(decoder: Decoder) -> None:
    for mode in ("L", "1"):
        bgr = decoder.decode(encoded(quarters().convert(mode), "PNG"), None).bgr
        assert tuple(bgr[40, 60]) == (255, 255, 255)
        assert len({int(value) for value in bgr[5, 5]}) == 1
    assert near(corners(decoder.decode(encoded(quarters().quantize(8), "PNG"), None).bgr), _IN_PLACE)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_pixels_show_mid_grey(decoder: Decoder, mode: str) -> None:
    image = quarters().convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 32, 24))
    data = encoded(image.quantize(8) if mode == "P" else image.convert(mode), "PNG")

    top_left, *rest = corners(decoder.decode(data, None).bgr)

    assert near([top_left], [(128, 128, 128)])
    if mode != "LA":
        assert near(rest, _IN_PLACE[1:])


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_an_animation_the_first_frame_is_seen_and_the_frames_are_counted(decoder: Decoder, kind: str) -> None:
    later = [Image.new("RGB", (64, 48), colour) for colour in ("black", "yellow")]

    picture = decoder.decode(encoded(quarters(), kind, save_all=True, append_images=later), None)

    assert picture.frames == 3
    assert near(corners(picture.bgr), _IN_PLACE)


def test_a_phones_multi_picture_jpeg_counts_as_one_picture(decoder: Decoder) -> None:
    picture = decoder.decode(encoded(quarters(), "MPO", save_all=True, append_images=[quarters(32, 24)]), None)

    assert (picture.frames, picture.content_type, picture.width) == (1, "image/jpeg", 64)


def test_heif_is_read(decoder: Decoder) -> None:
    picture = decoder.decode(base64.b64decode(QUARTERS_AS_HEIC), "image/heic")

    assert (picture.width, picture.height, picture.content_type) == (64, 48, "image/heif")
    assert near(corners(picture.bgr), _IN_PLACE, tolerance=40)


def test_a_declared_type_that_is_wrong_changes_nothing(decoder: Decoder) -> None:
    assert decoder.decode(encoded(quarters(), "PNG"), "image/jpeg").content_type == "image/png"
    assert decoder.decode(encoded(quarters(), "JPEG"), "video/mp4").content_type == "image/jpeg"


def test_a_large_picture_arrives_whole(decoder: Decoder) -> None:
    """Larger than one strip and than the pipe."""
    values = np.random.default_rng(3).integers(0, 256, (1301, 2003, 3), np.uint8)

    bgr = decoder.decode(encoded(Image.fromarray(values), "BMP"), None).bgr

    assert np.array_equal(bgr[:, :, ::-1], values)
