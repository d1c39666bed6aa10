"""Changes of an account's address: asked for, confirmed at the new one, told to the former one."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from models.columns import Instant


class EmailChange(SQLModel, table=True):
    """One that is open is neither applied nor replaced by a later one; an account has one at most. ``former`` is the
    address that it had before, once it is applied."""

    __tablename__ = "email_change"

    id: UUID = Field(primary_key=True)
    account_id: UUID = Field(foreign_key="account.id", index=True)
    email: str
    email_folded: str
    former: str | None = None
    asked_at: datetime = Field(sa_type=Instant)
    confirmed_at: datetime | None = Field(default=None, sa_type=Instant)
    applied_at: datetime | None = Field(default=None, sa_type=Instant)
    replaced_at: datetime | None = Field(default=None, sa_type=Instant)
