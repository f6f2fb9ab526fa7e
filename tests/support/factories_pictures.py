"""Drawn pictures in every form that a case system may send, and the real faces of installed packages."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def quarters(width: int = 64, height: int = 48) -> Image.Image:
    """Red, green / blue, white: an orientation or colour order that is wrong cannot hide in it."""
    image = Image.new("RGB", (width, height))
    half = (width // 2, height // 2)
    for colour, corner in ((RED, (0, 0)), (GREEN, (half[0], 0)), (BLUE, (0, half[1])), (WHITE, half)):
        image.paste(colour, (*corner, corner[0] + half[0], corner[1] + half[1]))
    return image


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The picture as a file of this kind, by Pillow's name of the format."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def corners(bgr: Pixels) -> list[tuple[int, int, int]]:
    """The RGB colours in the middle of the four quarters: top left, top right, bottom left, bottom right."""
    height, width = bgr.shape[:2]
    spots = [(height // 4, width // 4), (height // 4, 3 * width // 4)]
    spots += [(3 * height // 4, width // 4), (3 * height // 4, 3 * width // 4)]
    return [(int(bgr[y, x, 2]), int(bgr[y, x, 1]), int(bgr[y, x, 0])) for y, x in spots]


def group_photograph() -> bytes:
    """Six people: the picture that comes with insightface."""
    import insightface

    return (Path(insightface.__file__).parent / "data" / "images" / "t1.jpg").read_bytes()


def astronaut() -> Image.Image:
    """One person, 512 x 512: the picture that comes with scikit-image."""
    from skimage import data

    return Image.fromarray(data.astronaut())


def bystander() -> Image.Image:
    """Somebody else than the astronaut, 105 x 120."""
    return Image.open(io.BytesIO(group_photograph())).convert("RGB").crop((410, 220, 620, 460)).resize((105, 120))


def upside_down_photograph() -> bytes:
    """A JPEG of 1920 x 1440 pixels: one person upside down, 46 x 58 pixels from (264, 122), and an upright bystander.

    The detector sees the bystander only: in a glance the other face has eight pixels.
    """
    canvas = Image.new("RGB", (1920, 1440), (90, 90, 90))
    canvas.paste(astronaut().crop((100, 0, 400, 300)).resize((150, 150)).rotate(180), (200, 60))
    canvas.paste(bystander(), (450, 280))
    return encoded(canvas, "JPEG", quality=95)
