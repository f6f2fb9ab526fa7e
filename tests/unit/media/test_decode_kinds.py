"""Kinds of picture that parsers refuse, show almost black or take for something else: each is seen as it is."""

import base64
import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import cv2
import imagecodecs
import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from PIL import Image

from graph.domain.errors import Unprocessable
from graph.domain.media_kinds import may_be_media
from streams.media.decode import Decoder, Picture
from tests.support.factories_odd_pictures import JPEG, QUARTERS_AS_HEIC, THUMB, page_of, raw_photos, tiff_of
from tests.support.factories_pictures import BLUE, GREEN, RED, WHITE, corners, encoded, quarters

Values = npt.NDArray[Any]


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    decoder = Decoder()
    yield decoder
    decoder.close()


def ramp(dtype: Any, low: float, high: float) -> Values:
    return np.tile(np.linspace(low, high, 256).astype(dtype), (16, 1))


def is_ramp(picture: Picture, tolerance: int = 1) -> bool:
    return bool(np.abs(picture.bgr[8, :, 1].astype(int) - np.arange(256)).max() <= tolerance)


@pytest.mark.parametrize(("low", "high"), [(0, 1023), (0, 4095), (0, 65535), (30_000, 34_095), (64 * 16, 940 * 16)])
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "big-endian TIFF"])
def test_grey_beyond_eight_bits_is_spread_over_what_it_uses(decoder: Decoder, kind: str, low: int, high: int) -> None:
    values = ramp(np.uint16, low, high)
    if kind == "big-endian TIFF":
        data = encoded(Image.frombytes("I;16B", (256, 16), values.astype(">u2").tobytes()), "TIFF")
    else:
        data = encoded(Image.fromarray(values), kind)

    assert is_ramp(decoder.decode(data, None))


@pytest.mark.parametrize("kind", [".png", ".tiff"])
@pytest.mark.parametrize("channels", [3, 4])
def test_colour_beyond_eight_bits_is_spread_over_what_it_uses(decoder: Decoder, kind: str, channels: int) -> None:
    values = np.repeat(ramp(np.uint16, 0, 4080)[:, :, None], channels, axis=2)
    if channels == 4:
        values[:, :, 3] = 65535

    assert is_ramp(decoder.decode(cv2.imencode(kind, values)[1].tobytes(), None))


def test_a_hot_pixel_does_not_darken_the_rest(decoder: Decoder) -> None:
    values = np.tile(ramp(np.uint16, 0, 4095), (8, 1))
    values[0, 0] = 65535

    assert is_ramp(decoder.decode(encoded(Image.fromarray(values), "PNG"), None), 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("low", "high"), [(0, 1), (-3, 50)])
def test_floats_are_spread_over_what_they_use(decoder: Decoder, dtype: Any, low: float, high: float) -> None:
    values = ramp(dtype, low, high)
    colour = np.repeat(values[:, :, None], 3, axis=2)
    spoiled = values.copy()
    spoiled[0, :3] = np.nan, np.inf, -np.inf

    assert is_ramp(decoder.decode(tiff_of(page_of(colour, 2, format=3)), None))
    assert is_ramp(decoder.decode(tiff_of(page_of(spoiled, 1, format=3)), None))


def test_planes_one_behind_the_other_and_white_as_zero_are_put_right(decoder: Decoder) -> None:
    colour = np.asarray(quarters()).astype(np.uint16) * 257

    planes = decoder.decode(tiff_of(page_of(np.ascontiguousarray(colour.transpose(2, 0, 1)), 2, planar=2)), None)
    negative = decoder.decode(tiff_of(page_of(ramp(np.uint16, 65535, 0), 0)), None)

    assert corners(planes.bgr) == [RED, GREEN, BLUE, WHITE]
    assert is_ramp(negative)


