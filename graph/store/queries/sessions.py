"""Sessions of people who are signed in to the pages."""

from typing import Final

BEGIN: Final = """
CREATE (s:Session {session_id: $session_id, actor: $actor, roles: $roles, district: $district, purpose: '',
                   wider_views: '{}', began_at: $now, seen_at: $now})
"""

FIND: Final = """
MATCH (s:Session {session_id: $session_id})
RETURN s.session_id AS session_id, s.actor AS actor, s.roles AS roles, s.district AS district, s.purpose AS purpose,
       s.wider_views AS wider_views, s.began_at AS began_at, s.seen_at AS seen_at
"""

SEEN: Final = "MATCH (s:Session {session_id: $session_id}) SET s.seen_at = $now"

STATE_PURPOSE: Final = "MATCH (s:Session {session_id: $session_id}) SET s.purpose = $purpose"

ALLOW_WIDER_VIEWS: Final = "MATCH (s:Session {session_id: $session_id}) SET s.wider_views = $wider_views"

END: Final = "MATCH (s:Session {session_id: $session_id}) DELETE s"

DELETE_OVER: Final = "MATCH (s:Session) WHERE s.seen_at < $idle_since DELETE s"
"""Deletes the sessions that nobody used since a time."""
