"""People of the practice: what roles an account may have, and the short name by which timelines tell who it was."""

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from rules.accounts.accesses import AccessEvent
from rules.enums import Role

ROLES = (Role.CARE_TEAM, Role.ADMIN, Role.THERAPIST)
_LONGEST_HANDLE = 60


def wrong_with_roles(roles: Sequence[Role], *, therapist: str | None) -> list[tuple[str, str]]:
    """What is wrong, by field. ``therapist``: the slug of the profile that the account is to act for."""
    if not roles:
        return [("roles", "must name at least one")]
    if any(role not in ROLES for role in roles):
        return [("roles", f"must be of {', '.join(role.value for role in ROLES)}")]
    if (Role.THERAPIST in roles) != (therapist is not None):
        return [("therapist", "is the therapist's slug, and goes with the role therapist")]
    return []


def in_order(roles: Collection[Role]) -> list[Role]:
    """Each once, in the order in which they are told."""
    return [role for role in ROLES if role in roles]


@dataclass(frozen=True, kw_only=True)
class StaffStanding:
    """What somebody of the practice may, and by what name. ``profile``: the slug."""

    name: str | None
    roles: tuple[str, ...]
    profile: str | None


def acts_between(handle: str, former: StaffStanding, now: StaffStanding) -> list[tuple[AccessEvent, str]]:
    """What was done, each with whom or what it is about, to come from the ``former`` standing to that of ``now``."""
    acts = []
    if former.name != now.name:
        acts.append((AccessEvent.NAME_CHANGED, handle))
    if former.roles != now.roles:
        acts.append((AccessEvent.ROLES_CHANGED, handle))
    if former.profile != now.profile:
        taken, given = (AccessEvent.PROFILE_TAKEN, former.profile), (AccessEvent.PROFILE_GIVEN, now.profile)
        acts += [(event, slug) for event, slug in (taken, given) if slug is not None]
    return acts


def handle_of(name: str, *, taken: Collection[str]) -> str:
    """A short name that nobody has or had: made of the name in plain letters, with a number if need be."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST_HANDLE].strip("-") or "person"
    number, handle = 1, base
    while handle in taken:
        number += 1
        handle = f"{base}-{number}"
    return handle