@pytest.mark.parametrize("bits", [1, 2])
def test_signed_values_are_not_taken_for_unsigned(decoder: Decoder, bits: int) -> None:
    """A grey picture of signed bytes was decoded with its dark half brighter than its light one."""
    values = (np.tile(np.arange(256), (16, 1)) - 128).astype(f"i{bits}")

    assert is_ramp(decoder.decode(tiff_of(page_of(values, 1, format=2)), None))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("dtype", ["u1", "f4"])
def test_tiffs_of_any_size_and_byte_order_are_read(decoder: Decoder, order: str, dtype: str) -> None:
    out = io.BytesIO()
    tifffile.imwrite(out, ramp(dtype, 0, 255), photometric="minisblack", bigtiff=True, byteorder=order)

    assert is_ramp(decoder.decode(out.getvalue(), None))


@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_a_fourth_channel_hides_nothing_where_it_is_no_alpha(decoder: Decoder, dtype: str) -> None:
    """Infrared of 0 was taken for transparency, and the picture was grey there."""
    values = np.repeat(ramp(dtype, 0, np.iinfo(dtype).max)[:, :, None], 4, axis=2)
    values[:, :, 3] = values[:, ::-1, 3]
    out = io.BytesIO()
    tifffile.imwrite(out, values, photometric="rgb", extrasamples=["unspecified"])

    assert is_ramp(decoder.decode(out.getvalue(), None))


def test_grey_multiplied_by_alpha_is_read(decoder: Decoder) -> None:
    out, values = io.BytesIO(), np.stack([ramp("u1", 0, 255), np.full((16, 256), 255, np.uint8)], axis=2)
    tifffile.imwrite(out, values, photometric="minisblack", extrasamples=["assocalpha"], planarconfig="contig")

    assert is_ramp(decoder.decode(out.getvalue(), None))


def test_jpegs_that_pillow_does_not_know_are_turned_and_dated_too(decoder: Decoder) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8769)[0x9003] = "2024:05:17 13:45:01"
    body = b"Exif\x00\x00" + exif.tobytes().removeprefix(b"Exif\x00\x00")
    data = imagecodecs.jpegls_encode(np.asarray(quarters().transpose(Image.Transpose.ROTATE_90)))

    picture = decoder.decode(data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:], None)

    assert corners(picture.bgr) == [RED, GREEN, BLUE, WHITE]
    assert picture.captured_at == "2024-05-17T13:45:01"


@pytest.mark.parametrize("orientation", [3, 6])
def test_a_deep_tiff_is_turned_upright(decoder: Decoder, orientation: int) -> None:
    undo = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90}
    values = np.asarray(quarters().transpose(undo[orientation])).astype(np.uint16) * 257

    picture = decoder.decode(tiff_of(page_of(values, 2, orientation=orientation)), None)

    assert corners(picture.bgr) == [RED, GREEN, BLUE, WHITE]


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_transparent_picture_is_turned_like_any_other(decoder: Decoder, mode: str, orientation: int) -> None:
    turned = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    image = quarters().convert("RGBA")
    image.putpixel((0, 0), (0, 0, 0, 0))
    image = image.transpose(turned[orientation])
    image = image.quantize(16) if mode == "P" else image.convert(mode)
    exif = Image.Exif()
    exif[0x0112] = orientation

    for kind in ("PNG", "WEBP"):
        options = {"lossless": True} if kind == "WEBP" else {}
        picture = decoder.decode(encoded(image, kind, exif=exif, **options), None)
        assert (picture.width, picture.height) == (64, 48)
        colours = np.array([RED, GREEN, BLUE, WHITE])
        if mode == "LA":
            colours = np.repeat(np.dot(colours, [0.299, 0.587, 0.114])[:, None], 3, axis=1)
        assert np.abs(np.array(corners(picture.bgr)) - colours).max() < 12


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "BMP", "TGA", "TIFF"])
def test_where_alpha_hides_everything_the_colours_count(decoder: Decoder, kind: str) -> None:
    image = quarters().convert("RGBA")
    image.putalpha(0)
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}

    assert corners(decoder.decode(encoded(image, kind, **options), None).bgr) == [RED, GREEN, BLUE, WHITE]


