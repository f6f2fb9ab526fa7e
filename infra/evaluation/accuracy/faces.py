"""The main face of each picture and of its worse copies, by the embed workers' code, in processes of their own."""

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
class MainFace:
    """The face nearest to the centre of a picture: unit vectors float32 (d,), None where no face was found.

    `vector` is the one that the product stores; `plain` is that of a single detection pass, where it was requested.
    """

    vector: Vector | None = None
    quality: float = 0.0
    too_poor: bool = False
    plain: Vector | None = None


@dataclass(slots=True)
class _Process:
    """The models of one process."""

    decoder: Decoder
    finder: FaceFinder
    detector: Detector
    embedder: Embedder


_process: _Process | None = None


class EmbedProcesses:
    """Processes with their models loaded."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def embed(
        self, pictures: Sequence[Path], copies: Sequence[Collection[str]], *, plain: bool
    ) -> Generator[dict[str, MainFace]]:
        """For each picture, in order: its main face (under "") and those of its `copies`, by their names in COPIES.

        A file that is not a picture, or has no face, has an empty MainFace only.
        """
        yield from self._pool.map(partial(_embed, plain=plain), pictures, copies, chunksize=PICTURES_AT_A_TIME)


def embed_pictures(
    pictures: Sequence[Path],
    copies: Sequence[Collection[str]],
    models: ModelFiles,
    stop: threading.Event,
    *,
    plain: bool = False,
) -> list[Mapping[str, MainFace]]:
    """As `EmbedProcesses.embed`, with a progress bar; raises Interrupted once `stop` is set."""
    found: list[Mapping[str, MainFace]] = []
    with embed_processes(models) as processes, bars(len(pictures), "pictures") as move:
        for faces in processes.embed(pictures, copies, plain=plain):
            if stop.is_set():
                raise Interrupted("stopped before all pictures were embedded")
            found.append(faces)
            move(len(found))
    return found


@contextmanager
def embed_processes(models: ModelFiles) -> Generator[EmbedProcesses]:
    """Processes with these models loaded, ended at the end."""
    pool = ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("spawn"), _start, (models,))
    try:
        yield EmbedProcesses(pool)
    finally:
        pool.shutdown(cancel_futures=True)


def _start(models: ModelFiles) -> None:
    global _process
    # Ctrl-C reaches the whole foreground group: only the parent handles it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _process = _Process(Decoder(), FaceFinder(models, 1), Detector(models.detector, 1), Embedder(models.recogniser, 1))


def _embed(path: Path, copies: Collection[str], *, plain: bool) -> dict[str, MainFace]:
    process = _process
    assert process is not None
    data = path.read_bytes()
    try:
        picture = process.decoder.decode(data, None)
    except Unprocessable:
        return {"": MainFace()}
    main, face = _main_face(process, picture, hashlib.sha256(data).hexdigest(), plain=plain)
    faces = {"": face}
    if main is not None:
        for name in copies:
            worse = COPIES[name](picture.bgr, main.box)
            again = replace(picture, bgr=worse, width=worse.shape[1], height=worse.shape[0])
            faces[name] = _main_face(process, again, f"{name} of {path.name}", plain=plain)[1]
    return faces


def _main_face(process: _Process, picture: Picture, media_id: str, *, plain: bool) -> tuple[FoundFace | None, MainFace]:
    """The main face as the product finds it, also as a MainFace."""
    found = process.finder.find(picture, media_id)
    main = min(found, key=lambda face: off_centre(face.box, picture.width, picture.height), default=None)
    vector = _plain(process, picture.bgr) if plain else None
    if main is None:
        return None, MainFace(plain=vector)
    poor = main.too_poor_because is not None
    return main, MainFace(main.vector, main.quality, poor, vector)


def _plain(process: _Process, bgr: Pixels) -> Vector | None:
    """The vector of the main face by the landmarks of a single detection pass."""
    height, width = bgr.shape[:2]
    faces = process.detector.detect_small(bgr)
    main = min(faces, key=lambda face: off_centre(face.box, width, height), default=None)
    if main is None:
        return None
    vectors, _ = process.embedder.embed([align(bgr, main.landmarks)])
    return vectors[0]
