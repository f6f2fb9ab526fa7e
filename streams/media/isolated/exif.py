"""What a camera wrote beside the pixels: which way up they are, and when they were taken."""

import re
from contextlib import suppress
from datetime import datetime, timedelta

from PIL import ExifTags, Image

_TIME = re.compile(r"(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)")
_OFFSET = re.compile(r"[+-]\d\d:\d\d")
_FIRST_PHOTOGRAPH = 1826
_LARGEST_OFFSET = timedelta(hours=14)
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """The picture turned as EXIF's orientation says."""
    method = _TURNS.get(orientation)
    return image if method is None else image.transpose(method)


def orientation(exif: Image.Exif, absent: int = 1) -> int:
    """EXIF's orientation: 1 to 8, or `absent`."""
    value = exif.get(ExifTags.Base.Orientation, absent)
    return value if isinstance(value, int) else absent


def of_tiff(data: bytes) -> Image.Exif:
    """The EXIF data of a file that is built like a TIFF."""
    found = Image.Exif()
    found.load(data)
    return found


def captured_at(exif: Image.Exif) -> str | None:
    """The camera's date in ISO 8601, with its offset from UTC where one is written; None where it is no date."""
    details = exif.get_ifd(ExifTags.IFD.Exif)
    written = details.get(ExifTags.Base.DateTimeOriginal, exif.get(ExifTags.Base.DateTimeOriginal, ""))
    time = _TIME.match(str(written))
    if time is None or int(time[1]) < _FIRST_PHOTOGRAPH:
        return None
    local = "{}-{}-{}T{}:{}:{}".format(*time.groups())
    offset = _OFFSET.fullmatch(str(details.get(ExifTags.Base.OffsetTimeOriginal, "")).strip("\x00 "))
    for stamp in (local + (offset.group() if offset else ""), local):
        with suppress(ValueError):
            if abs(datetime.fromisoformat(stamp).utcoffset() or timedelta(0)) <= _LARGEST_OFFSET:
                return stamp
    return None
