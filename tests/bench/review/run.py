"""`bench review`: many reviewers at once on a large graph, over HTTP, as their screens would do it."""

import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

import httpx

from graph.domain import ids
from graph.domain.errors import Invalid
from graph.domain.people import Person, Role
from graph.files import MediaStore
from graph.store.session import Store
from infra.local.issuer import DevelopmentIssuer
from infra.local.system import RunningSystem
from tests.bench.review import cypher
from tests.bench.review.graph import Sizes, build
from tests.bench.review.keys import measure_keys
from tests.bench.review.pages import measure_pages, session_of
from tests.support.factories import drawn_face

GOAL: Final = 5.0
"""p99 of claims, queue and verdicts, in p50s."""
JUDGED: Final = ("claim", "queue", "verdict")
QUEUE_EVERY: Final = 10
"""One look at the whole queue in so many items."""
DECISIONS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("dismissed", ()),
    ("dismissed", ()),
    ("confirmed", ("ears",)),
    ("unsure", ()),
)


@dataclass(frozen=True, slots=True)
class Load:
    """How many people work, for how long, and what they do between two requests."""

    reviewers: int
    seconds: float
    think_s: float
    warm_up_s: float
    """At first plans are compiled and caches fill: requests that begin in this time are counted but not timed."""
    seed: int = 1


@dataclass
class Measured:
    """What came of it; times in seconds by operation."""

    times: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: Counter[str] = field(default_factory=Counter)
    held: dict[str, str] = field(default_factory=dict)
    """Who has claimed each link in this run."""
    claimed_twice: int = 0
    contradictions: int = 0
    """Verdicts that were rightly refused, because chance joined what it had held apart before."""
    stale: int = 0
    """Verdicts that were rightly refused, because a victim had got a face since it was shown."""
    judged: int = 0
    idle: int = 0
    """Claims that found nothing waiting."""


async def measure_review(
    system: RunningSystem, sizes: Sizes, load: Load, announce: Callable[[str], None]
) -> dict[str, Any]:
    """The object of `bench review --json`, measured on a graph that this fills; Invalid where it isn't empty."""
    addresses = system.addresses
    async with Store(*addresses.neo4j) as store:
        began = time.monotonic()
        if ((await store.read(lambda tx: tx.one(cypher.COUNT_FACES))) or {})["faces"]:
            raise Invalid("this graph holds faces: a bench would put its own among them")
        crop = _crop(system)
        await build(store, sizes, crop, load.seed, announce)
        built_s = time.monotonic() - began
        announce(f"{load.reviewers} reviewers for {load.seconds:.0f} s")
        since = datetime.now(UTC).isoformat()
        assert system.sign_in is not None, "the bench has a development sign-in of its own"
        measured = await _at(system.api_url, sizes, load, system.sign_in)
        announce("the pages")
        pages = await measure_pages(system, sizes)
        keys = await measure_keys(system.api_url, await session_of(store))
        twice = await store.read(lambda tx: tx.one(cypher.JUDGED_TWICE, since=since))
    return {
        "faces": sizes.faces,
        "candidates": sizes.candidates,
        "cases": sizes.cases,
        "districts": sizes.districts,
        "reviewers": load.reviewers,
        "seconds": load.seconds,
        "think_s": load.think_s,
        "seed": load.seed,
        "build_s": round(built_s, 1),
        "verdicts": measured.judged,
        "errors": dict(measured.errors),
        "double_decisions": (twice or {})["links"],
        "double_claims": measured.claimed_twice,
        "contradictions": measured.contradictions,
        "stale": measured.stale,
        "idle": measured.idle,
        "operations": {name: percentiles(times) for name, times in sorted(measured.times.items())},
        "pages": pages,
        "keys": keys,
        "goal": GOAL,
        "reached": is_reached(measured, (twice or {})["links"]),
    }


def percentiles(times: list[float]) -> dict[str, float | int]:
    """Number, p50, p99 and the longest in milliseconds, and p99 in p50s."""
    ordered = sorted(times)
    p50, p99 = (ordered[min(int(share * len(ordered)), len(ordered) - 1)] for share in (0.5, 0.99))
    return {
        "number": len(ordered),
        "p50_ms": round(1000 * p50, 1),
        "p99_ms": round(1000 * p99, 1),
        "longest_ms": round(1000 * ordered[-1], 1),
        "p99_in_p50": round(p99 / p50, 2) if p50 else 0.0,
    }


def is_reached(measured: Measured, double_decisions: int) -> bool:
    """Whether no request failed, nothing was decided or given twice, and no one waited out of proportion."""
    even = all(percentiles(measured.times[name])["p99_in_p50"] <= GOAL for name in JUDGED if measured.times[name])
    return even and not measured.errors and not double_decisions and not measured.claimed_twice


