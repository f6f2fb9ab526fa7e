"""The bare loop: fetch, decode, find and store, by the same code as embed, in processes without Kafka or isolation."""

import functools
import importlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from graph.domain.errors import Unprocessable
from graph.files import MediaStore
from streams.client.submission import Interrupted
from streams.faces.models import ensure_models
from streams.media.decode import MAX_PIXELS, Picture
from streams.media.fetch import Fetcher
from streams.media.formats import CONTENT_TYPES

PICTURES_AT_A_TIME = 4
DECODE_S = 20
CPU = "cpu"
"""Beside the steps: processor seconds of all of them."""


@dataclass(frozen=True, slots=True)
class BareSettings:
    """What a process of the loop needs; `root` is the URL prefix of the pictures."""

    models: Path
    store: str
    root: str


@dataclass(slots=True)
class _Process:
    """The models and clients of one process of the loop."""

    finder: Any
    fetcher: Fetcher
    store: MediaStore
    seconds: dict[str, float] = field(default_factory=dict[str, float])


_process: _Process | None = None


class BareLoop:
    """Processes with their models loaded; `run` gives them pictures."""

    def __init__(self, pool: Executor) -> None:
        self._pool = pool

    def run(self, urls: Sequence[str], stop: threading.Event) -> tuple[float, dict[str, float]]:
        """Seconds until all pictures are done, and seconds by step, summed over the processes; CPU is one of them.

        Raises Interrupted where `stop` is set before.
        """
        begun = time.perf_counter()
        total: dict[str, float] = {}
        for steps in self._pool.map(_work, urls, chunksize=PICTURES_AT_A_TIME):
            add(total, steps)
            if stop.is_set():
                raise Interrupted("stopped before all pictures were done")
        return time.perf_counter() - begun, total


@contextmanager
def bare_loop(settings: BareSettings, processes: int) -> Generator[BareLoop]:
    """A loop over this many processes of one thread each, which end with the block."""
    # Not a Pool of multiprocessing: that restarts a process that cannot start, without end.
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _start, (settings,))
    try:
        yield BareLoop(pool)
    finally:
        pool.shutdown(cancel_futures=True)


def _start(settings: BareSettings) -> None:
    global _process
    # Ctrl-C reaches the whole foreground group: only the parent answers to it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    find = importlib.import_module("streams.faces.find")
    store = MediaStore(settings.store)
    importlib.import_module("streams.media.isolated.program").prepare(MAX_PIXELS)
    finder = find.FaceFinder(ensure_models(settings.models), 1)
    _process = _Process(finder, Fetcher([settings.root], store), store)
    for owner, method, step in (
        (importlib.import_module("streams.faces.detect").Detector, "detect", "detect"),
        (importlib.import_module("streams.faces.embed").Embedder, "embed", "embed"),
        (MediaStore, "put_crop", "store crops"),
    ):
        setattr(owner, method, _timed(getattr(owner, method), step))


def _timed(method: Any, step: str) -> Any:
    @functools.wraps(method)
    def timed(*args: Any, **more: Any) -> Any:
        begun = time.perf_counter()
        try:
            return method(*args, **more)
        finally:
            assert _process is not None
            add(_process.seconds, {step: time.perf_counter() - begun})

    return timed


def _work(url: str) -> dict[str, float]:
    """Seconds by step of one picture, also of one that cannot be processed."""
    process = _process
    assert process is not None
    process.seconds.clear()
    begun, busy = time.perf_counter(), time.process_time()
    try:
        fetched = process.fetcher.fetch(url, None)
        process.seconds["fetch"] = time.perf_counter() - begun
        decoded = time.perf_counter()
        picture = _decoded(fetched.data)
        process.seconds["decode"] = time.perf_counter() - decoded
        for face in process.finder.find(picture, fetched.media_id):
            process.store.put_crop(fetched.media_id, face.face_id, "display", face.display_crop)
            process.store.put_crop(fetched.media_id, face.face_id, "aligned", face.aligned_crop)
            process.store.put_crop(fetched.media_id, face.face_id, "context", face.context_view)
    except Unprocessable:
        pass
    steps = dict(process.seconds)
    rest = time.perf_counter() - begun - sum(steps.values())
    return {**steps, "align and cut": rest, CPU: time.process_time() - busy}


def _decoded(data: bytes) -> Picture:
    """The picture, decoded here by the decoding process's own code, without isolation: for trusted pictures only."""
    pages: Any = importlib.import_module("streams.media.isolated.pages")
    refused: Any = importlib.import_module("streams.media.isolated.page").Refused
    try:
        opened = pages.Pages(data, MAX_PIXELS, DECODE_S)
        page = opened.next()
    except refused as failure:
        raise Unprocessable("not a picture") from failure
    image, source = page.frame.image, opened.source
    pixels = np.ascontiguousarray(np.asarray(image)[:, :, ::-1])
    return Picture(pixels, image.width, image.height, CONTENT_TYPES[source.format], source.frames, source.captured_at())


def add(total: dict[str, float], more: Mapping[str, float]) -> None:
    """Adds numbers by name to those of `total`."""
    for name, number in more.items():
        total[name] = total.get(name, 0.0) + number


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
