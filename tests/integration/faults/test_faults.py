"""The whole system under faults: Kafka killed, power cut, everything killed at random. Nothing is lost or doubled.

CI runs a short version. A campaign is asked for by the environment (numbers of rounds; 0 skips):

    REDTHREAD_FAULTS_CUTS=20           power cuts, at random moments of an ingest and of a stream of verdicts
    REDTHREAD_FAULTS_KAFKA_KILLS=20    kills of the broker while events are published
    REDTHREAD_FAULTS_MINUTES=30        minutes in which random processes are killed, ended or stopped for a while
    REDTHREAD_FAULTS_FULL_DISKS=5      times that the disk is full for a minute (test_full_disk.py)
    REDTHREAD_FAULTS_SEED=n            the same random choices again; printed at the start of each test
    REDTHREAD_FAULTS_KEEP=1            keeps each disk on which something was lost, as the cut left it

for example `REDTHREAD_FAULTS_CUTS=20 sh infra/run test tests/integration/faults -k power`, as root on Linux: a power
cut needs a loop mount. Every fault ends with a reconcile of all that was acknowledged with topics, graph and notices.
"""

import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.faults.conftest import Tell
from tests.support.faults.disk import Ext4, NoDisk
from tests.support.faults.settings import Campaign
from tests.support.faults.site import Site
from tests.support.faults.system import DoesNotRun, send, until

pytestmark = [pytest.mark.timeout(0), pytest.mark.usefixtures("models")]
DISK_MB = 3000
FIRST = 20
"""Pictures of people with which a new system begins."""
EVENTS_A_CUT, FILES_A_CUT = (60, 30), (400, 150)
"""Events published and files ingested around one power cut, in CI and in a campaign."""
PUBLISHED_S = 400.0
LINK_DIES_S = 16.0
"""Seconds after a kill of Kafka in which link was seen to end."""
EVENTS_A_SECOND = 4.0
"""In the random kills: more than 5,000 in half an hour."""
PAUSE_S = (4.0, 20.0)
"""Between two random faults."""
STOPPED_S = (1.0, 25.0)


