"""Reads with Pillow's parsers: every frame of what they know, and of a damaged picture what they still decode."""

import io

import imagecodecs
from PIL import Image, UnidentifiedImageError

from streams.media.isolated import exif, partial, png
from streams.media.isolated.colours import from_values, rgb
from streams.media.isolated.page import Frame, Refused, Source, attempted, check_pixels, quietly

FORMATS = (
    *("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "HEIF", "AVIF", "JPEG2000", "PPM", "PSD", "ICO", "PCX", "SGI"),
    *("QOI", "TGA"),
)
"""An MPO, as phones make them, is opened as the JPEG that it begins with. Targa has no signature: it comes last."""
# Formats whose pictures form a sequence; the other pictures of an MPO are thumbnails and depth maps.
_SEQUENCES = ("GIF", "WEBP", "PNG", "AVIF", "HEIF")
_DEEP = 16


def opened(data: bytes, max_pixels: int) -> Image.Image:
    """The picture, its pixels not yet decoded, or Refused."""
    image = attempted(lambda: _opened(data))
    check_pixels(image.width, image.height, max_pixels)
    return image


def source(data: bytes, max_pixels: int, otherwise_turned: int = 1, is_iphone: bool = False) -> Source:
    """The frames of a file that Pillow knows, or Refused; turned as they say, else by EXIF's `otherwise_turned`.

    `is_iphone`: it was a PNG as Xcode packs them for iPhones.
    """
    image = opened(data, max_pixels)
    kind = image.format or ""
    frames = _count(data) if kind in _SEQUENCES else 1
    first = image.tell()  # of an HEIC collection not always the file's first

    def read(index: int) -> Frame:
        if index:
            attempted(lambda: image.seek((first + index) % frames))
            check_pixels(image.width, image.height, max_pixels)
        percent = None
        try:
            attempted(image.load)
            colours = _colours(image, data)
        except Refused as refusal:
            if index:
                raise
            colours, percent = partial.salvaged(data, kind, lambda changed: opened(changed, max_pixels), refusal)
        if is_iphone:
            colours = png.from_iphone(colours)
        turn = quietly(1, lambda: exif.orientation(image.getexif(), otherwise_turned))
        return Frame(exif.upright(rgb(colours), turn), percent)

    return Source(kind, frames, read, lambda: quietly(None, lambda: exif.captured_at(image.getexif())))


def _opened(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError:
        raise Refused("too_many_pixels") from None
    except UnidentifiedImageError:
        raise Refused("not_an_image") from None


def _colours(image: Image.Image, data: bytes) -> Image.Image:
    """The loaded picture; where Pillow keeps the upper eight of sixteen bits, read again in full."""
    if image.format == "PNG" and png.depth(data) == _DEEP and not image.mode.startswith("I"):
        return quietly(image, lambda: from_values(imagecodecs.png_decode(data)))
    return image


def _count(data: bytes) -> int:
    """The number of pictures in the file; opened again for it, since counting moves through the frames."""
    counted = _opened(data)
    return max(1, quietly(counted.tell() + 1, lambda: int(getattr(counted, "n_frames", 1))))
