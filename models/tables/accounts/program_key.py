"""Programs' keys (API keys): made by an admin, one for each program. Only hashes are kept."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlmodel import Field, SQLModel

from models.columns import Instant, Words, word
from rules.enums import Role


class ProgramKey(SQLModel, table=True):
    """``name`` is how timelines tell of the program: it is nobody else's, ever, and stays when the key has ended.

    ``former_hash`` is of the key before the last rotation, which is good until ``former_until``. ``rotation_id`` is the
    request that rotated it: said again, because its answer was lost, it rotates nothing once more.
    """

    __tablename__ = "program_key"
    __table_args__ = (CheckConstraint("role IN ('booking_site', 'care_team', 'admin')", name="role_of_a_program"),)

    id: UUID = Field(primary_key=True)
    name: str = Field(max_length=80, unique=True)
    role: Role = Field(sa_type=word(Role, name="program_key_role"))
    scopes: list[str] = Field(default_factory=list, sa_type=Words)  # of rules.accounts.programs.KeyScope; none: all
    hash: str = Field(max_length=64, unique=True)  # SHA-256 of the key, in hex
    former_hash: str | None = Field(default=None, max_length=64, unique=True)
    former_until: datetime | None = Field(default=None, sa_type=Instant)
    rotation_id: UUID | None = None
    made_at: datetime = Field(sa_type=Instant)
    made_by: str
    rotated_at: datetime | None = Field(default=None, sa_type=Instant)
    expires_at: datetime | None = Field(default=None, sa_type=Instant)
    last_used_at: datetime | None = Field(default=None, sa_type=Instant)  # to some minutes
    revoked_at: datetime | None = Field(default=None, sa_type=Instant)
