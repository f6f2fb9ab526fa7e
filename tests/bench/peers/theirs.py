"""The libraries of `bench peers`, each in processes of an environment of its own."""

import threading
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final, Literal

import numpy as np

from streams.client.submission import Interrupted
from tests.bench.environment import NotInstalled, PeerProcess, peer_environment, peer_process
from tests.bench.peers.found import Face, Measure
from tests.bench.peers.ours import PICTURES_AT_A_TIME

Name = Literal["face_recognition", "mediapipe", "mtcnn", "deepface"]

REQUIREMENTS: Final = Path(__file__).parent / "requirements"
"""The packages of each peer, compiled with `uv pip compile --universal --python-version 3.11 --generate-hashes`."""
SCRIPT: Final = Path(__file__).with_name("script.py")
YUNET_AND_SFACE: Final = ("face_detection_yunet_2023mar.onnx", "face_recognition_sface_2021dec.onnx")


@dataclass(frozen=True, slots=True)
class Peer:
    """A library, and how its users compare its vectors.

    `weights` are files of the product's model folder that it is given, because it would download its own.
    """

    measure: Measure = "cosine"
    weights: Sequence[str] = ()
    note: str = ""


PEERS: Final[Mapping[Name, Peer]] = {
    "face_recognition": Peer("euclidean"),
    "mediapipe": Peer(note="detects only"),
    "mtcnn": Peer(note="detects only"),
    "deepface": Peer(
        weights=YUNET_AND_SFACE,
        note="with the product's own models: weights of its default, VGG-Face, are in no package",
    ),
}


@dataclass(frozen=True, slots=True)
class Places:
    """Where peers are kept and find what they need.

    `pythons` are those of environments made by hand, by the peer's name; `models` is the product's folder, `home` an
    empty one.
    """

    environments: Path
    pythons: Mapping[Name, Path]
    models: Path
    home: Path


class PeerProcesses:
    """Processes of one thread each that share the pictures among them."""

    def __init__(self, name: Name, processes: Sequence[PeerProcess], home: Path) -> None:
        self._name, self._home = name, home
        self._number = len(processes)
        self._free: SimpleQueue[PeerProcess] = SimpleQueue()
        for process in processes:
            self._free.put(process)

    def versions(self) -> dict[str, str]:
        """Of its packages."""
        return self._ask(())["versions"]

    def find(self, pictures: Sequence[Path], stop: threading.Event) -> list[Sequence[Face]]:
        """The faces of each picture. Blocks; raises Interrupted once `stop` is set, and PeerFailed."""

        def some(start: int) -> list[Sequence[Face]]:
            if stop.is_set():
                raise Interrupted("stopped before all pictures were through")
            answered = self._ask(pictures[start : start + PICTURES_AT_A_TIME])
            return [[_face(*face) for face in faces] for faces in answered["pictures"]]

        with ThreadPoolExecutor(self._number) as threads:
            found = threads.map(some, range(0, len(pictures), PICTURES_AT_A_TIME))
            return [faces for part in found for faces in part]

    def _ask(self, pictures: Sequence[Path]) -> Any:
        process = self._free.get()
        try:
            return process.ask(
                {
                    "peer": self._name,
                    "pictures": [str(path) for path in pictures],
                    "environment": {"DEEPFACE_HOME": str(self._home)},
                }
            )
        finally:
            self._free.put(process)


def _face(box: Sequence[float], vector: Sequence[float] | None) -> Face:
    return Face(box, None if vector is None else np.array(vector, np.float64))


@contextmanager
def peer_processes(name: Name, number: int, places: Places, stop: threading.Event) -> Generator[PeerProcesses]:
    """So many processes of a peer, ended when left; its environment is made where there is none.

    Raises NotInstalled where its packages or weights are not to be had, and Interrupted once `stop` is set.
    """
    weights = places.home / ".deepface" / "weights"
    for file in PEERS[name].weights:
        weights.mkdir(parents=True, exist_ok=True)
        if not (places.models / file).exists():
            raise NotInstalled(f"its weights {file} are not at hand")
        (weights / file).symlink_to((places.models / file).absolute())
    python = places.pythons.get(name)
    if python is None:
        wanted = (REQUIREMENTS / f"{name}.lock").read_text("utf-8")
        python = peer_environment(name, wanted, places.environments, stop)
    with ExitStack() as stack:
        processes = [stack.enter_context(peer_process(python, SCRIPT)) for _ in range(number)]
        yield PeerProcesses(name, processes, places.home)
