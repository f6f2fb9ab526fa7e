"""Sign-in of the local stack's development users to the pages, by a link with a one-time secret.

Whoever can write into the data folder makes a link: a file, named by the SHA-256 of the secret, which lists the users.
The link's first use deletes the file and gives the browser a choice among these users until it signs out or the API
ends. Without a link, or the key file beside it, the pages sign nobody in: other people of the machine reach the same
address.
"""

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from graph.atomic import write_whole
from graph.domain.people import Person, Role

LINKS: Final = "links"
"""The folder of links, beside the issuer's public key."""
LINK_S: Final = 24 * 3600.0
"""How long a link that nobody used is taken."""
CHOICE_S: Final = 12 * 3600
"""How long a browser may choose among the users."""


@dataclass(slots=True)
class DevelopmentSignIn:
    """The links in one folder, and the browsers that used one."""

    folder: Path
    _choices: dict[str, tuple[float, Mapping[str, Person]]] = field(default_factory=dict, repr=False)

    def users_of_link(self, secret: str) -> Mapping[str, Person]:
        """The users of a link that nobody has used; empty for any other secret."""
        path = self._path(secret)
        try:
            if time.time() - path.stat().st_mtime > LINK_S:
                return {}
            return {item["actor"]: _person(item) for item in json.loads(path.read_text("utf-8"))}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def use_link(self, secret: str) -> str:
        """The secret of a choice among the link's users; empty where the link was used before, or is none."""
        users = self.users_of_link(secret)
        try:
            self._path(secret).unlink()  # of two at once, one finds it gone
        except OSError:
            return ""
        if not users:
            return ""
        choice = secrets.token_urlsafe(32)
        self._choices[choice] = time.monotonic() + CHOICE_S, users
        return choice

    def users_of_choice(self, choice: str) -> Mapping[str, Person]:
        """The users among whom a browser may choose."""
        until, users = self._choices.get(choice, (0.0, {}))
        return users if until > time.monotonic() else {}

    def end_choice(self, choice: str) -> None:
        """Nobody chooses by this secret any more."""
        self._choices.pop(choice, None)

    def _path(self, secret: str) -> Path:
        return self.folder / sha256(secret.encode()).hexdigest()


def write_link(folder: Path, users: Sequence[Person]) -> str:
    """The secret of a new link, which signs in as any of these users."""
    secret = secrets.token_urlsafe(16)
    listed = [{"actor": user.actor, "roles": sorted(user.roles), "district": user.district} for user in users]
    write_whole(folder / sha256(secret.encode()).hexdigest(), json.dumps(listed))
    return secret


def _person(item: Mapping[str, Any]) -> Person:
    return Person(item["actor"], frozenset(Role(role) for role in item["roles"]), item["district"])