def _crop(system: RunningSystem) -> str:
    """One stored crop that stands for all."""
    media_id = ids.digest("bench", "crop")
    return MediaStore(system.env["REDTHREAD_MEDIA_STORE"]).put_crop(media_id, media_id, "display", drawn_face())


async def _at(url: str, sizes: Sizes, load: Load, issuer: DevelopmentIssuer) -> Measured:
    limits = httpx.Limits(max_connections=load.reviewers, max_keepalive_connections=load.reviewers)
    # Without the environment's proxies: the loopback is never behind one.
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=60, trust_env=False) as client:
        return await work(client, sizes, load, issuer)


async def work(client: httpx.AsyncClient, sizes: Sizes, load: Load, issuer: DevelopmentIssuer) -> Measured:
    """What the reviewers of a load measure on the API that `client` asks."""
    measured = Measured()
    # One person alone first: a database that has just started plans each statement once, not once for everybody.
    await _Reviewer(client, measured, load, sizes, 0, issuer).item(with_queue=True)
    began = time.monotonic()
    await asyncio.gather(
        *(_Reviewer(client, measured, load, sizes, number, issuer).work(began) for number in range(load.reviewers))
    )
    return measured


class _Reviewer:
    """One person: claims an item, looks at the faces of its weakest link, thinks, decides every link, again."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        measured: Measured,
        load: Load,
        sizes: Sizes,
        number: int,
        issuer: DevelopmentIssuer,
    ) -> None:
        self._client, self._measured, self._load = client, measured, load
        self._chance = random.Random(f"{load.seed} {number}")
        self._name = f"r{number:03d}@{sizes.district(number)}"
        person = Person(self._name, frozenset({Role.INVESTIGATOR}), sizes.district(number))
        self._headers = {"Authorization": f"Bearer {issuer.token(person)}", "Redthread-Purpose": "measurement"}
        self._timed_from = float("inf")

    async def work(self, began: float) -> None:
        self._timed_from = began + self._load.warm_up_s
        await asyncio.sleep(self._chance.uniform(0, self._load.think_s))
        while time.monotonic() < began + self._load.seconds:
            await self.item(with_queue=self._chance.randrange(QUEUE_EVERY) == 0)

    async def item(self, *, with_queue: bool) -> None:
        """One item, from its claim to the last verdict; without one, a pause."""
        if with_queue:
            await self._ask("queue", "GET", "/queue?limit=10")
        answer = await self._ask("claim", "POST", "/queue/claims", json={"n": 1})
        if answer is None or not answer.json()["items"]:
            self._measured.idle += answer is not None
            await self._think()
            return
        [item] = answer.json()["items"]
        self._note(item)
        weakest = item["links"][0]
        for side in ("a", "b"):
            await self._ask("crop", "GET", f"/faces/{weakest[side]['face_id']}/crop")
        await self._think()
        decision, reasons = self._chance.choice(DECISIONS)
        shown = [face for unit in item["units"] for face in unit["face_ids"]]
        for link in item["links"]:
            done = await self._ask(
                "verdict",
                "POST",
                f"/links/{link['link_id']}/verdicts",
                json={"decision": decision, "reasons": reasons, "faces": shown},
                headers={"If-Match": f'"{link["version"]}"'},
            )
            self._measured.judged += done is not None
            if decision == "unsure":  # it comes back, to whom it may, when a side gains a face
                self._measured.held.pop(link["link_id"], None)

    def _note(self, item: dict[str, Any]) -> None:
        for link in item["links"]:
            holder = self._measured.held.setdefault(link["link_id"], self._name)
            self._measured.claimed_twice += holder != self._name

    async def _think(self) -> None:
        await asyncio.sleep(self._chance.uniform(0.5, 1.5) * self._load.think_s)

    async def _ask(self, operation: str, method: str, path: str, **more: Any) -> httpx.Response | None:
        """The answer, timed; None where it is none or a refusal, which is counted."""
        headers = self._headers | more.pop("headers", {})
        began = time.monotonic()
        try:
            answer = await self._client.request(method, path, headers=headers, **more)
        except httpx.HTTPError as error:
            self._measured.errors[f"{operation} {type(error).__name__}"] += 1
            return None
        if began >= self._timed_from:
            self._measured.times[operation].append(time.monotonic() - began)
        if answer.status_code == HTTPStatus.CONFLICT:
            refused = answer.json()
            if refused["code"] == "contradiction":
                self._measured.contradictions += 1  # a rightful answer: the people who judge here draw lots
                return None
            if refused["code"] == "stale_version" and "faces" in refused.get("current", {}):
                self._measured.stale += 1  # rightful too: somebody joined a face to the victim since it was shown
                return None
        if not answer.is_success:
            self._measured.errors[f"{operation} {answer.status_code}"] += 1
            return None
        return answer
