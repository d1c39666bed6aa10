"""Accounts as they are answered."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from api.accounts.sessions import NewSession
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
