"""The jars of the local servers: nothing but the locked bytes is ever used."""

import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from infra.local import artifacts
from infra.local.base import StackError

CACHE = artifacts.jar_cache()


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A Maven repository with Kafka's jars as hard links of the cache's, and its address."""
    root = tmp_path / "repository"
    for path in artifacts.locked("kafka"):
        source = CACHE / path
        if not source.exists():
            pytest.skip("Kafka's jars are not in the cache: any start of the local stack fetches them")
        target = root / path
        target.parent.mkdir(parents=True)
        target.symlink_to(source)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(root)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield root, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_jar_with_other_bytes_is_refused_and_the_next_fetch_repairs_it(
    repository: tuple[Path, str], tmp_path: Path
) -> None:
    root, address = repository
    jar = list(artifacts.locked("kafka"))[1]
    served, cache = root / jar, tmp_path / "cache"
    good = served.resolve()
    served.unlink()
    served.write_bytes(b"something else")
    with pytest.raises(StackError, match=f"{served.name} is not the file that was locked"):
        artifacts.class_path("kafka", repository=address, cache=cache)
    assert not (cache / jar).exists()

    served.unlink()
    served.symlink_to(good)
    paths = artifacts.class_path("kafka", repository=address, cache=cache)
    assert [path.name for path in paths][:2] == ["kafka_2.13-4.4.0.jar", "slf4j-simple-1.7.36.jar"]
    # And afterwards no network is needed, until a file is not what it was
    assert artifacts.class_path("kafka", repository="http://127.0.0.1:9", cache=cache) == paths
    paths[1].write_bytes(b"damaged")
    assert [Path(path).name for path in artifacts.broken_jars("kafka", cache=cache)] == ["slf4j-simple-1.7.36.jar"]
    with pytest.raises(StackError, match="set HTTPS_PROXY"):
        artifacts.class_path("kafka", repository="http://127.0.0.1:9", cache=cache)


@pytest.mark.parametrize("server", artifacts.SERVERS)
def test_every_locked_jar_has_a_hash(server: str) -> None:
    assert all(len(sha256) == 64 for sha256 in artifacts.locked(server).values())
