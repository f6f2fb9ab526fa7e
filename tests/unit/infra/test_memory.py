"""Memory within the limits of containers, read from a file system like the kernel's."""

import resource
from collections.abc import Mapping
from pathlib import Path

import pytest

from infra.local.base import StackError
from infra.local.memory import MIB, check_address_space, memory

GIB = 1024 * MIB
VERSION_1 = "35 31 0:32 {top} /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory\n"
VERSION_2 = "41 31 0:38 {top} /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw\n"
OTHER = "30 31 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"


def kernel(root: Path, cgroup: str, mounts: str, files: Mapping[str, str]) -> Path:
    """A root folder with what the kernel says of this process and its cgroups."""
    told = {"proc/self/cgroup": cgroup, "proc/self/mountinfo": OTHER + mounts}
    for name, text in {**told, **{f"sys/fs/cgroup/{name}": text for name, text in files.items()}}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return root


def test_the_lowest_limit_around_counts_in_version_2(tmp_path: Path) -> None:
    root = kernel(
        tmp_path,
        "0::/pod/job\n",
        VERSION_2.format(top="/"),
        {
            "pod/memory.max": f"{GIB}\n",
            "pod/memory.current": f"{700 * MIB}\n",
            "pod/memory.stat": f"anon 5\ninactive_file {100 * MIB}\n",
            "pod/job/memory.max": "max\n",
            "pod/job/memory.current": f"{500 * MIB}\n",
        },
    )
    found = memory(root=root)
    assert (found.total, found.available) == (GIB, 424 * MIB)


def test_a_limit_counts_in_version_1_and_no_limit_does_not(tmp_path: Path) -> None:
    root = kernel(
        tmp_path,
        "9:cpu:/x\n4:memory:/job\n0::/\n",
        VERSION_1.format(top="/"),
        {
            "memory/memory.limit_in_bytes": "9223372036854771712\n",
            "memory/memory.usage_in_bytes": f"{9 * GIB}\n",
            "memory/job/memory.limit_in_bytes": f"{GIB}\n",
            "memory/job/memory.usage_in_bytes": f"{300 * MIB}\n",
            "memory/job/memory.stat": f"cache 1\ntotal_inactive_file {44 * MIB}\n",
        },
    )
    found = memory(root=root)
    assert (found.total, found.available) == (GIB, 768 * MIB)


def test_a_container_that_sees_only_its_own_cgroup_is_limited_by_it(tmp_path: Path) -> None:
    root = kernel(
        tmp_path,
        "4:memory:/docker/abc\n",
        VERSION_1.format(top="/docker/abc"),
        {
            "memory/memory.limit_in_bytes": f"{GIB}\n",
            "memory/memory.usage_in_bytes": "0\n",
        },
    )
    assert memory(root=root).total == GIB


def test_a_machine_without_cgroups_has_all_its_memory_and_no_more_than_is_assumed(tmp_path: Path) -> None:
    assert memory(root=tmp_path).total > 0
    assert memory(300, root=tmp_path).total == 300 * MIB
    assert memory(300, root=tmp_path).available <= 300 * MIB


def test_a_limit_of_the_address_space_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (3 * GIB, resource.RLIM_INFINITY))
    check_address_space(3000)
    with pytest.raises(StackError, match=r"limited to 3072 MiB, and Neo4j reserves 4000: .*`ulimit -v unlimited`"):
        check_address_space(4000)
