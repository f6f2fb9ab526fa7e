"""The real Neo4j Community as a child process on the loopback, with a password and without telemetry."""

import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from infra.local.archives import CLASSES, Archive, crash_files
from infra.local.child import ChildSpec
from infra.local.memory import MIB, Memory, check_address_space
from infra.local.neo4j.ends import CANNOT_START, reason

GRACE_S = 30.0
USER = "neo4j"
SHIPPED_PASSWORD = "neo4j"
"""The password of a new Neo4j: it allows nothing but being changed."""
OPTIONS = (
    "-XX:+UseSerialGC",
    "-XX:-UsePerfData",
    "-Dlog4j2.disable.jmx=true",
    "-Djava.awt.headless=true",
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
)
HEAP_MB, HEAP_MOST_MB = 512, 4096
PAGES_MB, PAGES_MOST_MB = 96, 8192
"""The least and the most of Neo4j's heap and page cache."""
SHARE = 16
"""Of the machine's memory heap and page cache get one part in so many each: the workers and the gallery need theirs.
With the least of both, claims on a graph of a million faces took seconds."""
ADDRESS_MIB = 3328
"""Address space that the JVM reserves besides heap and page cache: the least of both ran in 3.9 GiB, not in 2.9."""
QUICK = ("-XX:TieredStopAtLevel=1",)
"""The first compiler only, for what lives for minutes: 7.5 instead of 12 CPU seconds until it serves, and 8 instead of
23 ms a media in the first minutes (2 cores). After two minutes of reviewing it is a quarter slower than both."""
CONF = """\
server.directories.data={home}/data
server.directories.transaction.logs.root={home}/data/transactions
server.directories.logs={home}/logs
server.directories.run={home}/run
server.directories.plugins={home}/plugins
server.directories.import={home}/import
server.default_listen_address=127.0.0.1
server.bolt.enabled=true
server.bolt.listen_address=127.0.0.1:{port}
server.bolt.advertised_address=127.0.0.1:{port}
server.http.enabled=false
server.https.enabled=false
dbms.security.auth_enabled=true
dbms.usage_report.enabled=false
client.allow_telemetry=false
dbms.fleet_manager.enabled=false
server.fleet_discovery.enabled=false
server.memory.pagecache.size={pages}m
db.query.default_language=CYPHER_25
dbms.cypher.min_replan_interval={replan}
db.lock.acquisition.timeout=10s
db.transaction.timeout=30s
db.tx_log.preallocate=true
db.tx_log.rotation.size=32m
db.tx_log.rotation.retention_policy=2 files
db.logs.query.enabled=OFF
internal.dbms.bolt.netty_server_shutdown_quiet_period_duration=0s
"""
DISCARD = """\
internal.dbms.tx_log.fail_on_corrupted_log_files=false
"""
"""Makes Neo4j drop the unreadable part of its transaction log, and everything after it."""
REPAIR_SHARE, REPAIR_HEAP_MOST_MB = 2, 8192
"""Of the available memory the heap gets one part in so many while a log is repaired: a length in its unreadable part
can be any number, and Neo4j makes room for it."""
REPLAN, REPLAN_SHORT_LIVED = "1m", "1h"
"""The shortest lifetime of a statement's plan while the graph grows. A small graph changes by factors all the time:
replanning every 10 s, the default, cost the tests of the queue 28 CPU seconds, the first plans 8."""


def archive(jars: Sequence[Path]) -> Archive:
    """The class-data archive of Neo4j."""
    return Archive.of("neo4j", jars, OPTIONS)


def memory(total: int) -> tuple[int, int]:
    """Heap and page cache in MB for a Neo4j that stays, on a machine of `total` bytes."""
    share = total // SHARE // 1024**2
    return min(max(share, HEAP_MB), HEAP_MOST_MB), min(max(share, PAGES_MB), PAGES_MOST_MB)


def prepare(
    folder: Path, jars: Sequence[Path], port: int, have: Memory, *, short_lived: bool, discard: bool = False
) -> tuple[str, ...]:
    """The command that serves the data in `folder`; writes the configuration.

    With `discard` the next start drops what it cannot read of the transaction log; `keep_log` ends that.
    """
    conf = folder / "conf"
    for name in ("conf", "data", "logs", "run", "plugins", "import"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)  # also where an older release made it
    heap, pages = (HEAP_MB, PAGES_MB) if short_lived else memory(have.total)
    settings = CONF.format(home=folder, port=port, pages=pages, replan=REPLAN_SHORT_LIVED if short_lived else REPLAN)
    (conf / "neo4j.conf").write_text(settings + DISCARD if discard else settings, "utf-8")
    if discard:
        heap = min(max(heap, have.available // REPAIR_SHARE // MIB), REPAIR_HEAP_MOST_MB)
    check_address_space(ADDRESS_MIB + heap + pages)
    class_path = conf / "classpath"
    class_path.write_text("\n".join(map(str, jars)), "utf-8")
    options = (*OPTIONS, *QUICK) if short_lived else OPTIONS
    options += (f"-Xms{HEAP_MB // 2}m", f"-Xmx{heap}m", *crash_files(folder.parent / "logs"))
    options += archive(jars).options(folder / CLASSES)
    launcher = Path(__file__).with_name("launcher.py")
    return (sys.executable, "-I", str(launcher), str(folder), str(conf), str(class_path), *options)


def keep_log(folder: Path) -> None:
    """From the next start on Neo4j refuses a transaction log that it cannot read."""
    conf = folder / "conf" / "neo4j.conf"
    conf.write_text(conf.read_text("utf-8").replace(DISCARD, ""), "utf-8")


def spec(command: tuple[str, ...], ready: Callable[[], Awaitable[None]]) -> ChildSpec:
    """Neo4j as the supervisor runs it."""
    return ChildSpec(
        "neo4j",
        command,
        GRACE_S,
        on_orphaned=signal.SIGTERM,
        ready=ready,
        reason=reason,
        final=frozenset({CANNOT_START}),
    )
