"""The decoding processes that a process has started."""

import os
from contextlib import suppress

import psutil


def decoding_processes(pid: int | None = None) -> list[psutil.Process]:
    """The decoding children of this process, or of the one with this id; ended ones are left out."""
    found: list[psutil.Process] = []
    for child in psutil.Process(pid or os.getpid()).children():
        with suppress(psutil.Error):
            if "streams.media.isolated" in " ".join(child.cmdline()):
                found.append(child)
    return found
