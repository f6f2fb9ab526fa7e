"""As many small pictures as a campaign needs: drawn ones without a face, and the samples' people in ever new copies."""

import random
from pathlib import Path

from PIL import Image, ImageEnhance, ImageOps

from infra.demo.samples import write_samples
from tests.support.factories_pictures import encoded, quarters

SIDE = 300
"""Pixels of a copy's longer side: large enough for every sample's face, small enough to be quick."""


class Pictures:
    """A source of pictures of which no two have the same bytes; the same `rng` makes the same ones."""

    def __init__(self, folder: Path, rng: random.Random) -> None:
        if not folder.exists():
            write_samples(folder)
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        self._people = [ImageOps.contain(Image.open(path).convert("RGB"), (SIDE, SIDE)) for path in paths]
        self._rng = rng

    def person(self) -> bytes:
        """A picture with a face."""
        rng, image = self._rng, self._people[self._rng.randrange(len(self._people))]
        if rng.random() < 0.5:
            image = ImageOps.mirror(image)
        image = ImageEnhance.Brightness(image).enhance(rng.uniform(0.7, 1.2))
        return encoded(self._marked(image), "JPEG", quality=rng.randrange(75, 95))

    def drawn(self) -> bytes:
        """A picture without a face."""
        return encoded(self._marked(quarters(96, 72)), "PNG")

    def broken(self) -> bytes:
        """Bytes that are no picture."""
        return f"no picture {self._rng.random()}".encode()

    def _marked(self, image: Image.Image) -> Image.Image:
        """A copy with a corner of its own, so that no two are the same file."""
        copy, mark = image.copy(), self._rng.randbytes(4 * 4 * 3)
        copy.paste(Image.frombytes("RGB", (4, 4), mark).resize((16, 16), Image.Resampling.NEAREST), (0, 0))
        return copy
