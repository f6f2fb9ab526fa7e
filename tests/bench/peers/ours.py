"""Our own way through the pictures of `bench peers`: decoder and face finder of the embed workers, without servers."""

import hashlib
import multiprocessing
import signal
import threading
from collections.abc import Generator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from graph.domain.errors import Unprocessable
from streams.client.submission import Interrupted
from streams.faces.find import FaceFinder
from streams.faces.models import ModelFiles
from streams.media.decode import Decoder
from tests.bench.peers.found import Face

PICTURES_AT_A_TIME = 4
"""That a process is handed, ours and a peer's."""

_decoder: Decoder
_finder: FaceFinder


class OurProcesses:
    """Processes of one thread each, with their models loaded."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def find(self, pictures: Sequence[Path], stop: threading.Event) -> list[Sequence[Face]]:
        """The faces of each picture, with the vectors that are stored; none of a file that is no picture.

        Blocks; raises Interrupted once `stop` is set.
        """
        found: list[Sequence[Face]] = []
        for faces in self._pool.map(_find, pictures, chunksize=PICTURES_AT_A_TIME):
            if stop.is_set():
                raise Interrupted("stopped before all pictures were through")
            found.append(faces)
        return found


@contextmanager
def our_processes(models: ModelFiles, number: int) -> Generator[OurProcesses]:
    """So many processes, ended when left."""
    pool = ProcessPoolExecutor(number, multiprocessing.get_context("spawn"), _start, (models,))
    try:
        yield OurProcesses(pool)
    finally:
        pool.shutdown(cancel_futures=True)


def _start(models: ModelFiles) -> None:
    global _decoder, _finder
    # Ctrl-C reaches the whole foreground group: only the parent answers to it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _decoder, _finder = Decoder(), FaceFinder(models, 1)


def _find(path: Path) -> list[Face]:
    data = path.read_bytes()
    try:
        picture = _decoder.decode(data, None)
    except Unprocessable:
        return []
    found = _finder.find(picture, hashlib.sha256(data).hexdigest())
    return [Face(face.box, face.vector.astype(np.float64)) for face in found]
