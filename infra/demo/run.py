"""The steps of the demo: events through Kafka, the links that result, and the two questions."""

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from tenacity import RetryError

from api.client import ApiClient, SearchRequest
from graph.actions.link.lag import is_settled
from graph.actions.read.counts import ScoredLink, scored_links
from graph.domain.people import Role
from graph.store.session import Store
from infra.clock import Clock
from infra.demo.result import FoundLink, Result, places_by_media, result_of
from infra.foreground import in_thread
from infra.local.base import polling
from infra.local.issuer import user_of
from infra.local.system import RunningSystem
from infra.terminal import bars
from streams.client.folders import SourceFile
from streams.client.publish import CaseSystem
from streams.client.receive import Notice
from streams.client.submission import Submission, explanation

SOURCE = "local"
DISTRICT = "north"
"""District of a case that `Terms` does not name."""
SETTLED_S = 10.0
"""The longest wait for the relay's last rows and a new measurement of what is pending."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of every event of the demo; its scope is always `register`."""

    purpose: str
    legal_basis: str
    districts: Mapping[str, str] = field(default_factory=dict[str, str])
    """District by case name; DISTRICT for the others."""

    def district(self, file: SourceFile) -> str:
        return self.districts.get(file.case, DISTRICT)

    def event(self, file: SourceFile) -> dict[str, Any]:
        return {
            "case_id": file.case_id,
            "district": self.district(file),
            "url": file.url,
            "purpose": self.purpose,
            "legal_basis": self.legal_basis,
            "scope": "register",
        }


async def submit(system: RunningSystem, files: Sequence[SourceFile], terms: Terms, clock: Clock) -> dict[int, Notice]:
    """Publishes an event for each file; returns each notice by the file's position."""

    def work(stop: threading.Event) -> dict[int, Notice]:
        case_system = CaseSystem(system.addresses.kafka_connection, SOURCE)
        with case_system.read_notices() as reader, bars(len(files), "sent", "noticed") as move:
            notices: dict[int, Notice] = {}
            submission = Submission[int](case_system, reader, noticed=notices.__setitem__, progress=move)
            with clock.step("publish"):
                submission.publish(((position, terms.event(file)) for position, file in enumerate(files)), stop)
            with clock.step("process"):
                logs = system.data / "logs"
                submission.wait(stop, lambda: explanation(system.addresses, SOURCE, logs))
        return notices

    return await in_thread(work)


async def read_links(system: RunningSystem) -> list[ScoredLink]:
    """Every link of the graph, read once the outbox is empty and no event counts as pending any more."""
    async with Store(*system.addresses.neo4j) as store:
        with suppress(RetryError):
            await polling(SETTLED_S)(is_settled, store)
        return [row async for row in scored_links(store)]


async def result(
    system: RunningSystem, files: Sequence[SourceFile], notices: Mapping[int, Notice], clock: Clock
) -> Result:
    """The counts, the quarantined files and the links."""
    with clock.step("links"):
        return result_of(files, notices, await read_links(system))


@dataclass(frozen=True, slots=True)
class Answered:
    """A question in words, and the API's answer."""

    question: str
    answer: Mapping[str, Any]


async def ask(
    system: RunningSystem,
    files: Sequence[SourceFile],
    notices: Mapping[int, Notice],
    links: Sequence[FoundLink],
    terms: Terms,
) -> list[Answered]:
    """The two questions about one face: anywhere in the register? in one case's material? Empty without a face.

    Each is asked by an investigator of the district that the asked-for material is of, for a case of that district.
    """

    def work(stop: threading.Event) -> list[Answered]:
        with _client(system, terms, DISTRICT) as api:
            chosen = _a_face(api, files, notices, links, terms)
        if chosen is None:
            return []
        face, file, other = chosen
        whose = f"the person in {file.file} of case {file.case}"
        questions = (
            (f"Does {whose} appear anywhere in the register?", file, "register"),
            (f"Does {whose} appear in the material of case {other.case}?", other, f"case:{other.case_id}"),
        )
        answers: list[Answered] = []
        for question, asking, within in questions:
            asked = SearchRequest(asking.case_id, terms.purpose, terms.legal_basis, within)
            with _client(system, terms, terms.district(asking)) as api:
                answers.append(Answered(question, _settled(api, api.ask_with_faces(asked, [face], stop), stop)))
        return answers

    return await in_thread(work)


def _settled(api: ApiClient, answer: dict[str, Any], stop: threading.Event) -> dict[str, Any]:
    """The answer once nothing counts as still to come: the question itself is a record of the log, too."""
    deadline = time.monotonic() + SETTLED_S
    while answer["to_come"]["events"] and time.monotonic() < deadline and not stop.wait(0.5):
        answer |= {name: api.get(f"/searches/{answer['search_id']}")[name] for name in ("to_come", "headline")}
    return answer


def _client(system: RunningSystem, terms: Terms, district: str) -> ApiClient:
    """A client of the API, signed in as the development investigator of a district."""
    who = user_of(Role.INVESTIGATOR, district)
    assert who is not None and system.sign_in is not None
    return ApiClient(system.api_url, token=system.sign_in.token(who), purpose=terms.purpose)


def _a_face(
    api: ApiClient,
    files: Sequence[SourceFile],
    notices: Mapping[int, Notice],
    links: Sequence[FoundLink],
    terms: Terms,
) -> tuple[str, SourceFile, SourceFile] | None:
    """A face to search for, a file that shows it, and a file of the case to search: of the best link, else any two."""
    best = next((link for link in links if link.between_cases), links[0] if links else None)
    if best is not None:
        by_name = {(file.case, file.file): file for file in files}
        return best.faces[0], by_name[best.a.case, best.a.file], by_name[best.b.case, best.b.file]
    for position, file in enumerate(files):
        if notices[position]["outcome"] == "faces_found" and terms.district(file) == DISTRICT:
            places = places_by_media(files, notices)
            graph = api.get(f"/cases/{quote(file.case_id, safe='')}/graph")
            face = next(found for found in graph["faces"] if found["too_poor_because"] is None)
            near = (each for each in files if each.case != file.case and terms.district(each) == DISTRICT)
            return face["face_id"], places[face["media_id"]][0], next(near, file)
    return None