def test_a_palette_that_is_transparent_throughout_shows_its_colours(decoder: Decoder) -> None:
    data = encoded(quarters().quantize(8), "PNG", transparency=bytes(256))

    assert np.abs(np.array(corners(decoder.decode(data, None).bgr)) - [RED, GREEN, BLUE, WHITE]).max() < 12


@pytest.mark.parametrize(
    ("kind", "content_type"),
    [
        *(("TGA", "image/x-tga"), ("ICO", "image/vnd.microsoft.icon"), ("PCX", "image/x-pcx"), ("SGI", "image/x-sgi")),
        *(("QOI", "image/qoi"),),
    ],
)
def test_more_kinds_keep_their_colours_in_place(decoder: Decoder, kind: str, content_type: str) -> None:
    data = encoded(quarters(64, 64), kind)

    picture = decoder.decode(data, None)

    assert may_be_media(data)
    assert np.abs(np.array(corners(picture.bgr)) - [RED, GREEN, BLUE, WHITE]).max() < 3
    assert picture.content_type == content_type


@pytest.mark.parametrize(
    ("encode", "content_type"),
    [
        (imagecodecs.jpegxl_encode, "image/jxl"),
        (imagecodecs.jpegxr_encode, "image/jxr"),
        (imagecodecs.jpegls_encode, "image/jpeg"),
        (lambda values: imagecodecs.jpeg8_encode(values, lossless=True), "image/jpeg"),
    ],
)
def test_jpegs_relatives_are_read(decoder: Decoder, encode: Any, content_type: str) -> None:
    data = encode(np.asarray(quarters()))
    picture = decoder.decode(data, None)
    deep = decoder.decode(imagecodecs.ljpeg_encode(ramp(np.uint16, 0, 4095)), None)

    assert may_be_media(data)
    assert corners(picture.bgr) == [RED, GREEN, BLUE, WHITE]
    assert picture.content_type == content_type
    assert is_ramp(deep)


def test_a_photoshop_file_shows_its_composite(decoder: Decoder) -> None:
    planes = np.asarray(quarters()).transpose(2, 0, 1).tobytes()
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, 48, 64, 8, 3)

    picture = decoder.decode(head + bytes(12) + b"\x00\x00" + planes, None)

    assert corners(picture.bgr) == [RED, GREEN, BLUE, WHITE]


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def test_a_png_as_iphones_pack_it_is_read(decoder: Decoder) -> None:
    values = np.dstack([np.asarray(quarters())[:, :, ::-1], np.full((48, 64), 255, np.uint8)])
    values[:24, :32] = [0, 0, 128, 128]  # half transparent red, multiplied
    packer = zlib.compressobj(wbits=-15)
    rows = packer.compress(b"".join(b"\x00" + row.tobytes() for row in values)) + packer.flush()
    head = struct.pack(">IIBBBBB", 64, 48, 8, 6, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"CgBI", b"P\x00 \x02") + chunk(b"IHDR", head) + chunk(b"IDAT", rows)

    picture = decoder.decode(data + chunk(b"IEND", b""), None)

    assert picture.partial_percent is None
    assert np.abs(np.array(corners(picture.bgr)) - [(192, 64, 64), GREEN, BLUE, WHITE]).max() < 3


@pytest.mark.parametrize("name", [b"tEXt", b"zTXt", b"iTXt"])
def test_long_texts_do_not_keep_a_png_out(decoder: Decoder, name: bytes) -> None:
    long = b"x" * 3_000_000
    body = {
        b"tEXt": b"parameters\x00" + long,
        b"zTXt": b"parameters\x00\x00" + zlib.compress(long),
        b"iTXt": b"parameters\x00\x01\x00\x00\x00" + zlib.compress(long),
    }[name]
    plain = encoded(quarters(), "PNG")

    picture = decoder.decode(plain[:33] + chunk(name, body) * 30 + plain[33:], None)

    assert corners(picture.bgr) == [RED, GREEN, BLUE, WHITE]


