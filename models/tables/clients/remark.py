"""Remarks: what a person said about what they did - a reason, a note - beside the fact that tells of it."""

from uuid import UUID

from sqlmodel import Field, SQLModel

from models.sealed import SealedText


class Remark(SQLModel, table=True):
    """The words of the fact with this ``hash``, which nobody can know before it is written.

    Facts are never changed, and these can be sealed anew: so they stand apart. The fact's digest covers them, and tells
    when they were changed or removed.
    """

    __tablename__ = "remark"

    hash: str = Field(primary_key=True, max_length=64)
    client_id: UUID = Field(foreign_key="client.id", index=True)
    words: str = Field(sa_type=SealedText)
