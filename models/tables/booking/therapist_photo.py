"""The picture of a therapist, as everybody may see it."""

from uuid import UUID

from sqlalchemy import LargeBinary
from sqlmodel import Field, SQLModel


class TherapistPhoto(SQLModel, table=True):
    """A JPEG, made anew from what was uploaded. ``therapist.photo`` is its hash."""

    __tablename__ = "therapist_photo"

    therapist_id: UUID = Field(primary_key=True, foreign_key="therapist.id")
    content: bytes = Field(sa_type=LargeBinary)
