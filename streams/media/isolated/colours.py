"""Makes eight-bit RGB of every kind of pixel: more bits, floats, palettes, transparency."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from streams.media.isolated.page import Refused

_GREY = (128, 128, 128)
"""Behind transparent pixels: neither dark nor light hair disappears in it."""
_HIDDEN_ALPHA = 8
"""A picture with no pixel more opaque shows nothing: its colours count, as Windows writes alpha 0 into bitmaps."""
_TAILS = (0.05, 99.95)
"""Percentiles that become black and white: a few hot pixels do not darken the rest."""
_SAMPLE = 1_000_000
_ROWS = 256
_DEEP = ("I;16", "I", "F")

Values = npt.NDArray[Any]


def rgb(image: Image.Image) -> Image.Image:
    """The picture as RGB: transparent pixels over grey, values beyond eight bits by their own range."""
    if image.mode == "RGB":
        return image
    if image.mode.startswith(_DEEP):
        return from_values(np.asarray(image))
    if image.mode in ("La", "RGBa"):  # colours multiplied by alpha
        image = image.convert(image.mode.upper())
    if image.has_transparency_data:
        return over_grey(image.convert("RGBA"))
    try:
        return image.convert("RGB")
    except ValueError:
        raise Refused("unsupported") from None


def over_grey(image: Image.Image) -> Image.Image:
    """The RGBA picture over grey; its colours alone where alpha hides all of it."""
    alpha = image.getchannel("A")
    _, most = alpha.getextrema()
    if isinstance(most, (int, float)) and most < _HIDDEN_ALPHA:
        return image.convert("RGB")
    ground = Image.new("RGB", image.size, _GREY)
    ground.paste(image, mask=alpha)
    return ground


def from_values(values: Values, *, white_is_zero: bool = False) -> Image.Image:
    """RGB of (height, width) or (height, width, channels): grey, grey and alpha, RGB, or RGB and more.

    Values beyond eight bits are spread over what the picture uses: cameras and scanners write 10 or 12 bits into 16,
    with an offset, and floats have no fixed range.
    """
    if values.dtype == np.bool_:
        values = values.astype(np.uint8) * np.uint8(255)
    if values.ndim == 2:
        values = values[:, :, None]
    if values.ndim != 3 or 0 in values.shape or values.dtype.kind not in "uif":
        raise Refused("unsupported")
    has_alpha = values.shape[2] in (2, 4)
    colours = values[:, :, : 3 if values.shape[2] >= 3 else 1]
    eight = colours if values.dtype == np.uint8 else _spread(colours)
    if white_is_zero:
        eight = 255 - eight
    if eight.shape[2] == 1:
        eight = np.repeat(eight, 3, axis=2)
    image = Image.fromarray(np.ascontiguousarray(eight))
    if has_alpha and values.dtype.kind == "u":
        alpha = values[:, :, -1] >> (8 * (values.dtype.itemsize - 1))
        image.putalpha(Image.fromarray(np.ascontiguousarray(alpha.astype(np.uint8))))
        return over_grey(image)
    return image


def _spread(values: Values) -> npt.NDArray[np.uint8]:
    """The values as 0 to 255, the picture's own darkest and lightest at the ends; row by row, for memory."""
    step = max(1, math.isqrt(values.size // _SAMPLE))
    sample = np.asarray(values[::step, ::step], np.float64)
    sample = sample[np.isfinite(sample)]
    low, high = (float(end) for end in np.percentile(sample, _TAILS)) if sample.size else (0.0, 0.0)
    factor = 255.0 / (high - low) if high > low else 0.0
    if values.dtype == np.uint16:  # each value once: six times as fast
        return np.clip((np.arange(1 << 16) - low) * factor + 0.5, 0, 255).astype(np.uint8)[values]
    found = np.empty(values.shape, np.uint8)
    for top in range(0, values.shape[0], _ROWS):
        part = np.nan_to_num(np.asarray(values[top : top + _ROWS], np.float64), posinf=high, neginf=low)
        found[top : top + _ROWS] = np.clip((part - low) * factor + 0.5, 0, 255)
    return found