@pytest.mark.parametrize(
    "junk",
    [b"\n", b"\r\n", b"\x00", b"\xef\xbb\xbf", bytes(5000), b"HTTP/1.1 200 OK\r\n\r\n", b"exported by a chat\x01" * 99],
)
def test_bytes_before_a_jpeg_are_passed_over(decoder: Decoder, junk: bytes) -> None:
    data = junk + encoded(quarters(), "JPEG", quality=95)

    assert may_be_media(data)
    assert np.abs(np.array(corners(decoder.decode(data, None).bgr)) - [RED, GREEN, BLUE, WHITE]).max() < 12


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP", "AVIF", "JPEG2000"])
@pytest.mark.parametrize("junk", [b"\n", bytes(300), b"HTTP/1.1 200 OK\r\n\r\n", b"exported by a chat\x01" * 99])
def test_any_bytes_before_pictures_with_a_long_start_are_passed_over(decoder: Decoder, kind: str, junk: bytes) -> None:
    """Of AVIF, zeros before it took the zeros of its first box with them."""
    data = junk + encoded(quarters(), kind)

    assert may_be_media(data)
    assert decoder.decode(data, None).width == 64


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP"])
def test_white_space_and_zeros_before_other_pictures_too(decoder: Decoder, kind: str) -> None:
    for junk in (b"\n", b"\xef\xbb\xbf", bytes(300)):
        assert decoder.decode(junk + encoded(quarters(), kind), None).width == 64


def test_a_document_with_a_picture_inside_is_no_picture(decoder: Decoder) -> None:
    for start in (b"%PDF-1.7\n", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"ID3\x04"):
        with pytest.raises(Unprocessable) as caught:
            decoder.decode(start + encoded(quarters(), "JPEG"), None)
        assert caught.value.code == "not_an_image"


def branded(data: bytes, major: bytes) -> bytes:
    return data[:8] + major + data[12:]


@pytest.mark.parametrize("major", [b"unif", b"1pic", b"MiHE", b"miaf", b"mif2", b"MiHB"])
def test_a_still_under_a_profiles_brand_is_no_video(decoder: Decoder, major: bytes) -> None:
    heic = base64.b64decode(QUARTERS_AS_HEIC)
    avif = encoded(quarters(), "AVIF")

    assert decoder.decode(branded(heic, major), "video/mp4").content_type == "image/heif"
    assert decoder.decode(branded(avif, major), "video/mp4").content_type == "image/avif"


def test_a_film_whose_brands_name_no_picture_is_one(decoder: Decoder) -> None:
    with pytest.raises(Unprocessable) as caught:
        decoder.decode(b"\x00\x00\x00\x18ftypM4V \x00\x00\x00\x00isommp42" + bytes(99), None)

    assert caught.value.code == "video_not_supported_yet"


@pytest.mark.parametrize("kind", ["BMP", "PPM", "TGA", "GIF", "PCX"])
def test_a_picture_that_its_sender_calls_a_video_is_a_picture(decoder: Decoder, kind: str) -> None:
    assert decoder.decode(encoded(quarters(), kind), "video/quicktime").width == 64


def test_the_byte_of_a_transport_stream_makes_no_video_of_a_gif(decoder: Decoder) -> None:
    data = bytearray(encoded(quarters(), "GIF", comment=b"G" * 600))
    data[188] = data[376] = ord("G")

    assert decoder.decode(bytes(data), None).content_type == "image/gif"


