"""Accounts as they are answered."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from api.accounts.sessions import NewSession
from rules.enums import Role


class SignedIn(BaseModel):
    """``token`` is shown once. ``client_id``: of a client's account."""

    token: str
    role: Role
    roles: list[Role]
    expires_at: datetime
    client_id: UUID | None = None


def signed_in(new: NewSession) -> SignedIn:
    client = {} if new.client_id is None else {"client_id": new.client_id}
    return SignedIn(token=new.token, role=new.role, roles=list(new.roles), expires_at=new.expires_at, **client)
