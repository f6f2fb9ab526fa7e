"""Each distinct page and frame of a file is seen, up to a limit that is told; a thumbnail is no page of its own."""

import json
import struct
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from graph.domain.errors import Unprocessable
from streams.media import child
from streams.media.decode import Decoder
from streams.media.isolated.pages import MOST_PAGES
from tests.support.decoders import decoding_processes
from tests.support.factories_odd_pictures import collection, page_of, tiff_of
from tests.support.factories_pictures import BLUE, GREEN, RED, WHITE, corners, encoded, quarters


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    decoder = Decoder()
    yield decoder
    decoder.close()


def numbered(number: int) -> Image.Image:
    image = quarters(80, 60)
    ImageDraw.Draw(image).text((20, 20), str(number), "black")
    return image


def sequence(images: list[Image.Image], kind: str, **options: Any) -> bytes:
    return encoded(images[0], kind, save_all=True, append_images=images[1:], **options)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF", "AVIF"])
def test_every_distinct_picture_is_seen_once(decoder: Decoder, kind: str) -> None:
    options = {"WEBP": {"lossless": True}, "AVIF": {"quality": 95}}.get(kind, {})
    blank = Image.new("RGB", (80, 60), "white")
    data = sequence([blank, numbered(1), blank, numbered(2), numbered(1)], kind, **options)

    pages = decoder.pages(data, None)
    seen = [(page.page, page.frames, page.width) for page in pages.pictures]

    assert seen == [(1, 5, 80), (2, 5, 80), (4, 5, 80)]
    assert pages.examined == 5


def test_pages_of_different_sizes_and_depths_are_pages(decoder: Decoder) -> None:
    deep = np.asarray(quarters(20, 80)).astype(np.uint16) * 257
    data = tiff_of(page_of(np.asarray(quarters()), 2), page_of(deep, 2), page_of(np.asarray(quarters(30, 10)), 2))

    pages = [(page.page, page.width, page.height, corners(page.bgr)) for page in decoder.pages(data, None).pictures]

    colours = [RED, GREEN, BLUE, WHITE]
    assert pages == [(1, 64, 48, colours), (2, 20, 80, colours), (3, 30, 10, colours)]


@pytest.mark.parametrize("kind", ["GIF", "TIFF"])
def test_of_very_many_the_first_and_some_of_all_that_follow_are_seen(decoder: Decoder, kind: str) -> None:
    pages = decoder.pages(sequence([numbered(number) for number in range(300)], kind), None)
    seen = [page.page for page in pages.pictures]

    assert len(seen) == pages.examined == MOST_PAGES
    assert seen[:32] == list(range(1, 33))
    assert seen[-1] > 280
    assert max(np.diff(seen)) <= 10


def test_one_picture_among_very_many_that_are_the_same_is_seen(decoder: Decoder) -> None:
    images = [quarters(80, 60) for _ in range(150)]
    images[120] = numbered(1)
    pages = decoder.pages(sequence(images, "TIFF"), None)

    assert [page.page for page in pages.pictures] == [1, 121]
    assert pages.examined == 150


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("first", [True, False])
def test_a_thumbnail_of_a_page_is_not_a_page(decoder: Decoder, told: bool, first: bool) -> None:
    large = quarters(640, 480).rotate(20)
    thumb = page_of(np.asarray(large.resize((64, 48))), 2, subfile=int(told))
    pages = [thumb, page_of(np.asarray(large), 2)] if first else [page_of(np.asarray(large), 2), thumb]

    picture = decoder.decode(tiff_of(*pages), None)

    assert (picture.width, picture.page, picture.frames) == (640, 1, 1)


def test_a_small_page_that_shows_something_else_is_a_page(decoder: Decoder) -> None:
    small = page_of(np.asarray(quarters(64, 48).rotate(180)), 2)

    pages = list(decoder.pages(tiff_of(small, page_of(np.asarray(quarters(640, 480)), 2)), None).pictures)

    assert [page.width for page in pages] == [64, 640]


def test_a_small_sheet_of_paper_with_a_photo_of_its_own_is_a_page(decoder: Decoder) -> None:
    """Sheets are alike but for the photo on one: by the mean over all of it, the smaller was called a thumbnail."""
    sheet, small = Image.new("RGB", (640, 480), "white"), Image.new("RGB", (160, 120), "white")
    small.paste(Image.new("RGB", (20, 25), "brown"), (70, 40))

    pages = list(decoder.pages(tiff_of(*(page_of(np.asarray(image), 2) for image in (sheet, small))), None).pictures)

    assert [page.width for page in pages] == [640, 160]


def test_pages_of_two_resolutions_are_pages_and_cost_no_time(decoder: Decoder) -> None:
    """Every page was read once for every other one: 20 scanned sheets took 16 s, and more were refused."""
    sheets = [page_of(np.asarray(numbered(n).resize((520 + 520 * (n % 2), 780 + 780 * (n % 2)))), 2) for n in range(8)]

    pages = decoder.pages(tiff_of(*sheets), None)

    assert {page.frames for page in pages.pictures} == {8}