def new_site(folder: Path, asked: Campaign, name: str, *, embed: int = 1) -> Site:
    """A running system on an ext4 image, or in a plain folder where this machine mounts none."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = asked.rng(name)
    try:
        disk = Ext4.made(folder / "disk", folder / "disk.img", DISK_MB, commit_s=rng.choice((1, 5, 5, 15)))
    except NoDisk:
        disk = None
    site = Site.made(folder, disk, rng, embed=embed)
    try:
        site.system.up()
        # Links to decide, from the first moment on.
        with site.load.running(lambda: site.load.publish(FIRST, 100, {"person": 1})):
            until(lambda: len(site.truth.notices) >= FIRST, "the first pictures are noticed", PUBLISHED_S)
    except BaseException:  # whatever it was: no process and no mount may stay behind
        site.close()
        raise
    return site


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Site]]:
    """The system that the tests share: whoever broke it takes it out, and the next one starts another."""
    kept: dict[str, Site] = {}
    yield kept
    for site in kept.values():
        site.close()


@pytest.fixture
def shared(sites: dict[str, Site], tmp_path: Path, asked: Campaign) -> Iterator[Site]:
    """A running system in which nothing differs; its last user may have been another test."""
    if "shared" not in sites:
        sites["shared"] = new_site(tmp_path / "shared", asked, "shared")
    site = sites.pop("shared")
    site.clean = False
    yield site
    keep_or_close(sites, site)


def keep_or_close(sites: dict[str, Site], site: Site) -> None:
    if site.clean:
        sites["shared"] = site
    else:
        site.close()


def test_a_killed_kafka_comes_back_and_all_that_was_published_meanwhile_is_noticed(
    shared: Site, asked: Campaign, tell: Tell
) -> None:
    if not asked.kafka_kills:
        pytest.skip("REDTHREAD_FAULTS_KAFKA_KILLS is 0")
    site, rng, link_ended = shared, asked.rng("kafka"), 0
    short, before = asked.kafka_kills <= 2, len(shared.truth.events)
    events = 30 * asked.kafka_kills if short else 150 * asked.kafka_kills

    def publish() -> None:
        site.load.publish(events, 15 if short else 6)

    with site.load.running(publish, site.load.decide):
        for number in range(1, asked.kafka_kills + 1):
            time.sleep(rng.uniform(0.5, 3))
            link, kafka = (site.system.children()[name].pid for name in ("link-0", "kafka"))
            send(kafka, signal.SIGKILL)
            site.system.wait_back("kafka", kafka)
            if not short:
                time.sleep(LINK_DIES_S)
            site.system.wait_ready()
            ended = site.system.children()["link-0"].pid != link
            link_ended += ended
            tell(f"kill {number}: link {'was started again' if ended else 'lived on'}")
        until(lambda: len(site.truth.acknowledged) >= before + events, "all is published", PUBLISHED_S)

    found = site.reconciled()
    tell(f"{asked.kafka_kills} kills of Kafka ended link {link_ended} times: {found}")
    assert not found.differences, str(found)


def test_a_power_cut_loses_nothing_that_was_acknowledged(
    sites: dict[str, Site], tmp_path: Path, asked: Campaign, tell: Tell
) -> None:
    if not asked.cuts:
        pytest.skip("REDTHREAD_FAULTS_CUTS is 0")
    cuts: list[Cut] = []
    for number in range(1, asked.cuts + 1):
        site = sites.pop("shared", None) or new_site(tmp_path / str(number), asked, f"cut-{number}")
        if not isinstance(site.disk, Ext4):
            keep_or_close(sites, site)
            pytest.skip("this machine mounts no ext4 image: a power cut needs root and a loop device")
        site.clean = False
        cuts.append(Cut(number))
        try:
            power_cut(site, site.disk, asked, cuts[-1])
        except DoesNotRun as error:
            cuts[-1].differs = str(error)
        finally:
            keep_or_close(sites, site)
        tell(str(cuts[-1]))
    broken = [str(cut) for cut in cuts if cut.differs]
    rejected, repaired = sum(bool(cut.rejected) for cut in cuts), sum(cut.repaired for cut in cuts)
    tell(f"{len(cuts)} cuts: {len(broken)} lost something; {repaired} needed `restore`; ext4 rejected {rejected}")
    assert not broken, "\n".join(broken)


@dataclass
class Cut:
    """What became of one power cut."""

    number: int
    rejected: str = ""
    """What e2fsck complained of: such a disk proves nothing about Redthread."""
    repaired: bool = False
    """`redthread restore` was needed, and has run."""
    differs: str = ""

    def __str__(self) -> str:
        how = f", REJECTED by e2fsck: {self.rejected[:200]}" if self.rejected else ""
        return f"cut {self.number}{', restored' if self.repaired else ''}{how}: {self.differs or 'nothing differs'}"


def power_cut(site: Site, disk: Ext4, asked: Campaign, cut: Cut) -> None:
    """Cuts the power at a random moment, starts again, sends everything again, and notes what differs in the end."""
    rng, (events, files) = asked.rng(f"moment-{cut.number}"), EVENTS_A_CUT if asked.cuts < 2 else FILES_A_CUT
    case_id = "local:faults-1"
    folder = site.load.folder(site.folder / f"ingest-{cut.number}", files)
    moment = site.truth.noticed + rng.uniform(0.05, 0.9) * (events + files)
    with site.load.running(lambda: site.load.publish(events, 60), site.load.decide):
        ingest = site.load.start_ingest(folder, case_id)
        until(lambda: site.truth.noticed >= moment or ingest.poll() is not None, "notices come", PUBLISHED_S)
        frozen = site.system.freeze(ingest.pid)
        disk.cut()
        site.system.kill(frozen)
    ingest.wait()
    disk.unmount()
    if asked.keep:
        disk.copy(disk.image.with_name(f"cut-{cut.number}.img"))
    cut.rejected = disk.check()
    if cut.rejected:
        return
    disk.mount()
    site.system.up()
    # As a person does who reads what `status --reconcile` says after a power cut.
    cut.repaired = site.repaired()
    with site.load.running(lambda: site.load.publish(0, 1), site.load.decide):
        site.load.finish_ingest(folder, case_id)
        until(lambda: len(site.truth.acknowledged) == len(site.truth.events), "all is published", PUBLISHED_S)
    found = site.reconciled()
    cut.differs = str(found) if found.differences else ""


def test_random_kills_of_every_process_lose_and_double_nothing(shared: Site, asked: Campaign, tell: Tell) -> None:
    if not asked.minutes:
        pytest.skip("REDTHREAD_FAULTS_MINUTES is 0")
    site, rng, end = shared, asked.rng("kills"), time.monotonic() + asked.minutes * 60
    events, before = int(asked.minutes * 60 * EVENTS_A_SECOND), len(site.truth.events)
    faults: dict[str, int] = {}
    with site.load.running(lambda: site.load.publish(events, EVENTS_A_SECOND), site.load.decide):
        while time.monotonic() < end:
            # Without the supervisor nobody starts the others again: it is hurt more seldom.
            pids = {name: child.pid for name, child in site.system.children().items()}
            name = rng.choice((*pids, *pids, "supervisor"))
            what = rng.choice((signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP))
            pid = pids.get(name, site.system.supervisor.pid)
            if pid and send(pid, what):
                faults[f"{name} {what.name}"] = faults.get(f"{name} {what.name}", 0) + 1
            if what == signal.SIGSTOP and pid:
                time.sleep(rng.uniform(*STOPPED_S))
                send(pid, signal.SIGCONT)
            elif name == "supervisor":
                site.system.wait_ended()
                site.system.up()
            time.sleep(rng.uniform(*PAUSE_S))
            left, (events_now, notices_now) = end - time.monotonic(), (len(site.truth.acknowledged), site.truth.noticed)
            tell(f"{what.name} {name}, {max(left, 0):.0f} s left: {events_now} events, {notices_now} of them noticed")
        until(lambda: len(site.truth.acknowledged) >= before + events, "all is published", PUBLISHED_S)
    site.system.wait_ready()
    found = site.reconciled()
    tell(f"{sum(faults.values())} faults, {faults}: {found}")
    assert not found.differences, str(found)
