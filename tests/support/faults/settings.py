"""How long the fault tests run: from the environment, because CI runs a short version and a person a long campaign."""

import os
import random
from dataclasses import dataclass

PREFIX = "REDTHREAD_FAULTS_"


@dataclass(frozen=True)
class Campaign:
    """How many rounds of each fault; 0 skips it."""

    cuts: int
    kafka_kills: int
    full_disks: int
    minutes: float
    seed: int
    keep: bool

    def rng(self, name: str) -> random.Random:
        """The source of every random choice of one campaign; the same seed makes the same choices."""
        return random.Random(f"{self.seed}-{name}")


def campaign() -> Campaign:
    """What the environment asks for; the seed is random unless given, and always printed."""

    def given(name: str, default: str) -> str:
        return os.environ.get(PREFIX + name, default)

    return Campaign(
        cuts=int(given("CUTS", "1")),
        kafka_kills=int(given("KAFKA_KILLS", "1")),
        full_disks=int(given("FULL_DISKS", "0")),
        minutes=float(given("MINUTES", "0")),
        seed=int(given("SEED", "0")) or random.randrange(1, 1_000_000),
        keep=given("KEEP", "") not in ("", "0"),
    )
