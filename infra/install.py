"""Makes `.venv` in a checkout hold what `infra/requirements.lock` says; called by `infra/run`.

Standard library only. pip installs uv, and uv all other packages; both check the hashes of the lock. The project itself
is linked by a `.pth` file. A marker file says that an install began; the next run that finds one starts over.
"""

import fcntl
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

NEEDED_BYTES = 3_000_000_000
"""Disk space of the packages (1.2 GB), of the archives while they are unpacked, and some to work with."""
UNREACHABLE = (
    "Failed to fetch",
    "error sending request",
    "Retrying (Retry(",
    "ConnectionError",
    "NewConnectionError",
    "ProxyError",
    "ReadTimeout",
    "SSLError",
    "TLS",
)
WRONG_HASH = ("Hash mismatch", "DO NOT MATCH THE HASHES")
QUIETLY = ("--no-input", "--disable-pip-version-check")
EXACTLY = ("--no-deps", "--require-hashes", "-r")
UV_SETTINGS = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE",
    "proxy": "HTTPS_PROXY",
    "trusted-host": "UV_INSECURE_HOST",
}
"""pip's settings, which name an organisation's mirror and proxy, and uv's environment variables for the same."""


class Refused(Exception):
    """The install cannot go on; the text says why and what to do."""


def install(root: Path) -> None:
    """Completes the environment; Refused where that is not possible."""
    venv = root / ".venv"
    venv.mkdir(exist_ok=True)
    # A lock on a file that exists anyway: two first runs at once must not install into each other.
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
        _install_packages(root / "infra" / "requirements.lock", venv)
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


def requirements(lock: str) -> list[str]:
    """The packages of a lock, each with the lines of its hashes."""
    return re.findall(r"^\w.*\n(?:\W.*\n)*", lock, re.MULTILINE)


def _make(venv: Path, marker: Path) -> None:
    """Replaces the folder by an empty environment with pip."""
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


def _install_packages(lock: Path, venv: Path) -> None:
    wanted = requirements(lock.read_text("utf-8"))
    _say(f"installing {len(wanted)} packages (1.2 GB on disk, a minute or two)")
    first = "".join(package for package in wanted if package.startswith("uv=="))
    if not first:  # a lock without packages
        return
    python, uv, uv_lock = (str(venv / name) for name in ("bin/python", "bin/uv", "redthread.uv.lock"))
    Path(uv_lock).write_text(first, "utf-8")
    _run("pip", [python, "-I", "-m", "pip", "install", *QUIETLY, *EXACTLY, uv_lock])
    _run("uv", [uv, "pip", "install", "--python", python, *EXACTLY, str(lock)], _uv_environment(python))


def _uv_environment(python: str) -> dict[str, str]:
    """uv's variables for the settings in pip's files and environment; variables that are set already stay."""
    command = [python, "-I", "-m", "pip", "config", "list"]
    lines = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    found: dict[str, str] = {}
    for section in ("global", "install", ":env:"):  # the later one counts
        for line in lines:
            name, _, value = line.partition("=")
            variable = UV_SETTINGS.get(name.removeprefix(f"{section}."))
            if variable is not None:
                found[variable] = " ".join(value.strip("'\"").split("\\n")).strip()
    return {name: value for name, value in found.items() if name not in os.environ}


def _run(program: str, command: Sequence[str], env: Mapping[str, str] | None = None) -> None:
    """Runs an installer to its end, with a dot a second on a terminal; Refused says what its last lines mean."""
    environment = {**os.environ, "PIP_USER": "0", **(env or {})}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        while True:
            try:
                text, _ = process.communicate(timeout=1)
                break
            except subprocess.TimeoutExpired:
                if sys.stderr.isatty():
                    print(".", end="", file=sys.stderr, flush=True)
    if process.returncode:
        raise Refused(_why(program, text))


def _why(program: str, text: str) -> str:
    """What an installer's output means, and what to do."""
    if "No space left" in text:
        return "the disk is full: free 3 GB, then run this again"
    shown = "\n".join(f"  {line}" for line in [line for line in text.splitlines() if line.strip()][-6:])
    if any(words in text for words in WRONG_HASH):
        return f"the package index or a proxy serves other files than the locked ones; {program} said:\n{shown}"
    if any(words in text for words in UNREACHABLE):
        return (
            f"the package index cannot be reached; {program} said:\n{shown}\nredthread: set HTTPS_PROXY if this "
            "network has a proxy, or PIP_INDEX_URL to the address of a mirror, then run this again"
        )
    return f"{program} could not install the locked packages; it said:\n{shown}"


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
