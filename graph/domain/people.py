"""People, roles and permissions: who may do what in which district, and what an actor must state."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self
from unicodedata import normalize

from graph.domain.errors import Forbidden, Invalid, NotFound
from graph.domain.text import is_blank

PURPOSE_LIMIT = 200
CLAIM_PURPOSE: Final = "claim:"
"""Prefix of a purpose that names a claim."""
_ACTOR = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,99}")
RESERVED = frozenset({"machine", "link", "embed", "relay", "redthread", "system", "nobody", "somebody"})
"""Names of the program's own actors, and placeholders for unnamed people; no person may have them."""


class Role(StrEnum):
    CASE_SYSTEM = "case_system"
    INVESTIGATOR = "investigator"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    OPERATOR = "operator"


class Permission(StrEnum):
    """An action that a rule in `ALLOWED` governs."""

    SEE = "see"
    """Read a case, media, face, victim, link, or the queues."""
    SEARCH = "search"
    SEE_SEARCH = "see_search"
    """Read a search and its answer: its asker anywhere, others in the district of the asking case."""
    END_SEARCH = "end_search"
    UPLOAD = "upload"
    JUDGE = "judge"
    APPROVE = "approve"
    REOPEN = "reopen"
    LABEL = "label"
    MARK = "mark"
    IDENTIFY = "identify"
    APPROVE_IDENTIFICATION = "approve_identification"
    ERASE = "erase"
    READ_AUDIT = "read_audit"
    READ_COUNTS = "read_counts"
    READ_QUARANTINE = "read_quarantine"
    REPLAY = "replay"


@dataclass(frozen=True, slots=True)
class Rule:
    """Which roles have a permission, and whether only in a district of the object.

    `not_who_made_it`: never on one's own decision (four eyes). `or_who_made_it`: also an investigator on their own
    decision. `own_anywhere`: on one's own object in any district.
    """

    roles: frozenset[Role]
    in_district: bool = True
    not_who_made_it: bool = False
    or_who_made_it: bool = False
    own_anywhere: bool = False


def _rule(*roles: Role, **conditions: bool) -> Rule:
    return Rule(frozenset(roles), **conditions)


ALLOWED: Mapping[Permission, Rule] = {
    Permission.SEE: _rule(Role.INVESTIGATOR, Role.SUPERVISOR),
    Permission.SEARCH: _rule(Role.INVESTIGATOR, Role.SUPERVISOR),
    Permission.SEE_SEARCH: _rule(Role.INVESTIGATOR, Role.SUPERVISOR, own_anywhere=True),
    Permission.END_SEARCH: _rule(Role.SUPERVISOR, or_who_made_it=True, own_anywhere=True),
    Permission.UPLOAD: _rule(Role.INVESTIGATOR, Role.SUPERVISOR),
    Permission.JUDGE: _rule(Role.INVESTIGATOR),
    Permission.APPROVE: _rule(Role.SUPERVISOR, not_who_made_it=True),
    Permission.REOPEN: _rule(Role.SUPERVISOR, or_who_made_it=True),
    Permission.LABEL: _rule(Role.INVESTIGATOR),
    Permission.MARK: _rule(Role.INVESTIGATOR),
    Permission.IDENTIFY: _rule(Role.INVESTIGATOR),
    Permission.APPROVE_IDENTIFICATION: _rule(Role.SUPERVISOR, not_who_made_it=True),
    Permission.ERASE: _rule(Role.SUPERVISOR),
    Permission.READ_AUDIT: _rule(Role.AUDITOR, in_district=False),
    Permission.READ_COUNTS: _rule(Role.OPERATOR, in_district=False),
    Permission.READ_QUARANTINE: _rule(Role.OPERATOR, in_district=False),
    Permission.REPLAY: _rule(Role.OPERATOR, in_district=False),
}


@dataclass(frozen=True, slots=True)
class Person:
    """A signed-in person; `actor` is the name in the audit, `district` where the person works."""

    actor: str
    roles: frozenset[Role] = frozenset()
    district: str | None = None


@dataclass(frozen=True, slots=True)
class Maker:
    """Who made a decision, with role and district at that time; None where these were not recorded."""

    actor: str
    role: str | None
    district: str | None

    @classmethod
    def of(cls, person: Person, permission: Permission) -> Self:
        """The maker of a decision by this person under this permission."""
        may_do = _roles(ALLOWED[permission]) & person.roles
        role = Role.SUPERVISOR if Role.SUPERVISOR in may_do else min(may_do, default=None)
        return cls(person.actor, role, person.district)


def same_person(one: str, other: str) -> bool:
    """Whether two names may belong to one person: sign-in services differ in the case of letters.

    Only for the four-eyes rule; audit and claims compare exact names.
    """
    return one.casefold() == other.casefold()


