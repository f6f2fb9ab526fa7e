"""What one person is answered by everything that reads, and a hand that changes all that they may not see."""

from random import Random
from typing import Any

from graph.actions.read import approvals, cases, queue, victim
from graph.actions.read import links as read
from graph.domain.errors import RedthreadError
from graph.domain.link import State
from graph.domain.people import Permission, Person, may
from graph.domain.queue import Filters
from graph.store.session import Store
from tests.support.access import access_of
from tests.support.factories import NOW

HIDDEN_LINKS = """
MATCH (a:Face)-[r:CANDIDATE]->(b:Face)
RETURN r.link_id AS link_id, r.state AS state,
       COLLECT { MATCH (v:Verdict {link_id: r.link_id})<-[:WROTE]-(act:Act)
                 RETURN {by: act.by, decision: v.decision, verdict_id: v.verdict_id, undoes: v.undoes} } AS said
"""


async def answers(store: Store, person: Person) -> list[str]:
    """Everything that the actions that read answer this person, in words that can be compared."""
    access = access_of(store, person, NOW, "test")
    rows = await store.read(
        lambda tx: tx.rows("MATCH (v:Victim) RETURN v.victim_id AS id UNION MATCH (c:Case) RETURN c.case_id AS id")
    )
    links = await store.read(lambda tx: tx.rows("MATCH ()-[r:CANDIDATE]->() RETURN r.link_id AS id"))
    asked: list[Any] = [
        queue.read_queue(access, Filters(leads=True), limit=50, after=None),
        *(read.read_links(access, state=state, case_id=None, after="", limit=50) for state in State),
        *(read.read_link(access, row["id"]) for row in links),
        *(victim.read_victim(access, row["id"]) for row in rows),
        *(cases.read_case(access, row["id"], leads=True) for row in rows),
    ]
    if may(person, Permission.APPROVE, [person.district], made_by="somebody"):
        asked.append(approvals.read_approvals(access, limit=50, after=None))
    told: list[str] = []
    for one in asked:
        try:
            told.append(repr(await one))
        except RedthreadError as refused:
            told.append(f"{refused.code} {refused.message}")
    return told


async def change_what_is_hidden(store: Store, person: Person, chance: Random) -> int:
    """Gives every link that the person has not opened another score, and other reasons to whoever decided it; how many.

    Which links they opened is read from the acts, plainly: the last of their own that nobody took back.
    """
    rows = await store.read(lambda tx: tx.rows(HIDDEN_LINKS))
    sealed: list[str] = []
    for row in rows:
        undone = {said["undoes"] for said in row["said"]}
        opened = [said for said in row["said"] if said["by"] == person.actor and said["verdict_id"] not in undone]
        if not any(said["decision"] in ("confirmed", "dismissed", "approved") for said in opened):
            sealed.append(row["link_id"])
    approved = {row["link_id"] for row in rows if row["state"] == State.APPROVED}
    scores = [{"link_id": link, "score": 0.4 + chance.random() / 2} for link in sealed]
    silent = [link for link in sealed if link not in approved]

    async def work(tx: Any) -> None:
        await tx.do(
            "UNWIND $rows AS row MATCH ()-[r:CANDIDATE {link_id: row.link_id}]->() SET r.score = row.score, "
            "r.band = 'another'",
            rows=scores,
        )
        await tx.do(
            "UNWIND $links AS id MATCH (v:Verdict {link_id: id}) SET v.text = $text, v.reasons = ['eyes']",
            links=silent,
            text=f"another reason {chance.random()}",
        )

    await store.write(work)
    return len(sealed)
