"""Makes the class-data archives of Kafka and Neo4j beside a stack that runs: `python -m tests.support.class_data DATA`.

A test run starts the servers a dozen times, and each start from archives takes 6 s of processor time less. The archives
are in the cache folder, so later runs start from them at once.
"""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from infra.local import artifacts
from infra.local.archives import CLASSES
from infra.local.child import leashed
from infra.local.kafka import server as kafka
from infra.local.neo4j import server as neo4j

CHECKOUT = Path(__file__).parents[2]


async def make(data: Path) -> None:
    """Makes the archives that are missing, from the classes that the servers of the stack on `data` have loaded."""
    for name, archive in (("neo4j", neo4j.archive), ("kafka", kafka.archive)):
        await archive(artifacts.class_path(name)).make(data / name / CLASSES)


@contextmanager
def made_in_background(data: Path) -> Generator[None]:
    """Makes them in a process of the lowest priority, which ends with the block at the latest."""
    command = [*leashed(signal.SIGTERM), sys.executable, "-m", "tests.support.class_data", str(data)]
    process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    asyncio.run(make(Path(sys.argv[1])))