@pytest.mark.parametrize("kind", raw_photos())
def test_of_a_raw_photo_the_largest_picture_that_the_camera_put_in_is_seen(decoder: Decoder, kind: str) -> None:
    data = raw_photos()[kind]

    picture = decoder.decode(data, "video/mp4" if kind == "CR3" else None)

    assert may_be_media(data)
    assert (picture.width, picture.height, picture.content_type) == (64, 48, "image/x-raw")
    assert np.abs(np.array(corners(picture.bgr)) - [RED, GREEN, BLUE, WHITE]).max() < 12


def test_a_raw_photos_preview_is_turned_as_the_photo_says(decoder: Decoder) -> None:
    turned = encoded(quarters().transpose(Image.Transpose.ROTATE_90), "JPEG", quality=95)
    thumb = page_of(np.asarray(quarters(16, 12)), 2, subfile=1, orientation=6) | {271: b"SONY\x00", 330: [0]}
    exif = Image.Exif()
    exif[0x0112] = 6
    box = b"CMT1" + exif.tobytes().removeprefix(b"Exif\x00\x00")

    for data in (tiff_of(thumb) + turned, b"\x00\x00\x00\x18ftypcrx \x00\x00\x00\x01crx isom" + box + turned):
        picture = decoder.decode(data, None)
        assert np.abs(np.array(corners(picture.bgr)) - [RED, GREEN, BLUE, WHITE]).max() < 12


def test_a_raw_photo_with_a_thumbnail_alone_is_developed(decoder: Decoder) -> None:
    """Only the thumbnail was looked at."""
    mosaic = np.zeros((240, 320), np.uint16)
    mosaic[:, 160:] = 3000
    camera = {50706: [0x01040000], 271: b"Maker\x00", 272: b"Model\x00", 50708: b"Maker Model\x00", 33421: [2, 2]}
    sensor = page_of(mosaic, 32803) | camera | {50717: [4095], 50714: [0], 33422: b"\x00\x01\x01\x02"}

    picture = decoder.decode(tiff_of(sensor) + THUMB, None)

    assert (picture.width, picture.height, picture.content_type) == (160, 120, "image/x-raw")
    assert picture.bgr[60, 20].max() < 40 < picture.bgr[60, 140].max()


def test_the_date_of_a_raw_photo_is_read(decoder: Decoder) -> None:
    exif = Image.Exif()
    exif[0x9003] = "2024:05:17 13:45:01"
    box = exif.tobytes().removeprefix(b"Exif\x00\x00")
    data = b"\x00\x00\x00\x18ftypcrx \x00\x00\x00\x01crx isom" + b"CMT1" + box + b"CMT2" + box + JPEG

    assert decoder.decode(data, None).captured_at == "2024-05-17T13:45:01"


@pytest.mark.parametrize(
    ("time", "offset", "read"),
    [
        ("2019:07:14 18:05:09", None, "2019-07-14T18:05:09"),
        ("2024:10:15 09:51:17", "+05:45", "2024-10-15T09:51:17+05:45"),
        ("2024:10:15 09:51:17", "-11:00", "2024-10-15T09:51:17-11:00"),
        ("0000:00:00 00:00:00", None, None),
        ("2023:02:30 12:00:00", None, None),
        ("2023:02:28 25:00:00", "+01:00", None),
        ("0001:01:01 00:00:00", None, None),
        ("    :  :     :  :  ", None, None),
        ("yesterday", None, None),
        ("2021:01:02 03:04:05", "+99:99", "2021-01-02T03:04:05"),
        ("2021:01:02 03:04:05", "+20:00", "2021-01-02T03:04:05"),
        ("2021:01:02 03:04:05", "zone", "2021-01-02T03:04:05"),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_the_cameras_date_is_read_where_it_is_one(
    decoder: Decoder, kind: str, time: str, offset: str | None, read: str | None
) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = time
    if offset is not None:
        exif.get_ifd(0x8769)[0x9011] = offset

    assert decoder.decode(encoded(quarters(), kind, exif=exif.tobytes()), None).captured_at == read
