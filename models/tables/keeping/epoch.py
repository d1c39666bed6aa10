"""Epochs (fencing tokens): each life of this database. A new one begins whenever it was restored from a copy."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from models.columns import Instant


class Epoch(SQLModel, table=True):
    """The one with the highest number is the present one; ``epoch`` is random, so that a copy restored twice has two.

    Workflows carry it: one of another epoch knows a past that this database does not have. Until ``compared_at`` the
    ledger may lack what Stripe did from ``missing_since`` on, and no money moves. ``told_at``: when the care team was
    told what no machine can find out. The first epoch has no past: it counts as compared, and as told. ``place``: where
    it was begun, as `models.place` has it.
    """

    __tablename__ = "epoch"

    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    epoch: UUID = Field(unique=True)
    began_at: datetime = Field(sa_type=Instant)
    missing_since: datetime = Field(sa_type=Instant)
    told_at: datetime | None = Field(default=None, sa_type=Instant)
    compared_at: datetime | None = Field(default=None, sa_type=Instant)
    marked_at: datetime | None = Field(default=None, sa_type=Instant)
    place: str
