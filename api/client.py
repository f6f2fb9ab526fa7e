"""An HTTP client of the API for commands: asks searches, waits for their answers and reads all pages."""

import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import httpx

from graph.domain.errors import Invalid, RedthreadError

ANSWER_S = 60.0
PROBE_EVERY_S = 0.1


class ApiRefused(RedthreadError):
    """The API refused a request, with its own message, or does not answer."""

    code = "api_refused"


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """The fields of every search: the asking case, purpose and legal basis, and the scope `within`."""

    case_id: str
    purpose: str
    legal_basis: str
    within: str
    limit: int = 20
    keep_asking: bool = False

    def fields(self) -> dict[str, Any]:
        named = asdict(self)
        return {"in": named.pop("within"), **named}


class ApiClient:
    """A client with one token and purpose. Its methods block: call them in a thread."""

    def __init__(self, url: str, *, token: str, purpose: str) -> None:
        headers = {b"Authorization": f"Bearer {token}".encode(), b"Redthread-Purpose": purpose.strip().encode()}
        # trust_env off: the loopback is never behind a proxy.
        self._client = httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=30)
        self._url = url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str) -> dict[str, Any]:
        """The JSON at `path`. Raises ApiRefused."""
        return self._request("GET", path)

    def ask_with_faces(self, request: SearchRequest, faces: list[str], stop: threading.Event) -> dict[str, Any]:
        """The answer to a search for known faces."""
        return self._answer(self._request("POST", "/searches", json={**request.fields(), "faces": faces}), stop)

    def ask_with_victim(self, request: SearchRequest, victim_id: str, stop: threading.Event) -> dict[str, Any]:
        """The answer to a search for the faces of a victim."""
        return self._answer(self._request("POST", "/searches", json={**request.fields(), "victim_id": victim_id}), stop)

    def ask_with_picture(
        self, request: SearchRequest, picture: Path, stop: threading.Event, rotate: int = 0
    ) -> dict[str, Any]:
        """The answer to a search for the faces of a picture, which is uploaded without its name."""
        try:
            data = picture.read_bytes()
        except OSError as error:
            raise Invalid(f"cannot read the picture ({error.strerror})") from error
        fields = {name: str(value) for name, value in request.fields().items()} | {"rotate": str(rotate)}
        sent = self._request("POST", "/searches", data=fields, files={"file": ("picture", data)})
        return self._answer(sent, stop)

    def _answer(self, asked: dict[str, Any], stop: threading.Event) -> dict[str, Any]:
        deadline = time.monotonic() + ANSWER_S
        while (answer := self.get(f"/searches/{asked['search_id']}"))["status"] == "asked":
            if time.monotonic() > deadline:
                raise ApiRefused(
                    f"search {asked['search_id']} was not answered within {ANSWER_S:.0f} s: see `redthread status`"
                )
            if stop.wait(PROBE_EVERY_S):
                raise ApiRefused("stopped before the answer came")
        return self._whole(answer)

    def _whole(self, answer: dict[str, Any]) -> dict[str, Any]:
        """The answer with the items of all its pages."""
        after = answer["next"]
        while after is not None:
            page = self.get(f"/searches/{answer['search_id']}?limit=500&after={after}")
            answer["items"] += page["items"]
            # Link may have added parts between two pages: the newer page lists more of them.
            known = {part["offset"]: part["items"] for part in answer["parts"]}
            answer["parts"] = [{**p, "items": known.get(p["offset"], []) + p["items"]} for p in page["parts"]]
            after = page["next"]
        return answer

    def _request(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        try:
            answer = self._client.request(method, path, **more)
            body = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise ApiRefused(f"the API at {self._url} does not answer ({type(error).__name__})") from error
        if answer.is_error:
            raise ApiRefused(_refusal(body))
        return body


def _refusal(body: dict[str, Any]) -> str:
    """The problem detail in one line."""
    where = "; ".join(f"{item['where']}: {item['what']}" for item in body.get("errors", []))
    return f"the API refused ({body.get('code', 'unknown')}): {where or body.get('detail', '')}"
