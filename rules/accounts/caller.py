"""Who asks: the one value that queries, rules and the timeline share.

It runs inside workflows: docs/changing-a-workflow.md says how it is changed.
"""

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, field

from rules.enums import Role
from rules.plain_text import one_line


@dataclass(frozen=True, kw_only=True)
class Voucher:
    """Somebody's word, who has the key, that a message is by whom it names (``rules.accounts.vouching``).

    ``message`` is its name: as the workflow that took it in knows it, not as it was typed. ``mac`` is the code, in hex.
    """

    message: str
    mac: str


@dataclass(frozen=True, kw_only=True)
class Caller:
    """A program or a person with a role.

    ``name`` is the service key's name, or an opaque id for people. ``client_id`` is set for clients, ``therapist``
    (the slug) for therapists. ``by_pass``: a client who is known by a pass alone. ``known_as`` is how the timeline
    names whoever has no better name. ``voucher`` is there while a message of theirs is under way.
    """

    role: Role
    name: str
    client_id: str | None = None
    therapist: str | None = None
    known_as: str | None = None
    by_pass: bool = False
    voucher: Voucher | None = field(default=None, compare=False, repr=False)

    @property
    def actor(self) -> str:
        """How the timeline names this caller, for example ``care_team:desk`` or ``therapist:ana-silva``."""
        how = " by pass" if self.by_pass else ""
        return self.known_as or f"{self.role.value}:{self.therapist or self.client_id or self.name}{how}"

    @property
    def is_practice(self) -> bool:
        return self.role.is_practice

    @property
    def is_known(self) -> bool:
        """Whether it is known who it is: of whoever acts in the engine's UI it is not."""
        return self.name != VIA_TEMPORAL

    @property
    def is_care_team(self) -> bool:
        """Those who see every client. Admins see none."""
        return self.role is Role.CARE_TEAM

    @property
    def keeps_profiles(self) -> bool:
        """The care team and admins: those who look after the profile and the hours of every therapist."""
        return self.role in (Role.CARE_TEAM, Role.ADMIN)


def client_caller(client_id: str, *, by_pass: bool = False) -> Caller:
    return Caller(role=Role.CLIENT, name=client_id, client_id=client_id, by_pass=by_pass)


def therapist_caller(slug: str) -> Caller:
    return Caller(role=Role.THERAPIST, name=slug, therapist=slug)


def staff_callers(handle: str, roles: Collection[Role], therapist: str | None) -> tuple[Caller, ...]:
    """A caller for each role of a person of the practice, in the order in which they are asked what they see: the care
    team, which sees most; an admin, who sees what is the house's and no client; the therapist. In each the timeline
    names them by that role.

    ``therapist`` is the slug of a therapist's profile, without which nobody acts as one.
    """
    named = tuple(Caller(role=role, name=handle) for role in (Role.CARE_TEAM, Role.ADMIN) if role in roles)
    return (*named, therapist_caller(therapist)) if therapist is not None and Role.THERAPIST in roles else named


# Who did what nobody asked for: this program, and Stripe (an event of its own, or somebody in its dashboard).
SYSTEM = "system"
STRIPE = "stripe"
VIA_TEMPORAL = "via Temporal"
_LONGEST_IDENTITY = 100


def via_temporal(identity: str | None) -> str:
    """How the timeline names a sender who did not say who they are, by the identity that the engine has of them."""
    shown = one_line(identity or "")[:_LONGEST_IDENTITY].strip()
    return f"{VIA_TEMPORAL} ({shown})" if shown else VIA_TEMPORAL


def through_temporal(identity: str | None = None) -> Caller:
    """Whoever acts in the engine's UI or by its command line: staff, with the practice's rights."""
    return Caller(role=Role.CARE_TEAM, name=VIA_TEMPORAL, known_as=via_temporal(identity))


def fold_email(address: str) -> str:
    """The address as two spellings of it compare: Unicode-normalised and case-folded, without spaces around it.

    A domain compares the same in Unicode and in its ``xn--`` spelling. Of a domain only the case is folded: two that
    differ in ``ß`` and ``ss`` belong to different people.
    """
    local, at, domain = unicodedata.normalize("NFKC", address).strip().rpartition("@")
    folded = unicodedata.normalize("NFKC", local.casefold())
    return f"{folded}{at}{_fold_domain(domain)}" if at else unicodedata.normalize("NFKC", domain.casefold())


def _fold_domain(domain: str) -> str:
    labels = domain.lower().replace("\u3002", ".").split(".")
    return unicodedata.normalize("NFKC", ".".join(_unicode_of(label) for label in labels)).lower()


def _unicode_of(label: str) -> str:
    """A label of a domain as people read it; one that only looks encoded stays as it is."""
    if not label.startswith(_ENCODED):
        return label
    try:
        read = label.removeprefix(_ENCODED).encode("ascii").decode("punycode")
    except UnicodeError:
        return label
    return read if read.isprintable() and not read.isascii() else label


_ENCODED = "xn--"
