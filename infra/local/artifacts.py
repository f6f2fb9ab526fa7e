"""The jars of the local servers: named by lock files, fetched from a Maven repository, verified by their SHA-256.

A start resolves nothing: the lock names every jar. `python -m infra.local.artifacts` recompiles the locks from
the `jgo.toml` files beside them.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

import requests
from jgo.constants import MAVEN_CENTRAL_URL
from jgo.env import EnvironmentSpec, LockedDependency, LockFile
from jgo.maven import MavenContext
from requests.adapters import HTTPAdapter

from graph.atomic import SHARED, write_whole
from infra.local.base import StackError
from streams.settings import cache_folder

HERE = Path(__file__).parent
SERVERS = ("kafka", "neo4j")
DOWNLOADS = 8
"""Downloads at a time: the jars are many and small, so waiting for answers costs more than bandwidth."""


def jar_cache() -> Path:
    """The folder of fetched jars, laid out as a Maven repository; it may be deleted at any time."""
    return cache_folder() / "maven"


def lock_path(server: str) -> Path:
    return HERE / server / "jars.sha256"


def locked(server: str) -> dict[str, str]:
    """The jars of a server in the order of its class path: the SHA-256 of each by its path in a Maven repository."""
    lines = lock_path(server).read_text("utf-8").splitlines()
    return {path: sha256 for sha256, path in (line.split("  ") for line in lines)}


def class_path(server: str, *, repository: str = "", cache: Path | None = None) -> list[Path]:
    """All jars of a server, present and equal to the lock; fetches what is missing.

    A jar is hashed when it is fetched; afterwards its size and time are compared (`broken_jars` hashes them all).
    Raises StackError where the repository cannot be reached or serves other bytes.
    """
    cache = cache or jar_cache()
    paths = [cache / path for path in locked(server)]
    verified = cache / f"{server}.{_digest(lock_path(server))[:16]}.json"
    if _known(verified) == _stamps(paths):
        return paths
    bad = broken_jars(server, cache=cache)
    if bad:
        _fetch(bad, cache, repository)
    cache.mkdir(parents=True, exist_ok=True)
    write_whole(verified, json.dumps(_stamps(paths)), mode=SHARED)
    return paths


def broken_jars(server: str, *, cache: Path | None = None) -> dict[str, str]:
    """Those jars of `locked` that are absent, unreadable, or have other bytes than the lock says; reads every byte."""
    folder = cache or jar_cache()

    def is_broken(path: str) -> bool:
        try:
            return _digest(folder / path) != jars[path]
        except OSError:
            return True

    jars = locked(server)
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        return {path: jars[path] for path, broken in zip(jars, pool.map(is_broken, jars), strict=True) if broken}


def write_lock(server: str) -> None:
    """Resolves a server's `jgo.toml` and writes its lock with the hashes of what the repository serves today."""
    spec = EnvironmentSpec.load(HERE / server / "jgo.toml")
    with tempfile.TemporaryDirectory() as folder:
        context = MavenContext(repo_cache=Path(folder))
        wanted = [context.create_dependency(coordinate) for coordinate in spec.coordinates]
        inputs, transitive = context.resolver.resolve(wanted)
        used = list(inputs) + [dependency for dependency in transitive if dependency.scope in ("compile", "runtime")]
        jars = LockFile.from_resolved_dependencies(used, environment_name=spec.name).dependencies
    lock_path(server).write_text("".join(f"{jar.sha256}  {_path(jar)}\n" for jar in jars), "utf-8")


def _path(jar: LockedDependency) -> str:
    """The path of a jar in a Maven repository."""
    suffix = f"-{jar.classifier}" if jar.classifier else ""
    name = f"{jar.artifactId}-{jar.version}{suffix}.{jar.packaging}"
    return "/".join((*jar.groupId.split("."), jar.artifactId, jar.version, name))


def _fetch(jars: Mapping[str, str], cache: Path, repository: str) -> None:
    """Puts jars into the cache, each written whole and only after its hash is verified.

    Reuses connections; jgo's own downloads open one for each file, which takes 10 times as long.
    """
    base = (repository or MAVEN_CENTRAL_URL).rstrip("/")
    with requests.Session() as session, ThreadPoolExecutor(DOWNLOADS) as pool:
        session.mount("https://", HTTPAdapter(pool_maxsize=DOWNLOADS, max_retries=3))

        def fetch(path: str) -> None:
            answer = session.get(f"{base}/{path}", timeout=60)
            answer.raise_for_status()
            if hashlib.sha256(answer.content).hexdigest() != jars[path]:
                raise StackError(
                    f"{PurePosixPath(path).name} is not the file that was locked: the Maven repository or a proxy "
                    "serves other bytes; it was not installed"
                )
            # Flushed to the disk: from now on only its size and time are compared.
            (cache / path).parent.mkdir(parents=True, exist_ok=True)
            write_whole(cache / path, answer.content, mode=SHARED)

        try:
            list(pool.map(fetch, jars))
        except requests.RequestException as error:
            pool.shutdown(cancel_futures=True)
            raise StackError(
                f"cannot fetch {len(jars)} jars of Kafka and Neo4j ({type(error).__name__}): set HTTPS_PROXY if this "
                "network has a proxy, or REDTHREAD_MAVEN_REPOSITORY to the address of a Maven mirror"
            ) from error
        except OSError as error:
            pool.shutdown(cancel_futures=True)
            raise StackError(f"cannot write to {cache}: {error.strerror}; it needs 1 GB of free space") from error


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _stamps(paths: Sequence[Path]) -> list[list[int]] | None:
    """Size and time of every file, or None where one is absent or cannot be read."""
    try:
        found = [path.stat() for path in paths]
    except OSError:
        return None
    if not all(os.access(path, os.R_OK) for path in paths):
        return None
    return [[facts.st_size, facts.st_mtime_ns] for facts in found]


def _known(path: Path) -> object:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return "nothing verified yet"


if __name__ == "__main__":
    for name in SERVERS:
        write_lock(name)
