"""Of a cut or damaged picture what decodes is seen, and the share of it is told; only nothing at all is refused."""

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from graph.domain.errors import Unprocessable
from streams.media.decode import Decoder, Picture
from tests.support.factories_pictures import encoded

WIDTH, HEIGHT = 320, 240


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    decoder = Decoder()
    yield decoder
    decoder.close()


def scene() -> Image.Image:
    """Soft waves with a little noise: every row differs, and no part packs much better than another."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    waves = np.stack([np.sin(x / 17 + y / 31) * 100, np.cos(y / 23 - x / 40) * 90, np.sin((x + y) / 29) * 80], axis=2)
    return Image.fromarray((waves + 128 + np.random.default_rng(7).normal(0, 6, waves.shape)).clip(0, 255).astype("u1"))


KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "baseline": ("JPEG", {"quality": 90}),
    "restarts": ("JPEG", {"quality": 90, "restart_marker_rows": 2}),
    "progressive": ("JPEG", {"quality": 90, "progressive": True}),
    "PNG": ("PNG", {}),
    "lossy WebP": ("WEBP", {"quality": 85}),
    "lossless WebP": ("WEBP", {"lossless": True}),
    "BMP": ("BMP", {}),
    "GIF": ("GIF", {}),
    "PPM": ("PPM", {}),
    "TIFF": ("TIFF", {}),
    "Targa": ("TGA", {}),
}


def written(kind: str) -> bytes:
    name, options = KINDS[kind]
    return encoded(scene(), name, **options)


def likeness(picture: Picture, rows: int) -> float:
    """Mean difference of the upper rows from the scene."""
    there = np.asarray(scene(), np.int16)[:rows, :, ::-1]
    return float(np.abs(picture.bgr[:rows].astype(np.int16) - there).mean())


@pytest.mark.parametrize("share", [95, 70, 60])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "TIFF"])
def test_of_a_cut_file_the_part_before_the_cut_is_seen(decoder: Decoder, kind: str, share: int) -> None:
    data = written(kind)

    picture = decoder.decode(data[: len(data) * share // 100], None)

    assert (picture.width, picture.height) == (WIDTH, HEIGHT)
    assert picture.partial_percent is not None
    if kind != "progressive":  # the later a scan, the more bytes for less to see
        assert abs(picture.partial_percent - share) <= 14
    if kind not in ("BMP", "Targa"):  # written from the last row on
        assert likeness(picture, HEIGHT * share // 200) < 20


@pytest.mark.parametrize("kind", ["baseline", "restarts", "progressive", "PNG", "lossy WebP"])
def test_zeros_in_place_of_the_end_are_a_cut(decoder: Decoder, kind: str) -> None:
    data = written(kind)
    kept = len(data) * 70 // 100

    picture = decoder.decode(data[:kept] + bytes(len(data) - kept), None)

    assert picture.partial_percent is not None
    assert likeness(picture, HEIGHT // 3) < 20


@pytest.mark.parametrize("kind", ["baseline", "restarts", "progressive"])
@pytest.mark.parametrize("tail", [b"", b"\xff", b"\x00" * 100])
def test_a_jpeg_that_lacks_its_end_mark_alone_is_whole(decoder: Decoder, kind: str, tail: bytes) -> None:
    data = written(kind)

    picture = decoder.decode(data[:-2] + tail, None)

    assert picture.partial_percent is None
    assert np.array_equal(picture.bgr, decoder.decode(data, None).bgr)


def test_a_large_cut_picture_is_compared_within_little_memory() -> None:
    """Whole copies were compared: of 25 megapixels 800 MB were needed, and of 150 the decoder died."""
    large = scene().resize((5000, 5000))
    data = encoded(large, "JPEG", quality=60)
    small = Decoder(memory_bytes=600 << 20)

    picture = small.decode(data[: len(data) * 7 // 10], None)
    small.close()

    assert picture.width == 5000 and picture.partial_percent is not None


def chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 8
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        found.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += 12 + size
    return found


def png_of(parts: list[tuple[bytes, bytes]], wrong: bytes = b"") -> bytes:
    """A PNG of these chunks, the checksum of those named `wrong` changed."""
    out = b"\x89PNG\r\n\x1a\n"
    for name, body in parts:
        checksum = zlib.crc32(name + body) ^ (0x5A if name == wrong else 0)
        out += struct.pack(">I", len(body)) + name + body + struct.pack(">I", checksum)
    return out


@pytest.mark.parametrize("name", [b"IHDR", b"IDAT", b"IEND", b"tIME"])
def test_a_wrong_checksum_costs_nothing(decoder: Decoder, name: bytes) -> None:
    parts = chunks(written("PNG"))
    parts.insert(1, (b"tIME", bytes(7)))

    picture = decoder.decode(png_of(parts, name), None)

    assert picture.partial_percent is None
    assert likeness(picture, HEIGHT) == 0


@pytest.mark.parametrize("at", [*range(-8, -4), *range(13)])
def test_a_wrong_byte_in_the_head_of_a_png_is_found_by_its_checksum(decoder: Decoder, at: int) -> None:
    data = bytearray(written("PNG"))
    data[16 + at] ^= 0xFD

    assert likeness(decoder.decode(bytes(data), None), HEIGHT) == 0


@pytest.mark.parametrize("name", [b"PLTE", b"eXIf", b"IDAT", b"tIME"])
@pytest.mark.parametrize(("at", "bit"), [(0, 0x40), (3, 0x01), (4, 0x02), (5, 0x40)])
def test_a_wrong_length_or_name_of_a_chunk_costs_at_most_that_chunk(
    decoder: Decoder, name: bytes, at: int, bit: int
) -> None:
    """Everything behind a wrong length was lost, and the picture refused."""
    image = scene().quantize(64)
    parts = chunks(encoded(image, "PNG"))
    parts.insert(1, (b"tIME", bytes(7)))
    parts.insert(-2, (b"eXIf", b"II*\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
    data = bytearray(png_of(parts))
    data[data.index(name) - 4 + at] ^= bit

    picture = decoder.decode(bytes(data), None)

    assert np.array_equal(picture.bgr[:, :, ::-1], np.asarray(image.convert("RGB")))


def test_a_wrong_byte_among_a_pngs_pixels_costs_the_rows_below(decoder: Decoder) -> None:
    data = bytearray(written("PNG"))
    data[len(data) * 6 // 10] ^= 0xFF

    picture = decoder.decode(bytes(data), None)

    assert likeness(picture, HEIGHT // 3) == 0


def test_the_gaps_of_a_cut_interlaced_png_are_filled_from_their_neighbours(decoder: Decoder) -> None:
    data = interlaced(np.asarray(scene()))

    picture = decoder.decode(data[: len(data) * 7 // 10], None)

    assert picture.partial_percent is not None and 40 < picture.partial_percent < 80
    assert likeness(picture, HEIGHT) < 25


def interlaced(values: Any) -> bytes:
    """A PNG in the seven passes of Adam7, without filters."""
    rows = []
    for y, x, down, right in (
        (0, 0, 8, 8),
        (0, 4, 8, 8),
        (4, 0, 8, 4),
        (0, 2, 4, 4),
        (2, 0, 4, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 1),
    ):
        rows += [b"\x00" + row.tobytes() for row in values[y::down, x::right]]
    head = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 8, 2, 0, 0, 1)
    return png_of([(b"IHDR", head), (b"IDAT", zlib.compress(b"".join(rows), 1)), (b"IEND", b"")])


def test_a_cut_animation_shows_its_whole_frames(decoder: Decoder) -> None:
    later = [scene().rotate(90 * turn) for turn in (1, 2, 3)]
    for kind in ("WEBP", "GIF", "PNG"):
        data = encoded(scene(), kind, save_all=True, append_images=later)
        pages = decoder.pages(data[: len(data) * 6 // 10], None)

        assert [page.page for page in pages.pictures][:2] == [1, 2], kind
        assert pages.examined >= 2


@pytest.mark.parametrize("kind", ["baseline", "PNG", "lossy WebP", "GIF"])
def test_a_file_cut_before_any_pixel_is_refused(decoder: Decoder, kind: str) -> None:
    data = written(kind)
    head = {"baseline": data.find(b"\xff\xda"), "PNG": data.find(b"IDAT"), "lossy WebP": 20, "GIF": 13}[kind]

    with pytest.raises(Unprocessable) as caught:
        decoder.decode(data[:head], None)

    assert caught.value.code in ("truncated", "damaged")


def test_a_dark_picture_that_is_cut_is_measured_like_a_bright_one(decoder: Decoder) -> None:
    """Black rows were not told from rows that are missing."""
    out = io.BytesIO()
    Image.new("L", (WIDTH, HEIGHT)).save(out, "PNG", compress_level=0)

    picture = decoder.decode(out.getvalue()[: len(out.getvalue()) // 2], None)

    assert picture.partial_percent is not None and 40 <= picture.partial_percent <= 55
