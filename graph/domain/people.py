"""Who acts, what everyone who acts must say, and who may do what: the one place of these rules."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from graph.domain.errors import Forbidden, Invalid, NotFound
from graph.domain.text import is_blank

PURPOSE_LIMIT = 200
_ACTOR = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,99}")
RESERVED = frozenset({"machine", "link", "embed", "relay", "redthread", "system", "nobody", "somebody"})
"""Names under which the program itself acts, or that a person could be taken for."""


class Role(StrEnum):
    CASE_SYSTEM = "case_system"
    INVESTIGATOR = "investigator"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    OPERATOR = "operator"


class Permission(StrEnum):
    """What a person may want to do; each has a row in `ALLOWED`."""

    SEE = "see"
    """A case, media, face, victim, link, or what waits for a decision."""
    SEARCH = "search"
    SEE_SEARCH = "see_search"
    """A search and its answer: whoever asked, and the district of the case that it was asked for."""
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
    """Which roles may do a deed, and whether only in a district of what it is done to."""

    roles: frozenset[Role]
    in_district: bool = True
    not_who_made_it: bool = False
    or_who_made_it: bool = False
    own_anywhere: bool = False


def _rule(
    *roles: Role,
    in_district: bool = True,
    not_who_made_it: bool = False,
    or_who_made_it: bool = False,
    own_anywhere: bool = False,
) -> Rule:
    return Rule(frozenset(roles), in_district, not_who_made_it, or_who_made_it, own_anywhere)


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
    """Somebody who acts; `actor` is the name that the audit keeps, `district` where the person works."""

    actor: str
    roles: frozenset[Role] = frozenset()
    district: str | None = None


@dataclass(frozen=True, slots=True)
class Maker:
    """Who made an act, and the role and district that it was made in; these are None where nobody kept them."""

    actor: str
    role: str | None
    district: str | None

    @classmethod
    def of(cls, person: Person, deed: Permission) -> Maker:
        """The maker of an act that the person may do."""
        may_do = _roles(ALLOWED[deed]) & person.roles
        role = Role.SUPERVISOR if Role.SUPERVISOR in may_do else min(may_do, default=None)
        return cls(person.actor, role, person.district)


def same_person(one: str, other: str) -> bool:
    """Whether two names may be one person's: sign-in services differ in the case of letters. For the rule that a second
    person decides only; audit and claims keep the exact name."""
    return one.casefold() == other.casefold()


def display_name(viewer: Person, maker: Maker, *, approved: bool) -> str:
    """How the viewer is told who acted on a link: by name within the own district, and to all once it is approved.

    Until then somebody of another district is a role and a district, which no actor's name can be taken for.
    """
    at_home = maker.district is not None and maker.district == viewer.district
    if approved or at_home or maker.actor == viewer.actor:
        return maker.actor
    return f"{maker.role or 'somebody'} of {maker.district or 'another district'}"


def display_name_on_face(viewer: Person, maker: Maker, districts: Iterable[str | None]) -> str:
    """How the viewer is told who labelled or marked a face of their own district; one of a picture that lies in others
    too, as `told_name` does."""
    return display_name(viewer, maker, approved=set(districts) <= {viewer.district})


def may(person: Person, deed: Permission, districts: Iterable[str | None] = (), *, made_by: str | None = None) -> bool:
    """Whether the person may do it to something that lies in these districts and that `made_by` decided before.

    Deny by default: a deed without a row, a person without a district, a thing without districts.
    """
    rule = ALLOWED.get(deed)
    if rule is None or (rule.not_who_made_it and (made_by is None or same_person(made_by, person.actor))):
        return False
    here = not rule.in_district or (person.district is not None and person.district in set(districts))
    here = here or (rule.own_anywhere and made_by == person.actor)
    roles = rule.roles | {Role.INVESTIGATOR} if rule.or_who_made_it and made_by == person.actor else rule.roles
    return here and not roles.isdisjoint(person.roles)


def districts_of(person: Person, deed: Permission) -> frozenset[str]:
    """The districts where the person may do it to what nobody decided before: what a query may look through."""
    return frozenset({person.district} if person.district and may(person, deed, [person.district]) else ())


def check_role(person: Person, deed: Permission) -> None:
    """Refuses who may do it to nothing at all, before anything is looked up: so it tells nothing of the thing."""
    rule = ALLOWED.get(deed)
    if rule is None or _roles(rule).isdisjoint(person.roles):
        raise _forbidden(deed)


def _roles(rule: Rule) -> frozenset[Role]:
    """Who may do it to something, if not to everything."""
    return rule.roles | {Role.INVESTIGATOR} if rule.or_who_made_it else rule.roles


def check_district(person: Person, deed: Permission) -> str:
    """The person's own district; Forbidden for who may do the deed in none."""
    check_role(person, deed)
    if person.district is None:
        raise Forbidden("your sign-in names no district: there is nothing that you may see")
    return person.district


def check_may(
    person: Person, deed: Permission, districts: Iterable[str | None] = (), *, made_by: str | None = None
) -> None:
    """Refuses what `may` denies; Forbidden says what is missing without telling anything of the thing itself.

    NotFound, as for what does not exist, where the person may not even see what lies in these districts.
    """
    districts = list(districts)
    if may(person, deed, districts, made_by=made_by):
        return
    rule = ALLOWED.get(deed)
    if rule is not None and rule.in_district and not may(person, Permission.SEE, districts):
        raise NotFound("there is no such thing")
    if rule is not None and rule.not_who_made_it and made_by is not None and same_person(made_by, person.actor):
        raise Forbidden("a second person has to decide this: it was you who decided first", code="own_decision")
    raise _forbidden(deed)


def _forbidden(deed: Permission) -> Forbidden:
    return Forbidden(f"you may not {deed.value.replace('_', ' ')} this")


def check_actor(actor: str | None) -> str:
    """The name by which the audit knows a person; nobody acts without one."""
    if actor is None or not _ACTOR.fullmatch(actor) or actor.lower() in RESERVED:
        raise Forbidden("say who acts: a name of letters, digits and . _ @ -, at most 100", code="actor_missing")
    return actor


def check_purpose(purpose: str | None) -> str:
    """The stated purpose of a look at people's data; without one the look is refused."""
    text = (purpose or "").strip()
    if is_blank(text):
        raise Forbidden("say for what purpose you look", code="purpose_missing")
    if len(text) > PURPOSE_LIMIT:
        raise Invalid(f"purpose: at most {PURPOSE_LIMIT} characters, got {len(text)}")
    return text
