"""`bench pipeline`: media per second through the real system, beside a bare loop of the same code."""

import random
import statistics
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from graph.domain.errors import Invalid
from graph.files import MediaStore
from infra.demo.run import SOURCE, Terms
from infra.local.system import RunningSystem
from infra.terminal import announce
from streams.client.folders import SourceFile, case_id_of, read_cases
from streams.client.publish import CaseSystem
from streams.client.receive import NoticeReader
from streams.client.submission import Submission, explanation
from tests.bench.bare_loop import CPU, BareLoop, BareSettings, add, bare_loop, cores

PROCESSES = 2
"""Embed processes of one thread each, and processes of the bare loop."""
CASES = 20
WARM_UP = 500
"""Pictures, at most a quarter of all, that warm up both: at first Neo4j compiles its code, at twice its later cost a
media."""
GOAL = 0.8
TERMS = Terms("measurement of speed", "sample pictures")


@dataclass(frozen=True, slots=True)
class Round:
    """Seconds for the same pictures through the system and through the bare loop."""

    media: int
    pipeline_s: float
    bare_s: float
    cpu_s: Mapping[str, float]
    """Processor seconds of the system, by kind of process."""
    bare_cpu_s: float


@dataclass(slots=True)
class Measured:
    """All rounds, and the seconds of each step of the bare loop."""

    rounds: list[Round] = field(default_factory=list[Round])
    steps: dict[str, float] = field(default_factory=dict[str, float])

    def as_json(self) -> dict[str, Any]:
        """The object of `bench pipeline --json`.

        `pipeline_vs_bare` is media per second through the system by those through the bare loop, over all rounds;
        `cpu_vs_bare` the same by processor time, which other work on the machine disturbs less. `bare_ms_a_media` are
        the loop's steps by the clock, `pipeline_cpu_ms_a_media` processor time by kind of process.
        """
        media = sum(each.media for each in self.rounds)
        pipeline_s, bare_s = sum(each.pipeline_s for each in self.rounds), sum(each.bare_s for each in self.rounds)
        cpu: dict[str, float] = {}
        for each in self.rounds:
            add(cpu, each.cpu_s)
        bare_cpu_s = sum(each.bare_cpu_s for each in self.rounds)
        return {
            "media": media,
            "processes": PROCESSES,
            "cores": cores(),
            "pipeline_media_per_s": round(media / pipeline_s, 2),
            "bare_media_per_s": round(media / bare_s, 2),
            "pipeline_vs_bare": round(bare_s / pipeline_s, 4),
            "median_of_rounds": round(statistics.median(each.bare_s / each.pipeline_s for each in self.rounds), 4),
            "cpu_vs_bare": round(bare_cpu_s / sum(cpu.values()), 4),
            "goal": GOAL,
            "rounds": [
                {
                    "media": each.media,
                    "pipeline_s": round(each.pipeline_s, 3),
                    "bare_s": round(each.bare_s, 3),
                    "pipeline_cpu_ms_a_media": _milliseconds(each.cpu_s, each.media),
                }
                for each in self.rounds
            ],
            "bare_ms_a_media": _milliseconds(self.steps, media),
            "bare_cpu_ms_a_media": round(1000 * bare_cpu_s / media, 2),
            "pipeline_cpu_ms_a_media": _milliseconds(cpu, media),
        }


def _milliseconds(seconds: Mapping[str, float], media: int) -> dict[str, float]:
    """By name, the largest first."""
    return {name: round(1000 * spent / media, 2) for name, spent in sorted(seconds.items(), key=lambda item: -item[1])}


def rounds_of(folder: Path, repeat: int, seed: int, pictures: int) -> tuple[list[SourceFile], list[list[SourceFile]]]:
    """The pictures to warm up with, and those of each round: distinct ones, since a known picture costs link less."""
    found = read_cases(folder, lambda _: None)
    random.Random(seed).shuffle(found)
    found = found[: WARM_UP + pictures] if pictures else found
    warm_up = min(WARM_UP, len(found) // 4)
    size = (len(found) - warm_up) // repeat
    if size < 1:
        raise Invalid(f"too few pictures for {repeat} rounds: {len(found)}")
    files = [
        SourceFile(file.case, case_id_of(f"bench-{number % CASES:03d}"), file.file, file.path)
        for number, file in enumerate(found)
    ]
    measured = files[warm_up:]
    return files[:warm_up], [measured[start : start + size] for start in range(0, size * repeat, size)]


def measure(
    system: RunningSystem,
    root: str,
    warm_up: list[SourceFile],
    rounds: Sequence[list[SourceFile]],
    stop: threading.Event,
) -> Measured:
    """Measures system and bare loop in turns, each first in every second round; blocks."""
    measured = Measured()
    case_system = CaseSystem(system.addresses.kafka_connection, SOURCE)
    MediaStore((system.data / "bare-store").as_uri()).make(is_new=True)
    settings = BareSettings(system.options.models, (system.data / "bare-store").as_uri(), root)
    with case_system.read_notices() as reader, bare_loop(settings, PROCESSES) as loop:
        announce(f"warming up with {len(warm_up)} pictures")
        _through(system, case_system, reader, warm_up, stop)
        loop.run([file.url for file in warm_up], stop)
        for number, files in enumerate(rounds):
            first = _bare(loop, files, measured, stop) if number % 2 else None
            before = _cpu(system)
            pipeline_s = _through(system, case_system, reader, files, stop)
            cpu_s = _spent(before, _cpu(system))
            bare_s, bare_cpu_s = first or _bare(loop, files, measured, stop)
            measured.rounds.append(Round(len(files), pipeline_s, bare_s, cpu_s, bare_cpu_s))
            announce(f"round {number + 1}: {len(files)} media, pipeline {pipeline_s:.1f} s, bare {bare_s:.1f} s")
    return measured


def _bare(
    loop: BareLoop, files: Sequence[SourceFile], measured: Measured, stop: threading.Event
) -> tuple[float, float]:
    """Seconds of the loop, and its processor seconds."""
    seconds, steps = loop.run([file.url for file in files], stop)
    busy = steps.pop(CPU)
    add(measured.steps, steps)
    return seconds, busy


def _through(
    system: RunningSystem,
    case_system: CaseSystem,
    reader: NoticeReader,
    files: Sequence[SourceFile],
    stop: threading.Event,
) -> float:
    """Seconds from the first event sent to the last notice read."""
    submission = Submission[int](case_system, reader)
    addresses = system.addresses
    begun = time.perf_counter()
    submission.publish(((number, TERMS.event(file)) for number, file in enumerate(files)), stop)
    submission.wait(stop, lambda: explanation(addresses, SOURCE, system.data / "logs"))
    return time.perf_counter() - begun


def _cpu(system: RunningSystem) -> dict[str, float]:
    """Processor seconds of each process so far: by its kind, decoders apart from their embed worker."""
    seconds: dict[str, float] = {}
    for name, child in system.supervisor.children.items():
        kind = name.rpartition("-")[0] or name
        try:
            process = psutil.Process(child.pid)
            add(seconds, {kind: sum(process.cpu_times()[:2])})
            for below in process.children(recursive=True):
                add(seconds, {"decode" if kind == "embed" else kind: sum(below.cpu_times()[:2])})
        except psutil.Error:
            continue  # it was just restarted: its seconds are missing in this round's sum
    return seconds


def _spent(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    return {name: max(0.0, after[name] - before.get(name, 0.0)) for name in after}
