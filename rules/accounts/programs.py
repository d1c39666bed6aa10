"""Programs that have a key: which roles they come in, and what narrows a key within its role (scopes).

A key without scopes may all that its role may. What anybody may, with no key at all, is narrowed by none.
"""

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType

from rules.enums import Role

KEY_ROLES = (Role.BOOKING_SITE, Role.CARE_TEAM, Role.ADMIN)


class KeyScope(StrEnum):
    START_JOURNEYS = "start_journeys"  # begin one, and be given its client's pass
    HOLD_SLOTS = "hold_slots"  # hold a time, and release it
    BOOK = "book"  # beside whoever's token: what a client's pass opens
    PORTAL = "portal"  # beside whoever's token: all that the person may
    READ_EVENTS = "read_events"  # what has changed, of all clients
    READ = "read"  # look, and change nothing


SCOPES_OF: Mapping[Role, tuple[KeyScope, ...]] = MappingProxyType(
    {
        Role.BOOKING_SITE: (
            KeyScope.START_JOURNEYS,
            KeyScope.HOLD_SLOTS,
            KeyScope.BOOK,
            KeyScope.PORTAL,
            KeyScope.READ_EVENTS,
        ),
        Role.CARE_TEAM: (KeyScope.READ,),
        Role.ADMIN: (KeyScope.READ,),
    }
)


def wrong_with_key(role: Role, scopes: Collection[KeyScope]) -> list[tuple[str, str]]:
    """What is wrong with a key of this role, by field."""
    if role not in KEY_ROLES:
        return [("role", f"must be one of {', '.join(KEY_ROLES)}")]
    if any(scope not in SCOPES_OF[role] for scope in scopes):
        return [("scopes", f"must be of {', '.join(SCOPES_OF[role])} for the role {role}")]
    return []


def scopes_in_order(scopes: Collection[KeyScope]) -> Sequence[KeyScope]:
    """Each once, in the order in which they are told."""
    return [scope for scope in KeyScope if scope in scopes]
