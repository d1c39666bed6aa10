"""Post-session notes: one per appointment, its therapist's, private unless shared."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from models.columns import Instant
from models.sealed import SealedText


class SessionNote(SQLModel, table=True):
    __tablename__ = "session_note"
    __table_args__ = (Index("notes_of_client", "client_id", "written_at", "id"),)

    id: UUID = Field(primary_key=True)
    appointment_id: UUID = Field(foreign_key="appointment.id", unique=True)
    client_id: UUID = Field(foreign_key="client.id")
    therapist_id: UUID = Field(foreign_key="therapist.id")
    text: str = Field(sa_type=SealedText)
    shared: bool = False
    written_by: str
    written_at: datetime = Field(sa_type=Instant)
    changed_at: datetime | None = Field(default=None, sa_type=Instant)
    shared_at: datetime | None = Field(default=None, sa_type=Instant)
