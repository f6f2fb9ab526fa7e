"""A disk that is full to the last byte for a while in the middle of an ingest: all comes back by itself.

`REDTHREAD_FAULTS_FULL_DISKS=5 sh infra/run test tests/integration/faults -k full` runs five rounds, in turn on a new
tmpfs and a new ext4 image; CI runs none. See test_faults.py for the other variables.
"""

import time
from pathlib import Path

import pytest

from tests.integration.faults.conftest import Tell
from tests.support.faults.disk import Disk, Ext4, NoDisk, Tmpfs
from tests.support.faults.settings import Campaign
from tests.support.faults.site import Site
from tests.support.faults.system import DoesNotRun, until

pytestmark = [pytest.mark.timeout(0), pytest.mark.usefixtures("models")]
DISK_MB = 1000
"""A system with a few hundred pictures takes a tenth of it."""
EVENTS, EVENTS_A_SECOND = 600, 8.0
FULL_S = (30.0, 75.0)
AGAIN_S = 1.0
"""What is freed meanwhile is taken again so often."""
PUBLISHED_S = 400.0


def test_a_disk_that_was_full_for_a_while_costs_nothing(tmp_path: Path, asked: Campaign, tell: Tell) -> None:
    if not asked.full_disks:
        pytest.skip("REDTHREAD_FAULTS_FULL_DISKS is 0")
    broken: list[str] = []
    for number in range(1, asked.full_disks + 1):
        rng, folder = asked.rng(f"full-{number}"), tmp_path / str(number)
        folder.mkdir()
        try:
            disk = new_disk(folder, number)
        except NoDisk as absent:
            pytest.skip(str(absent))
        site = Site.made(folder, disk, rng)
        try:
            found = full_disk(site, rng.uniform(*FULL_S), rng.uniform(5, 30))
        except DoesNotRun as error:
            found = str(error)
        finally:
            site.close()
        tell(f"full disk {number}: {found or 'nothing differs'}")
        if found:
            broken.append(f"full disk {number}: {found}")
    tell(f"{asked.full_disks} full disks: {len(broken)} lost something or did not come back")
    assert not broken, "\n".join(broken)


def new_disk(folder: Path, number: int) -> Disk:
    """In turn both kinds: they differ in when they notice that they are full."""
    if number % 2:
        return Tmpfs.made(folder / "disk", DISK_MB)
    return Ext4.made(folder / "disk", folder / "disk.img", DISK_MB)


def full_disk(site: Site, full_s: float, after_s: float) -> str:
    """What differs after the disk was full for `full_s`, and once more after an orderly end and a start."""
    assert site.disk is not None
    site.system.up()
    with site.load.running(lambda: site.load.publish(EVENTS, EVENTS_A_SECOND), site.load.decide):
        time.sleep(after_s)
        end = time.monotonic() + full_s
        while time.monotonic() < end:
            site.disk.fill()
            time.sleep(AGAIN_S)
        site.disk.free()
        until(lambda: len(site.truth.acknowledged) >= EVENTS, "all is published", PUBLISHED_S)
    site.system.wait_ready()
    found = site.reconciled()
    if found.differences:
        return str(found)
    site.system.down()
    site.system.up()
    found = site.reconciled()
    return f"after a restart: {found}" if found.differences else ""