def test_a_file_of_very_many_pages_is_opened(decoder: Decoder) -> None:
    """Every page was compared with every other one: 3,000 pages were refused after 20 s, twice."""
    page = page_of(np.zeros((4, 4), np.uint8), 1)

    assert decoder.decode(tiff_of(*[page] * 9_000), None).frames == 9_000


def test_a_file_of_thumbnails_alone_shows_its_first(decoder: Decoder) -> None:
    thumb = page_of(np.asarray(quarters()), 2, subfile=1)

    assert decoder.decode(tiff_of(thumb, thumb), None).frames == 1


def test_every_picture_of_an_heic_collection_is_seen(decoder: Decoder) -> None:
    pages = list(decoder.pages(collection(), None).pictures)

    upright, turned = (np.array(corners(page.bgr)) for page in pages)
    assert [(page.page, page.frames) for page in pages] == [(1, 2), (2, 2)]
    assert np.abs(upright - [RED, GREEN, BLUE, WHITE]).max() < 40
    assert np.abs(turned - [WHITE, BLUE, GREEN, RED]).max() < 40


def test_a_page_that_cannot_be_decoded_hides_no_other(decoder: Decoder) -> None:
    good = page_of(np.asarray(quarters()), 2)
    bad = {**good, 259: [5], 273: b"\xff" * 50}

    pages = decoder.pages(tiff_of(bad, good, bad), None)

    assert [(page.page, page.frames) for page in pages.pictures] == [(2, 3)]
    assert pages.examined == 1


def test_a_child_that_dies_between_pages_costs_the_pages_that_follow_alone(decoder: Decoder) -> None:
    pages = decoder.pages(sequence([numbered(number) for number in range(5)], "TIFF"), None)
    seen = [next(pages.pictures).page]
    for process in decoding_processes():
        process.kill()
    seen += [page.page for page in pages.pictures]

    assert (seen, pages.examined) == ([1], 1)
    assert decoder.decode(encoded(quarters(), "PNG"), None).width == 64


def test_a_file_whose_pages_nobody_takes_holds_up_no_other(decoder: Decoder) -> None:
    pages = decoder.pages(sequence([numbered(number) for number in range(5)], "TIFF"), None)
    next(pages.pictures)

    assert decoder.decode(encoded(quarters(), "PNG"), None).width == 64
    pages.pictures.close()
    assert decoder.decode(encoded(quarters(), "PNG"), None).width == 64


GOOD: dict[str, Any] = {
    "examined": 1,
    "more": False,
    "format": "PNG",
    "frames": 2,
    "page": 1,
    "width": 2,
    "height": 1,
    "partial_percent": 70,
    "captured_at": "2020-01-02T03:04:05",
}


def answered(monkeypatch: pytest.MonkeyPatch, head: object) -> Decoder:
    """A decoder whose child answers every request with this, and six bytes."""
    raw = json.dumps(head).encode()
    program = (
        "import os, sys\n"
        "sys.stdin.buffer.read(1)\n"
        "sys.stdin.buffer.read(int.from_bytes(sys.stdin.buffer.read(8), 'big'))\n"
        f"os.write(1, {struct.pack('>I', len(raw)) + raw + bytes(6)!r})\n"
        "sys.stdin.buffer.read()\n"
    )
    monkeypatch.setattr(child, "_COMMAND", (sys.executable, "-I", "-c", program))
    return Decoder(timeout_s=60)


@pytest.mark.parametrize(
    "changed",
    [
        *(
            {"width": 0},
            {"width": -1},
            {"width": 2.5},
            {"width": 10**9},
            {"height": None},
            {"width": True, "height": "1"},
        ),
        *({"frames": 0}, {"frames": "2"}, {"page": 3}, {"page": 0}, {"page": "1"}, {"examined": 3}, {"examined": -1}),
        *({"examined": None}, {"more": 1}, {"more": None}, {"format": "EXE"}, {"format": ["PNG"]}),
    ],
)
def test_an_answer_that_no_decoder_gives_is_no_picture(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, object]
) -> None:
    decoder = answered(monkeypatch, GOOD | changed)
    try:
        with pytest.raises(Unprocessable) as caught:
            decoder.decode(b"any file", None)
    finally:
        decoder.close()

    assert caught.value.code == "decoder_died"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, (70, "2020-01-02T03:04:05")),
        ({"partial_percent": 0}, (None, "2020-01-02T03:04:05")),
        ({"partial_percent": 100}, (None, "2020-01-02T03:04:05")),
        ({"partial_percent": "70"}, (None, "2020-01-02T03:04:05")),
        ({"captured_at": "2020-02-30T03:04:05"}, (70, None)),
        ({"captured_at": "2020-01-02 03:04:05"}, (70, None)),
        ({"captured_at": "2020-01-02T03:04:05+02:00"}, (70, "2020-01-02T03:04:05+02:00")),
        ({"captured_at": "2020-01-02T03:04:05Z"}, (70, None)),
        ({"captured_at": {"$gt": ""}}, (70, None)),
    ],
)
def test_what_a_decoder_says_beside_the_pixels_is_checked(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, object], expected: tuple[int | None, str | None]
) -> None:
    decoder = answered(monkeypatch, GOOD | changed)
    try:
        picture = decoder.decode(b"any file", None)
    finally:
        decoder.close()

    assert (picture.partial_percent, picture.captured_at) == expected
