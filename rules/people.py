"""Who asks: the one value that queries, rules and the timeline share."""

import unicodedata
from dataclasses import dataclass

from rules.words import Role


@dataclass(frozen=True, kw_only=True)
class Caller:
    """A program or a person with a role.

    ``name`` is the service key's name, or an opaque id for people. ``client_id`` is set for clients, ``therapist``
    (the slug) for therapists.
    """

    role: Role
    name: str
    client_id: str | None = None
    therapist: str | None = None

    @property
    def actor(self) -> str:
        """How the timeline names this caller, for example ``care_team:desk`` or ``therapist:ana-silva``."""
        return f"{self.role.value}:{self.therapist or self.client_id or self.name}"

    @property
    def is_practice(self) -> bool:
        return self.role.is_practice

    @property
    def is_staff(self) -> bool:
        """The care team and admins: those who see every client."""
        return self.role in (Role.CARE_TEAM, Role.ADMIN)


SYSTEM = "system"
VIA_TEMPORAL = "via Temporal"


def fold_email(address: str) -> str:
    """The address as two spellings of it compare: Unicode-normalised, case-folded, without spaces around it."""
    return unicodedata.normalize("NFKC", address).strip().casefold()
