"""Workers and API as child processes, and the environment in which they find the servers."""

import sys
from collections.abc import Mapping

import httpx
from tenacity import RetryError

from infra.local.base import StackError, polling
from infra.local.child import ChildSpec
from infra.local.logs import last_line
from infra.settings import CHECKOUT

WORKER_GRACE_S = 20.0
"""Above the worst time of one event; a killed worker's events are processed again."""
API_GRACE_S = 15.0
API_READY_S = 120.0
READY = "ready"
COMMON = {"PYTHONPATH": str(CHECKOUT), "PYTHONUNBUFFERED": "1"}


def worker(kind: str, number: int, env: Mapping[str, str]) -> ChildSpec:
    """The `number`th worker of a kind (`embed`, `link`); its slot is its name among the members of its group."""
    slot = f"{kind}-{number}"
    argv = (sys.executable, "-P", "-m", "streams.worker", kind)
    environment = {**env, **COMMON, "REDTHREAD_WORKER_SLOT": slot}
    if kind == "embed":
        # It decodes untrusted files and never queries the graph. Empty, since a child inherits our own environment too.
        environment["REDTHREAD_NEO4J_PASSWORD"] = ""
    return ChildSpec(slot, argv, WORKER_GRACE_S, env=environment, reason=lambda log, _: last_line(log))


def api(url: str, env: Mapping[str, str]) -> ChildSpec:
    """The API, ready once its /readyz answers so or reports only the media store as missing.

    Without its media store the API still serves everything else, so it is not ended for that.
    """
    argv = (sys.executable, "-P", "-m", "api.main")
    return ChildSpec("api", argv, API_GRACE_S, env={**env, **COMMON}, ready=lambda: _wait_until_ready(url))


def missing_parts(answer: httpx.Response) -> dict[str, str]:
    """By name the state of each part that an API misses, by its answer to /readyz; empty where it is ready.

    Raises ValueError where the answer is not our API's.
    """
    if answer.is_success:
        return {}
    try:
        return {name: state for name, state in answer.json()["parts"].items() if state != READY}
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("no answer of Redthread's API") from error


async def _wait_until_ready(url: str) -> None:
    """Returns once the API serves; StackError after API_READY_S."""
    reason = ""

    async def serves() -> bool:
        nonlocal reason
        answer = await client.get(f"{url}/readyz")
        reason = f"says {answer.status_code}"
        return answer.is_success or set(missing_parts(answer)) == {"media_store"}

    # Without the environment's proxies: the loopback is never behind one.
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        try:
            await polling(API_READY_S, httpx.HTTPError, ValueError)(serves)
        except RetryError as error:
            failure = error.last_attempt.exception()
            if isinstance(failure, httpx.HTTPError):
                reason = type(failure).__name__
            raise StackError(f"the API is not ready after {API_READY_S:.0f} s ({reason})") from error
