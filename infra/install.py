"""Makes `.venv` in a checkout hold exactly what `infra/requirements.lock` says; called by `infra/run`.

Standard library only. Nothing is built: the project itself is linked by a `.pth` file. A marker in the folder says that
an install was begun; where the next run finds one, it starts over.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

NEEDED_BYTES = 3_000_000_000
"""Disk space of the packages (1.3 GB), of pip's copies while it installs, and some to work with."""
PIPS = 4
"""Installs side by side: most of one is unpacking, on one core. The packages bring no dependencies, so in any order."""
UNREACHABLE = (
    "Retrying (Retry(",
    "ConnectionError",
    "NewConnectionError",
    "ProxyError",
    "ReadTimeout",
    "SSLError",
    "TLS",
)


class Refused(Exception):
    """The install cannot go on; the text says why and what to do."""


def install(root: Path) -> None:
    """Returns once the environment is whole; Refused where it cannot be made so."""
    venv = root / ".venv"
    venv.mkdir(exist_ok=True)
    # A lock on a file that is there anyway: two first runs at once must not install into each other.
    with (root / "pyproject.toml").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if _is_current(root, venv):  # another run did it while this one waited
            return
        _check_disk(root)
        marker = venv / "redthread.installing"
        if marker.exists() or not _works(venv):
            _make(venv, marker)
        marker.touch()
        (venv / "redthread.stamp").unlink(missing_ok=True)
        _install_packages(root, venv)
        link_project(root, venv)
        (venv / "redthread.stamp").write_text(_stamp(root, venv), "utf-8")
        marker.unlink()


def link_project(root: Path, venv: Path) -> None:
    """Makes the checkout importable in the environment, with its metadata and the command `redthread`."""
    version = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    site = Path(_ask(venv, "import sysconfig; print(sysconfig.get_path('purelib'))"))
    for old in site.glob("redthread-*.dist-info"):
        shutil.rmtree(old)
    info = site / f"redthread-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: redthread\nVersion: {version}\n", "utf-8")
    (info / "INSTALLER").write_text("infra/run\n", "utf-8")
    (info / "RECORD").write_text("", "utf-8")
    (site / "redthread.pth").write_text(f"{root}\n", "utf-8")
    command = venv / "bin" / "redthread"
    command.write_text(f'#!/bin/sh\nexec sh "{root}/infra/run" "$@"\n', "utf-8")
    command.chmod(0o755)


def _make(venv: Path, marker: Path) -> None:
    """An empty environment with pip, in place of whatever is there."""
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise Refused(f"this Python {version} has no venv module; on Debian and Ubuntu: apt install python3-venv")
    _say("making .venv")
    shutil.rmtree(venv)
    venv.mkdir()
    marker.touch()
    made = subprocess.run([sys.executable, "-I", "-m", "venv", str(venv)], capture_output=True, text=True, check=False)
    if made.returncode:
        raise Refused(f"could not make {venv}: {(made.stderr or made.stdout).strip()[-500:]}")


def _install_packages(root: Path, venv: Path) -> None:
    wanted = requirements((root / "infra" / "requirements.lock").read_text("utf-8"))
    _say(f"installing {len(wanted)} packages (1.3 GB on disk, a minute or two)")
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(PIPS) as pool:
        parts = [Path(scratch) / f"{number}.lock" for number in range(min(PIPS, len(wanted)))]
        for number, part in enumerate(parts):
            part.write_text("".join(wanted[number::PIPS]), "utf-8")
        for failed in pool.map(partial(_pip, venv), parts):
            if failed:
                raise Refused(_why(failed))


def requirements(lock: str) -> list[str]:
    """The packages of a lock, each with the lines of its hashes."""
    found: list[str] = []
    for line in lock.splitlines(keepends=True):
        if line[0].isalnum():
            found.append(line)
        elif found:
            found[-1] += line
    return found


def _pip(venv: Path, part: Path) -> list[str]:
    """Nothing once the packages of this lock are installed, else pip's last lines."""
    flags = "--no-deps --require-hashes --no-input --no-compile --disable-pip-version-check --progress-bar off"
    command = [str(venv / "bin" / "python"), "-I", "-m", "pip", "install", *flags.split(), "-r", str(part)]
    env = {**os.environ, "PIP_USER": "0"}
    last: deque[str] = deque(maxlen=40)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env) as pip:
        assert pip.stdout is not None
        for line in pip.stdout:
            last.append(line.rstrip())
            if line.startswith("Collecting ") and sys.stderr.isatty():
                print(".", end="", file=sys.stderr, flush=True)
    return list(last) if pip.returncode else []


def _why(lines: list[str]) -> str:
    """What pip's last lines mean, and what to do."""
    text = "\n".join(lines)
    if "No space left" in text:
        return "the disk is full: free 3 GB, then run this again"
    shown = "\n".join(f"  {line}" for line in [line for line in lines if line.strip()][-6:])
    if any(word in text for word in UNREACHABLE):
        return (
            f"the package index cannot be reached; pip said:\n{shown}\nredthread: set HTTPS_PROXY if this network "
            "has a proxy, or PIP_INDEX_URL to the address of a mirror, then run this again"
        )
    if "DO NOT MATCH THE HASHES" in text:
        return f"the package index or a proxy serves other files than the locked ones; pip said:\n{shown}"
    return f"pip could not install the locked packages; it said:\n{shown}"


def _check_disk(root: Path) -> None:
    free = shutil.disk_usage(root).free
    if free < NEEDED_BYTES:
        raise Refused(
            f"only {free / 1e9:.1f} GB are free where {root} lies, and the install needs 3 GB: free some space"
        )


def _works(venv: Path) -> bool:
    """Whether the environment has a Python that is new enough, and pip."""
    try:
        return _ask(venv, "import sys, pip; print(sys.version_info >= (3, 11))") == "True"
    except (OSError, subprocess.CalledProcessError):
        return False


def _is_current(root: Path, venv: Path) -> bool:
    try:
        return (venv / "redthread.stamp").read_text("utf-8") == _stamp(root, venv)
    except (OSError, subprocess.CalledProcessError):
        return False


def _stamp(root: Path, venv: Path) -> str:
    """The same text as `stamp` in `infra/run` writes."""
    version = _ask(venv, "import sys; print(*sys.version_info[:2], sep='.')")
    return f"{root} {version}\n" + (root / "infra" / "requirements.lock").read_text("utf-8")


def _ask(venv: Path, code: str) -> str:
    done = subprocess.run([str(venv / "bin" / "python"), "-I", "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _say(line: str) -> None:
    print(f"redthread: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        install(Path(sys.argv[1]))
    except Refused as refusal:
        sys.exit(f"redthread: {refusal}")
    except OSError as failure:
        sys.exit(f"redthread: cannot install into {sys.argv[1]}: {failure.strerror or failure}")
    except KeyboardInterrupt:
        sys.exit(130)
