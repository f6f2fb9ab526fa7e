"""How much memory the processes started here may use: the machine's, or less where a container's limit is lower.

A container's limit is a cgroup's. `psutil` returns the machine's memory also in a container, and a process
that grows to that size is killed by the kernel.
"""

import resource
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import psutil

from infra.local.base import StackError

MIB = 1024**2
UNLIMITED = 2**60
"""Version 1 writes no limit as a number just below 2^63."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of memory: all that may be used here, and what of it is free or could be freed."""

    total: int
    available: int


def memory(assumed_mib: int = 0, *, root: Path = Path("/")) -> Memory:
    """The machine's memory within the limits of every cgroup around this process; at most `assumed_mib` where given.

    `root` is where `proc` and the cgroups' file systems are found.
    """
    machine = psutil.virtual_memory()
    total, available = int(machine.total), int(machine.available)
    for limit, used in _cgroups(root):
        total, available = min(total, limit), min(available, max(0, limit - used))
    if assumed_mib:
        total, available = min(total, assumed_mib * MIB), min(available, assumed_mib * MIB)
    return Memory(total, available)


def check_address_space(needed_mib: int) -> None:
    """Raises StackError where a process may address less (`ulimit -v`): a JVM reserves far more than it uses."""
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY and soft < needed_mib * MIB:
        raise StackError(
            f"the address space of a process is limited to {soft // MIB} MiB, and Neo4j reserves {needed_mib}: lift "
            "the limit with `ulimit -v unlimited`"
        )


def _cgroups(root: Path) -> Iterator[tuple[int, int]]:
    """Limit and use in bytes of each cgroup around this process that has a limit; use without what can be dropped."""
    for mount, version, inside in _mounts(root):
        names = ("memory.max", "memory.current", "inactive_file")
        if version == 1:
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        for folder in (mount / inside, *(mount / parent for parent in inside.parents)):
            limit, used = _number(folder / names[0]), _number(folder / names[1])
            if limit is not None and used is not None and limit < UNLIMITED:
                yield limit, max(0, used - _statistic(folder / "memory.stat", names[2]))


def _mounts(root: Path) -> Iterator[tuple[Path, int, PurePosixPath]]:
    """Each mounted hierarchy that limits memory, its version, and this process's place below its mount point."""
    places: dict[int, str] = {}
    for line in _lines(root / "proc/self/cgroup"):
        number, controllers, place = line.split(":", 2)
        if number == "0" and not controllers:
            places[2] = place
        elif "memory" in controllers.split(","):
            places[1] = place
    for line in _lines(root / "proc/self/mountinfo"):
        # man 5 proc: the mount's root and point are fields 4 and 5, type and options follow a lone dash.
        before, _, after = line.partition(" - ")
        kind, _, options = after.partition(" ")
        version = (
            2 if kind == "cgroup2" else 1 if kind == "cgroup" and "memory" in options.split(" ")[-1].split(",") else 0
        )
        if version in places:
            top, point = before.split(" ")[3:5]
            place = PurePosixPath(places[version])
            inside = place.relative_to(top) if place.is_relative_to(top) else PurePosixPath()
            yield root / point.lstrip("/"), version, inside


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []


def _number(path: Path) -> int | None:
    """The number in a file; None where it is absent, or is the word `max`."""
    text = "".join(_lines(path)[:1])
    return int(text) if text.isdigit() else None


def _statistic(path: Path, name: str) -> int:
    return next((int(value) for key, _, value in (line.partition(" ") for line in _lines(path)) if key == name), 0)
