"""Accounts as they are answered."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from api.access_log.marking import OfClient
from api.accounts.signing_in.sessions import NewSession
from api.views.base import View
from rules.accounts.accesses import AccessEvent, AccessKind
from rules.accounts.openings import OpeningKind
from rules.enums import Role


class SignedIn(BaseModel):
    """``token`` is shown once. ``device`` is to be shown with the next sign-in from the same device, for 90 days.
    ``client_id``: of a client's account."""

    token: str
    role: Role
    roles: list[Role]
    expires_at: datetime
    device: str
    client_id: UUID | None = None


def signed_in(new: NewSession) -> SignedIn:
    client = {} if new.client_id is None else {"client_id": new.client_id}
    return SignedIn(
        token=new.token,
        role=new.role,
        roles=list(new.roles),
        expires_at=new.expires_at,
        device=new.device,
        **client,
    )


class AccessView(View):
    """A line of the access log. ``name`` is what ``who`` is called now; of a sign-in that failed both are a digest of
    the address. ``about``: of an act, the person (a handle, a client's id), the program or the therapist's profile.
    ``token_by``: of a therapist's program, who made its token.
    ``whose`` are clients' ids. ``count``: how often, within a quarter of an hour; of the use of a key it is not known.
    ``visitor`` is the same for the same visitor, ``network`` an address that was cut. ``signed`` is false where
    somebody wrote or changed the line without the keys."""

    id: UUID
    at: datetime
    event: AccessEvent
    who: str
    name: str
    role: str | None
    about: str | None
    token_by: str | None
    kind: AccessKind | None
    whose: list[UUID]
    count: int | None
    visitor: str | None
    network: str | None
    request_id: str
    signed: bool


class OpeningView(View, OfClient):
    """``opened_by`` is how the timeline names who opened it, under their ``role``. ``closed_at``, ``closed_by``: who
    ended it before ``ends_at``."""

    id: UUID
    client_id: UUID
    what: OpeningKind
    reason: str
    opened_by: str
    role: Role
    opened_at: datetime
    ends_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    in_force: bool


class LookedView(View):
    """That somebody looked at a client's data, as the client is shown it."""

    at: datetime
    name: str
    role: str | None
    kind: AccessKind
