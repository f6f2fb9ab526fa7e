"""What a log may say of an unexpected failure."""

from __future__ import annotations

import traceback
from pathlib import Path


def told(error: BaseException) -> str:
    """The failure's type and the last places it came through; its message could quote people's data."""
    frames = traceback.extract_tb(error.__traceback__)[-5:]
    places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__} at {places}"