def display_name(viewer: Person, maker: Maker, *, approved: bool) -> str:
    """How a viewer sees the maker of a decision: by name within the own district, and everywhere once it is approved.

    Otherwise role and district, in a form that is never a valid actor name.
    """
    at_home = maker.district is not None and maker.district == viewer.district
    if approved or at_home or maker.actor == viewer.actor:
        return maker.actor
    return f"{maker.role or 'somebody'} of {maker.district or 'another district'}"


def display_name_on_face(viewer: Person, maker: Maker, districts: Iterable[str | None]) -> str:
    """How a viewer sees who labelled or marked a face in `districts`: by name if it lies in their own district alone.

    Otherwise as `display_name`.
    """
    return display_name(viewer, maker, approved=set(districts) <= {viewer.district})


def may(
    person: Person, permission: Permission, districts: Iterable[str | None] = (), *, made_by: str | None = None
) -> bool:
    """Whether the person has the permission on an object in these districts that `made_by` decided before.

    Denied by default: a permission without a rule, a person without a district, an object without districts.
    """
    rule = ALLOWED.get(permission)
    if rule is None or (rule.not_who_made_it and (made_by is None or same_person(made_by, person.actor))):
        return False
    here = not rule.in_district or (person.district is not None and person.district in set(districts))
    here = here or (rule.own_anywhere and made_by == person.actor)
    roles = rule.roles | {Role.INVESTIGATOR} if rule.or_who_made_it and made_by == person.actor else rule.roles
    return here and not roles.isdisjoint(person.roles)


def districts_of(person: Person, permission: Permission) -> frozenset[str]:
    """The districts in which the person has the permission on undecided objects: the scope of a query."""
    return frozenset({person.district} if person.district and may(person, permission, [person.district]) else ())


def check_role(person: Person, permission: Permission) -> None:
    """Raises Forbidden if no role of the person has the permission anywhere.

    Runs before any lookup, so the answer cannot reveal whether the object exists.
    """
    rule = ALLOWED.get(permission)
    if rule is None or _roles(rule).isdisjoint(person.roles):
        raise _forbidden(permission)


def _roles(rule: Rule) -> frozenset[Role]:
    """The roles that have the permission on some object at least."""
    return rule.roles | {Role.INVESTIGATOR} if rule.or_who_made_it else rule.roles


def check_district(person: Person, permission: Permission) -> str:
    """The person's district; Forbidden for a person without one, or without the permission in any."""
    check_role(person, permission)
    if person.district is None:
        raise Forbidden("your sign-in names no district: there is nothing that you may see")
    return person.district


def check_may(
    person: Person, permission: Permission, districts: Iterable[str | None] = (), *, made_by: str | None = None
) -> None:
    """Raises Forbidden, without facts about the object, where `may` denies the permission.

    NotFound, as for an object that does not exist, where the person may not even see objects in these districts.
    """
    districts = list(districts)
    if may(person, permission, districts, made_by=made_by):
        return
    rule = ALLOWED.get(permission)
    if rule is not None and rule.in_district and not may(person, Permission.SEE, districts):
        raise NotFound("there is no such thing")
    if rule is not None and rule.not_who_made_it and made_by is not None and same_person(made_by, person.actor):
        raise Forbidden("a second person has to decide this: it was you who decided first", code="own_decision")
    raise _forbidden(permission)


def _forbidden(permission: Permission) -> Forbidden:
    return Forbidden(f"you may not do this: it needs the right to {permission.value.replace('_', ' ')}")


def check_actor(actor: str | None) -> str:
    """The actor name, if it is valid for the audit; else Forbidden."""
    if actor is None or not _ACTOR.fullmatch(actor) or actor.lower() in RESERVED:
        raise Forbidden("say who acts: a name of letters, digits and . _ @ -, at most 100", code="actor_missing")
    return actor


def check_stated(name: str, text: str) -> None:
    """Raises Invalid for a legal basis or the reason of an act that says nothing, or is too long."""
    if is_blank(text) or len(text.strip()) > PURPOSE_LIMIT:
        raise Invalid(f"{name}: from 1 to {PURPOSE_LIMIT} characters")


def check_purpose(purpose: str | None) -> str:
    """The stated purpose of an access; Forbidden without one, Invalid for one that is too long."""
    text = (purpose or "").strip()
    if is_blank(text):
        raise Forbidden("say for what purpose you look", code="purpose_missing")
    if len(text) > PURPOSE_LIMIT:
        raise Invalid(f"purpose: at most {PURPOSE_LIMIT} characters, got {len(text)}")
    return text


def check_own_words(purpose: str | None) -> str:
    """`check_purpose`; Invalid also for one that reads like a claim: that is a purpose only while it is held."""
    stated = check_purpose(purpose)
    if normalize("NFKC", stated).casefold().startswith(CLAIM_PURPOSE):
        raise Invalid("purpose: say it in words, and not as a claim")
    return stated
