"""What a log may say of an unexpected failure, and the end of a process that can't go on."""

from __future__ import annotations

import os
import traceback
from pathlib import Path
from typing import Final, NoReturn

EXIT_ALARM: Final = 78


def told(error: BaseException) -> str:
    """The failure's type and the last places it came through; its message could quote people's data."""
    frames = traceback.extract_tb(error.__traceback__)[-5:]
    places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__} at {places}"


def end_process(code: int, reason: str) -> NoReturn:
    """Ends the process like kill -9, so that nothing unfinished is committed; the supervisor starts it again."""
    os.write(2, f"ALARM {reason}\n".encode())
    os._exit(code)
