"""What a person may know of a link, its score and reasons, a face, a case, an act. Pure: rows of the graph in, what may
be shown out. Every answer, refusal, preview, notice, order and count passes through here and `known_victims`.
Who may see what lies in which district is said by `graph.domain.people`. Here stands what a thing looks like of which
a person may know a part: a face of another district shows its id, the district and the duty contact, and nothing else
of its case until a link to it is approved; a link's score and reasons are sealed until the person has decided it.
`TOLD` lists what is told on purpose although it rests on what is hidden.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from graph.domain.capture_time import Dates, Gap, gap_between
from graph.domain.link import REOPENED, Decision, LinkAct, SecondDecision, State
from graph.domain.people import Maker, Permission, Person, Role, display_name, may, same_person

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Disclosure:
    """A fact that an answer may depend on although it rests on what is hidden from its reader, and the reason."""

    fact: str
    reason: str


DISCLOSURES: Final = (
    Disclosure(
        "a candidate leads to another district: to which, its duty contact, its crop, how good that picture is",
        "a person has to compare the two faces, and to call somebody who knows the other case",
    ),
    Disclosure(
        "a candidate waits no longer: decided, settled, claimed, labelled, erased elsewhere; or again: a face came",
        "nobody is asked what is answered already, unless there is something new to look at",
    ),
    Disclosure(
        "how urgent a candidate is, and how old, by both of its pictures",
        "what is urgent comes first, whichever district says so",
    ),
    Disclosure(
        "a picture lies in other districts too: in which, its faces, their labels, and whom they are said to show",
        "it is one picture: whoever has it must not judge it as if nothing were known of it",
    ),
    Disclosure(
        "which faces behind a person's own candidates are held to be one person elsewhere: they come as one item",
        "a victim with 500 pictures asks one decision, not 500",
    ),
    Disclosure(
        "a decision contradicts what another district holds: which district, through which of one's own links",
        "two people must not become one, and whoever meets it has to know whom to call",
    ),
    Disclosure(
        "an act that was taken back stands in part in another district",
        "whoever undoes must know that it is not undone everywhere",
    ),
    Disclosure(
        "so many years lie between two pictures: as a band, where only another district knows when one was taken",
        "a child's face changes: whoever compares has to know how much the comparison can do",
    ),
    Disclosure(
        "how many faces of other cases are as similar to one's own as those that are proposed, and which ones",
        "nobody who may be the child is left out in silence; they are listed by id, an order that tells no score",
    ),
    Disclosure(
        "how many faces a search or comparison covered, and the ranks of what it found",
        "an answer says what it rests on; a rank is no score",
    ),
)
"""All that is told on purpose: two worlds that agree in it and in what a viewer may know answer that viewer alike."""

UNSEALING: Final = frozenset({Decision.CONFIRMED.value, Decision.DISMISSED.value, SecondDecision.APPROVED.value})
"""Decisions that open score and reasons to who made them: *unsure*, *returned* and a reopening open nothing, so whoever
says them can still judge blind."""
BLIND_STATES: Final = frozenset({State.LEAD, State.CANDIDATE, State.UNSURE, State.RETURNED})
"""Nobody reads what others said of such a link before judging it too."""
MACHINE: Final = "machine"


@dataclass(frozen=True, slots=True)
class VisibleEndpoint:
    """One face as a person may see it; of one that is hidden, or `erased`, only id, district and contact are left."""

    face_id: str
    media_id: str | None
    case_ids: tuple[str, ...]
    box: tuple[int, ...] | None
    quality: float | None
    district: str | None
    contact: str | None
    erased: bool = False
    more_similar: int | None = None
    """Faces as similar as those proposed for it that the caps cut; None where it is hidden or nobody counted."""


@dataclass(frozen=True, slots=True)
class PastVerdict:
    """What somebody said, named as `told_name` does; `reasons` and `text` are None while they could sway the reader.

    `blind` says whether the person had not seen score or reasons of the link before; None of a reopening.
    """

    verdict_id: str
    by: str
    at: str
    decision: str
    reasons: tuple[str, ...] | None
    text: str | None
    supersedes: str | None
    blind: bool | None = None


@dataclass(frozen=True, slots=True)
class VisibleLink:
    """A link as one person may see it: what the machine measured is None until that person has decided it."""

    link_id: str
    state: State
    version: int
    proposed_by: str
    proposed_at: str
    score: float | None
    band: str | None
    model_id: str | None
    threshold: float | None
    by_mean: bool | None
    score_id: str | None
    a: VisibleEndpoint
    b: VisibleEndpoint
    gap: Gap | None = None
    history: tuple[PastVerdict, ...] = ()
    face_ids: tuple[str, ...] = ()
    """Its two faces and, where it is looked at alone, those of their victims that the person may know."""


@dataclass(frozen=True, slots=True)
class VisibleCase:
    """A case as nodes and edges; `linked` are the other cases that links or shared media lead to."""

    case: Row
    media: list[Row]
    faces: list[Row]
    links: list[VisibleLink]
    linked: list[Row]


def may_see_case(viewer: Person, case: Row) -> bool:
    """Whether the person may see the case of this row, which has its `district`."""
    return may(viewer, Permission.SEE, [case["district"]])


def may_see_link(viewer: Person, row: Row) -> bool:
    """Whether one of the two sides lies in a case that the person may see."""
    return may(viewer, Permission.SEE, (case["district"] for side in (row["a"], row["b"]) for case in side["cases"]))


def may_see_face(viewer: Person, row: Row) -> bool:
    """Whether the person may see this face's crop: a row of `queries.read.FACES`.

    It lies in their district, or is a side of a link that they see, or was returned by a search that they see.
    """
    return may(viewer, Permission.SEE, [*row["districts"], *row["linked"]]) or any(
        may(viewer, Permission.SEE_SEARCH, [asked["district"]], made_by=asked["by"]) for asked in row["returned"]
    )


def visible_endpoint(side: Row, viewer: Person, state: State | None = None) -> VisibleEndpoint:
    """The side as `viewer` may see it; once its link is approved, whole."""
    cases: list[Row] = side["cases"]
    erased = bool(side.get("stub"))
    own = [case for case in cases if may_see_case(viewer, case)]
    told = own[0] if own else min(cases, key=lambda case: (case["district"], case["contact"] or ""), default=None)
    district, contact = (told["district"], told["contact"]) if told else (None, None)
    if cases and not own and state is not State.APPROVED:
        return VisibleEndpoint(side["face_id"], None, (), None, None, district, contact, erased)
    return VisibleEndpoint(
        face_id=side["face_id"],
        media_id=side["media_id"],
        case_ids=tuple(case["case_id"] for case in (cases if state is State.APPROVED else own) if not erased),
        box=tuple(side["box"]) if side["box"] is not None else None,
        quality=side["quality"],
        district=district,
        contact=contact,
        erased=erased,
        more_similar=side.get("more_similar"),
    )


def visible_gap(a: Row | None, b: Row | None, viewer: Person, state: State | None = None) -> Gap | None:
    """How far apart two pictures were taken, of which these are the dates, as `viewer` may know it."""
    return gap_between(
        Dates.of(a), Dates.of(b), lambda district: state is State.APPROVED or may(viewer, Permission.SEE, [district])
    )


def with_visible_statements(row: Row, viewer: Person) -> Row:
    """The row of a media, with `dates`, whose `media` says when it was taken and whether it is generated by AI.

    Both by events of cases that the viewer sees, of which the latest counts; None where none of them says it.
    """

    def sees(district: str) -> bool:
        return may(viewer, Permission.SEE, [district])

    dates: Row = row.get("dates") or {"file": None, "cases": []}
    said = [case for case in dates["cases"] if case.get("ai_generated") is not None and sees(case["district"])]
    latest = max(said, key=lambda case: (case["ai_generated_told"], case["ai_generated"]), default=None)
    facts = {
        "captured_at": Dates.of(dates).known_to(sees),
        "ai_generated": None if latest is None else latest["ai_generated"],
    }
    return {**row, "media": {**row["media"], **facts}}


def visible_found_face(item: Row, viewer: Person) -> Row:
    """A face that a search returned, as `viewer` may see it: rank and place in the register, masked as a side is.

    One that an erasure took since is left with its rank and its id.
    """
    side = visible_endpoint(item, viewer)
    return {
        "rank": item["rank"], "above": item["above"], "probe_face_id": item["probe_face_id"], "face_id": side.face_id,
        "media_id": side.media_id, "case_ids": list(side.case_ids), "box": side.box, "district": side.district,
        "contact": side.contact, "erased": side.erased,
    }  # fmt: skip


def visible_media(row: Row, viewer: Person) -> Row:
    """A picture of a case that `viewer` sees, naming of its other cases those that they see too."""
    return {
        **with_visible_statements(row, viewer),
        "others": [case for case in row["others"] if may_see_case(viewer, case)],
    }


def linked_cases(case_id: str, links: Iterable[Row], media: Iterable[Row], viewer: Person) -> list[Row]:
    """The other cases, by id, each with its links by state and the number of media that it shares.

    A case that `viewer` may not see has no id: such cases stand together by district and contact, at the end. A link
    that is approved names its cases. A dismissed link connects nothing.
    """
    found: dict[tuple[str, ...], Row] = {}

    def entry(case: Row, named: bool) -> Row:
        shown = {**case, "case_id": case["case_id"] if named else None}
        key = ("", case["case_id"]) if named else ("hidden", case["district"] or "", case["contact"] or "")
        return found.setdefault(key, {**shown, "links": {}, "shared_media": 0})

    for row in links:
        state = row["link"]["state"]
        if state == State.DISMISSED:
            continue
        others = [case for side in (row["a"], row["b"]) for case in side["cases"] if case["case_id"] != case_id]
        # Two hidden cases of one side are one entry, and one link; of a stub even the own ones are hidden.
        entries = [
            entry(other, other["case_id"] is not None and (state == State.APPROVED or may_see_case(viewer, other)))
            for other in others
        ]
        for numbers in {id(each): each["links"] for each in entries}.values():
            numbers[state] = numbers.get(state, 0) + 1
    for row in media:
        entries = [entry(other, may_see_case(viewer, other)) for other in row["others"]]
        for each in {id(each): each for each in entries}.values():
            each["shared_media"] += 1
    return [found[key] for key in sorted(found)]


def has_unsealed(viewer: Person, acts: Iterable[Row]) -> bool:
    """Whether a decision of the viewer that opens a link stands; `acts` are all verdicts on it with who wrote them."""
    rows = list(acts)
    undone = {row["undoes"] for row in rows}
    return any(
        row["decision"] in UNSEALING and row["verdict_id"] not in undone and same_person(row["by"], viewer.actor)
        for row in rows
    )


def was_shown_score(viewer: Person, history: Iterable[LinkAct]) -> bool:
    """Whether the viewer was ever shown score or reasons of a link: by a decision of theirs, taken back or not, or
    because it was approved, when the reasons are open to everybody who sees it."""
    return any(
        act.decision == SecondDecision.APPROVED or (act.opened and same_person(act.by, viewer.actor)) for act in history
    )


def visible_history(state: State, opened: bool, history: Iterable[Row], viewer: Person) -> tuple[PastVerdict, ...]:
    """What a person may read of the verdicts on a link, oldest first.

    Whoever has decided it reads all, as everybody does once it is approved. Otherwise nothing while the link waits for
    a verdict; who decided what once it is confirmed or dismissed, because the state says as much, but not why, because
    a second look is still to come.
    """
    approved = state is State.APPROVED
    if not opened and state in BLIND_STATES:
        return ()
    why = opened or approved
    return tuple(
        PastVerdict(
            row["verdict_id"], display_name(viewer, Maker(row["by"], row["role"], row["district"]), approved=approved),
            row["at"], row["decision"], tuple(row["reasons"]) if why else None, row["text"] if why else None,
            row["supersedes"], row["blind"] if row["decision"] != REOPENED else None,
        )
        for row in history
    )  # fmt: skip


def visible_link(row: Row, viewer: Person, history: Iterable[Row] = ()) -> VisibleLink:
    """The link of one row of `queries.read`, whose column `acts` holds all verdicts on it.

    It must be one that the viewer sees (`sees_link`); its sides are masked here.
    """
    link, state, opened = row["link"], State(row["link"]["state"]), has_unsealed(viewer, row["acts"])
    return VisibleLink(
        link_id=link["link_id"],
        state=state,
        version=link["version"],
        proposed_by=_proposer(link, viewer),
        proposed_at=link["proposed_at"],
        score=link["score"] if opened else None,
        band=link["band"] if opened else None,
        model_id=link["model_id"] if opened else None,
        threshold=link["threshold"] if opened else None,
        by_mean=bool(link["by_mean"]) if opened else None,
        score_id=link["score_id"] if opened else None,
        a=visible_endpoint(row["a"], viewer, state),
        b=visible_endpoint(row["b"], viewer, state),
        gap=visible_gap(row["a"].get("dates"), row["b"].get("dates"), viewer, state),
        history=visible_history(state, opened, history, viewer),
    )


def poorest_first(quality_a: float | None, quality_b: float | None, link_id: str) -> tuple[float, str]:
    """The order of links wherever their scores are sealed: by the poorer of the two pictures, then by id.

    Crops are shown, so that it tells nothing that is hidden; the hardest pair is looked at with fresh eyes.
    """
    return min(-1.0 if quality is None else quality for quality in (quality_a, quality_b)), link_id


def _proposer(link: Row, viewer: Person) -> str:
    if link["proposed_by"] == MACHINE:
        return MACHINE
    maker = Maker(link["proposed_by"], Role.INVESTIGATOR, link["proposed_in"])
    return display_name(viewer, maker, approved=link["state"] == State.APPROVED)
