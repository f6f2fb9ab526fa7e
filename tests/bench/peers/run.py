"""`bench peers`: the same pictures through our embed code and through the libraries that people would take instead."""

import random
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import psutil
from PIL import Image, UnidentifiedImageError

from graph.domain.errors import Invalid
from graph.domain.text import printable
from infra.evaluation.accuracy.people import Codes
from infra.terminal import announce
from streams.client.folders import SourceFile, case_id_of, read_cases
from streams.faces.models import ModelFiles
from streams.gallery.scoring import Scorer
from tests.bench.bare_loop import cores
from tests.bench.environment import NotInstalled, PeerFailed
from tests.bench.peers.found import Face, Floats, Measured, main_vectors, pair_scores, recall
from tests.bench.peers.ours import OurProcesses, our_processes
from tests.bench.peers.theirs import PEERS, Name, PeerProcesses, Places, peer_processes
from tests.bench.pipeline import CASES, WARM_UP

GOAL: Final = 0.9
"""Of `pipeline_vs_bare`."""
WARM_UP_EACH: Final = 16
"""Pictures for each process before the first that counts: until then models load and libraries compile."""


class Finder(Protocol):
    """Processes that find faces."""

    def find(self, pictures: Sequence[Path], stop: threading.Event) -> list[Sequence[Face]]: ...


def chosen(folder: Path, pictures: int, seed: int) -> tuple[list[SourceFile], list[SourceFile]]:
    """So many pictures of people who have at least two among them, in seeded order; and others to warm up with.

    Raises Invalid where nobody has two.
    """
    by_person: defaultdict[str, list[SourceFile]] = defaultdict(list)
    for file in read_cases(folder, lambda _: None):
        by_person[file.case].append(file)
    chance = random.Random(seed)
    people = chance.sample([*by_person.values()], len(by_person))
    files: list[SourceFile] = []
    rest: list[SourceFile] = []
    for shown in people:
        room = pictures - len(files)
        taken = shown[:room] if min(room, len(shown)) > 1 else []
        files += taken
        rest += shown[len(taken) :]
    if not files:
        raise Invalid("nobody in this folder has two pictures")
    chance.shuffle(files)
    return files, rest[:WARM_UP]


def in_rounds(files: Sequence[SourceFile], rounds: int) -> list[list[SourceFile]]:
    """The files divided into rounds, each file in a case that is not its person's."""
    cased = [
        SourceFile(file.case, case_id_of(f"bench-{number % CASES:03d}"), file.file, file.path)
        for number, file in enumerate(files)
    ]
    return [cased[number::rounds] for number in range(rounds)]


def peer_named(text: str) -> Name:
    """The peer of this name; raises Invalid where there is none."""
    for name in PEERS:
        if name == text:
            return name
    raise Invalid(f"a peer is one of {', '.join(PEERS)}, not {printable(text)}")


def pythons_of(named: Iterable[str]) -> dict[Name, Path]:
    """The files of texts `PEER=FILE`; raises Invalid where one is none."""
    found: dict[Name, Path] = {}
    for text in named:
        name, _, file = text.partition("=")
        python = Path(file).expanduser().absolute()
        if not python.is_file():
            raise Invalid(f"--python needs PEER=FILE, a peer and its Python: {printable(text)}")
        found[peer_named(name)] = python
    return found


