"""Three small cases from the sample pictures of installed packages: real faces, no download, nobody's case."""

import importlib
import importlib.util
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageEnhance, ImageFilter, ImageOps

Alter = Callable[[Image.Image], Image.Image]
Region = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture of a case: a region (left, top, right, bottom) of a source, altered, and who is in it."""

    case: str
    file: str
    source: str
    region: Region | None
    people: tuple[str, ...]
    alter: tuple[Alter, ...] = ()
    jpeg_quality: int = 92


def mirrored(image: Image.Image) -> Image.Image:
    return ImageOps.mirror(image)


def darkened(image: Image.Image) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(0.55)


def blurred(image: Image.Image) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(5))


def scaled(factor: float) -> Alter:
    return lambda image: ImageOps.scale(image, factor, Image.Resampling.LANCZOS)


GROUP, ACTOR, ASTRONAUT = "group", "actor", "astronaut"
# Of the group photograph: each region holds the named people's faces whole and nobody else's.
_ANNE, _BODO, _CLARA, _DAVID, _EMIL = (
    (410, 200, 650, 500),
    (690, 290, 900, 540),
    (1070, 220, 1280, 480),
    (840, 10, 1060, 260),
    (215, 90, 425, 330),
)
_CLARA_AND_DAVID = (845, 10, 1280, 480)
_PORTRAIT = (100, 0, 380, 300)

SHOTS = (
    Shot("2026-001", "a-1.jpg", GROUP, _ANNE, ("anne",)),
    Shot("2026-001", "a-2.jpg", GROUP, _BODO, ("bodo",)),
    Shot("2026-001", "phone/a-3.jpg", ASTRONAUT, _PORTRAIT, ("astronaut",)),
    Shot("2026-001", "phone/a-4.jpg", GROUP, _EMIL, ("emil",), (blurred,)),
    Shot("2026-014", "b-1.jpg", GROUP, _ANNE, ("anne",), (mirrored,), 80),
    Shot("2026-014", "b-2.png", ACTOR, None, ("actor",)),
    Shot("2026-014", "b-3.jpg", GROUP, _DAVID, ("david",)),
    Shot("2026-014", "b-4.jpg", GROUP, _DAVID, ("david",), (mirrored, darkened)),
    Shot("2026-027", "c-1.jpg", GROUP, _BODO, ("bodo",), (scaled(0.6),), 60),
    Shot("2026-027", "c-2.jpg", ACTOR, None, ("actor",), (scaled(2.0), darkened)),
    Shot("2026-027", "c-3.jpg", ASTRONAUT, _PORTRAIT, ("astronaut",), (mirrored,), 40),
    Shot("2026-027", "c-4.jpg", GROUP, _CLARA_AND_DAVID, ("clara", "david"), (scaled(0.8),), 75),
)
"""The people's names are made up. Emil's face is blurred so far that it is too poor to compare."""
DISTRICTS = {"2026-001": "north", "2026-014": "north", "2026-027": "south"}
PURPOSE, LEGAL_BASIS = "demonstration", "sample pictures of installed packages"


def write_samples(folder: Path) -> None:
    """Writes the three cases as sub-folders of `folder`."""
    sources = _sources()
    for shot in SHOTS:
        image = sources[shot.source].crop(shot.region) if shot.region else sources[shot.source]
        for alter in shot.alter:
            image = alter(image)
        target = folder / shot.case / shot.file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(_encoded(image, target.suffix, shot.jpeg_quality))


def _sources() -> dict[str, Image.Image]:
    # Found, not imported: that takes seconds and needs nothing of it but its folder.
    package = importlib.util.find_spec("insightface")
    assert package is not None and package.origin is not None
    images = Path(package.origin).parent / "data" / "images"
    pictures: Any = importlib.import_module("skimage.data")
    return {
        GROUP: Image.open(images / "t1.jpg").convert("RGB"),
        ACTOR: Image.open(images / "Tom_Hanks_54745.png").convert("RGB"),
        ASTRONAUT: Image.fromarray(pictures.astronaut()),
    }


def _encoded(image: Image.Image, suffix: str, jpeg_quality: int) -> bytes:
    out = io.BytesIO()
    if suffix == ".png":
        image.save(out, "PNG")
    else:
        image.save(out, "JPEG", quality=jpeg_quality)
    return out.getvalue()
