"""The main face of each picture and of its worse copies, by the embed workers' code, in processes of their own."""

from __future__ import annotations

import hashlib
import multiprocessing
import signal
import threading
from collections.abc import Collection, Generator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from graph.domain.box import off_centre
from graph.domain.errors import Unprocessable
from infra.evaluation.accuracy.copies import COPIES
from infra.terminal import bars
from streams.client.submission import Interrupted
from streams.faces.detect import Detector
from streams.faces.embed import Embedder, align
from streams.faces.find import FaceFinder, FoundFace
from streams.faces.geometry import Pixels
from streams.faces.models import ModelFiles
from streams.media.decode import Decoder, Picture

PROCESSES = 2
"""As many as a small system has embed workers; each of one thread."""
PICTURES_AT_A_TIME = 4

Vector = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Seen:
    """The face nearest to the centre of a picture: unit vectors float32 (d,), None where no face was found.

    `vector` is the one that the product stores, `plain` that of one look at the picture and nothing more, None where
    that was not asked for.
    """

    vector: Vector | None = None
    quality: float = 0.0
    too_poor: bool = False
    plain: Vector | None = None


@dataclass(slots=True)
class _Process:
    """What stands in one process from its start."""

    decoder: Decoder
    finder: FaceFinder
    detector: Detector
    embedder: Embedder


_process: _Process | None = None


class Looks:
    """Processes with their models loaded."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def at(
        self, pictures: Sequence[Path], copies: Sequence[Collection[str]], *, plain: bool
    ) -> Generator[dict[str, Seen]]:
        """For each picture, in order: what is seen in it (under ""), and in its `copies`, by their names in COPIES.

        A file that is no picture, and one without a face, give nothing but an empty Seen.
        """
        yield from self._pool.map(partial(_look, plain=plain), pictures, copies, chunksize=PICTURES_AT_A_TIME)


def look_at(
    pictures: Sequence[Path],
    copies: Sequence[Collection[str]],
    models: ModelFiles,
    stop: threading.Event,
    *,
    plain: bool = False,
) -> list[Mapping[str, Seen]]:
    """As `Looks.at`, with a bar of the progress; raises Interrupted once `stop` is set."""
    looks: list[Mapping[str, Seen]] = []
    with looking(models) as processes, bars(len(pictures), "pictures") as move:
        for look in processes.at(pictures, copies, plain=plain):
            if stop.is_set():
                raise Interrupted("stopped before all pictures were looked at")
            looks.append(look)
            move(len(looks))
    return looks


@contextmanager
def looking(models: ModelFiles) -> Generator[Looks]:
    """Processes that look at pictures with these models, ended when left."""
    pool = ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("spawn"), _start, (models,))
    try:
        yield Looks(pool)
    finally:
        pool.shutdown(cancel_futures=True)


def _start(models: ModelFiles) -> None:
    global _process
    # Ctrl-C reaches the whole foreground group: only the parent answers to it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _process = _Process(Decoder(), FaceFinder(models, 1), Detector(models.detector, 1), Embedder(models.recogniser, 1))


def _look(path: Path, copies: Collection[str], *, plain: bool) -> dict[str, Seen]:
    process = _process
    assert process is not None
    data = path.read_bytes()
    try:
        picture = process.decoder.decode(data, None)
    except Unprocessable:
        return {"": Seen()}
    main, seen = _seen(process, picture, hashlib.sha256(data).hexdigest(), plain=plain)
    looks = {"": seen}
    if main is not None:
        for name in copies:
            worse = COPIES[name](picture.bgr, main.box)
            again = replace(picture, bgr=worse, width=worse.shape[1], height=worse.shape[0])
            looks[name] = _seen(process, again, f"{name} of {path.name}", plain=plain)[1]
    return looks


def _seen(process: _Process, picture: Picture, media_id: str, *, plain: bool) -> tuple[FoundFace | None, Seen]:
    """The main face as the product finds it, and what is seen of it."""
    found = process.finder.find(picture, media_id)
    main = min(found, key=lambda face: off_centre(face.box, picture.width, picture.height), default=None)
    one_look = _plain(process, picture.bgr) if plain else None
    if main is None:
        return None, Seen(plain=one_look)
    poor = main.too_poor_because is not None
    return main, Seen(main.vector, main.quality, poor, one_look)


def _plain(process: _Process, bgr: Pixels) -> Vector | None:
    """The vector of the main face by the landmarks of one look."""
    height, width = bgr.shape[:2]
    faces = process.detector.one_look(bgr)
    main = min(faces, key=lambda face: off_centre(face.box, width, height), default=None)
    if main is None:
        return None
    vectors, _ = process.embedder.embed([align(bgr, main.landmarks)])
    return vectors[0]