def measure_peers(
    rounds: Sequence[Sequence[SourceFile]],
    names: Sequence[Name],
    models: ModelFiles,
    scorer: Scorer,
    places: Places,
    stop: threading.Event,
) -> dict[str, Any]:
    """The object of `bench peers --json`, but for `pipeline`. Blocks; raises Interrupted once `stop` is set.

    All ways have as many processes of one thread as there are cores, and take the pictures of a round one way after the
    other, in turns first. `recall` is that of `peers_found`; a picture shows whom the face nearest to its centre shows.
    `ours_in_peer` is our pictures a second in those of the peer, `cpu_ours_in_peer` the same by processor time.
    """
    files = [file for some in rounds for file in some]
    first = [file.path for file in files[: WARM_UP_EACH * cores()]]
    with ExitStack() as stack:
        ours = stack.enter_context(our_processes(models, cores()))
        ours.find(first, stop)
        peers, absent = _prepared(names, first, places, stack, stop)
        versions = {name: peer.versions() for name, peer in peers.items()}
        mine, theirs = _all_rounds(rounds, ours, peers, stop)
    person = np.unique([file.case for file in files], return_inverse=True)[1].astype(np.int64)
    sizes = [_size(file.path) for file in files]
    stored = main_vectors(mine.faces, sizes)
    found = {"model_id": models.model_id, **mine.as_json(recall(_scored(stored, scorer), person, "product"))}
    rows = {name: _row(name, theirs[name], mine, sizes, person) for name in peers}
    same, different = pair_scores(stored, person, "product")
    return {
        "pictures": len(files),
        "people": len(set(person)),
        "same_pairs": len(same),
        "different_pairs": len(different),
        "processes": cores(),
        "rounds": len(rounds),
        "ours": found,
        "peers": {name: absent.get(name) or {"versions": versions[name], **rows[name]} for name in names},
    }


def _prepared(
    names: Sequence[Name], first: Sequence[Path], places: Places, stack: ExitStack, stop: threading.Event
) -> tuple[dict[Name, PeerProcesses], dict[Name, dict[str, str]]]:
    """The peers that have found faces in their first pictures, and why each other one has not, by the error's code."""
    peers: dict[Name, PeerProcesses] = {}
    absent: dict[Name, dict[str, str]] = {}
    for name in names:
        announce(f"preparing {name}")
        try:
            peer = stack.enter_context(peer_processes(name, cores(), places, stop))
            peer.find(first, stop)
            peers[name] = peer
        except (NotInstalled, PeerFailed) as reason:
            absent[name] = {reason.code: reason.message}
            announce(f"without {name}: {reason.message}")
    return peers, absent


def _all_rounds(
    rounds: Sequence[Sequence[SourceFile]],
    ours: OurProcesses,
    peers: Mapping[Name, PeerProcesses],
    stop: threading.Event,
) -> tuple[Measured, dict[Name, Measured]]:
    mine = Measured()
    theirs: dict[Name, Measured] = {name: Measured() for name in peers}
    finders: list[tuple[Finder, Measured]] = [(ours, mine), *((peers[name], theirs[name]) for name in peers)]
    for number, files in enumerate(rounds):
        paths = [file.path for file in files]
        start = number % len(finders)
        for finder, measured in (*finders[start:], *finders[:start]):
            begun, busy = time.perf_counter(), _cpu_s()
            measured.faces += finder.find(paths, stop)
            measured.seconds += time.perf_counter() - begun
            measured.cpu_s += _cpu_s() - busy
        announce(f"round {number + 1} of {len(rounds)}")
    return mine, theirs


def _cpu_s() -> float:
    """Processor seconds of this process and of all below it: of these one way is at work at a time."""
    process = psutil.Process()
    return sum(sum(each.cpu_times()[:2]) for each in (process, *process.children(recursive=True)))


def _row(name: Name, peer: Measured, ours: Measured, sizes: Sequence[tuple[int, int]], person: Codes) -> dict[str, Any]:
    return {
        **peer.as_json(recall(main_vectors(peer.faces, sizes), person, PEERS[name].measure)),
        "ours_in_peer": round(peer.seconds / ours.seconds, 3),
        "cpu_ours_in_peer": round(peer.cpu_s / ours.cpu_s, 3),
        "note": PEERS[name].note,
    }


def _scored(stored: Floats, scorer: Scorer) -> Floats:
    """The vectors that link compares by, of those that are stored."""
    known = ~np.isnan(stored).any(axis=1)
    if not known.any():
        return stored
    scored = scorer.all_scored(stored[known].astype(np.float32)).astype(np.float64)
    found = np.full((len(stored), scored.shape[1]), np.nan)
    found[known] = scored
    return found


def _size(path: Path) -> tuple[int, int]:
    """Width and height in the file's own orientation, as the peers read it; of a file that is no picture 0, 0."""
    try:
        with Image.open(path) as picture:
            return picture.size
    except (UnidentifiedImageError, OSError):
        return 0, 0
